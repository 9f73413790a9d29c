"""Settings of a destination, as its struct declares them: its form, API schema and documentation
are made from this.

A field of a settings struct is annotated with `setting(…)`. Values come as text from forms and from
the command line, and are converted to the field's type.
"""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from trailkeeper.errors import FieldError, InvalidInput

VALUE_MAX = 20_000
KEPT = "(kept)"
"""Instead of the value of a secret, in what is shown."""

FieldKind = Literal["text", "url", "secret", "number", "switch", "choice", "lines"]


class Field(Struct, frozen=True, kw_only=True):
    """One setting. `lines` is a text of several lines, `choice` one of `choices`."""

    name: str
    label: str
    kind: FieldKind
    required: bool
    default: str = ""
    help: str = ""
    choices: tuple[str, ...] = ()


def setting(label: str, kind: FieldKind = "text", help: str = "", **limits: Any) -> Meta:
    """What a settings struct says of a field, in Annotated."""
    return Meta(title=label, description=help or None, extra={"kind": kind}, **limits)


def fields_of(settings: type[Struct]) -> tuple[Field, ...]:
    """The fields of a settings struct, in order."""
    hints = get_type_hints(settings, include_extras=True)
    return tuple(_field(field, hints[field.name]) for field in msgspec.structs.fields(settings))


def secrets_of(settings: type[Struct]) -> tuple[str, ...]:
    return tuple(field.name for field in fields_of(settings) if field.kind == "secret")


def read_settings(settings: type[Struct], given: dict[str, str]) -> Any:
    """Texts as a settings struct. Empty ones are as if they were not there. Raises InvalidInput
    with a pointer to each field that is wrong."""
    fields = fields_of(settings)
    unknown = set(given) - {field.name for field in fields}
    errors = [FieldError("is no setting of this destination", f"/{name}") for name in unknown]
    values: dict[str, Any] = {}
    for field in fields:
        value = given.get(field.name, "").strip()
        if detail := _problem(field, value):
            errors.append(FieldError(detail, f"/{field.name}"))
        elif value:
            values[field.name] = value
    if errors:
        labels = {f"/{field.name}": field.label for field in fields}
        first = errors[0]
        name = labels.get(first.pointer, first.pointer.lstrip("/"))
        raise InvalidInput(f"{name} {first.detail}", *errors)
    try:
        return msgspec.convert(values, settings, strict=False)
    except msgspec.ValidationError as error:
        detail, _, path = str(error).partition(" - at `$.")
        raise InvalidInput(str(error), FieldError(detail, "/" + path.rstrip("`"))) from None


def as_text(settings: Struct) -> dict[str, str]:
    """A settings struct as the texts that make it again, without what is empty."""
    values: dict[str, Any] = msgspec.to_builtins(settings)
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in values.items()
        if value not in ("", None)
    }


def servers_of(text: str) -> list[str]:
    """The value of a setting `servers`: host:port, separated by commas. Raises InvalidInput."""
    found = [one.strip() for one in text.split(",") if one.strip()]
    for one in found:
        try:
            parts = urlsplit(f"//{one}")
            good = bool(parts.hostname and parts.port) and parts.netloc == one and "@" not in one
        except ValueError:
            good = False
        if not good:
            detail = f"has {one[:60]!r}, which is not host:port"
            raise InvalidInput(f"The list of servers {detail}", FieldError(detail, "/servers"))
    return found


def _field(field: Any, hint: Any) -> Field:
    meta = next((one for one in get_args(hint) if isinstance(one, Meta)), Meta())
    plain = get_args(hint)[0] if meta.title else hint
    kind: FieldKind = (meta.extra or {}).get("kind", "text")
    choices = get_args(plain) if get_origin(plain) is Literal else ()
    default = "" if field.required else field.default
    return Field(
        name=field.name,
        label=meta.title or field.name,
        kind="choice" if choices else kind,
        required=field.required,
        default=str(default).lower() if isinstance(default, bool) else str(default or ""),
        help=meta.description or "",
        choices=choices,
    )


def _problem(field: Field, value: str) -> str:
    if not value:
        return "is needed" if field.required else ""
    if len(value) > VALUE_MAX:
        return f"has more than {VALUE_MAX} characters"
    if not _may_have_lines(field, value) and not value.isprintable():
        return "has characters that cannot be printed"
    if field.kind == "url" and not is_address(value):
        return "must be an address with https:// or http://, without a name, password or # in it"
    if field.choices and value not in field.choices:
        return f"must be one of {', '.join(field.choices)}"
    return ""


def _may_have_lines(field: Field, value: str) -> bool:
    """A key in PEM or JSON has lines; any other secret may end up in a header."""
    is_key = field.kind == "secret" and value.startswith(("-----BEGIN ", "{"))
    return is_key or field.kind == "lines"


def is_address(value: str) -> bool:
    """Whether it is one for HTTP."""
    try:
        parts = urlsplit(value)
        return (
            parts.scheme in ("https", "http")
            and bool(parts.hostname)
            and parts.username is None
            and not parts.fragment
            and parts.port != 0
        )
    except ValueError:
        return False
