"""Every problem type: unique, and a valid RFC 9457 document."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
import pytest

from trailkeeper.errors import BASE, PROBLEMS, FieldError, Problem


def every_kind(kind: type[Problem]) -> set[type[Problem]]:
    return {kind}.union(*map(every_kind, kind.__subclasses__()))


def test_no_two_problems_share_a_type() -> None:
    assert len({kind.slug for kind in PROBLEMS}) == len(PROBLEMS)
    assert len({kind.title for kind in PROBLEMS}) == len(PROBLEMS)


def test_every_problem_has_one_of_the_types_that_are_named() -> None:
    named = {kind.slug for kind in PROBLEMS}
    assert {kind.slug for kind in every_kind(Problem)} == named


@pytest.mark.parametrize("kind", PROBLEMS, ids=lambda kind: kind.slug)
def test_a_problem_makes_a_valid_document(kind: type[Problem]) -> None:
    problem = kind(
        "What was wrong",
        FieldError("is missing", "/actor/id"),
        FieldError("is no number", parameter="limit"),
    )
    assert msgspec.json.decode(msgspec.json.encode(problem.document())) == {
        "type": f"{BASE}{kind.slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": "What was wrong",
        "errors": [
            {"detail": "is missing", "pointer": "/actor/id"},
            {"detail": "is no number", "parameter": "limit"},
        ],
    }
    assert 400 <= HTTPStatus(kind.status) < 600
    assert kind.slug.replace("-", "").isalpha()
    assert kind.__doc__
    assert str(problem) == "What was wrong"


def test_a_problem_without_fields_has_no_list_of_them() -> None:
    assert "errors" not in Problem("x").document()


def test_when_to_try_again_is_kept() -> None:
    assert Problem("x", retry_after_s=5).retry_after_s == 5
    assert Problem("x").retry_after_s is None
