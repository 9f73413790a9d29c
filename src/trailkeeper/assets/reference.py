"""Writes what follows from the table of kinds: the reference page.

    python -m trailkeeper.assets.reference docs/reference/assets.md
    python -m trailkeeper.assets.reference --check docs/reference/assets.md

With `--check` nothing is written; the exit status is 1 where the page is not what the table says.
Without a path the page goes to standard output.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from trailkeeper.assets.changes import UNDELETE_DAYS
from trailkeeper.assets.content import CONTENT_MAX_BYTES
from trailkeeper.assets.diff import CHANGES_MAX
from trailkeeper.assets.kind import Kind, Operation
from trailkeeper.assets.kinds import KINDS
from trailkeeper.assets.rules import FOLDER_DEPTH_MAX
from trailkeeper.assets.values import DEPTH_MAX, NAME_MAX
from trailkeeper.assets.work import ASSETS_MAX

_INTRODUCTION = """\
# Assets

<!-- Made from src/trailkeeper/assets/kinds.py by `python -m trailkeeper.assets.reference`; change
     the table, not this page. -->

The things of an integration workspace that Trailkeeper keeps, with every version of them, and
what can be done with each. Every operation changes the state and records its activity in one
transaction; what an actor may not do is recorded as `access.denied`. Trailkeeper runs nothing: an
engine does, and reports.

| kind | path | lives | states | see | change |
| --- | --- | --- | --- | --- | --- |
{kinds}
## API

A path such as `/api/v1/recipes` lists (`GET`) and creates (`POST`); one asset is read (`GET`),
changed (`PATCH`) and deleted (`DELETE`) at `/api/v1/recipes/{{id}}`, and every other operation is
`POST /api/v1/recipes/{{id}}/{{operation}}`. Ids are decimal texts, one series a workspace.

- **Bodies.** `{{"name": …}}` alone makes what needs no parent. `folder_id` (null: the root,
  `home`) or `parent_id`, and the fields of the content, stand flat beside it. `PATCH` changes
  what it gives; a kind that has `rename` is renamed by `name`. `rename` takes `{{"name"}}`,
  `move` `{{"folder_id"}}`, `copy` `{{"name"?, "folder_id"?}}`, `stop` `{{"stop_reason"?}}`,
  `set-access-scope` `{{"public"}}`, `restore` `{{"version"}}`; the others take nothing.
- **Answers.** The asset: `id`, `kind`, `name`, `state`, `version`, `revision`, `folder_id` or
  `parent_id`, `public`, `secrets` (the secret fields that are set), `created_at`, `created_by`,
  `updated_at`, and its content, flat. Secret fields are never shown; the token of an access
  profile is, once, as `token`.
- **Lists.** `folder_id`, `parent_id`, `q` (a part of the name), `state`, `deleted=true`, `limit`
  (1 to 1,000), `cursor`. `{{"data": […], "next_cursor": …}}`. A page of much content is shorter
  than `limit`.
- **Lost updates.** `ETag` is the `revision`, which every change raises; with another one in
  `If-Match` a change is refused (412). `version` counts changes of name and content only.
- **Versions.** `GET …/{{id}}/versions`, newest first, and `GET …/{{id}}/versions/{{n}}`.
- **Deleting.** A folder with something in it needs `?recursive=true`; each thing in it is
  recorded by itself. A collection or client takes what belongs to it along. What is deleted is
  seen with `?deleted=true` and can be undeleted for {undelete_days} days, into the root if its
  folder is gone.
- **Refusals.** 409 for a state that does not allow it, a name that is taken there (case does not
  matter), a folder in itself, what is in use; 422 with JSON pointers for what is not valid.

A name has 1 to {name_max} printable characters; content at most {content_max:,} bytes of JSON,
nested {depth_max} deep. Folders are nested at most {folder_depth} deep; a workspace has at most
{assets_max:,} assets.

## In the log

The primary target of an activity is the asset. All that is recorded of an asset rebuilds it, but
for its secrets (`trailkeeper.assets.replay`):

- *created*, *copied*: `content` (what differs from the defaults, without secrets), `state`,
  `folder_id` and `folder` (a path such as `Home/ERP`; the root has no id) or `parent_id`. A copy
  has `parent_id`, `source_name` and as its second target the original.
- *updated*, *renamed*: the `version` it made, and `changes`: each names a place in the asset by a
  JSON pointer such as `/code/steps/2/input`. Only `new`: added (in a list inserted there); only
  `old`: removed; both: replaced; to be applied in order. Of a secret it says only `[redacted]`.
  More than {changes_max} changes are told as whole fields. `restored_version` where an old
  version came back.
- *moved*: `path`, `previous_path`, `folder_id`, `previous_folder_id`; further targets are the new
  folder and the old one.
- *started*, *connected* …: the change of `/state`.
- *deleted*: where it was. `asset.undeleted`: `kind`, and where it is now.

An activity has at most 64 KiB. Where content is cut in the log, `content_sha256` stands beside
it: the SHA-256 of the content as JSON, as the version that is kept has it.
"""


def page() -> str:
    """The reference page, in Markdown."""
    introduction = _INTRODUCTION.format(
        kinds="".join(_summary(kind) for kind in KINDS.values()),
        undelete_days=UNDELETE_DAYS,
        name_max=NAME_MAX,
        content_max=CONTENT_MAX_BYTES,
        depth_max=DEPTH_MAX,
        folder_depth=FOLDER_DEPTH_MAX,
        assets_max=ASSETS_MAX,
        changes_max=CHANGES_MAX,
    )
    return introduction + "".join(_section(kind) for kind in KINDS.values())


def main(arguments: Sequence[str]) -> int:
    """Runs the command; the return value is its exit status."""
    paths = [Path(argument) for argument in arguments if argument != "--check"]
    if not paths:
        sys.stdout.write(page())
        return 0
    if "--check" not in arguments:
        paths[0].write_text(page(), "utf-8")
        return 0
    if paths[0].is_file() and paths[0].read_text("utf-8") == page():
        return 0
    sys.stderr.write(f"{paths[0]} is not what kinds.py says; run `make docs`\n")
    return 1


def _summary(kind: Kind) -> str:
    parent = KINDS[kind.parent_kind] if kind.parent_kind else None
    place = {"folder": "in a folder", "nowhere": "by itself"}.get(kind.place) or (
        f"under its {parent.noun}" if parent else ""
    )
    states = " → ".join(kind.states) or "none"
    return (
        f"| [{kind.label}](#{_anchor(kind)}) | `{kind.path}` | {place} | {states}"
        f" | `{kind.view}` | `{kind.edit}` |\n"
    )


def _anchor(kind: Kind) -> str:
    return kind.plural.lower().replace(" ", "-").replace("/", "")


def _section(kind: Kind) -> str:
    about = " ".join((kind.content.__doc__ or "").split())
    operations = "".join(_operation(kind, one) for one in kind.operations.values())
    return (
        f"\n## {kind.plural}\n\n`{kind.name}`. {about}\n\n"
        "| operation | request | states | records | privilege |\n"
        "| --- | --- | --- | --- | --- |\n"
        f"{operations}\n"
        "| field | |\n| --- | --- |\n"
        f"{_fields(kind)}"
    )


_REQUESTS = {
    "create": "POST /{path}",
    "update": "PATCH /{path}/{{id}}",
    "delete": "DELETE /{path}/{{id}}",
    "export": "POST /manifests/{{id}}/export",
    "import": "POST /{path}/import",
}


def _operation(kind: Kind, one: Operation) -> str:
    request = _REQUESTS.get(one.name, "POST /{path}/{{id}}/{name}")
    request = request.format(path=kind.path, name=one.name)
    before, after = " or ".join(one.from_states), one.to_state or ""
    states = f"{before or 'any'} → {after}" if after else before or "any" if kind.states else ""
    return f"| {one.label} | `{request}` | {states} | `{one.action}` | `{one.privilege}` |\n"


def _fields(kind: Kind) -> str:
    schema = msgspec.json.schema(kind.content)
    definitions: dict[str, Any] = schema["$defs"]
    properties: dict[str, Any] = definitions[kind.content.__name__]["properties"]
    references = {one.field: one for one in kind.references}
    rows: list[str] = []
    for name, field in properties.items():
        notes = [_type(field, definitions)]
        if name in kind.secret_fields:
            notes.append(f"secret where `{kind.secret_if}`" if kind.secret_if else "secret")
        if name in kind.managed:
            notes.append("set by operations only")
        if name in references:
            label = KINDS[references[name].kind].noun
            held = ", which it keeps from being deleted" if references[name].holds else ""
            notes.append(f"of the kind {label}{held}")
        rows.append(f"| `{name}` | {'; '.join(notes)} |\n")
    return "".join(rows)


def _type(field: dict[str, Any], definitions: dict[str, Any]) -> str:
    """A JSON Schema in words."""
    if reference := field.get("$ref"):
        inner: dict[str, Any] = definitions[reference.rpartition("/")[2]]["properties"]
        return (
            "{"
            + ", ".join(f"{name}: {_type(one, definitions)}" for name, one in inner.items())
            + "}"
        )
    if choices := field.get("anyOf"):
        return " or ".join(_type(one, definitions) for one in choices)
    if values := field.get("enum"):
        return ", ".join(f"`{value}`" for value in values)
    if field["type"] == "array":
        return f"list of {_type(field['items'], definitions)}"
    kind: str = field["type"]
    return {"string": "text", "boolean": "true or false"}.get(kind, kind)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
