"""What differs from store to store: how one is made, what it weighs, and its bare loop."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

from msgspec import Struct
from tests.bench.bare import Bare, Commits
from tests.conftest import Site, make_site

from trailkeeper.ledger.prepare import Prepared
from trailkeeper.ledger.sqlite import DATABASE_FILE


class Part(Struct, frozen=True):
    """A table or an index, with all that belongs to it, and its bytes on disk."""

    name: str
    bytes: int


class BareLoop(Protocol):
    """Inserts the rows that the product would, with nothing around it."""

    name: str

    def insert(self, activities: list[Prepared], batch: int) -> Commits: ...

    def close(self) -> None: ...


class Store(Protocol):
    """An engine that an installation keeps its log in."""

    name: str

    def make(self, folder: Path) -> Site:
        """A new installation, not served yet."""
        ...

    def bare(self, site: Site) -> BareLoop:
        """A loop into the first workspace of an installation that is not served. Its rows are the
        product's own: the log is as whole afterwards as before."""
        ...

    def parts(self, site: Site) -> list[Part]:
        """All that an installation that is not served holds on disk, the largest first."""
        ...

    def another(self, site: Site, folder: Path) -> Site | None:
        """One more server process of an installation, if the store allows of it."""
        ...

    def close(self) -> None:
        """End what was started for it."""
        ...


class Sqlite:
    """The embedded default: one file."""

    name = "sqlite"

    def make(self, folder: Path) -> Site:
        return make_site(folder)

    def bare(self, site: Site) -> BareLoop:
        return Bare(site.data / DATABASE_FILE, is_new=False)

    def parts(self, site: Site) -> list[Part]:
        # dbstat is not in the product's SQLite, but usually in Python's own.
        path = (site.data / DATABASE_FILE).resolve()
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
            tables = dict(database.execute(_TABLES))
            try:
                rows = database.execute(_SIZES).fetchall()
            except sqlite3.OperationalError:
                return [Part("all (this Python's SQLite has no dbstat)", path.stat().st_size)]
        return [Part(_called(name, tables), size) for name, size in rows]

    def another(self, site: Site, folder: Path) -> None:
        """A file has one process that writes."""

    def close(self) -> None:
        """Nothing was started."""


_TABLES = "SELECT name, tbl_name FROM sqlite_schema WHERE type='index'"
_SIZES = (
    # `pageno` is a number of pages here; the sum of their sizes wraps around at 4 GiB.
    "SELECT name, pageno * page_size FROM dbstat, pragma_page_size WHERE aggregate=TRUE"
    " ORDER BY pageno DESC"
)
_KEYS = {
    "sqlite_autoindex_activity_1": "activity by workspace and seq",
    "sqlite_autoindex_activity_2": "activity by workspace and id",
}


def _called(name: str, tables: dict[str, str]) -> str:
    if name in _KEYS:
        return _KEYS[name]
    if name.startswith("activity_index_"):
        return "inverted index"
    return tables.get(name, name)


STORES = ("sqlite", "postgresql")


@contextmanager
def store_of(name: str) -> Iterator[Store]:
    """The store of this name."""
    if name == "postgresql":
        # Only now: without PostgreSQL all else can be measured.
        from tests.bench.postgresql import Postgresql

        store: Store = Postgresql()
    else:
        store = Sqlite()
    try:
        yield store
    finally:
        store.close()
