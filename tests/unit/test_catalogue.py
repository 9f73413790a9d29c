"""The table of actions: complete, true to its source, and refused when it contradicts itself."""

import csv
from pathlib import Path

import pytest

from trailkeeper.catalogue import ActionSpec, CatalogueError, catalogue
from trailkeeper.catalogue.load import read

DATA = Path(__file__).parents[1] / "data" / "workato-catalogue.csv"

SMALL = """
[[category]]
name = "Invoice"
icon = "receipt"

[[category.action]]
action = "invoice.paid"
label = "Invoice paid"
sentence = "Invoice *target* was paid by *actor*[ with *method*]."
target_type = "invoice"
workato = { resource_type = "Invoice", event_type = "invoice_paid", evidence = "I" }
ocsf = { class_uid = 6003, activity_id = 3 }
[category.action.details]
method = { type = "string", about = "How." }

[[category]]
name = "Other"
icon = "circle-dot"
own = true
"""


def source_rows() -> list[dict[str, str]]:
    with DATA.open(newline="") as file:
        return list(csv.DictReader(file))


def documented() -> list[tuple[str, ActionSpec]]:
    return [(c.name, a) for c in catalogue().categories if not c.own for a in c.actions]


def event_types_of(cell: str) -> set[str]:
    """`a_enabled|_disabled` stands for two event types; what follows a blank explains."""
    first, *suffixes = cell.partition(" ")[0].split("|")
    return {first, *(first.rpartition("_")[0] + suffix for suffix in suffixes)}


def test_the_88_activities_stand_in_17_categories_of_their_own() -> None:
    assert len(documented()) == 88
    assert len({category for category, _ in documented()}) == 17


def test_categories_labels_and_their_order_are_those_of_the_source() -> None:
    assert [(category, action.label) for category, action in documented()] == [
        (row["category"], row["activity"]) for row in source_rows()
    ]


@pytest.mark.parametrize("at", range(88), ids=lambda at: source_rows()[at]["activity"])
def test_each_action_has_workatos_identifiers_and_their_evidence(at: int) -> None:
    row, (_, action) = source_rows()[at], documented()[at]
    assert action.workato is not None
    events = {case.event_type for case in action.cases if case.event_type}
    assert action.workato.resource_type == row["resource_type"]
    assert events | {action.workato.event_type} == event_types_of(row["event_type"])
    assert action.workato.evidence == row["evidence"]


def test_trailkeepers_own_actions_are_there_and_kept_apart() -> None:
    own = [action.action for c in catalogue().categories if c.own for action in c.actions]
    assert own == [
        "api_key.created",
        "api_key.deleted",
        "api_token.created",
        "api_token.revoked",
        "workspace.created",
        "workspace.settings_updated",
        "action.declared",
        "member.added",
        "access.denied",
        "passkey.added",
        "passkey.removed",
        "audit_stream.created",
        "audit_stream.updated",
        "audit_stream.deleted",
        "audit_stream.paused",
        "audit_stream.resumed",
        "audit_stream.replayed",
        "audit_stream.dead_lettered",
        "audit_stream.dead_letters_retried",
        "audit_stream.template_failed",
        "archive.created",
        "archive.updated",
        "archive.deleted",
        "archive.paused",
        "archive.resumed",
        "archive.days_removed",
        "retention.updated",
        "retention.activities_removed",
        "retention.jobs_removed",
        "retention.package_files_removed",
        "legal_hold.placed",
        "legal_hold.released",
        "user.sessions_ended",
        "user.email_change_requested",
        "invite.resent",
        "workspace.ownership_transferred",
        "api_token.rotated",
        "sso.settings_updated",
        "asset.undeleted",
        "assets.synced",
        "audit_log.access_denied",
        "audit_log.exported",
        "audit_log.export_requested",
        "audit_log.export_failed",
        "audit_log.export_downloaded",
        "audit_log.export_deleted",
        "activities.imported",
    ]


def test_every_action_is_found_by_its_name_and_an_unknown_one_is_not() -> None:
    for action in catalogue().actions:
        assert catalogue().get(action.action) is action
    assert catalogue().get("invoice.paid_late") is None


def test_a_label_is_clean_where_the_source_needs_its_context_or_has_a_typo() -> None:
    assert catalogue().label_of("recipe.stopped") == "Recipe stopped"
    assert catalogue().label_of("folder.created") == "Folder created"
    assert (
        catalogue().label_of("user.recovery_codes_viewed")
        == "Viewed two-factor authentication recovery codes"
    )


def test_no_two_actions_are_shown_under_the_same_label() -> None:
    shown = [action.display for action in catalogue().actions]
    assert len(set(shown)) == len(shown)


def test_an_unknown_action_still_has_a_label_a_category_and_an_icon() -> None:
    assert catalogue().label_of("invoice.paid_late") == "Invoice paid late"
    assert catalogue().category_of("invoice.paid_late") == "Other"
    assert catalogue().icon_of("invoice.paid_late") == "circle-dot"


def test_an_action_has_its_own_icon_or_that_of_its_category() -> None:
    assert catalogue().icon_of("recipe.started") == "play"
    assert catalogue().icon_of("recipe.updated") == "workflow"
    assert catalogue().category_of("recipe.updated") == "Recipe"


def test_a_small_table_can_be_read() -> None:
    assert read(SMALL).label_of("invoice.paid") == "Invoice paid"


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('label = "Invoice paid"\n', "", "'invoice.paid': .*label"),
        ('"invoice.paid"', '"Invoice Paid"', "'Invoice Paid': .*action"),
        ('target_type = "invoice"', 'target_kind = "invoice"', "target_kind"),
        ("activity_id = 3", "activity_id = 77", "API Activity has no activity 77"),
        ("class_uid = 6003", "class_uid = 1", "no class 1"),
        ("[ with *method*]", " with *method*", r"may lack \*method\*"),
        ("*method*]", "*methode*]", "names 'methode'"),
        ("[ with *method*]", "[ with *method*", "not closed"),
        ('evidence = "I"', 'evidence = "X"', "evidence"),
        ('icon = "receipt"', 'icon = "Receipt Icon"', "icon"),
        ('name = "Other"', 'name = "Rest"', 'no category "Other"'),
        ('name = "Other"', 'name = "Invoice"', "twice"),
        ("[[category]]", "[[category", "activities.toml: "),
        ('evidence = "I" }', 'evidence = "I", when = { how = "x" } }', "asks for 'how'"),
        ('evidence = "I" }', 'evidence = "I", when = { method = true } }', "never is"),
        ("workato =", "# workato =", "`workato` is missing"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused_with_the_place(
    old: str, new: str, complaint: str
) -> None:
    assert old in SMALL
    with pytest.raises(CatalogueError, match=complaint):
        read(SMALL.replace(old, new, 1))


def test_an_action_that_stands_there_twice_is_refused() -> None:
    action = SMALL[SMALL.index("[[category.action]]") : SMALL.rindex("[[category]]")]
    again = action.replace('label = "Invoice paid"', 'label = "Paid"')
    with pytest.raises(CatalogueError, match=r"action 'invoice\.paid' is there twice"):
        read(SMALL.replace(action, action + again))
    other = again.replace('"invoice.paid"', '"invoice.settled"')
    with pytest.raises(CatalogueError, match="event type 'invoice_paid' is there twice"):
        read(SMALL.replace(action, action + other))


def test_the_table_is_read_only_once() -> None:
    assert catalogue() is catalogue()
