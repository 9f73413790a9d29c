"""One event of n8n: reading it, and the values in its payload."""

from __future__ import annotations

from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta, Struct, field

from trailkeeper.activity import ID_MAX_BYTES, Id, Instant
from trailkeeper.sources.lines import LineError, json_object

NAME_MAX = 1_024
CONFIRM = "$$EventMessageConfirm"
"""The type of the lines by which n8n notes that it has sent an event on."""


class Event(Struct, frozen=True):
    """One event. `name` is n8n's `eventName`, for example `n8n.audit.workflow.created`."""

    id: Id
    ts: Instant
    name: Annotated[str, Meta(min_length=1, max_length=NAME_MAX)] = field(name="eventName")
    payload: dict[str, Any] = {}


class Person(Struct, frozen=True, omit_defaults=True):
    """A user of n8n as far as its events tell."""

    id: str
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None

    @property
    def full_name(self) -> str | None:
        return " ".join(filter(None, (self.first_name, self.last_name))) or None

    @property
    def name(self) -> str | None:
        return self.full_name or self.email


def read_event(line: bytes) -> Event | None:
    """The event of a trimmed line; None for a blank line and a confirmation.

    Raises `LineError`.
    """
    if not line:
        return None
    fields = json_object(line)
    if fields.get("__type") == CONFIRM:
        return None
    if fields.get("payload") is None:
        fields.pop("payload", None)
    try:
        return msgspec.convert(fields, Event)
    except msgspec.ValidationError as error:
        raise LineError(f"not an event of n8n: {error}") from None


def text_in(payload: dict[str, Any], key: str | None) -> str | None:
    """The text or number of a field as text, cut at NAME_MAX; None where there is none."""
    value = payload.get(key) if key else None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return None
    return value.strip()[:NAME_MAX] or None


def texts_in(payload: dict[str, Any], key: str | None) -> list[str]:
    """The texts of a field that holds one or a list of them, each once."""
    value = payload.get(key) if key else None
    items = cast("list[object]", value) if isinstance(value, list) else [value]
    found = (text_in({"item": item}, "item") for item in items)
    return list(dict.fromkeys(text for text in found if text))


def person_in(payload: dict[str, Any]) -> Person | None:
    """The user whose fields stand in the payload: for all but a few events, who did it."""
    user_id = text_in(payload, "userId")
    if user_id is None:
        return None
    return Person(
        id=user_id,
        first_name=_personal(payload, "_firstName"),
        last_name=_personal(payload, "_lastName"),
        email=_personal(payload, "_email"),
    )


def nested(payload: dict[str, Any], key: str | None) -> dict[str, Any]:
    """The object in a field; an empty one where there is none."""
    value = payload.get(key) if key else None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def email_key(email: str) -> str:
    """Equal for e-mail addresses that n8n takes for the same."""
    return email.casefold()


def email_id(email: str) -> str:
    """An id made of what somebody typed as their e-mail address, whatever that was."""
    visible = "".join(char if char.isprintable() else "?" for char in email)
    return visible.encode()[:ID_MAX_BYTES].decode(errors="ignore").strip() or "?"


def _personal(payload: dict[str, Any], key: str) -> str | None:
    # A log stream of n8n may be set to put a star in place of personal values.
    value = text_in(payload, key)
    return None if value == "*" else value


def without_personal(value: object) -> Any:
    """The value without the fields that n8n marks as personal by an underscore."""
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        return {key: without_personal(inner) for key, inner in fields.items() if key[:1] != "_"}
    if isinstance(value, list):
        return [without_personal(inner) for inner in cast("list[object]", value)]
    return value
