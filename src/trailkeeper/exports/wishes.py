"""From the words of a request, a form or a command to what is wished for."""

from __future__ import annotations

from collections.abc import Iterable

from trailkeeper.errors import FieldError, InvalidInput
from trailkeeper.exports.export import Wish
from trailkeeper.exports.kinds import check_kind
from trailkeeper.ledger.dump import Order, frozen
from trailkeeper.query.params import FILTER_PARAMS, ParamError, parse_params

PARAMS_MAX = 16 * 1024
"""Characters of all of a filter's parameters together."""


def wish_of(
    format: str,
    compression: str = "none",
    order: str = "desc",
    params: Iterable[tuple[str, str]] = (),
) -> Wish:
    """What these words ask for. `params` are those of the filter; a range such as `24h` means the
    one that ends now. Raises InvalidInput with a pointer to the field that is wrong."""
    kind, packing = check_kind(format, compression)
    known: dict[str, Order] = {"desc": "desc", "asc": "asc"}
    if order not in known:
        detail = f"is `{order[:40]}`, must be desc (newest first) or asc (oldest first)"
        raise InvalidInput(f"`order` {detail}", FieldError(detail, "/order"))
    given = tuple((name, v.strip()) for name, v in params if name in FILTER_PARAMS and v.strip())
    if sum(len(name) + len(value) for name, value in given) > PARAMS_MAX:
        detail = f"is longer than {PARAMS_MAX:,} characters"
        raise InvalidInput(f"The filter {detail}", FieldError(detail))
    try:
        asked = frozen(parse_params(given))
    except ParamError as error:
        wrong = FieldError(str(error), f"/{error.param}")
        raise InvalidInput(f"`{error.param}` {error}", wrong) from None
    return Wish(format=kind, compression=packing, order=known[order], params=given, asked=asked)
