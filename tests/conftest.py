"""What every test may use: a data folder with a workspace, and real servers on free ports."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import httpx
import pysqlite3.dbapi2 as driver
import pytest
from playwright.sync_api import Browser, sync_playwright
from tests.warm import WARM, Process

from trailkeeper.identity.tokens import Scope
from trailkeeper.installation import create, opened

PASSWORD = "correct horse battery staple"
OWNER = "ada@example.com"
CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--no-first-run"),
]
ON_POSTGRESQL = os.environ.get("TRAILKEEPER_TEST_DATABASE") == "postgresql"
"""Whether the tests' installations are on PostgreSQL."""

STORE = "postgresql" if ON_POSTGRESQL else "sqlite"
"""The backend for `open_store` of tests/contract."""

TRAILKEEPER = (sys.executable, "-m", "trailkeeper")


def cli(
    *arguments: str | Path,
    stdin: str | bytes = "",
    check: bool = True,
    cold: bool = False,
    **environment: str,
) -> subprocess.CompletedProcess[str]:
    """Run the real command line; a cold one is loaded for this call, as a user's is."""
    given = stdin.decode() if isinstance(stdin, bytes) else stdin
    words, full = list(map(str, arguments)), {**os.environ, **environment}
    if cold or not WARM.makes(full):
        done = subprocess.run(
            [*TRAILKEEPER, *words],
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=full,
        )
    else:
        done = WARM.run(words, full, given, 60)
    if check:
        assert done.returncode == 0, done.stderr
    return done


@dataclass
class Site:
    """A data folder with the workspace Acme, its owner and an API token; and its server."""

    data: Path
    token: str
    port: int = 0
    process: subprocess.Popen[bytes] | Process | None = None
    environment: dict[str, str] = field(default_factory=dict)
    email: str = OWNER
    password: str = PASSWORD
    workspace: str = "Acme"

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, *wrapper: str, preload: str = "", cold: bool = False) -> Site:
        """Start the server and wait until it answers; a cold one is loaded for this start, as a
        user's is."""
        self.port = self.port or free_port()
        environment = {**os.environ, **self.environment}
        if preload:
            environment["LD_PRELOAD"] = preload
        command = ["serve", "--data", str(self.data), "--port", str(self.port)]
        with (self.data / "serve.log").open("ab") as log, Path(os.devnull).open("wb") as nowhere:
            if cold or wrapper or not WARM.makes(environment):
                self.process = subprocess.Popen(
                    [*wrapper, *TRAILKEEPER, *command], env=environment, stdout=nowhere, stderr=log
                )
            else:
                self.process = WARM.start(command, environment, stdout=nowhere, stderr=log)
        wait_for(self._answers, 120, self.log)
        return self

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log()
        line = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            line.request("GET", "/readyz")
            return line.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            line.close()

    def log(self) -> str:
        return (self.data / "serve.log").read_text()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End the server by its own process id; returns its exit code."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(30)
        self.process = None
        return code

    def http(self, token: str | None = None) -> httpx.Client:
        """A client with the token in its headers."""
        headers = {"Authorization": f"Bearer {token or self.token}"}
        # No certificates are read: that takes longer than most requests.
        return httpx.Client(base_url=self.base_url, headers=headers, timeout=30, verify=False)

    def new_token(self, *scopes: Scope, name: str = "more", expires_at: int | None = None) -> str:
        with opened(self.data) as installation:
            by = installation.workspaces.by_operator(self.workspace)
            return installation.tokens.create(by, name, list(scopes), expires_at).token

    def add_user(self, email: str, name: str, role: str) -> None:
        with opened(self.data) as installation:
            by = installation.workspaces.by_operator(self.workspace)
            installation.workspaces.add_member(by, email, name, PASSWORD, role)

    def add_workspace(self, name: str, owner_email: str) -> Site:
        """Another workspace in the same installation, with a token of its own."""
        with opened(self.data) as installation:
            installation.workspaces.create(name, owner_email, "Olga Owner", PASSWORD)
        other = replace(self, workspace=name, email=owner_email, process=None)
        other.token = other.new_token("activities:write", "activities:read", "admin")
        return other


def new_installation(data: Path) -> None:
    """An empty installation: on SQLite, or with TRAILKEEPER_TEST_DATABASE=postgresql in a database
    of its own on a real PostgreSQL, which stands in the folder's settings."""
    if ON_POSTGRESQL:
        from tests.postgresql import SHARED

        data.mkdir(parents=True, exist_ok=True)
        (data / "trailkeeper.toml").write_text(f'database_url = "{SHARED.another_database()}"\n')
    create(data)


@contextmanager
def tables_of(data: Path) -> Iterator[Any]:
    """The database of a data folder beside all of the program's ways: `execute` takes SQL."""
    if ON_POSTGRESQL:
        from trailkeeper.ledger.postgresql.adapter import Adapted
        from trailkeeper.ledger.postgresql.engine import connect
        from trailkeeper.settings import load_settings

        with connect(load_settings(data).database_url) as connection:
            yield Adapted(connection)
    else:
        with closing(driver.connect(str(data / "trailkeeper.db"))) as connection:
            yield connection


def everything_in(data: Path) -> bytes:
    """All bytes of an installation's database: its files, or the rows of all its tables."""
    if not ON_POSTGRESQL:
        return b"".join(file.read_bytes() for file in sorted(data.glob("trailkeeper.db*")))
    asked = "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'"
    with tables_of(data) as database:
        tables = [row[0] for row in database.execute(asked).fetchall()]
        rows = [database.execute(f"SELECT * FROM {table}").fetchall() for table in tables]
    return repr(rows).encode()


def make_site(data: Path) -> Site:
    """A new installation, not served yet; made in this process, which is quicker than by `init`."""
    new_installation(data)
    with opened(data) as installation:
        installation.workspaces.create("Acme", OWNER, "Ada Admin", PASSWORD)
    site = Site(data, "")
    site.token = site.new_token("activities:write", "activities:read", "admin", name="tests")
    return site


def pytest_sessionfinish() -> None:
    """End what the tests share."""
    WARM.close()
    if (module := sys.modules.get("tests.postgresql")) is not None:
        module.SHARED.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A served installation of this test's own."""
    made = make_site(tmp_path / "data").start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A served installation that a module's tests share."""
    made = make_site(tmp_path_factory.mktemp("site") / "data").start()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    if CHROMIUM is None:
        pytest.fail("the browser tests need Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


def activity(**changed: Any) -> dict[str, Any]:
    """A valid activity as JSON has it."""
    return {
        "action": "recipe.stopped",
        "actor": {
            "type": "user",
            "id": "7",
            "name": "Robin Operator",
            "email": "robin@example.com",
        },
        "targets": [{"type": "recipe", "id": "42", "name": "Sync product SKUs"}],
        **changed,
    }


def free_port() -> int:
    """One below those that Linux gives to clients and to whoever asks for any: a server that is
    started again on its port finds it free, whatever else connects meanwhile."""
    for _ in range(100):
        port = 15_000 + secrets.randbelow(17_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("There is no free port")


def wait_for(
    condition: Callable[[], Any], seconds: float = 10, why: Callable[[], str] = lambda: ""
) -> Any:
    """The condition's first true value; fails after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        if value := condition():
            return value
        assert time.monotonic() < end, f"not within {seconds} s. {why()}"
        time.sleep(0.01)
