"""One server for all tests of this folder; who needs a log of their own takes a workspace of it."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import httpx
import pytest
from tests.conftest import Site, make_site

from trailkeeper.cli import main

_numbers = count(1)


@pytest.fixture(scope="session")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A served installation that all tests of this folder share."""
    made = make_site(tmp_path_factory.mktemp("site") / "data").start()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def http(shared_site: Site) -> Iterator[httpx.Client]:
    """A client of the shared server with every right."""
    with shared_site.http() as client:
        yield client


@pytest.fixture(scope="module")
def workspace(shared_site: Site) -> Site:
    """A workspace of this module's own on the shared server."""
    number = next(_numbers)
    return shared_site.add_workspace(f"Workspace {number}", f"owner{number}@example.com")


@pytest.fixture(scope="module")
def own(workspace: Site) -> Iterator[httpx.Client]:
    """A client of the module's own workspace."""
    with workspace.http() as client:
        yield client


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command line in this process: as `cli` of tests/conftest.py, without a second's start."""

    def command(
        *arguments: str | Path, stdin: str = "", check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        given = ["trailkeeper", *map(str, arguments)]
        out, err = io.StringIO(), io.StringIO()
        monkeypatch.setattr(sys, "argv", given)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            pytest.raises(SystemExit) as ended,
        ):
            main()
        code = ended.value.code
        assert isinstance(code, int)
        if check:
            assert code == 0, err.getvalue()
        return subprocess.CompletedProcess(given, code, out.getvalue(), err.getvalue())

    return command
