"""Previews of message templates: what they make, and that none can do harm."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trailkeeper.assets import templates
from trailkeeper.assets.template_language import (
    MARKUP_LENGTH_MAX,
    MARKUP_MAX,
    TEMPLATE_MAX,
    check_template,
)
from trailkeeper.assets.template_process import _answer
from trailkeeper.assets.templates import Request, preview
from trailkeeper.errors import InvalidInput, TooManyRequests

ORDER = {"name": "Ada", "items": [{"sku": "a-1", "price": 3}, {"sku": "b-2", "price": "4"}]}

WORDS = """
    {{ }} {% %} {%- -%} {# | : , . .. ( ) [ ] ' " a 1 -1 1.5 if endif for in endfor raw endraw
    comment endcomment assign = == and contains liquid echo cycle case when endcase doc enddoc
    capture endcapture
""".split()  # noqa: SIM905 # easier to read


def body(template: str, data: dict[str, Any] | None = None) -> str:
    return preview("", template, ORDER if data is None else data).body


def growing(start: str, filter: str, rounds: int) -> str:
    """A template that puts a value together with itself."""
    grow = f"{{% assign a = a | {filter}: a %}}"
    return f"{{% assign a = {start} %}}{{% for i in (1..{rounds}) %}}{grow}{{% endfor %}}"


def refusal(template: str) -> str:
    with pytest.raises(InvalidInput) as refused:
        body(template)
    return refused.value.detail


def test_subject_and_body_are_rendered_with_the_data() -> None:
    made = preview(
        "Order of {{ name | upcase }}",
        "{% for item in items %}{{ item.sku }}: {{ item.price | times: 2 }}\n{% endfor %}",
        ORDER,
    )
    assert made.subject == "Order of ADA"
    assert made.body == "a-1: 6\nb-2: 8\n"


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain", "plain"),
        ("", ""),
        ("{{ nothing.at.all[3] }}", ""),
        ("{{ nothing | default: 'you' }}", "you"),
        ("{% if name == 'Ada' %}yes{% else %}no{% endif %}", "yes"),
        ("{% raw %}{{ name }}{% endraw %}", "{{ name }}"),
        ("{% comment %}{{ name }}{% endcomment %}", ""),
        ("{{ '2026-11-24' | date: '%d.%m.%Y' }}", "24.11.2026"),
        ("{{ '<b>' | escape }}", "&lt;b&gt;"),
        ("Grüße 👋", "Grüße 👋"),
    ],
)
def test_the_language_is_liquid(template: str, text: str) -> None:
    assert body(template) == text


def test_what_the_data_holds_is_text_and_is_not_rendered_again() -> None:
    assert body("{{ x }}", {"x": "<script>{{ name }}</script>"}) == "<script>{{ name }}</script>"


@pytest.mark.parametrize(
    "template",
    [
        "{{ name.__class__ }}",
        "{{ items.__class__.__mro__ }}",
        "{{ items[0].keys }}",
        "{{ name.upper }}",
        "{{ __import__ }}",
        "{{ self }}{{ environment }}{{ globals }}",
    ],
)
def test_nothing_but_the_data_can_be_reached(template: str) -> None:
    assert body(template) == ""


@pytest.mark.parametrize("tag", ["include 'a'", "render 'a'", "extends 'a'", "import 'a'"])
def test_other_templates_cannot_be_read(tag: str) -> None:
    assert "unexpected tag" in refusal(f"{{% {tag} %}}")


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{% for i in (1..1000000000) %}x{% endfor %}", "a loop has more than 10,000 rounds"),
        (
            "{% for i in (1..101) %}{% for j in (1..101) %}{% endfor %}{% endfor %}",
            "a loop has more than 10,000 rounds",
        ),
        ("{% tablerow i in (1..1000000000) %}x{% endtablerow %}", "more than 10,000 rounds"),
        (f"{{% for i in (1..9999) %}}{'x' * 999}{{% endfor %}}", "more than 256 KiB of text"),
        (growing("'aaaaaaaa'", "append", 99), "more than 1024 KiB in variables"),
        (growing("99999999", "times", 99), "in variables"),
        (
            growing("'aaaaaaaa'", "append", 15) + "{{ a | replace: 'a', a | size }}",
            "needs more than 512 MiB of memory",
        ),
        ("{{ (1..10000000000) | join: ',' }}", "needs more than 512 MiB of memory"),
        ("{{ (1..10000000000) | reverse | size }}", "needs more than 512 MiB of memory"),
        ("{{ 1 | divided_by: 0 }}", "divide by 0"),
    ],
)
def test_a_template_that_does_not_end_or_grows_is_refused_with_the_reason(
    template: str, why: str
) -> None:
    started = time.monotonic()
    assert why in refusal(template)
    assert time.monotonic() - started < 10


def test_a_template_that_takes_too_long_is_ended() -> None:
    loop = "{% for i in (1..10000) %}{% assign a = i | times: 3 %}{% endfor %}"
    assert "takes longer than 2 seconds" in refusal(loop * 600)


def test_the_problem_points_to_what_is_wrong() -> None:
    with pytest.raises(InvalidInput) as refused:
        preview("{{", "fine\n{{ name | nope }}", {})
    assert [(error.pointer, error.detail) for error in refused.value.errors] == [
        ("/subject", "line 1: `{{` is not closed by `}}`"),
        ("/body", "line 2: there is no filter `nope`"),
    ]


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{{ name", "line 1: `{{` is not closed by `}}`"),
        ("\n\n{% if a", "line 3: `{%` is not closed by `%}`"),
        ("{% raw %}", "line 1: `raw` is not closed by `endraw`"),
        ("{% if a %}", "line 1: expected tag endif"),
        ("{% nope %}", "line 1: unexpected tag 'nope'"),
        ("{% for %}{% endfor %}", "line 1: "),
        ("{{ a | nope }}", "line 1: there is no filter `nope`"),
        ("{% if a %}" * 30, "line 1: tags are nested deeper than 20 levels"),
        ("{{" + "a" * MARKUP_LENGTH_MAX + "}}", "line 1: `{{` is longer than 2,000 characters"),
        ("{{" + " " * 101 + "a}}", "line 1: has more than 100 blanks in a row in a tag"),
        ("{{a}}" * (MARKUP_MAX + 1), "line 1: there are more than 2,000 tags"),
        ("a" * (TEMPLATE_MAX + 1), "is longer than 100,000 characters"),
    ],
)
def test_a_template_that_is_not_right_is_told_with_its_line(template: str, why: str) -> None:
    [wrong] = check_template(template)
    assert wrong.startswith(why)


@pytest.mark.parametrize(
    "template",
    [
        "{% comment %}" + "{{ " * 20_000,
        "{% comment %}" + "{% raw %}" * 10_000,
        "{% comment %}" + "{% doc %}" * 10_000,
        "{% raw %}" + "{% " * 30_000,
        "{% raw %}" + "{%" + " " * 90_000,
        "{{" + " " * 90_000 + "}}",
        ("{{" + " " * 100 + "}}") * 900,
        "{%" + " " * 90_000 + "%}",
        "{{ " + "(" * 1_900 + " }}",
        "{{ " + "a[" * 900 + " }}",
        ("{{ a " + "| append: 'a' " * 100 + "}}") * 60,
        "{% if " + " and ".join(["a"] * 280) + " %}{% endif %}",
        "{% if a %}" + "{% elsif a %}" * 1_900 + "{% endif %}",
        "{% liquid\n" + "if a\n" * 300 + "%}",
        "{" * 99_999,
        "\n" * 99_999,
        "{%-" * 30_000,
    ],
)
def test_a_check_is_quick_whatever_the_template(template: str) -> None:
    check_template("")  # the library is loaded
    started = time.perf_counter()
    check_template(template)
    assert time.perf_counter() - started < 2


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([*WORDS, "\n"]), max_size=40).map(" ".join) | st.text(max_size=60))
def test_any_text_is_rendered_or_told_to_be_wrong_in_one_line(template: str) -> None:
    wrong = check_template(template)
    answer = _answer(Request({"body": template}, ORDER)) if not wrong else None
    assert all(why.isprintable() for why in [*wrong, answer.why if answer else ""])
    assert answer is None or answer.why or answer.texts.keys() == {"body"}


def test_a_preview_knows_nothing_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAILKEEPER_SMTP_PASSWORD", "hidden")
    seen: dict[str, Any] = {}
    run = subprocess.run

    def spy(*arguments: Any, **options: Any) -> Any:
        seen.update(options["env"])
        return run(*arguments, **options)

    monkeypatch.setattr(subprocess, "run", spy)
    assert body("{{ name }}") == "Ada"
    assert set(seen) <= {"PATH", "LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH", "LANG", "TZ"}


def test_the_process_can_open_no_file(tmp_path: Path) -> None:
    """Should a template ever come to run what it likes, there is little that it could do."""
    program = (
        "from trailkeeper.assets import template_process as process\n"
        "process._limit()\n"
        f"for attempt in (lambda: open({os.fspath(tmp_path / 'x')!r}, 'w'),"
        " lambda: __import__('socket').socket(), lambda: bytearray(1 << 30)):\n"
        "    try: attempt()\n"
        "    except (OSError, MemoryError) as error: print(type(error).__name__)\n"
    )
    command = [sys.executable, "-c", "import socket\n" + program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["OSError", "OSError", "MemoryError"], done.stderr


def test_a_process_that_dies_is_a_problem_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert refusal("x") == "The template: cannot be rendered"


def test_a_process_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    hanging = tmp_path / "hanging"
    hanging.write_text("#!/bin/sh\nexec sleep 60\n")
    hanging.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(hanging))
    monkeypatch.setattr(templates, "WAIT_MAX_S", 0.3)
    assert "takes longer" in refusal("x")


def test_only_so_many_are_rendered_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "TURN_MAX_S", 0.05)
    for _ in range(templates.AT_ONCE):
        assert templates._turns.acquire(timeout=1)
    try:
        with pytest.raises(TooManyRequests):
            body("x")
    finally:
        for _ in range(templates.AT_ONCE):
            templates._turns.release()
    assert body("x") == "x"
