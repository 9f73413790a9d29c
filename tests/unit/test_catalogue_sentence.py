"""Sentences: the seed product's wording, nothing missing, nothing read twice."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trailkeeper.activity import Activity, Actor, Target
from trailkeeper.catalogue import CustomAction, Segment, catalogue, segments, sentence

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ROBIN = Actor(type="user", id="7", name="Robin Operator", email="robin@example.com")
ADA = Actor(type="user", id="1", name="Ada Admin")
RECIPE = Target(type="recipe", id="42", name="Sync product SKUs")
SAMPLES: dict[str, Any] = {
    "string": "some text",
    "integer": 3,
    "number": 2.5,
    "boolean": True,
    "array": ["one", "two"],
    "object": {"a": 1},
}


def activity(action: str = "recipe.stopped", **fields: Any) -> Activity:
    values: dict[str, Any] = {
        "id": "a1",
        "seq": 0,
        "action": action,
        "occurred_at": NOON,
        "received_at": NOON,
        "actor": ROBIN,
        "targets": [RECIPE],
        "outcome": "success",
        "environment": "prod",
    }
    return Activity(**(values | fields))


def read(action: str = "recipe.stopped", **fields: Any) -> str:
    return sentence(activity(action, **fields))


def test_a_stopped_recipe_reads_as_a_sentence() -> None:
    assert read() == "Recipe Sync product SKUs was stopped by Robin Operator."


def test_an_invitation_reads_as_the_source_words_it() -> None:
    invited = Target(type="invite", id="9", name="John", email="john@example.com")
    assert (
        read("invite.created", targets=[invited], details={"role": "Admin"})
        == "User Robin Operator invited John to join team as an Admin."
    )


def test_a_value_may_come_from_the_metadata_of_the_target() -> None:
    folder = Target(type="folder", id="3", name="Audit", metadata={"path": "Home/Audit"})
    made = activity("folder.created", targets=[folder])
    assert sentence(made) == "Folder Home/Audit was created by Robin Operator."
    assert segments(made)[1] == Segment("Home/Audit", "target", 0)


def test_details_come_before_metadata_and_null_is_no_value() -> None:
    folder = Target(type="folder", id="3", name="Audit", metadata={"path": "Home/Audit"})
    moved = {"path": "Home/B"}
    assert "Home/B" in read("folder.created", targets=[folder], details=moved)
    assert "Home/Audit" in read("folder.created", targets=[folder], details={"path": None})


def test_the_parts_say_which_of_them_is_a_name_and_whose() -> None:
    assert segments(activity()) == [
        Segment("Recipe "),
        Segment("Sync product SKUs", "target", 0),
        Segment(" was stopped by "),
        Segment("Robin Operator", "actor"),
        Segment("."),
    ]


def test_a_part_in_brackets_goes_away_with_its_value() -> None:
    paths = {"previous_path": "Home/A", "path": "Home/B"}
    assert (
        read("recipe.moved", details=paths)
        == "Recipe Sync product SKUs was moved from Home/A to Home/B by Robin Operator."
    )
    assert (
        read("recipe.moved", details={"path": "  "})
        == "Recipe Sync product SKUs was moved by Robin Operator."
    )


def test_details_choose_the_wording() -> None:
    assert "through SSO (okta)." in read(
        "user.logged_in", details={"activity": "sso_login", "provider": "okta"}
    )
    stream = [Target(type="audit_stream", id="5", name="SIEM")]
    off = read("audit_stream.toggled", targets=stream, details={"enabled": False})
    assert off == "User Robin Operator disabled audit log streaming for SIEM."
    unknown = read("audit_stream.toggled", targets=stream, details={"enabled": 1})
    assert unknown == "User Robin Operator changed audit log streaming for SIEM."


def test_without_a_name_the_email_stands_and_without_that_type_and_id() -> None:
    by_email = Actor(type="user", id="7", name="", email="robin@example.com")
    assert read(actor=by_email).endswith("by robin@example.com.")
    assert read(actor=Actor(type="api_client", id="7")).endswith("by api client 7.")


def test_the_type_is_not_said_twice() -> None:
    bare = Target(type="recipe", id="42")
    assert read(targets=[bare]) == "Recipe 42 was stopped by Robin Operator."
    topic = [Target(type="pubsub_topic", id="5")]
    assert read("pubsub_topic.created", targets=topic).startswith("Pub/Sub topic 5 was")
    nobody = Actor(type="user", id="x@example.com")
    assert read("user.logged_out", actor=nobody) == "User x@example.com logged out."


def test_an_actor_who_is_no_user_is_not_called_one() -> None:
    machine = Actor(type="api_client", id="7", name="CI")
    assert read("api_key.refreshed", actor=machine).startswith("API client CI refreshed")


def test_a_delegated_admin_acts_on_behalf_of_someone() -> None:
    robin = Actor(type="delegated_admin", id="7", name="Robin")
    made = activity(actor=robin, on_behalf_of=ADA)
    assert sentence(made).endswith("was stopped by Robin on behalf of Ada Admin.")
    assert Segment("Ada Admin", "on_behalf_of") in segments(made)


def test_a_failure_does_not_read_as_a_success() -> None:
    failed = read("recipe.started", outcome="failure")
    assert failed == "Failed: Recipe Sync product SKUs was started by Robin Operator."


@pytest.mark.parametrize("action", ["user.login_failed", "audit_log.access_denied"])
def test_a_sentence_that_tells_of_a_failure_is_not_marked_as_one(action: str) -> None:
    assert not read(action, outcome="failure").startswith("Failed")


def test_an_unknown_action_reads_as_its_name() -> None:
    assert read("recipe.frozen_over") == "Recipe frozen over: Sync product SKUs, by Robin Operator."
    assert read("a.b", outcome="failure") == "Failed: A b: Sync product SKUs, by Robin Operator."


def test_a_declared_action_reads_as_its_declaration_says() -> None:
    paid = CustomAction(name="invoice.paid", label="Invoice settled")
    assert sentence(activity("invoice.paid"), paid).startswith("Invoice settled: Sync")
    worded = CustomAction(name="invoice.paid", label="x", sentence="*actor* paid *amount* euro.")
    made = activity("invoice.paid", details={"amount": 12.5})
    assert sentence(made, worded) == "Robin Operator paid 12.5 euro."
    assert segments(made, worded)[2] == Segment("12.5", "detail")
    assert sentence(activity("invoice.paid"), worded) == "Robin Operator paid unknown amount euro."


def test_a_sentence_can_name_further_targets_and_the_one_acted_for() -> None:
    words = "*actor* for *on_behalf_of|actor* linked *target*[ with *target2*]."
    link = CustomAction(name="a.linked", label="x", sentence=words)
    two = [RECIPE, Target(type="folder", id="1", name="Home")]
    made = activity("a.linked", targets=two, on_behalf_of=ADA)
    assert (
        sentence(made, link) == "Robin Operator for Ada Admin linked Sync product SKUs with Home."
    )
    assert segments(made, link)[-2] == Segment("Home", "target", 1)
    assert sentence(activity("a.linked"), link).endswith("linked Sync product SKUs.")
    odd = CustomAction(name="a.linked", label="x", sentence="Linked *target0* and *target99*.")
    assert sentence(made, odd) == "Linked unknown target0 and unknown target99."


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        (3.0, "3"),
        (["a", 1, None, False], "a, 1, no"),
        ({"a": 1, "b": [1]}, "a: 1, b: …"),
        ("x" * 121, "x" * 119 + "…"),
        ([], "unknown amount"),
        ({}, "unknown amount"),
    ],
)
def test_a_value_that_is_not_text_is_shown_compactly(value: object, text: str) -> None:
    worded = CustomAction(name="a.b", label="x", sentence="*amount*")
    assert sentence(activity("a.b", details={"amount": value}), worded) == text


@pytest.mark.parametrize("spec", catalogue().actions, ids=lambda spec: spec.action)
@pytest.mark.parametrize("kind", ["bare", "full", *range(3)])
def test_each_sentence_has_no_hole_and_no_placeholder(spec: Any, kind: str | int) -> None:
    details: dict[str, Any] = {}
    if kind != "bare":
        details = {name: SAMPLES[detail.types[0]] for name, detail in spec.details.items()}
    if isinstance(kind, int):
        details |= spec.cases[kind].when if kind < len(spec.cases) else {}
    target = Target(type=spec.target_type, id="5", name=None if kind == "bare" else "Target")
    actor = Actor(type="user", id="7") if kind == "bare" else ROBIN
    parts = segments(activity(spec.action, actor=actor, targets=[target], details=details))
    text = "".join(part.text for part in parts)
    assert all(part.text for part in parts)
    assert not set("*[]|{}") & set(text)
    assert "unknown" not in text
    assert "  " not in text
    assert " ." not in text
    assert text.endswith(".")
    assert text[0].isupper() or text.startswith(("user 7", "Robin"))
    assert any(part.role == "actor" for part in parts)


names = st.text(min_size=1, max_size=200).filter(lambda name: bool(name.strip()))


@given(names, names)
def test_any_name_comes_through_verbatim_up_to_the_cut(who: str, what: str) -> None:
    def cut(name: str) -> str:
        return name if len(name) <= 120 else name[:119] + "…"

    actor, target = Actor(type="user", id="7", name=who), Target(type="recipe", id="1", name=what)
    text = sentence(activity(actor=actor, targets=[target]))
    assert text == f"Recipe {cut(what)} was stopped by {cut(who)}."


@given(names, st.dictionaries(st.text(max_size=9), st.text(max_size=9)))
def test_a_value_is_never_read_as_a_placeholder(path: str, more: dict[str, str]) -> None:
    details = more | {"path": path[:100] + "*actor*[*target*]{actor}"}
    text = read("folder.created", details=details)
    assert text == f"Folder {details['path'][:119]}… was created by Robin Operator." or (
        text == f"Folder {details['path']} was created by Robin Operator."
    )
