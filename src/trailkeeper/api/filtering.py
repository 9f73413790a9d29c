"""The filter's parameters, for each route that takes them."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi.spec import Example
from litestar.params import FromQuery, QueryParameter

from trailkeeper.errors import FieldError, InvalidParameter
from trailkeeper.query.filters import Filter
from trailkeeper.query.params import FILTER_PARAMS, ParamError, parse_params

OWN_PARAMS = "own_params"
"""The key of a route's `opt` with the names of the parameters that it has beside the filter's."""

ApiRequest = Request[Any, Any, State]

Text = Annotated[
    list[str] | None, QueryParameter(description="Several of one name are alternatives")
]


def asked_filter(
    request: ApiRequest,
    action: Text = None,
    category: Text = None,
    actor: Text = None,
    target: Text = None,
    target_type: Text = None,
    outcome: Text = None,
    ip: Text = None,
    environment: Text = None,
    source: Text = None,
    session: Text = None,
    from_: Annotated[str | None, QueryParameter(name="from", description="RFC 3339")] = None,
    to: FromQuery[str | None] = None,
    tz: FromQuery[str | None] = None,
    range_: Annotated[
        str | None, QueryParameter(name="range", description="1h, 24h, 7d, 30d or any")
    ] = None,
    q: Annotated[
        str | None,
        QueryParameter(
            description="The query language",
            examples=[Example(value='action:recipe.* -actor:robin@example.com "sync sku"')],
        ),
    ] = None,
) -> Filter:
    """The filter that a request asks for. Raises InvalidParameter, for unknown parameters too."""
    # All parameters stand in the signature for OpenAPI; the one filter parses them itself.
    del action, category, actor, target, target_type, outcome, ip, environment, source, session
    del from_, to, tz, range_, q
    pairs = list(request.query_params.multi_items())
    known = (*FILTER_PARAMS, *request.route_handler.opt[OWN_PARAMS])
    for name, _ in pairs:
        if name not in known:
            detail = f"is not a parameter of this route; there are {', '.join(known)}"
            raise invalid(name[:80], detail)
    try:
        return parse_params(pairs)
    except ParamError as error:
        raise invalid(error.param, str(error)) from None


ASKED = {"asked": Provide(asked_filter, sync_to_thread=False)}
"""The dependency of these routes."""


def invalid(parameter: str, detail: str) -> InvalidParameter:
    return InvalidParameter(f"`{parameter}` {detail}", FieldError(detail, parameter=parameter))
