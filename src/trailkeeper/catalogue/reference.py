"""Writes what follows from `activities.toml`: the reference page and the list of icons.

    python -m trailkeeper.catalogue.reference docs/reference/activities.md
    python -m trailkeeper.catalogue.reference --check docs/reference/activities.md

The first writes the page and, beside the table, `icons.txt`. With `--check` nothing is written;
the exit status is 1 where one of the two is not what the table says. Without a path the page goes
to standard output.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from trailkeeper.catalogue.load import catalogue
from trailkeeper.catalogue.ocsf import captions
from trailkeeper.catalogue.spec import EVIDENCE, ActionSpec, Catalogue, Category

ICONS = Path(__file__).with_name("icons.txt")

_INTRODUCTION = """\
# Activities

<!-- Made from src/trailkeeper/catalogue/activities.toml by
     `python -m trailkeeper.catalogue.reference`; change the table, not this page. -->

Every action that Trailkeeper knows: {documented} in {categories} categories as Workato's
documentation page "Activity audit log" of 2019 lists them, with its labels, and {own} of
Trailkeeper's own. An action that is not listed can be recorded too; it is shown under
"{other}", or as its declaration says.

**Sentence.** `*actor*` and `*target*` stand for names; any other name between asterisks for a
value of the details or of the primary target's metadata. `*a|b*` takes `b` where there is no `a`.
What stands in brackets is left out where its value is missing. A further sentence is used where
the details hold what stands before it. A failed attempt reads "Failed: …", unless the sentence
tells of the failure itself.

**Details.** The keys an activity may carry, with their JSON types. Any other key may be sent too.

**Workato.** The resource type and the event type under which Workato reports the activity, and
how sure that is: {evidence}.

**OCSF.** The class and the activity of the Open Cybersecurity Schema Framework, 1.3 or later.
"""
_HEAD = (
    "| Action | Label | Sentence | Target | Details | Workato | OCSF |\n"
    "| --- | --- | --- | --- | --- | --- | --- |\n"
)


def page(table: Catalogue) -> str:
    """The reference page, in Markdown."""
    shown = [category for category in table.categories if category.actions]
    documented = [category for category in shown if not category.own]
    own = [category for category in shown if category.own]
    introduction = _INTRODUCTION.format(
        documented=sum(len(category.actions) for category in documented),
        categories=len(documented),
        own=sum(len(category.actions) for category in own),
        other=next(c.name for c in table.categories if not c.actions),
        evidence="; ".join(f"**{letter}** {meaning}" for letter, meaning in EVIDENCE.items()),
    )
    return introduction + "".join(_section(category) for category in shown)


def icons(table: Catalogue) -> str:
    """The names of all icons in use, sorted, one a line."""
    names = {category.icon for category in table.categories}
    names |= {action.icon for action in table.actions if action.icon}
    return "".join(f"{name}\n" for name in sorted(names))


def main(arguments: Sequence[str]) -> int:
    """Runs the command; the return value is its exit status."""
    check = "--check" in arguments
    paths = [Path(argument) for argument in arguments if argument != "--check"]
    if len(paths) > 1 or (check and not paths):
        sys.stderr.write("usage: python -m trailkeeper.catalogue.reference [[--check] PATH]\n")
        return 2
    table = catalogue()
    if not paths:
        sys.stdout.write(page(table))
        return 0
    results = {paths[0]: page(table), ICONS: icons(table)}
    if check:
        return _compare(results.items())
    for path, text in results.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return 0


def _compare(results: Iterable[tuple[Path, str]]) -> int:
    status = 0
    for path, text in results:
        if not path.is_file() or path.read_text("utf-8") != text:
            sys.stderr.write(
                f"{path} is not what activities.toml says; "
                "run `python -m trailkeeper.catalogue.reference PATH`\n"
            )
            status = 1
    return status


def _section(category: Category) -> str:
    rows = "".join(_row(action) for action in category.actions)
    return f"\n## {category.name}\n\n{_HEAD}{rows}"


def _row(action: ActionSpec) -> str:
    cells = (
        f"`{action.action}`",
        action.label + (f"<br>shown as: {action.title}" if action.title else ""),
        _sentences(action),
        f"`{action.target_type}`",
        "<br>".join(
            f"`{name}` {' or '.join(detail.types)}: {detail.about}"
            for name, detail in action.details.items()
        ),
        _workato(action),
        _ocsf(action),
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _sentences(action: ActionSpec) -> str:
    cases = [f"{_when(case.when)}: `{case.sentence}`" for case in action.cases if case.sentence]
    return "<br>".join([f"`{action.sentence}`", *cases])


def _workato(action: ActionSpec) -> str:
    names = action.workato
    if names is None:
        return ""
    cases = [(case.event_type, case.when) for case in action.cases if case.event_type]
    events = [f"`{event}` ({_when(when)})" for event, when in cases]
    if not events:
        told_apart = f" ({_when(names.when)})" if names.when else ""
        events = [f"`{names.event_type}`{told_apart}"]
    return f"`{names.resource_type}` " + ", ".join(events) + f" {names.evidence}"


def _ocsf(action: ActionSpec) -> str:
    class_uid, activity_id = action.ocsf.class_uid, action.ocsf.activity_id
    name, activity = captions(class_uid, activity_id)
    return f"{class_uid} {name}: {activity_id} {activity}"


def _when(when: dict[str, str | bool]) -> str:
    return ", ".join(f"{key} = {str(value).lower()}" for key, value in when.items())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
