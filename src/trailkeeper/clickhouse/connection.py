"""One connection to ClickHouse, made when it is first needed. For any thread."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

import clickhouse_connect
import structlog
from clickhouse_connect.driver.exceptions import ClickHouseError

from trailkeeper.clickhouse.tables import COLUMNS, Tables
from trailkeeper.errors import StoreUnavailable
from trailkeeper.settings import Settings

CONNECT_S = 5
ANSWER_S = 120

_BYTES = dict.fromkeys(("public", "personal"), "bytes")

_SETTINGS: dict[str, Any] = {
    "async_insert": 0,
    # Late activities may be of any month.
    "max_partitions_per_insert_block": 0,
    "lightweight_deletes_sync": 2,
}
_OF_CLUSTERS: dict[str, Any] = {
    # What was inserted is on a majority of the replicas, and is read from one that has it.
    "distributed_foreground_insert": 1,
    "insert_quorum": "auto",
    "insert_quorum_parallel": 0,
    "select_sequential_consistency": 1,
    "optimize_skip_unused_shards": 1,
}

_driver: Any = clickhouse_connect
"""Its types are in part unknown."""

log = structlog.get_logger()


class UrlError(ValueError):
    """A URL that is none of a ClickHouse server; the message says why."""


class Connection:
    """Every method raises StoreUnavailable when ClickHouse does not answer, or answers with an
    error, which is logged."""

    def __init__(self, url: str, cluster: str = "") -> None:
        """Raises UrlError, and ValueError for what is no name of a cluster."""
        self._target = _target(url)
        self.tables = Tables(cluster, self._target.get("database", ""))
        self._client: Any = None
        self._lock = threading.Lock()

    def rows(self, sql: str, values: Mapping[str, Any]) -> Sequence[Any]:
        """What a query gives. Its values stand as `{name:Type}`; parts of activities are bytes."""
        try:
            return (
                self._connected()
                .query(sql, parameters=dict(values), column_formats=_BYTES)
                .result_rows
            )
        except (ClickHouseError, OSError) as error:
            raise self._problem(error) from error

    def command(self, sql: str, values: Mapping[str, Any] | None = None) -> None:
        """Run a statement to its end, on all replicas."""
        try:
            self._connected().command(sql, parameters=dict(values or {}))
        except (ClickHouseError, OSError) as error:
            raise self._problem(error) from error

    def insert(self, columns: Sequence[Sequence[Any]], token: str) -> None:
        """Insert activities, column by column in the order of COLUMNS. The same token again inserts
        nothing."""
        try:
            self._connected().insert(
                "activity",
                columns,
                column_names=list(COLUMNS),
                column_type_names=list(COLUMNS.values()),
                column_oriented=True,
                settings={"insert_deduplication_token": token},
            )
        except (ClickHouseError, OSError) as error:
            raise self._problem(error) from error

    def make_tables(self) -> None:
        """Make the tables where they are not there. Raises ValueError for others of their name."""
        if not self.rows(
            "SELECT 1 FROM system.tables WHERE database = currentDatabase() AND name = 'activity'",
            {},
        ):
            for statement in self.tables.statements():
                self.command(statement)
        there = dict(
            self.rows(
                "SELECT name, type FROM system.columns WHERE database = currentDatabase()"
                " AND table = 'activity'",
                {},
            )
        )
        if wrong := [name for name, kind in COLUMNS.items() if there.get(name) != kind]:
            raise ValueError(
                f"The table `activity` in ClickHouse is not Trailkeeper's: it has not the columns"
                f" {', '.join(wrong)}. Give Trailkeeper a database of its own in `clickhouse_url`"
            )

    def close(self) -> None:
        """Let go of the connection; the next use makes another."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _connected(self) -> Any:
        with self._lock:
            if self._client is None:
                settings = _SETTINGS | (_OF_CLUSTERS if self.tables.cluster else {})
                self._client = _driver.get_client(**self._target, settings=settings)
            return self._client

    def _problem(self, error: Exception) -> StoreUnavailable:
        log.error("ClickHouse did not do what it was asked", error=str(error)[:1_000])
        return StoreUnavailable(
            "ClickHouse, which has the older activities, does not answer as it should; try again,"
            " and see the server's log"
        )


def _target(url: str) -> dict[str, Any]:
    """What get_client takes. Raises UrlError, which never shows the password."""
    parts = urlsplit(url)
    if parts.scheme == "chdb":
        return {"dsn": url}
    if parts.scheme not in ("http", "https"):
        raise UrlError("must start with http:// or https://: it is ClickHouse's HTTP interface")
    try:
        port = parts.port
    except ValueError:
        raise UrlError("has a port that is no number from 1 to 65535") from None
    database = unquote(parts.path.strip("/"))
    if not parts.hostname or not database or "/" in database:
        raise UrlError("must be https://USER:PASSWORD@HOST:PORT/DATABASE")
    if parts.query or parts.fragment:
        raise UrlError("must have nothing after the name of the database")
    is_secure = parts.scheme == "https"
    return {
        "interface": parts.scheme,
        "host": parts.hostname,
        "port": port or (8443 if is_secure else 8123),
        "username": unquote(parts.username or "default"),
        "password": unquote(parts.password or ""),
        "database": database,
        "secure": is_secure,
        "connect_timeout": CONNECT_S,
        "send_receive_timeout": ANSWER_S,
        # Without it requests of several threads would exclude each other.
        "autogenerate_session_id": False,
        # A filter may have thousands of values, which no URL takes.
        "form_encode_query_params": True,
    }


def connection_of(settings: Settings) -> Connection | None:
    """The one that the settings name. Raises what Connection does."""
    if not settings.clickhouse_url:
        return None
    return Connection(settings.clickhouse_url, settings.clickhouse_cluster)
