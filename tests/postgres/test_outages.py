"""The database goes away under load, in each way that it can: nothing acknowledged is lost, and
whoever sends or reads meanwhile gets 503 with Retry-After and nothing else."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.conftest import Site, free_port, wait_for
from tests.postgres.serving import Senders, check_log, second_host, site_on
from tests.postgresql import PASSWORD, SUPERUSER, Server, name_in, server_of_its_own

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with server_of_its_own() as made:
        yield made


def two_servers(url: str, folder: Path, stack: ExitStack) -> tuple[Site, Site]:
    first = site_on(url, folder / "first")
    second = second_host(first, folder / "second")
    for one in (first, second):
        stack.callback(one.stop)
        one.start()
    return first, second


def restart(server: Server, _database: str) -> None:
    server.stop()
    server.start()


def crash(server: Server, _database: str) -> None:
    server.stop(signal.SIGQUIT)
    server.start()


def cut(server: Server, database: str) -> None:
    server.cut(database)


@pytest.mark.parametrize("harm", [restart, crash, cut])
def test_an_outage_loses_nothing_that_was_acknowledged(
    server: Server, harm: Callable[[Server, str], None], tmp_path: Path
) -> None:
    url = server.new_database()
    with ExitStack() as stack:
        first, second = two_servers(url, tmp_path, stack)
        senders = Senders([first, second])
        stack.callback(senders.stop)
        for _ in range(3):
            wait_for(senders.more(50), 30)
            harm(server, name_in(url))
        wait_for(senders.more(50), 30)
        senders.stop()
        assert not senders.wrong
        assert check_log(first, senders.acknowledged) == len(senders.acknowledged)
        if harm is not cut:
            assert senders.refused


def test_readiness_says_when_the_database_is_away(server: Server, tmp_path: Path) -> None:
    url = server.new_database()
    with ExitStack() as stack:
        first, _ = two_servers(url, tmp_path, stack)
        with first.http() as http:
            assert http.get("/readyz").status_code == 200
            server.stop()
            try:
                answer = http.get("/readyz")
                assert answer.status_code == 503
                assert "database" in answer.text
                assert http.get("/livez").status_code == 200
                page = http.get("/login")
                assert page.status_code in (200, 503)
            finally:
                server.start()
            wait_for(lambda: http.get("/readyz").status_code == 200, 30)


def test_failover_to_a_synchronous_standby_loses_nothing(tmp_path: Path) -> None:
    with server_of_its_own() as primary, ExitStack() as stack:
        standby = copy_of(primary)
        stack.callback(standby.stop)
        standby.start()
        primary.admin("ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
        wait_for(
            lambda: primary.admin("SELECT sync_state FROM pg_stat_replication") == [("sync",)], 30
        )
        url = primary.new_database()
        both = url.replace(
            f"127.0.0.1:{primary.port}", f"127.0.0.1:{primary.port},127.0.0.1:{standby.port}"
        )
        first, second = two_servers(both, tmp_path, stack)
        senders = Senders([first, second])
        stack.callback(senders.stop)
        wait_for(senders.more(200), 60)
        primary.stop(signal.SIGQUIT)
        standby.run("pg_ctl", "promote", "-D", standby.data)
        wait_for(senders.more(200), 60)
        senders.stop()
        assert not senders.wrong
        assert senders.refused
        assert check_log(first, senders.acknowledged) == len(senders.acknowledged)


def copy_of(primary: Server) -> Server:
    """A streaming replica."""
    standby = Server(primary.folder / "standby")
    standby.port = free_port()
    standby.folder.mkdir()
    standby.own()
    source = f"host=127.0.0.1 port={primary.port} user={SUPERUSER} password='{PASSWORD}'"
    primary.run(
        "pg_basebackup", "-D", standby.data, "-R", "-X", "stream", "-c", "fast", "-d", source
    )
    return standby
