"""What a file and its asset differ in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from trailkeeper.activity import Change
from trailkeeper.assets.asset import Asset
from trailkeeper.assets.diff import diff
from trailkeeper.assets.kind import Kind, Operation
from trailkeeper.assets.records import plain
from trailkeeper.assets.sync import references, secrets
from trailkeeper.assets.sync.held import Held, home_id
from trailkeeper.assets.sync.one_file import AssetFile
from trailkeeper.assets.sync.problems import FileProblem
from trailkeeper.assets.sync.yaml_text import pointer

HIDDEN = "(secret)"
_encode = msgspec.json.Encoder(order="deterministic").encode


class Difference(Struct, frozen=True, kw_only=True):
    """What has to change of an asset.

    `name` is another name; `moved` means another folder, whose id is `home` if it has one yet.
    `fields` are the fields of the content that change, secrets among them, `changes` all changes
    for people. `state` is the state that it must be in at the end, where that is another; it
    `rests` while it is changed where it could not be changed otherwise.
    """

    name: str | None = None
    moved: bool = False
    home: str | None = None
    fields: tuple[str, ...] = ()
    public: bool | None = None
    state: str | None = None
    rests: bool = False
    changes: list[Change] = []


class Compare:
    """Compares files with assets; what is wrong, and what cannot be told, is collected.

    `ids` has the ids of paths, `paths` the paths of ids.
    """

    def __init__(
        self,
        held: Held,
        ids: Mapping[str, str],
        paths: Mapping[str, str],
        environ: Mapping[str, str],
    ) -> None:
        self._held = held
        self._ids = ids
        self._paths = paths
        self._environ = environ
        self.problems: list[FileProblem] = []
        self.unset: list[FileProblem] = []
        self.notes: list[str] = []

    def difference(self, file: AssetFile, one: Asset | None) -> Difference:
        """What has to change so that the asset is as the file says."""
        kind = file.of
        if one is None:
            return self._of_new(file)
        home = self._ids.get(file.home) if file.home else None
        moved = home != home_id(one) or (file.home is not None and home is None)
        if moved and "move" not in kind.operations:
            self._say(file, f"would move a {kind.noun}, which cannot be: give it another key")
        fields, changes = self._content(file, one)
        if fields and "update" not in kind.operations:
            self._say(file, f"cannot be changed once a {kind.noun} is there", f"/{fields[0]}")
        if (value := file.public) is not None and value != one.public:
            changes.append(Change(field="/public", old=one.public, new=value))
        else:
            value = None
        renamed = file.name != one.name
        state, rests = self._state(file, one, touched=bool(fields) or _renames(kind, renamed))
        if state not in (None, one.state):
            changes.append(Change(field="/state", old=one.state, new=state))
        return Difference(
            name=file.name if renamed else None,
            moved=moved,
            home=home if moved else None,
            fields=tuple(fields),
            public=value,
            state=state,
            rests=rests,
            changes=changes,
        )

    def _of_new(self, file: AssetFile) -> Difference:
        for name, secret in file.secrets.items():
            try:
                self._secret(file, name, secret)
            except secrets.NotSet as missing:
                for variable in missing.names:
                    detail = f"needs the environment variable {variable}, which is not set"
                    self.unset.append(file.problem(detail, pointer("", name)))
        first = file.of.states[0] if file.of.states else None
        if file.state not in (None, first):
            self._way(file, first, file.state)
        return Difference(
            home=self._ids.get(file.home) if file.home else None,
            fields=(*file.content, *file.secrets),
            public=file.public or None,
            state=file.state if file.state != first else None,
        )

    def _content(self, file: AssetFile, one: Asset) -> tuple[list[str], list[Change]]:
        """The fields that change, and how."""
        kind = file.of
        before = {name: value for name, value in plain(one.content).items() if name in file.content}
        after = references.with_ids(kind, file.content, self._ids.get)
        fields = [name for name in after if not same(before[name], after[name])]
        changes = diff(
            self._shown(kind, {name: before[name] for name in fields}),
            self._shown(kind, {name: after[name] for name in fields}),
        )
        for name, secret in file.secrets.items():
            try:
                value = self._secret(file, name, secret)
            except secrets.NotSet as missing:
                self._note_unset(file, one, name, missing.names)
                continue
            there = self._held.secrets.get(one.id, {}).get(name, getattr(kind.content(), name))
            if not same(there, value):
                fields.append(name)
                changes.append(Change(field=pointer("", name), old=HIDDEN, new=HIDDEN))
        if kind.secret_if in fields:
            # What was secret becomes open only together with a value, and the other way round.
            given = (*file.secrets, *(name for name in kind.secret_fields if name in after))
            fields += [name for name in given if name not in fields]
        return fields, changes

    def _shown(self, kind: Kind, fields: dict[str, Any]) -> dict[str, Any]:
        return references.as_in_files(kind, fields, self._paths.get)

    def _secret(self, file: AssetFile, name: str, secret: secrets.Secret) -> Any:
        try:
            return secrets.resolved(file.of, name, secret, self._environ)
        except secrets.NotUsable as error:
            self._say(file, str(error), pointer("", name))
            return None

    def _note_unset(self, file: AssetFile, one: Asset, name: str, missing: list[str]) -> None:
        if name in one.secrets:
            names = ", ".join(missing)
            self.notes.append(f"{file.path}: {name} is left as it is, because {names} is not set")
            return
        for variable in missing:
            detail = f"needs the environment variable {variable}, which is not set"
            self.unset.append(file.problem(detail, pointer("", name)))

    def _state(self, file: AssetFile, one: Asset, *, touched: bool) -> tuple[str | None, bool]:
        """The state to go to at the end, if any; and whether another is needed meanwhile."""
        kind = file.of
        if not kind.states:
            return None, False
        allowed = kind.operations["update"].from_states
        rests = touched and bool(allowed) and one.state not in allowed
        if rests:
            self._way(file, one.state, allowed[0])
        after = allowed[0] if rests else one.state
        if touched and kind.operations["update"].to_state:
            after = kind.operations["update"].to_state
        wanted = file.state or (one.state if rests else None)
        if wanted is None or wanted == after:
            return None, rests
        self._way(file, after, wanted)
        return wanted, rests

    def _way(self, file: AssetFile, state: str | None, wanted: str | None) -> None:
        if way(file.of, state, wanted) is None:
            self._say(file, f"cannot be made of {state!r}: no operation does that", "/state")

    def _say(self, file: AssetFile, detail: str, field: str = "") -> None:
        self.problems.append(file.problem(detail, field))


def way(kind: Kind, state: str | None, wanted: str | None) -> Operation | None:
    """The operation that only leads from one state to another."""
    for operation in kind.operations.values():
        if operation.to_state == wanted and state in operation.from_states:
            return operation
    return None


def _renames(kind: Kind, renamed: bool) -> bool:
    """Whether another name is an update, because the kind has no operation for it."""
    return renamed and "rename" not in kind.operations


def same(a: Any, b: Any) -> bool:
    """Whether two values are the same JSON."""
    return _encode(a) == _encode(b)
