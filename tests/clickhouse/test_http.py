"""The same over HTTP, as a server is spoken to."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import pytest
from tests.clickhouse.copied import FAR, open_copied
from tests.clickhouse.door import a_door

from trailkeeper.clickhouse.connection import Connection
from trailkeeper.errors import StoreUnavailable
from trailkeeper.query.filters import Filter, Match
from trailkeeper.query.language import parse


def test_copied_searched_and_moved_over_http(tmp_path: Path) -> None:
    with a_door() as door, open_copied(tmp_path / "data") as store:
        database = store.there_url.rpartition("/")[2]
        url = f"http://u:p%40ss@127.0.0.1:{door.server_port}/{database}"
        over_http = Connection(url)
        store.stack.callback(over_http.close)
        with patch.multiple(store.clickhouse._connection, _target=over_http._target, _client=None):
            store.append(*(store.prepare(id=f"a-{n}", reason=f"naïve “{n}”") for n in range(300)))
            store.copy()
            assert store.clickhouse.move(store.acme, FAR).count == 300
            reader = store.here.reader
            found = reader.page(store.acme, parse('"NAIVE 7" session:none')).activities
            assert found == []
            (found_one,) = reader.page(store.acme, parse('"NAIVE 7"')).activities
            assert (found_one.id, found_one.reason) == ("a-7", "naïve “7”")
            many = Filter(
                matches=(
                    Match(field="ip", values=tuple(f"10.{n}.0.0/17" for n in range(100))),
                    Match(field="session", values=tuple(map(str, range(100))), negated=True),
                )
            )
            assert reader.page(store.acme, many).activities == []
            assert len(reader.known_ids(store.acme, [f"a-{n}" for n in range(400)])) == 300
            assert len(store.seqs()) == 0
            store.clickhouse.remover.remove(store.acme, FAR, 10, [])
            assert len(reader.page(store.acme, Filter(), limit=1_000).activities) == 290
            store.clickhouse._connection.close()
        inserts = [one for one in door.seen if one.startswith("INSERT")]
        assert inserts
        assert "insert_deduplication_token=1%3A0-300" in inserts[0]
        assert max(len(one.partition("\n")[2]) for one in door.seen) < 4_000


def test_a_server_that_is_not_there() -> None:
    with a_door() as door:
        port = door.server_port
    connection = Connection(f"http://user:secret@127.0.0.1:{port}/x")
    with pytest.raises(StoreUnavailable, match="does not answer") as raised:
        connection.rows("SELECT 1", {})
    assert "secret" not in str(raised.value) + str(raised.value.__cause__)
