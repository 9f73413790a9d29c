"""An activity to show how a stream's messages look."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from trailkeeper.activity import Activity, Actor, Change, Context, Credential, Target
from trailkeeper.errors import FieldError, InvalidInput
from trailkeeper.streaming.format import Team
from trailkeeper.streaming.formats import format_of
from trailkeeper.streaming.masks import masked
from trailkeeper.streaming.stream import Mask
from trailkeeper.streaming.template import TemplateError, templated

_ROBIN = Actor(type="user", id="7", name="Robin Operator", email="robin@example.com")
_NO_SALT = bytes(16)

SAMPLE = Activity(
    id="019abe2c-7d40-7c3e-9a51-2f6d5b8e4c10",
    seq=1_024,
    action="recipe.stopped",
    occurred_at=datetime(2026, 11, 22, 14, 3, 12, 158_000, UTC),
    received_at=datetime(2026, 11, 22, 14, 3, 12, 204_000, UTC),
    actor=_ROBIN,
    on_behalf_of=Actor(type="user", id="1", name="Ada Admin", email="ada@example.com"),
    credential=Credential(type="session", id="8f2c"),
    targets=[Target(type="recipe", id="42", name="Sync product SKUs", metadata={"folder": "ERP"})],
    outcome="success",
    reason="for maintenance",
    context=Context(
        ip_address="203.0.113.9", user_agent="Mozilla/5.0", session_id="8f2c", request_id="r-1"
    ),
    changes=[Change(field="status", old="running", new="stopped")],
    details={"stop_reason": "user"},
    environment="prod",
)
"""It has something in every field."""


def check_masks(masks: dict[str, Mask]) -> None:
    """Raises InvalidInput where what is left would be no activity."""
    try:
        masked(SAMPLE, masks, _NO_SALT)
    except msgspec.ValidationError as error:
        detail = f"would leave no activity: {error}"
        raise InvalidInput(f"The masks {detail}", FieldError(detail, "/masks")) from None


def sample_message(format: str, template: str, masks: dict[str, Mask], team: Team) -> str:
    """A message as a stream with these would send it; hashes are of no stream's salt. Raises
    InvalidInput."""
    check_masks(masks)
    try:
        whole = templated(format_of(format), template)
    except TemplateError as error:
        raise InvalidInput(f"The template {error}", FieldError(str(error), "/template")) from None
    return whole.encode(masked(SAMPLE, masks, _NO_SALT), team).decode()
