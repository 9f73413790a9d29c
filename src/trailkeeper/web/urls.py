"""The Audit page's state in its URL, and the same URL with one thing changed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import ClassVar, Self
from urllib.parse import urlencode

from msgspec import Struct

from trailkeeper.query.params import FILTER_PARAMS

Pairs = tuple[tuple[str, str], ...]

HOME = "/"
AUDIT = "/audit"
ARCHIVE = "/audit/archive"
EXPORTS = "/audit/exports"
_PLAIN_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.~-]*")
_OWN = frozenset({"archive", "chart", "choices", "counts", "exports"})
"""What an activity's id in the path would be taken for."""

_SINGLE = frozenset({"range", "from", "to", "tz", "q", "outcome"})


class Address(Struct, frozen=True):
    """The filter of an Audit page as URL parameters, tidy: nothing empty, nothing twice.

    Changing the filter starts at the newest activity again, so neither `open` nor `cursor` are
    part of it.
    """

    path: ClassVar[str] = AUDIT
    pairs: Pairs = ()

    @classmethod
    def read(cls, pairs: Iterable[tuple[str, str]]) -> Self:
        """The tidy form of what a browser sent; parameters of others are left out.

        A form sends the fields of the custom range whether it is chosen or not: a named range
        wins over them, and a time zone without a time says nothing.
        """
        given = [(n, v.strip()) for n, v in pairs if n in FILTER_PARAMS and v.strip()]
        dropped = overruled_times(dict(given))
        kept = [(n, v) for n, v in given if n not in dropped]
        last = {n: v for n, v in kept if n in _SINGLE}
        return cls(tuple(dict.fromkeys((n, last.get(n, v)) for n, v in kept)))

    def values(self, param: str) -> list[str]:
        return [value for name, value in self.pairs if name == param]

    def value(self, param: str) -> str:
        """The value of a parameter that is given at most once; empty without one."""
        return next(iter(self.values(param)), "")

    def plus(self, param: str, value: str) -> Self:
        """With this value too; a parameter that takes one value has its old one replaced."""
        base = self.without(param) if param in _SINGLE else self
        return type(self)(tuple(dict.fromkeys((*base.pairs, (param, value)))))

    def only(self, param: str, value: str) -> Self:
        """With this value and no other of the same parameter."""
        return self.without(param).plus(param, value)

    def without(self, param: str, value: str | None = None) -> Self:
        """Without one value of a parameter, or without the parameter."""
        return type(self)(
            tuple((n, v) for n, v in self.pairs if n != param or value not in (None, v))
        )

    def without_time(self) -> Self:
        return type(self)(tuple(p for p in self.pairs if p[0] not in ("range", "from", "to", "tz")))

    @property
    def query(self) -> str:
        return urlencode(self.pairs)

    @property
    def href(self) -> str:
        return self.with_extra()

    def with_extra(self, **extra: str) -> str:
        """The page's path with the filter and parameters that are not the filter's."""
        query = _encoded((*self.pairs, *extra.items()))
        return f"{self.path}?{query}" if query else self.path

    def opened(self, activity_id: str) -> str:
        """The listing with this activity open beside it."""
        return self.with_extra(open=activity_id)

    def activity(self, activity_id: str) -> str:
        """The activity's own page, from which this listing can be gone back to."""
        if not _is_plain(activity_id):
            return self.opened(activity_id)
        return activity_path(activity_id) + (f"?{self.query}" if self.pairs else "")


class ArchiveAddress(Address, frozen=True):
    """The same of the archive's page. There an activity is opened by its seq, which tells the file
    that it is in."""

    path: ClassVar[str] = ARCHIVE

    def opened(self, activity_id: str) -> str:
        return self.with_extra(open=activity_id)

    def activity(self, activity_id: str) -> str:
        return archived_path(int(activity_id)) + (f"?{self.query}" if self.pairs else "")


def archived_path(seq: int) -> str:
    """The permanent link of an archived activity."""
    return f"{ARCHIVE}/{seq}"


def overruled_times(given: dict[str, str]) -> set[str]:
    """Which parameters of time say nothing beside the others that were given."""
    chosen = given.get("range")
    dropped: set[str] = set()
    if chosen not in (None, "custom"):
        dropped = {"from", "to", "tz"}
    elif "from" not in given and "to" not in given:
        dropped = {"tz", "range"}
    if chosen == "any":
        dropped.add("range")
    return dropped


def activity_path(activity_id: str) -> str:
    """The permanent link of an activity.

    Ids are the senders' own: one that a path cannot hold, such as `a/b`, is opened in the listing.
    """
    if _is_plain(activity_id):
        return f"{AUDIT}/{activity_id}"
    return f"{AUDIT}?{urlencode({'open': activity_id})}"


@lru_cache(maxsize=4_096)
def _encoded(pairs: Pairs) -> str:
    """A page has the same links many times: everyone acts more than once."""
    return urlencode(pairs)


def _is_plain(activity_id: str) -> bool:
    return bool(_PLAIN_ID.fullmatch(activity_id)) and activity_id not in _OWN


def export_path(address: Address) -> str:
    """Where what a filter finds can be exported."""
    return f"{EXPORTS}?{address.query}" if address.pairs else EXPORTS


def own_path(path: str) -> str:
    """`path` if it leads to a page of this site, else the first page.

    Browsers read `//host`, `/\\host` and paths with tabs or line breaks as other sites, so
    anything but plain printable ASCII after one slash is refused.
    """
    fine = (
        path.startswith("/")
        and not path.startswith("//")
        and "\\" not in path
        and path.isascii()
        and path.isprintable()
        and len(path) <= 2_000
    )
    return path if fine and not path.startswith(("/login", "/logout")) else HOME
