"""The tables: what deploy/ has is what the program makes, and a cluster's URL is checked."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.clickhouse.copied import Copied

from trailkeeper.clickhouse.connection import Connection, UrlError
from trailkeeper.clickhouse.tables import COLUMNS, Tables, sql_file

DEPLOY = Path(__file__).parents[2] / "deploy" / "clickhouse"


@pytest.mark.parametrize(("file", "cluster"), [("one-server.sql", ""), ("cluster.sql", "audit")])
def test_the_files_for_operators_are_what_the_program_makes(file: str, cluster: str) -> None:
    assert (DEPLOY / file).read_text("utf-8") == sql_file(Tables(cluster))


def test_clickhouse_reads_the_statements_of_a_cluster(store: Copied) -> None:
    for statement in Tables("audit").statements():
        ((formatted,),) = store.there.query(
            "SELECT formatQuery({statement:String})", parameters={"statement": statement}
        ).result_rows
        assert "ON CLUSTER audit" in formatted


def test_a_clusters_deletes_go_to_the_tables_of_the_servers() -> None:
    assert Tables("audit").local == "activity_local ON CLUSTER 'audit'"
    assert Tables().local == "activity"


def test_the_table_has_the_columns_that_are_written(store: Copied) -> None:
    store.copy()
    rows = store.there.query(
        "SELECT name, type FROM system.columns WHERE database = currentDatabase()"
        " AND table = 'activity' ORDER BY position"
    ).result_rows
    assert list(rows) == list(COLUMNS.items())


@pytest.mark.parametrize("name", ["a b", "x'; DROP TABLE activity", "é", "1a", "a" * 65])
def test_a_name_that_no_cluster_has_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no name of a cluster"):
        Tables(name)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("clickhouse.example.com", "must start with http"),
        ("clickhouse://u:secret@clickhouse.example.com/x", "must start with http"),
        ("https://clickhouse.example.com", "HOST:PORT/DATABASE"),
        ("https://u:secret@clickhouse.example.com:99999/x", "port"),
        ("https://u:secret@clickhouse.example.com/x/y", "HOST:PORT/DATABASE"),
        ("https://u:secret@clickhouse.example.com/x?secure=no", "nothing after"),
    ],
)
def test_a_url_that_cannot_be_used_says_why_and_not_the_password(url: str, why: str) -> None:
    with pytest.raises(UrlError, match=why) as raised:
        Connection(url)
    assert "secret" not in str(raised.value)
