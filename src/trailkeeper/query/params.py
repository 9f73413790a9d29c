"""The filter as URL parameters, the same for the Audit page, the API and the CLI."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from trailkeeper.activity import to_us
from trailkeeper.query.filters import MATCHES_MAX, VALUES_MAX, Field, Filter, Match
from trailkeeper.query.language import QueryError, parse
from trailkeeper.query.values import check_value

RANGES: dict[str, int | None] = {
    "1h": 3_600,
    "24h": 86_400,
    "7d": 7 * 86_400,
    "30d": 30 * 86_400,
    "any": None,
}
"""The ranges the page offers, in seconds."""

PARAM_FIELDS: dict[str, Field] = {
    "action": "action",
    "category": "category",
    "actor": "actor",
    "target": "target",
    "target_type": "type",
    "outcome": "outcome",
    "ip": "ip",
    "environment": "env",
    "source": "source",
    "session": "session",
}
FILTER_PARAMS = (*PARAM_FIELDS, "range", "from", "to", "tz", "q")


class ParamError(ValueError):
    """A parameter that makes no sense. `param` names it; the message says what it may be."""

    def __init__(self, param: str, message: str) -> None:
        super().__init__(message)
        self.param = param


def parse_params(pairs: Iterable[tuple[str, str]]) -> Filter:
    """The filter of these parameters; several of one name are alternatives.

    Parameters that are not the filter's are left to the caller. Empty values say nothing.
    `from` and `to` are RFC 3339, or a local `2026-11-22` or `2026-11-22T14:05` in the zone `tz`
    (IANA name, default UTC); a `to` that is a date includes that day.

    Raises ParamError.
    """
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        if name in FILTER_PARAMS and value.strip():
            values.setdefault(name, []).append(value.strip())
    matches: list[Match] = []
    for param, field in PARAM_FIELDS.items():
        if given := values.get(param):
            matches.append(Match(field=field, values=_checked(param, field, given)))
    parsed = Filter()
    try:
        parsed = parse(" ".join(values.get("q", [])))
    except QueryError as error:
        raise ParamError("q", str(error)) from error
    zone = _zone(values)
    since = _instant("from", values, zone, end=False)
    until = _instant("to", values, zone, end=True)
    if since is not None and until is not None and since >= until:
        raise ParamError("to", "must be later than `from`")
    matches += parsed.matches
    if len(matches) > MATCHES_MAX:
        raise ParamError("q", f"has {len(matches)} conditions, at most {MATCHES_MAX} are allowed")
    return Filter(
        matches=tuple(matches),
        words=parsed.words,
        since=_later(since, parsed.since),
        until=_earlier(until, parsed.until),
        within=_range(values) if since is None and until is None else None,
    )


def zone_of(pairs: Iterable[tuple[str, str]]) -> ZoneInfo:
    """The time zone of these parameters. Raises ParamError."""
    return _zone({"tz": [value.strip() for name, value in pairs if name == "tz" and value.strip()]})


def _checked(param: str, field: Field, given: list[str]) -> tuple[str, ...]:
    if len(given) > VALUES_MAX:
        raise ParamError(param, f"is given {len(given)} times, at most {VALUES_MAX} are allowed")
    for value in given:
        if wrong := check_value(field, value):
            raise ParamError(param, wrong)
    return tuple(dict.fromkeys(given))


def _range(values: dict[str, list[str]]) -> int | None:
    name = values.get("range", ["any"])[-1]
    if name == "custom":
        return None
    if name not in RANGES:
        raise ParamError("range", f"is `{name}`, must be one of {', '.join(RANGES)}, custom")
    return RANGES[name]


def _zone(values: dict[str, list[str]]) -> ZoneInfo:
    name = (values.get("tz") or ["UTC"])[-1]
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ParamError("tz", f"`{name[:64]}` is no time zone such as Europe/Paris") from None


def _instant(param: str, values: dict[str, list[str]], zone: ZoneInfo, *, end: bool) -> int | None:
    if not (given := values.get(param)):
        return None
    text = given[-1]
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            instant = instant.replace(tzinfo=zone)
        if end and _is_date(text):
            instant = instant + timedelta(days=1)
        return to_us(instant.astimezone(UTC))
    except (ValueError, OverflowError):
        raise ParamError(
            param, f"`{text[:64]}` is no time such as 2026-11-22 or 2026-11-22T14:05:00+01:00"
        ) from None


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _later(a: int | None, b: int | None) -> int | None:
    return b if a is None else a if b is None else max(a, b)


def _earlier(a: int | None, b: int | None) -> int | None:
    return b if a is None else a if b is None else min(a, b)
