"""A real PostgreSQL server of the tests' own: started on loopback and a free port from a temporary
folder, as an ordinary user of the system, and ended by its process id.

Each test gets a database of its own, made from a template that has all tables, and owned by a role
that is neither superuser nor passes by row-level security.
"""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from tests.conftest import free_port, wait_for

from trailkeeper.ledger.migrate import migrate
from trailkeeper.ledger.postgresql.engine import writer_engine

ROLE = "trailkeeper"
PASSWORD = "not a secret"
SUPERUSER = "admin"
TEMPLATE = "trailkeeper_template"
KEPT = 40
PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/bin",
    "/usr/local/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
)

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "on",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "wal_level": "replica",
    "max_wal_senders": "4",
    "autovacuum_naptime": "5s",
    "log_min_messages": "warning",
    "timezone": "UTC",
}


@cache
def programs() -> Path:
    """The folder of the newest PostgreSQL's programs; fails by name when there is none."""
    named = os.environ.get("TRAILKEEPER_TEST_PGBIN")
    folders = [Path(named)] if named else []
    for place in () if named else PLACES:
        folders += sorted(Path("/").glob(place[1:]), key=lambda path: (len(str(path)), str(path)))[
            ::-1
        ]
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    pytest.fail("the tests need PostgreSQL: scripts/need-postgresql.sh installs it")


def as_ordinary_user(*command: str | Path) -> list[str]:
    """postgres refuses to run as root. It ends with the process of the tests, however that ends."""
    words = [str(word) for word in command]
    setpriv = shutil.which("setpriv")
    if os.geteuid() != 0:
        return [setpriv, "--pdeathsig", "INT", *words] if setpriv else words
    assert setpriv, "setpriv (util-linux) is needed to run PostgreSQL's programs from root"
    user = ordinary_user()
    return [
        *(setpriv, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"),
        *("--pdeathsig", "INT", *words),
    ]


def ordinary_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    pytest.fail("no user `postgres` or `nobody` to run PostgreSQL as")


class Server:
    """One PostgreSQL server. `start`, `stop` and `start` again keep its data and its port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)

    # --- Its process

    def initialise(self) -> None:
        """Make an empty cluster, whose roles need a password over TCP."""
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        self.own()
        self.run(
            *("initdb", "-D", self.data, "-U", SUPERUSER, "--pwfile", secret),
            *("--auth=scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions"),
        )

    def start(self, **settings: str) -> Server:
        """Start it and wait until it takes connections."""
        said = {**SETTINGS, **settings, "port": str(self.port)}
        said["unix_socket_directories"] = str(self.folder)
        options = [f"-c{name}={value}" for name, value in said.items()]
        command = as_ordinary_user(programs() / "postgres", "-D", self.data, *options)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/")
        wait_for(self._answers, 60, self.log)
        return self

    def stop(self, number: int = signal.SIGINT) -> None:
        """By its own process id. SIGINT is PostgreSQL's fast shutdown, SIGQUIT its crash."""
        if self.process is None:
            return
        self.process.send_signal(number)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(30)
            raise
        finally:
            self.process = None

    def run(self, program: str, *arguments: str | Path, **environment: str) -> str:
        """One of PostgreSQL's programs, as the same user; returns what it printed."""
        done = subprocess.run(
            as_ordinary_user(programs() / program, *arguments),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            cwd="/",
            env={**os.environ, "PGPASSWORD": PASSWORD, **environment},
        )
        assert done.returncode == 0, f"{program}: {done.stderr or done.stdout}"
        return done.stdout

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-4_000:]

    def own(self) -> None:
        """Make the folder that of the user it runs as."""
        if os.geteuid() == 0:
            user = ordinary_user()
            for path in (self.folder, *self.folder.iterdir()):
                os.chown(path, user.pw_uid, user.pw_gid)

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log()
        try:
            self.admin("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    # --- Its databases

    def admin(self, *statements: str, database: str = "postgres") -> list[Any]:
        """Run statements as the superuser; the last one's rows."""
        rows: list[Any] = []
        info = make_conninfo(
            host="127.0.0.1", port=self.port, user=SUPERUSER, password=PASSWORD, dbname=database
        )
        with psycopg.connect(info, autocommit=True, connect_timeout=5) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
                rows = cursor.fetchall() if cursor.description else []
        return rows

    def url(self, database: str, user: str = ROLE, password: str = PASSWORD) -> str:
        safe = password.replace(" ", "%20")
        return f"postgresql://{user}:{safe}@127.0.0.1:{self.port}/{database}"

    def prepare(self) -> None:
        """Make the ordinary role, and the template with all tables."""
        self.admin(
            f"CREATE ROLE {ROLE} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '{PASSWORD}'",
            f"CREATE DATABASE {TEMPLATE} OWNER {ROLE} TEMPLATE template0",
        )
        engine = writer_engine(self.url(TEMPLATE))
        migrate(engine)
        engine.dispose()

    def new_database(self, *, empty: bool = False) -> str:
        """The URL of a new database, with all tables or `empty`."""
        name = f"t{next(self._numbers)}_{os.getpid()}"
        template = "template0" if empty else TEMPLATE
        self.admin(f"CREATE DATABASE {name} OWNER {ROLE} TEMPLATE {template}")
        return self.url(name)

    def drop_database(self, url: str) -> None:
        self.admin(f"DROP DATABASE IF EXISTS {name_in(url)} WITH (FORCE)")

    def cut(self, database: str | None = None) -> int:
        """End all connections of a database's ordinary role, or of all, and wait until they have
        ended; returns how many."""
        rows = self.admin(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename ="
            f" '{ROLE}'" + (f" AND datname = '{database}'" if database else "")
        )
        return len(rows)


def name_in(url: str) -> str:
    """The database's name in a URL."""
    return url.rpartition("/")[2].partition("?")[0]


@contextmanager
def server_of_its_own(**settings: str) -> Iterator[Server]:
    """A new server, ready for databases; ended and removed at the end."""
    # Not below pytest's folders, which other users may not enter; and a socket's path is short.
    with tempfile.TemporaryDirectory(prefix="tk-pg-", ignore_cleanup_errors=True) as name:
        server = Server(Path(name))
        server.initialise()
        try:
            server.start(**settings).prepare()
            yield server
        finally:
            server.stop()


class Shared:
    """The one server of a test process, started at its first use."""

    def __init__(self) -> None:
        self._entered: Any = None
        self._server: Server | None = None
        self._made: deque[str] = deque()

    def another_database(self) -> str:
        """One that is dropped when many others have been made since."""
        while len(self._made) >= KEPT:
            self.server().drop_database(self._made.popleft())
        self._made.append(self.server().new_database())
        return self._made[-1]

    def server(self) -> Server:
        if self._server is None:
            self._entered = server_of_its_own()
            self._server = self._entered.__enter__()
        return self._server

    def close(self) -> None:
        if self._entered is not None:
            self._entered.__exit__(None, None, None)
            self._entered = self._server = None


SHARED = Shared()
"""Ended by the hook pytest_sessionfinish of tests/conftest.py."""


@contextmanager
def database(*, empty: bool = False) -> Iterator[str]:
    """The URL of a database of this test's own on the shared server."""
    server = SHARED.server()
    url = server.new_database(empty=empty)
    try:
        yield url
    finally:
        server.drop_database(url)
