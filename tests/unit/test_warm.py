"""The tests' quick starts are starts: a fork is told, says and ends as a process of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import cli, wait_for
from tests.warm import Warm

INIT = ("init", "--workspace", "Acme", "--owner-email", "ada@example.com")
PASSWORD_COMES = ("--owner-password-file", "-")


@pytest.fixture
def warm() -> Iterator[Warm]:
    made = Warm()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("arguments", "stdin", "settings"),
    [
        (("--version",), "", {}),
        (("nothing",), "", {}),
        (("serve", "--data", "not-there"), "", {}),
        ((*INIT, *PASSWORD_COMES, "--data", "new"), "short", {}),
        ((*INIT, *PASSWORD_COMES, "--data", "new"), "long enough", {"TRAILKEEPER_LOG_FORMAT": "x"}),
    ],
)
def test_what_it_says_and_its_exit_code_are_those_of_a_cold_start(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    stdin: str,
    settings: dict[str, str],
) -> None:
    monkeypatch.chdir(tmp_path)
    warm, cold = (
        cli(*arguments, stdin=stdin, check=False, cold=cold, **settings) for cold in (False, True)
    )
    assert (warm.returncode, warm.stdout, warm.stderr) == (
        cold.returncode,
        cold.stdout,
        cold.stderr,
    )


def test_only_the_programs_own_settings_may_differ(
    warm: Warm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRAILKEEPER_TEST_COLD", raising=False)
    assert warm.makes({**os.environ, "TRAILKEEPER_LOG_FORMAT": "json"})
    assert not warm.makes({**os.environ, "TZ": "Asia/Tokyo"})


def test_it_has_no_files_but_its_streams_and_ends_with_the_tests(
    warm: Warm, tmp_path: Path
) -> None:
    arguments = [*INIT, *PASSWORD_COMES, "--data", str(tmp_path / "new")]
    given, giving = os.pipe()
    with os.fdopen(given, "rb") as stdin, os.fdopen(giving, "wb"):
        waiting, other = (warm.start(arguments, dict(os.environ), stdin) for _ in range(2))
        for one in (waiting, other):
            files = Path(f"/proc/{one.pid}/fd")
            wait_for(
                lambda files=files: sorted(file.name for file in files.iterdir()) == list("012")
            )
        other.kill()
        assert other.wait(10) == -9
        assert waiting.poll() is None
        warm.close()
        wait_for(lambda: not Path(f"/proc/{waiting.pid}").exists())
