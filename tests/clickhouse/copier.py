"""A process that copies to ClickHouse, and kills itself at a moment, for the tests of that."""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.clickhouse.copied import Copied

from trailkeeper.clickhouse.connection import Connection
from trailkeeper.installation import opened


def main(data: Path, what: str, argument: str) -> None:
    with ExitStack() as stack:
        store = Copied(data, stack.enter_context(opened(data)), stack, batch=100)
        store.there_url = os.environ["TRAILKEEPER_CLICKHOUSE_URL"]
        store.acme = 1
        if what == "die":
            _die(argument)
        store.copy()
        counts = store.there.query("SELECT count(), uniqExact(seq) FROM activity").result_rows[0]
        told = {"kept": len(store.rows()), "copied": counts[0], "distinct": counts[1]}
        print(json.dumps({**told, "cursor": store.place().cursor}))


def _die(moment: str) -> None:
    """At the second insert."""
    insert, calls = Connection.insert, 0

    def dying(self: Connection, columns: Any, token: str) -> None:
        nonlocal calls
        calls += 1
        if calls == 2 and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        insert(self, columns, token)
        if calls == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    Connection.insert = dying  # type: ignore[method-assign]


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
