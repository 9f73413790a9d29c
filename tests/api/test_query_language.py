"""The query language over the API: words, phrases, prefixes, qualifiers, negation, quoting."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.conftest import activity

from .support import PATH, expect_problem, record_all


def noted(id: str, note: str, **more: Any) -> dict[str, Any]:
    return activity(id=id, details={"note": note}, **more)


LOG = {
    one["id"]: one
    for one in (
        noted("quick", "the quick brown fox"),
        noted("brown", "Brown, quick: foxes!", outcome="failure"),
        noted("accent", "Zürich café naïve STRASSE"),
        noted("quote", 'she said "stop it" (twice)'),
        noted("sku", "synchronise sku-4711 and a_b.c/d", action="recipe.started"),
        noted("url", "https://example.com/path?x=1&y=2"),
        noted("japanese", "日本 東京"),
        noted("operators", "NEAR OR AND NOT body : * ^ { }"),
        noted(
            "named",
            "nothing",
            actor={"type": "user", "id": "8", "name": "Ada Admin", "email": "ada@example.com"},
            targets=[{"type": "folder", "id": "9", "name": 'The "Sales", EMEA'}],
            context={"session_id": "s 1", "request_id": "r-1", "trace_id": "t-1"},
        ),
    )
}


@pytest.fixture(scope="module", autouse=True)
def _log(own: httpx.Client) -> None:
    record_all(own, list(LOG.values()))


def found(http: httpx.Client, query: str) -> set[str]:
    answer = http.get(PATH, params={"q": query, "limit": 1_000})
    assert answer.status_code == 200, answer.text
    return {one["id"] for one in answer.json()["data"]} & set(LOG)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("quick", {"quick", "brown"}),
        ("QUICK", {"quick", "brown"}),
        ("quick fox", {"quick"}),
        ("fox quick", {"quick"}),
        ('"quick brown"', {"quick"}),
        ('"brown quick"', {"brown"}),
        ('"quick fox"', set()),
        ("fox*", {"quick", "brown"}),
        ("qui*", {"quick", "brown"}),
        ("uick", set()),
        ("quick -fox", {"brown"}),
        ("-quick", set(LOG) - {"quick", "brown"}),
        ('-"quick brown" quick', {"brown"}),
        ("-fox* quick", set()),
        ("zurich", {"accent"}),
        ("ZÜRICH CAFE", {"accent"}),
        ('"stop it"', {"quote"}),
        (r'"said \"stop it\""', {"quote"}),
        ("(twice)", {"quote"}),
        ("sku-4711", {"sku"}),
        ("a_b.c/d", {"sku"}),
        ('"4711 sku"', set()),
        ("example.com", {"url", "named", *LOG}),
        ('"https://example.com/path"', {"url"}),
        ("日本", {"japanese"}),
        ("東*", {"japanese"}),
        ("OR", {"operators"}),
        ("quick OR fox", set()),
        ("NEAR AND NOT", {"operators"}),
        ("Ada", {"named"}),
        ("outcome:failure", {"brown"}),
        ("-outcome:failure quick", {"quick"}),
        ("action:recipe.started", {"sku"}),
        ("action:recipe.started,user.invited", {"sku"}),
        ("action:recipe.* outcome:failure", {"brown"}),
        ("-action:recipe.stopped", {"sku"}),
        ("actor:ada@example.com", {"named"}),
        ("user:ada@example.com", {"named"}),
        ('actor:"Ada Admin"', {"named"}),
        ('actor:"Nobody","Ada Admin"', {"named"}),
        ("-actor:user:7", {"named"}),
        ("ACTOR:user:8", {"named"}),
        (r'target:"The \"Sales\", EMEA"', {"named"}),
        ("asset:folder:9", {"named"}),
        ("type:folder", {"named"}),
        ("target_type:folder", {"named"}),
        ('session:"s 1"', {"named"}),
        ("request:r-1 trace:t-1", {"named"}),
        ("request:r-2", set()),
        ("-request:r-1", set(LOG) - {"named"}),
        ("-actor:nobody", set(LOG)),
        ("env:prod", set(LOG)),
        ("after:2020-01-01 before:2999-01-01", set(LOG)),
        ("before:2020-01-01", set()),
        ("after:2999-01-01T00:00Z", set()),
        ("", set(LOG)),
        ("   ", set(LOG)),
    ],
)
def test_a_query_finds_what_it_says(own: httpx.Client, query: str, names: set[str]) -> None:
    assert found(own, query) == names


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ('"open', "quotation mark"),
        ('actor:"open', "quotation mark"),
        ("nothing:x", "nothing"),
        ("actor:", "actor"),
        ("actor:,", "actor"),
        ("outcome:maybe", "maybe"),
        ("ip:localhost", "localhost"),
        ("action:Recipe", "Recipe"),
        ("after:yesterday", "yesterday"),
        ("-after:2026-01-01", "after"),
        ("*", "letter or digit"),
        ("-", "letter or digit"),
        ("!!!", "letter or digit"),
        ("x " * 51, "50"),
        ("x" * 2_001, "2000"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused_with_the_reason(
    own: httpx.Client, query: str, told: str
) -> None:
    answer = own.get(PATH, params={"q": query})
    problem = expect_problem(answer, 400, "invalid-parameter", parameter="q")
    assert told in problem["detail"]


@pytest.mark.parametrize(
    "query",
    [
        "a' OR 1=1 --",
        'x" OR "1"="1',
        "body:x*",
        "{body}: x",
        "^the",
        "quick + fox",
        "NEAR(quick fox, 3)",
        "(((",
        ")))",
        "\ue0001",
        "\ue000",
        "a\x00b",
        "%",
        "_",
        "\\",
        '"\\',
        "-" * 100 + "a",
        "*quick",
        "qu*ck",
        '"quick"*',
        "😀",
        "a😀",
        "\u200b",
        "ͣ",
        "x:y:z",
        "--x",
        "- x",
        ",",
        ",,a",
    ],
)
def test_no_query_breaks_the_search(own: httpx.Client, query: str) -> None:
    answer = own.get(PATH, params={"q": query})
    if answer.status_code != 200:
        expect_problem(answer, 400, "invalid-parameter", parameter="q")
