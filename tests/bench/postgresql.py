"""PostgreSQL as a store: a server of the run's own, and a bare loop that copies.

The loop is the quickest way that PostgreSQL has: COPY of ready text into the same tables with the
same indexes, as a superuser, for whom row-level security does not hold.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo
from tests.bench.bare import Commits, timed
from tests.bench.stores import Part
from tests.conftest import Site
from tests.postgres.serving import second_host, site_on
from tests.postgresql import PASSWORD, SUPERUSER, Server, name_in, server_of_its_own

from trailkeeper.ledger.append import Append
from trailkeeper.ledger.postgresql import append
from trailkeeper.ledger.postgresql.backend import PostgresBackend
from trailkeeper.ledger.postgresql.engine import writer_engine
from trailkeeper.ledger.postgresql.rows import COLUMNS, TABLES, Row, Statement
from trailkeeper.ledger.prepare import Prepared
from trailkeeper.settings import load_settings

WORKSPACE = 1

SERVER = {
    "shared_buffers": "2GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "autovacuum_naptime": "1min",
}
"""As PostgreSQL is set up for a machine of 8 GB; what is durable stays as it is."""

Copies = list[tuple[str, bytes]]
"""Each COPY of a transaction with its text."""


class Postgresql:
    """One server, whose databases are the installations."""

    name = "postgresql"

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._server: Server = self._stack.enter_context(server_of_its_own(**SERVER))

    def make(self, folder: Path) -> Site:
        return site_on(self._server.new_database(), folder)

    def bare(self, site: Site) -> BareCopy:
        return BareCopy(self._server, load_settings(site.data).database_url)

    def parts(self, site: Site) -> list[Part]:
        name = name_in(load_settings(site.data).database_url)
        return [Part(part, size) for part, size in self._server.admin(_SIZES, database=name)]

    def another(self, site: Site, folder: Path) -> Site | None:
        return second_host(site, folder)

    def close(self) -> None:
        self._stack.close()


class BareCopy:
    """COPY into the first workspace of an installation that is not served."""

    name = "bare COPY"

    def __init__(self, server: Server, url: str) -> None:
        self._engine = writer_engine(url)
        self._session = PostgresBackend().session(self._engine)
        self._driver = psycopg.connect(
            make_conninfo(
                host="127.0.0.1",
                port=server.port,
                user=SUPERUSER,
                password=PASSWORD,
                dbname=name_in(url),
            ),
            autocommit=True,
        )

    def insert(self, activities: list[Prepared], batch: int) -> Commits:
        """Insert the rows of these activities, `batch` of them in each transaction."""
        batches = [
            self._copies(activities[start : start + batch])
            for start in range(0, len(activities), batch)
        ]
        return timed(len(activities), batches, self._commit)

    def _commit(self, copies: Copies) -> None:
        with self._driver.transaction(), self._driver.cursor() as cursor:
            for statement, text in copies:
                with cursor.copy(statement.encode()) as copy:
                    copy.write(text)

    def _copies(self, activities: list[Prepared]) -> Copies:
        """What the product would insert in one transaction. All else that belongs to it, such as
        dictionaries and counts, is written now."""
        caught: list[Row] = []

        def catch(rows: list[Row]) -> Statement:
            caught.extend(rows)
            return "SELECT 1", ()

        kept, append.insert = append.insert, catch
        try:
            self._session.begin({WORKSPACE}, False)
            self._session.appender.append([Append(WORKSPACE, activities)])
            self._session.commit()
        finally:
            append.insert = kept
        return [_copy(table, columns, caught) for table, columns in TABLES.items()]

    def close(self) -> None:
        self._driver.close()
        self._session.close()
        self._engine.dispose()


def _copy(table: str, columns: tuple[str, ...], rows: list[Row]) -> tuple[str, bytes]:
    """The COPY of these columns."""
    places = [COLUMNS.index(column) for column in columns]
    lines = "".join("\t".join([_value(row[place]) for place in places]) + "\n" for row in rows)
    return f"COPY {table} ({', '.join(columns)}) FROM STDIN", lines.encode()


def _value(value: object) -> str:
    """In COPY's text form."""
    if isinstance(value, bytes):
        return f"\\\\x{value.hex()}"
    return str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


_SIZES = """
    SELECT coalesce(pg_partition_root(c.oid), c.oid)::regclass::text AS name,
        sum(CASE c.relkind WHEN 'r' THEN pg_table_size(c.oid) ELSE pg_relation_size(c.oid) END)
            ::bigint AS size
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'i') AND n.nspname = 'public'
    GROUP BY 1 HAVING sum(pg_relation_size(c.oid)) > 0 ORDER BY size DESC
"""
