"""What all producers share: an activity is checked against the catalogue, redacted and encoded."""

from __future__ import annotations

import threading
import time

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Engine, select

from trailkeeper.activity import ActivityInput, Actor, Context
from trailkeeper.catalogue import catalogue
from trailkeeper.catalogue.details import CustomAction, check_custom, check_details
from trailkeeper.catalogue.spec import ActionSpec, humanise
from trailkeeper.errors import FieldError
from trailkeeper.ledger.prepare import Prepared, prepare
from trailkeeper.ledger.schema import custom_action, workspace
from trailkeeper.redaction import Redactor

RULES_MAX_AGE_S = 1.0
"""How long another process's change of a workspace's rules may stay unnoticed."""

ACTIONS_MAX = 4_096
"""Names of actions that are remembered."""

OWN_SOURCE = "trailkeeper"
"""`context.source` of the activities that Trailkeeper records of itself."""


_decode_custom = msgspec.json.Decoder(CustomAction).decode


class Rules(Struct, frozen=True):
    """What a workspace asks of actions."""

    strict: bool
    custom: dict[str, CustomAction]


class _Action(Struct, frozen=True):
    """What is known of an action in a workspace. `asks` tells whether it asks anything of an
    activity."""

    label: str
    spec: ActionSpec | None
    custom: CustomAction | None
    asks: bool


class Preparing:
    """Prepares activities for a workspace by its rules of now."""

    def __init__(self, redactor: Redactor, rules: Rules) -> None:
        self._redactor = redactor
        self.rules = rules
        self._actions: dict[str, _Action] = {}

    def prepare(self, sent: ActivityInput, *, clean_texts: bool = False) -> Prepared:
        """Check an activity and encode it. Raises InvalidActivity. `clean_texts` says that
        Redactor.suspects found nothing in it."""
        action = self._actions.get(sent.action) or self._find(sent.action)
        return prepare(
            sent,
            redactor=self._redactor,
            label=action.label,
            errors=_problems(sent, action) if action.asks else (),
            clean_texts=clean_texts,
        )

    def label(self, action: str) -> str:
        """What an action is called, for the text search."""
        return (self._actions.get(action) or self._find(action)).label

    def _find(self, name: str) -> _Action:
        spec, custom = catalogue().get(name), self.rules.custom.get(name)
        label = custom.label if custom else spec.display if spec else humanise(name)
        asks = bool(spec.details) if spec else custom is not None or self.rules.strict
        found = _Action(label, spec, custom, asks)
        if len(self._actions) < ACTIONS_MAX:
            self._actions[name] = found
        return found

    def suspects(self, encoded: bytes) -> bool:
        return self._redactor.suspects(encoded)


class Recorder:
    """Prepares activities for the writer, from any thread."""

    def __init__(self, engine: Engine, redactor: Redactor) -> None:
        self._engine = engine
        self._redactor = redactor
        self._known: dict[int, tuple[float, Preparing]] = {}
        self._lock = threading.Lock()

    def preparing(self, key: int) -> Preparing:
        """For many activities of a workspace that come at once."""
        there = self._known.get(key)
        now = time.monotonic()
        if there and now - there[0] < RULES_MAX_AGE_S:
            return there[1]
        with self._lock:
            made = Preparing(self._redactor, self._read(key))
            self._known[key] = (now, made)
        return made

    def prepare(self, key: int, sent: ActivityInput) -> Prepared:
        """Check an activity for a workspace and encode it. Raises InvalidActivity."""
        return self.preparing(key).prepare(sent)

    def own(
        self,
        key: int,
        sent: ActivityInput,
    ) -> Prepared:
        """Prepare an activity that Trailkeeper records of itself."""
        context = replace(sent.context or Context(), source=OWN_SOURCE)
        return self.prepare(key, replace(sent, context=context))

    def rules(self, key: int) -> Rules:
        """The workspace's rules, at most RULES_MAX_AGE_S old."""
        return self.preparing(key).rules

    def forget(self, key: int) -> None:
        """The workspace's rules have just changed."""
        self._known.pop(key, None)

    def _read(self, key: int) -> Rules:
        with self._engine.connect() as connection:
            strict = connection.execute(
                select(workspace.c.strict_actions).where(workspace.c.key == key)
            ).scalar()
            rows = connection.execute(
                select(custom_action.c.name, custom_action.c.declaration)
                .where(custom_action.c.workspace == key)
                .order_by(custom_action.c.version)
            ).all()
        # The last version of each name stays.
        custom = {name: _decode_custom(declaration) for name, declaration in rows}
        return Rules(bool(strict), custom)


def system_actor(id: str, name: str) -> Actor:
    """The actor of what no person did."""
    return Actor(type="system", id=id, name=name)


def _problems(sent: ActivityInput, action: _Action) -> list[FieldError]:
    """What is wrong with the action and its details. The catalogue is asked first."""
    if action.spec:
        problems = check_details(action.spec, sent.details) if sent.details else []
    elif action.custom:
        problems = check_custom(action.custom, sent.details or {})
    else:
        return [
            FieldError(
                f"`{sent.action}` is neither in the catalogue nor declared in this workspace,"
                " which takes only such actions",
                "/action",
            )
        ]
    return [FieldError(message, pointer) for pointer, message in problems]
