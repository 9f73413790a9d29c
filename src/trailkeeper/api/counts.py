"""GET /api/v1/activities/histogram and /facets: how many there are, over time and by value."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, cast

from litestar import get
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from msgspec import Struct

from trailkeeper.activity import from_us
from trailkeeper.api.auth import READ_LOG, caller_of
from trailkeeper.api.filtering import ASKED, OWN_PARAMS, ApiRequest, invalid
from trailkeeper.api.services import ApiServices, installation_of
from trailkeeper.catalogue import humanise
from trailkeeper.catalogue.vocabulary import Vocabulary
from trailkeeper.ledger.facets import FACETS, FacetName, FacetValue
from trailkeeper.query.buckets import AUTO, Interval
from trailkeeper.query.filters import Filter
from trailkeeper.query.params import ParamError, zone_of

TOP_DEFAULT = 10
TOP_MAX = 50


class Bucket(Struct, frozen=True):
    """How many activities there are from `start` to the next bucket's, and how many failed."""

    start: datetime
    count: int
    failures: int


class Histogram(Struct, frozen=True, rename={"from_": "from"}):
    """The buckets cover the range from `from` to before `to`, the empty ones too. Not `exact`:
    activities older than the newest 100,000 that match were not counted."""

    interval: Interval
    from_: datetime | None
    to: datetime | None
    buckets: list[Bucket]
    total: int
    exact: bool


class Value(Struct, frozen=True):
    """A value as the parameter of the facet's name takes it, and as a reader would call it."""

    value: str
    label: str
    count: int


class Facets(Struct, frozen=True):
    """By facet its most frequent values. `sampled` names the facets that count only the newest
    5,000 activities that match; `exact` says that there are none, and that `total` is exact."""

    facets: dict[str, list[Value]]
    total: int
    exact: bool
    sampled: list[str]


@get(
    "/activities/histogram",
    opt={"permission": READ_LOG, OWN_PARAMS: ("interval",)},
    dependencies=ASKED,
    sync_to_thread=True,
    summary="Count activities over time",
)
def get_histogram(
    request: ApiRequest,
    asked: NamedDependency[Filter],
    interval: Annotated[
        str, QueryParameter(description="auto, minute, hour, day, week or month")
    ] = AUTO,
) -> Histogram:
    """Takes the filter of the list. Days begin at midnight in the zone `tz`, weeks on Monday.
    `auto` gives 120 buckets at most where it can; more than 1,000 are refused."""
    services: ApiServices = request.app.state["api"]
    try:
        zone = zone_of(request.query_params.multi_items())
        found = services.reader.histogram(caller_of(request).workspace, asked, interval, zone)
    except ParamError as error:
        raise invalid(error.param, str(error)) from None
    return Histogram(
        found.interval,
        None if found.since is None else from_us(found.since),
        None if found.until is None else from_us(found.until),
        [Bucket(from_us(one.start), one.count, one.failures) for one in found.buckets],
        found.total,
        found.exact,
    )


@get(
    "/activities/facets",
    opt={"permission": READ_LOG, OWN_PARAMS: ("facet", "limit")},
    dependencies=ASKED,
    sync_to_thread=True,
    summary="The most frequent values of what matches",
)
def get_facets(
    request: ApiRequest,
    asked: NamedDependency[Filter],
    facet: Annotated[
        list[str] | None, QueryParameter(description=f"Any of {', '.join(FACETS)}; default: all")
    ] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=TOP_MAX)] = TOP_DEFAULT,
) -> Facets:
    """Takes the filter of the list. The facet of a field leaves that field's own alternatives out
    of the filter, so that it shows what could be chosen beside them."""
    services: ApiServices = request.app.state["api"]
    for name in facet or ():
        if name not in FACETS:
            raise invalid("facet", f"is `{name[:40]}`, must be one of {', '.join(FACETS)}")
    names = cast("list[FacetName]", list(dict.fromkeys(facet or FACETS)))
    workspace = caller_of(request).workspace
    found = services.reader.facets(workspace, asked, names, limit=limit)
    words = installation_of(request).actions.vocabulary(workspace)
    return Facets(
        {
            name: [Value(one.value, _label(name, one, words), one.count) for one in values]
            for name, values in found.values.items()
        },
        found.total,
        found.exact,
        list(found.sampled),
    )


def _label(name: FacetName, one: FacetValue, words: Vocabulary) -> str:
    if name == "action":
        return words.label_of(one.value)
    if name in ("target_type", "outcome"):
        return humanise(one.value)
    return one.label or one.value
