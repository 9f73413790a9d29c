"""What an activity's entry in the index is made of, from its canonical bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trailkeeper.activity import Activity, ActivityInput
from trailkeeper.ledger.parties import Parties
from trailkeeper.ledger.personal import Rest
from trailkeeper.ledger.postgresql.restore import Recorded
from trailkeeper.ledger.prepare import Prepared, text_of, tokens_of
from trailkeeper.ledger.record import decode_activity

Label = Callable[[str], str]


def recorded(row: Any, label: Label) -> Recorded:
    """A row of `activity` as what is put into the new tables."""
    activity = decode_activity(row.public, row.personal)
    return Recorded(
        key=row.key,
        seq=row.seq,
        id=row.id,
        received_at=row.received_at,
        public=row.public,
        prepared=_prepared(activity, row, label(activity.action)),
        is_erased=row.personal is None,
    )


def _prepared(activity: Activity, row: Any, label: str) -> Prepared:
    sent = ActivityInput(
        action=activity.action,
        actor=activity.actor,
        on_behalf_of=activity.on_behalf_of,
        targets=activity.targets,
        outcome=activity.outcome,
        context=activity.context,
    )
    parties = Parties.of(sent)
    rest = Rest(
        reason=activity.reason, changes=activity.changes or None, details=activity.details or None
    )
    who = [activity.actor, activity.on_behalf_of, *activity.targets]
    metadata = [one.metadata if one else None for one in who]
    return Prepared(
        id=activity.id,
        action=activity.action,
        occurred_at=None,
        actor=parties.actor.party,
        on_behalf_of=parties.other.party if parties.other else None,
        targets=tuple([target.party for target in parties.targets]),
        environment=activity.environment,
        source=activity.context.source,
        tokens=tokens_of(sent),
        text=text_of(label, parties, activity.context, rest, metadata),
        public_rest=b"",
        salt=row.salt or b"",
        personal=row.personal or b"",
        content_hash=row.content_hash,
    )
