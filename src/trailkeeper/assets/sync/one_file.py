"""An asset as one file describes it, checked as far as the file alone can tell."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from msgspec import Struct

from trailkeeper.assets.kind import Kind
from trailkeeper.assets.kinds import KINDS
from trailkeeper.assets.records import plain
from trailkeeper.assets.sync import references, secrets
from trailkeeper.assets.sync.layout import BESIDE, DIRECTORIES, home_of
from trailkeeper.assets.sync.problems import FileProblem
from trailkeeper.assets.sync.secrets import Secret
from trailkeeper.assets.sync.yaml_text import Document, pointer, read
from trailkeeper.assets.values import checked_content, checked_name
from trailkeeper.errors import InvalidInput

KEY = "key"
NAME = "name"
STATE = "state"
PUBLIC = "public"
MANAGED = "is set by Trailkeeper, not by hand"
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class AssetFile(Struct, frozen=True, kw_only=True):
    """An asset as a file describes it.

    `path` is what other files call it by, `home` the path of the folder or parent it is in.
    `content` has every field but those that operations set and those that are secret, as the
    registry has them, but that other assets stand in it by path. Of `secrets`, state and scope only
    what the file names. An `implied` folder has no file of its own, only a directory. `lines` are
    those of the fields, by JSON pointer; a field `beside` has a file of its own, in which its items
    are in these lines.
    """

    path: str
    file: str
    kind: str
    name: str
    home: str | None = None
    key: str | None = None
    state: str | None = None
    public: bool | None = None
    content: dict[str, Any] = {}
    secrets: dict[str, Secret] = {}
    lines: dict[str, int] = {}
    beside: str = ""
    beside_lines: list[int] = []
    implied: bool = False

    @property
    def of(self) -> Kind:
        return KINDS[self.kind]

    @property
    def identity(self) -> str:
        """What the asset is known by from one sync to the next: its key, or its path."""
        return self.key or self.path

    def problem(self, detail: str, field: str = "") -> FileProblem:
        """Something wrong with this file, or with the one beside it."""
        if self.beside and field.startswith(f"/{BESIDE[self.kind].field}/"):
            item = int(field.split("/")[2])
            return FileProblem(self.beside, detail, self.beside_lines[item], field)
        return FileProblem(self.file, detail, Document({}, self.lines).line_of(field), field)


class BesideProblem(ValueError):
    """The file beside an asset's own cannot be read."""

    def __init__(self, file: str, detail: str, line: int) -> None:
        super().__init__(detail)
        self.problem = FileProblem(file, detail, line)


class _Wrong(NamedTuple):
    detail: str
    field: str = ""


def read_one(
    name: str, path: str, text: str, beside: Mapping[str, str]
) -> tuple[AssetFile, list[FileProblem]]:
    """A file, and what is wrong with it; `beside` are the texts of its own other files, by their
    names. Raises YamlProblem, BesideProblem."""
    document = read(text)
    directory, *directories, stem = path.split("/")
    kind = DIRECTORIES[directory]
    fields, wrong = dict(document.value), list[_Wrong]()
    called, key = _called(fields, stem, wrong)
    state, public = _state(kind, fields, wrong), _public(kind, fields, wrong)
    beside_name, beside_lines = _take_beside(kind, fields, beside, wrong)
    hidden = _take_secrets(kind, fields, wrong)
    content = _checked(kind, references.spelled_out(kind, fields), hidden, wrong)
    for link in references.paths_in(kind, content):
        if problem := references.problem_of(link):
            wrong.append(_Wrong(problem, link.pointer))
    if problem := _place_problem(kind, directories):
        wrong.append(_Wrong(problem))
    made = AssetFile(
        path=path,
        file=name,
        kind=kind.name,
        name=called,
        home=home_of(kind, tuple(directories)),
        key=key,
        state=state,
        public=public,
        content=content,
        secrets=hidden,
        lines=document.lines,
        beside=beside_name,
        beside_lines=beside_lines,
    )
    return made, [made.problem(one.detail, one.field) for one in wrong]


def _called(fields: dict[str, Any], stem: str, wrong: list[_Wrong]) -> tuple[str, str | None]:
    """Name and key."""
    given, key = fields.pop(NAME, stem), fields.pop(KEY, None)
    name = stem
    try:
        if not isinstance(given, str):
            wrong.append(_Wrong("must be a text", "/name"))
        else:
            name = checked_name(given)
    except InvalidInput as error:
        wrong += [_Wrong(one.detail, one.pointer) for one in error.errors]
    if key is not None and (not isinstance(key, str) or not _KEY.fullmatch(key)):
        wrong.append(_Wrong("must be a text of letters, digits, `.`, `_` and `-`", "/key"))
        key = None
    return name, key


def _state(kind: Kind, fields: dict[str, Any], wrong: list[_Wrong]) -> str | None:
    if STATE not in fields:
        return None
    state = fields.pop(STATE)
    if not kind.states:
        wrong.append(_Wrong(f"is nothing that a {kind.noun} has", "/state"))
    elif state not in kind.states:
        wrong.append(_Wrong(f"must be one of {', '.join(kind.states)}", "/state"))
    else:
        return state
    return None


def _public(kind: Kind, fields: dict[str, Any], wrong: list[_Wrong]) -> bool | None:
    if PUBLIC not in fields:
        return None
    public = fields.pop(PUBLIC)
    if "set-access-scope" not in kind.operations:
        wrong.append(_Wrong(f"is nothing that a {kind.noun} has", "/public"))
    elif not isinstance(public, bool):
        wrong.append(_Wrong("must be true or false", "/public"))
    else:
        return public
    return None


def _take_beside(
    kind: Kind, fields: dict[str, Any], beside: Mapping[str, str], wrong: list[_Wrong]
) -> tuple[str, list[int]]:
    """Add the rows that stand in a CSV file beside the asset's file; returns that one's name, and
    the lines in which rows end."""
    for name, text in beside.items():
        field = BESIDE[kind.name].field
        if field in fields:
            at = pointer("", field)
            wrong.append(_Wrong(f"must not stand here, too, beside {name}", at))
            break
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        try:
            found = [(row, reader.line_num) for row in reader if row]
        except (csv.Error, ValueError) as error:
            raise BesideProblem(name, f"is no CSV: {error}", reader.line_num) from None
        header = found[0][0] if found else []
        if header != _column_names(fields.get("columns")):
            wanted = ", ".join(header) or "none"
            wrong.append(_Wrong(f"must be the columns of {name}: {wanted}", "/columns"))
            break
        fields[field] = [row for row, _ in found[1:]]
        return name, [line for _, line in found[1:]]
    return "", []


def _column_names(columns: Any) -> list[Any]:
    found = cast("list[Any]", columns) if isinstance(columns, list) else []
    return [cast("dict[str, Any]", one).get(NAME) for one in found if isinstance(one, dict)]


def _take_secrets(kind: Kind, fields: dict[str, Any], wrong: list[_Wrong]) -> dict[str, Secret]:
    found: dict[str, Secret] = {}
    if kind.secret_if is None or fields.get(kind.secret_if) is True:
        for name in kind.secret_fields:
            if name in fields:
                problems: list[tuple[str, str]] = []
                found[name] = secrets.parsed(fields.pop(name), pointer("", name), problems)
                wrong += [_Wrong(detail, at) for at, detail in problems]
    return found


def _checked(
    kind: Kind, fields: dict[str, Any], hidden: Mapping[str, Secret], wrong: list[_Wrong]
) -> dict[str, Any]:
    """All fields of the content, with defaults. Ids are checked when they are known."""
    known = set(kind.content.__struct_fields__) - set(kind.managed)
    for name in [name for name in fields if name not in known]:
        del fields[name]
        managed = name in kind.managed
        detail = MANAGED if managed else f"is no field of a {kind.noun}"
        wrong.append(_Wrong(detail, pointer("", name)))
    try:
        content = checked_content(kind, references.with_ids(kind, fields, lambda _: "0"))
    except InvalidInput as error:
        wrong += [_Wrong(one.detail, one.pointer) for one in error.errors]
        return fields
    left_out = {*kind.managed, *kind.secrets_in(content), *hidden}
    named = {name: fields[name] for name in references.fields_of(kind) if name in fields}
    whole = {**plain(content), **named}
    return {name: value for name, value in whole.items() if name not in left_out}


def _place_problem(kind: Kind, directories: list[str]) -> str | None:
    if kind.place == "parent" and len(directories) != 1:
        parent = KINDS[kind.parent_kind or ""]
        return f"must be in the directory of its {parent.noun}: {kind.path}/NAME/…"
    if kind.place == "nowhere" and directories:
        return f"must be in {kind.path}/ itself: a {kind.noun} is in no folder"
    return None
