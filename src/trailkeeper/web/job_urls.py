"""The addresses of the pages of job history."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote, urlencode

from msgspec import Struct

from trailkeeper.jobs.listing import PARAMS
from trailkeeper.web.urls import Pairs, overruled_times

JOBS = "/jobs"


class JobAddress(Struct, frozen=True):
    """The filter of the list as URL parameters, tidy: nothing empty, nothing twice."""

    pairs: Pairs = ()

    @classmethod
    def read(cls, pairs: Iterable[tuple[str, str]]) -> JobAddress:
        """The tidy form of what a browser sent; parameters of others are left out."""
        given = [(n, v.strip()) for n, v in pairs if n in PARAMS and v.strip()]
        last = dict(given)
        dropped = overruled_times(last)
        kept = ((n, v if n == "status" else last[n]) for n, v in given if n not in dropped)
        return cls(tuple(dict.fromkeys(kept)))

    def values(self, param: str) -> list[str]:
        return [value for name, value in self.pairs if name == param]

    def value(self, param: str) -> str:
        """The value of a parameter that is given at most once; empty without one."""
        return next(iter(self.values(param)), "")

    def without(self, *params: str) -> JobAddress:
        return JobAddress(tuple(pair for pair in self.pairs if pair[0] not in params))

    def without_pair(self, param: str, value: str) -> JobAddress:
        return JobAddress(tuple(pair for pair in self.pairs if pair != (param, value)))

    def only_recipe(self, recipe_id: str) -> JobAddress:
        """The same list with jobs of this recipe only."""
        return JobAddress((*self.without("recipe_id").pairs, ("recipe_id", recipe_id)))

    def href(self, **extra: str) -> str:
        """The list's path with the filter, and parameters that are not the filter's."""
        query = urlencode((*self.pairs, *extra.items()))
        return f"{JOBS}?{query}" if query else JOBS


def jobs_of_recipe(recipe_id: str) -> str:
    """The list of one recipe's jobs."""
    return JobAddress().only_recipe(recipe_id).href()


def job_path(job_id: str) -> str:
    """The page of a job."""
    return f"{JOBS}/{quote(job_id, safe='')}"
