"""Details: checked against the catalogue, or against the schema of a declared action."""

from typing import Any
from urllib import request

import msgspec
import pytest

from trailkeeper.catalogue import (
    ActionSpec,
    CustomAction,
    DetailProblem,
    catalogue,
    check_custom,
    check_details,
)


def spec_of(action: str) -> ActionSpec:
    spec = catalogue().get(action)
    assert spec is not None
    return spec


def declared(schema: dict[str, Any] | None) -> CustomAction:
    return CustomAction(name="invoice.paid", label="Invoice paid", schema=schema)


def problems(schema: dict[str, Any], details: dict[str, Any]) -> list[tuple[str, str]]:
    return [tuple(problem) for problem in check_custom(declared(schema), details)]


def test_details_of_the_declared_type_pass_and_undeclared_ones_too() -> None:
    stopped = {"force": True, "error": False, "stop_reason": "test_run_stop", "mood": [1]}
    assert check_details(spec_of("recipe.stopped"), stopped) == []
    assert check_details(spec_of("recipe.stopped"), {}) == []


def test_a_detail_of_another_type_is_named() -> None:
    found = check_details(spec_of("recipe.stopped"), {"force": "yes", "stop_reason": None})
    assert found == [
        DetailProblem("/details/stop_reason", "must be a string"),
        DetailProblem("/details/force", "must be a boolean"),
    ]


@pytest.mark.parametrize(("value", "passes"), [(3, True), (3.0, True), (True, False), (3.5, False)])
def test_true_is_no_number_and_three_point_nought_is_whole(value: object, passes: bool) -> None:
    found = check_details(spec_of("action.declared"), {"version": value})
    assert (found == []) is passes


def test_a_detail_may_have_one_of_several_types() -> None:
    copied = spec_of("recipe.copied")
    assert check_details(copied, {"parent_id": 1004057}) == []
    assert check_details(copied, {"parent_id": "1004057"}) == []
    assert check_details(copied, {"parent_id": [1]}) == [
        DetailProblem("/details/parent_id", "must be a string or an integer")
    ]


def test_a_declared_action_without_a_schema_takes_anything() -> None:
    assert check_custom(declared(None), {"a": object()}) == []


def test_details_are_checked_against_the_schema_with_a_pointer() -> None:
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://example.com/invoice",
        "type": "object",
        "required": ["amount"],
        "properties": {
            "amount": {"type": "number"},
            "lines": {"type": "array", "items": {"$ref": "#/$defs/a~1b"}},
        },
        "$defs": {"a/b": {"$anchor": "line", "type": "string", "pattern": "^[a-z]+$"}},
        "additionalProperties": False,
    }
    assert problems(schema, {"amount": 1, "lines": ["a"]}) == []
    assert problems(schema, {"lines": []}) == [("/details", "'amount' is a required property")]
    assert problems(schema, {"amount": 1, "lines": ["a", 5]}) == [
        ("/details/lines/1", 'does not meet type "string"')
    ]
    assert problems(schema, {"amount": 1, "card": "secret"}) == [
        ("/details", "has a key that the schema does not allow")
    ]


def test_a_problem_never_quotes_the_value() -> None:
    found = problems({"properties": {"card": {"maxLength": 3, "enum": ["a"]}}}, {"card": "4111-11"})
    assert len(found) == 2
    assert "4111" not in str(found)


@pytest.mark.parametrize(
    ("schema", "complaint"),
    [
        ({"type": "text"}, "not a JSON Schema 2020-12 at /type"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "schema` at the top must be"),
        ({"description": "x" * 70_000}, "longer than 64 KiB"),
        ({"properties": {"a": {"$ref": "https://example.com/s"}}}, "/properties/a must lead to"),
        ({"items": {"$dynamicRef": "other#x"}}, "dynamicRef` at /items must lead to"),
        ({"$ref": "file:///etc/passwd"}, "must lead to a part of the schema itself"),
        ({"$ref": "#/$defs/missing"}, "must lead to a part of the schema itself"),
        ({"$ref": "#nowhere"}, "must lead to a part of the schema itself"),
        ({"$defs": {"a": {"$id": "https://example.com/a"}}}, "only the top"),
        ({"pattern": "a" * 201}, "longer than 200 characters"),
        ({"patternProperties": {"a": {}}}, "is not supported"),
        ({"pattern": "(a"}, "cannot be used|not a JSON Schema"),
        ({"pattern": "(?=a)b"}, "cannot be used"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused_when_it_is_declared(
    schema: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        declared(schema)


def test_a_refusal_reaches_whoever_sent_the_declaration() -> None:
    sent = b'{"name": "a.b", "label": "x", "schema": {"$ref": "https://example.com/s"}}'
    with pytest.raises(msgspec.ValidationError, match="must lead to a part of the schema"):
        msgspec.json.decode(sent, type=CustomAction)


@pytest.mark.parametrize(
    ("sentence", "complaint"),
    [
        ("*actor* paid *", "unexpected '\\*' at character 14"),
        ("*actor* [paid]", "hold no"),
        ("*actor* [paid *x*", "not closed"),
        ("[[*actor*]]", "unexpected '\\['"),
        ("*Actor*", "unexpected"),
    ],
)
def test_a_sentence_that_cannot_be_read_is_refused(sentence: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        CustomAction(name="a.b", label="x", sentence=sentence)


def test_nothing_is_ever_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("a schema was fetched")

    monkeypatch.setattr(request, "urlopen", refuse)
    action = declared({"$id": "https://example.com/a", "$ref": "#/$defs/b", "$defs": {"b": {}}})
    assert check_custom(action, {"a": 1}) == []


def test_a_schema_without_end_is_a_problem_and_not_a_crash() -> None:
    assert "nested too deeply" in problems({"$ref": "#"}, {})[0][1]


def test_a_schema_that_multiplies_its_own_work_is_given_up() -> None:
    doubling: dict[str, Any] = {
        f"d{at}": {"allOf": [{"$ref": f"#/$defs/d{at + 1}"}] * 2} for at in range(40)
    }
    schema = {"$ref": "#/$defs/d0", "$defs": doubling | {"d40": {}}}
    assert "too long to check" in problems(schema, {})[0][1]


def test_a_pattern_that_makes_other_engines_hang_is_answered_at_once() -> None:
    schema = {"properties": {"a": {"pattern": "^(a+)+$"}}}
    assert len(problems(schema, {"a": "a" * 900 + "!"})) == 1
    assert problems(schema, {"a": "a" * 900}) == []


def test_a_pattern_is_not_tried_on_long_texts() -> None:
    schema = {"properties": {"a": {"pattern": "^(a+)$"}}}
    assert problems(schema, {"a": "a" * 1_000}) == []
    assert len(problems(schema, {"a": "a" * 1_001})) == 1
    assert len(problems({"properties": {"patternProperties": {}}}, {"a" * 1_001: 1})) == 1


def test_at_most_twenty_problems_are_told() -> None:
    schema = {"additionalProperties": {"type": "string"}}
    assert len(problems(schema, {f"k{at}": at for at in range(50)})) == 20
