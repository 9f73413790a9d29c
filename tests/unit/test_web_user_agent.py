"""User agents in short words."""

import pytest

from trailkeeper.web.user_agent import describe

KHTML = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (
            f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {KHTML} Chrome/130.0 Safari/537.36",
            "Chrome 130 on macOS",
        ),
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64) {KHTML} Chrome/130.0 Safari/537.36 Edg/130.1",
            "Edge 130 on Windows",
        ),
        (
            f"Mozilla/5.0 (Windows NT 10.0) {KHTML} Chrome/129.0 Safari/537.36 OPR/115.0",
            "Opera 115 on Windows",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0", "Firefox 132"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Safari/604.1",
            "Safari 18 on iOS",
        ),
        (
            f"Mozilla/5.0 (Linux; Android 15; Pixel 9) {KHTML} Chrome/130.0 Mobile Safari/537.36",
            "Chrome 130 on Android",
        ),
        ("curl/8.10.1", "curl 8.10"),
        ("python-httpx/0.28.1", "python-httpx 0.28"),
        ("n8n", "n8n"),
    ],
)
def test_a_user_agent_reads_in_short_words(agent: str, words: str) -> None:
    described = describe(agent, version=True)
    assert described is not None
    assert described.startswith(words)


def test_the_short_form_leaves_the_version_out() -> None:
    assert describe("curl/8.10.1") == "curl"


@pytest.mark.parametrize("agent", [None, "", "()", "<script>alert(1)</script>", "Mozilla/5.0"])
def test_an_unknown_user_agent_is_not_guessed(agent: str | None) -> None:
    assert describe(agent) is None


def test_a_hostile_user_agent_costs_no_time() -> None:
    assert describe("A" * 2_048) is None
