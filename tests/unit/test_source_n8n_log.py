"""The n8n source on a whole, real event log: the one that the demo ships."""

from __future__ import annotations

from collections import Counter
from importlib.resources import files

import msgspec
import pytest

from trailkeeper.activity import ActivityInput, encode_input
from trailkeeper.sources import SOURCES, Mapped, OfJob, Refused, Skipped, Source

LINES = (
    files("trailkeeper.sources").joinpath("demo/n8nEventLog.jsonl").read_bytes().splitlines(True)
)
SKUS = "3wac9W5Reylce301"
MIA = "122ee250-6706-44c8-a744-44ed33661072"


def read(lines: list[bytes], state: bytes | None = None) -> tuple[Source, list[object]]:
    """The source after these lines, and what it said to each."""
    source = SOURCES["n8n"]()
    if state:
        source.load_state(state)
    for line in lines:
        source.look_ahead(line)
    return source, [source.map(number, line) for number, line in enumerate(lines, 1)]


def activities_in(results: list[object]) -> list[ActivityInput]:
    return [one for result in results if isinstance(result, Mapped) for one in result.activities]


@pytest.fixture(scope="module")
def results() -> list[object]:
    return read(LINES)[1]


@pytest.fixture(scope="module")
def activities(results: list[object]) -> list[ActivityInput]:
    return activities_in(results)


def about(activities: list[ActivityInput], action: str) -> list[ActivityInput]:
    return [one for one in activities if one.action == action]


def test_every_event_is_accounted_for(results: list[object]) -> None:
    kinds = Counter(type(result) for result in results)
    reasons = Counter(result.reason for result in results if isinstance(result, Skipped))
    assert kinds == {Mapped: 43, OfJob: 33, Skipped: 9, type(None): 85}
    assert reasons == {
        "about an execution: its job says it": 6,
        "about an execution: not kept": 1,
        "server event": 1,
        "told by an earlier event": 1,
    }


def test_nothing_of_the_log_keeps_a_name_of_its_own(activities: list[ActivityInput]) -> None:
    assert [one.action for one in activities if one.action.startswith("n8n.")] == []


def test_the_life_of_a_workflow_reads_as_it_was(activities: list[ActivityInput]) -> None:
    life = [one for one in activities if one.targets[0].id == SKUS]
    assert [(one.action, one.targets[0].name) for one in life] == [
        ("recipe.created", "Sync SKUs"),
        ("recipe.updated", "Sync SKUs"),
        ("recipe.renamed", "Sync product SKUs"),
        ("recipe.started", "Sync product SKUs"),
        ("recipe.stopped", "Sync product SKUs"),
        ("recipe.updated", "Sync product SKUs"),
        ("recipe.updated", "Sync product SKUs"),
        ("recipe.updated", "Sync product SKUs"),
        ("recipe.deleted", "Sync product SKUs"),
    ]
    assert {(one.actor.name, one.actor.email) for one in life} == {
        ("Olga Owner", "olga.owner@example.com")
    }
    changes = [(one.field, one.old, one.new) for activity in life for one in activity.changes or []]
    assert changes == [
        ("timezone", None, "Europe/Paris"),
        ("name", "Sync SKUs", "Sync product SKUs"),
        ("archived", False, True),
        ("archived", True, False),
        ("archived", False, True),
    ]


def test_a_deleted_workflow_keeps_its_last_name(activities: list[ActivityInput]) -> None:
    names = [one.targets[0].name for one in about(activities, "recipe.deleted")]
    assert names == ["Made by API v2", "Sync product SKUs"]


def test_two_people_were_invited_once_each(activities: list[ActivityInput]) -> None:
    first, second = about(activities, "invite.created")
    assert first.id == "6001059b-062c-48b0-b721-f396fbae7d44"
    assert second.id == f"{first.id}:{MIA}"
    assert second.targets[0].name == "Mia Member"
    assert [one.actor.id for one in about(activities, "invite.accepted")] == [MIA]


def test_mias_account_changes_say_what_was_before(activities: list[ActivityInput]) -> None:
    (renamed,) = about(activities, "user.name_updated")
    (moved,) = about(activities, "user.email_updated")
    (password,) = about(activities, "user.password_changed")
    assert renamed.details == {
        "user_name": "Mia Renamed",
        "previous_user_name": "Mia Member",
    }
    assert moved.changes
    assert moved.changes[0].old == "mia.member@example.com"
    assert moved.changes[0].new == "mia.new@example.com"
    assert password.changes is None
    assert {renamed.actor.id, moved.actor.id, password.actor.id} == {MIA}


def test_a_failed_login_is_known_by_who_logs_in_later(activities: list[ActivityInput]) -> None:
    olga, nobody = about(activities, "user.login_failed")
    assert (olga.actor.name, olga.outcome) == ("Olga Owner", "failure")
    assert olga.actor.id == "56e63af9-e8a1-4275-8a20-0e8febd136b7"
    assert olga.reason == "wrong credentials"
    assert olga.details == {"activity": "password_login"}
    assert (nobody.actor.id, nobody.actor.name) == ("nobody@example.com", "nobody@example.com")


def test_a_deleted_credential_is_the_only_one_of_its_type(
    activities: list[ActivityInput],
) -> None:
    (made,) = about(activities, "connection.created")
    (deleted,) = about(activities, "connection.deleted")
    assert deleted.targets == made.targets
    assert made.targets[0].name == "httpBasicAuth credential"
    assert deleted.details == {"provider": "httpBasicAuth", "inferred": ["target"]}


def test_a_deleted_member_is_not_the_one_who_deleted(activities: list[ActivityInput]) -> None:
    for deleted in about(activities, "member.deleted"):
        assert deleted.actor.name == "Olga Owner"
        assert (deleted.targets[0].id, deleted.targets[0].name) == (
            "unknown",
            "a member n8n did not name",
        )


def test_ids_are_unique_and_begin_with_the_events_own(results: list[object]) -> None:
    source = SOURCES["n8n"]()
    seen: set[str | None] = set()
    for result in results:
        if isinstance(result, Mapped):
            line = LINES[result.line - 1]
            own = source.event_id(result.line, line)
            assert own
            assert result.activities[0].id == own
            assert all(str(one.id).startswith(f"{own}:") for one in result.activities[1:])
            seen.update(one.id for one in result.activities)
    assert len(seen) == len(activities_in(results))


def test_mapping_twice_gives_the_same_bytes(activities: list[ActivityInput]) -> None:
    again = activities_in(read(LINES)[1])
    assert [encode_input(one) for one in again] == [encode_input(one) for one in activities]


def test_two_files_tell_the_same_as_one(activities: list[ActivityInput]) -> None:
    """The invitation is told in the first file and repeated in the second."""
    source, first = read(LINES[:86])
    _, second = read(LINES[86:], source.export_state())
    ids = [one.id for one in activities]
    assert [one.id for one in activities_in(first) + activities_in(second)] == ids
    assert [one.action for one in activities_in(second)] == [
        one.action for one in activities if one.id not in {had.id for had in activities_in(first)}
    ]


def test_a_second_import_changes_nothing() -> None:
    source, results = read(LINES)
    held = {one.id for one in activities_in(results)}
    before = source.export_state()
    again = SOURCES["n8n"]()
    again.load_state(before)
    for line in LINES:
        again.look_ahead(line)
    for number, line in enumerate(LINES, 1):
        if again.event_id(number, line) not in held:
            assert not isinstance(again.map(number, line), Mapped | Refused)
    assert again.export_state() == before


def test_a_repeated_invitation_stays_one_even_if_the_state_was_lost() -> None:
    held = {one.id for one in activities_in(read(LINES)[1])}
    source = SOURCES["n8n"]()
    for line in LINES:
        source.look_ahead(line)
    for number, line in enumerate(LINES, 1):
        if source.event_id(number, line) not in held:
            assert not isinstance(source.map(number, line), Mapped)


def test_a_foreign_state_is_not_loaded() -> None:
    with pytest.raises(msgspec.DecodeError):
        SOURCES["n8n"]().load_state(b'{"flows":{}}')


def test_no_personal_field_stands_in_the_details(activities: list[ActivityInput]) -> None:
    for one in activities:
        assert not [key for key in one.details or {} if key.startswith("_") or key == "userId"]
        assert one.environment is None
        assert one.context
        assert one.context.source == "n8n"
