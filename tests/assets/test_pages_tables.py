"""Lookup tables and message templates on their pages."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.account.world import Person, World, open_world
from tests.assets.page_forms import form_to, make, send, uploaded
from tests.conftest import Site

from trailkeeper.errors import InvalidInput
from trailkeeper.web.assets.csv_text import from_csv, to_csv

TABLES = "/tools/lookup-tables"
FORMULAS = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "|cmd", "%x", "\t=1", "=a|b", "=a\\|b"]


@pytest.fixture(scope="module")
def world(shared_site: Site) -> Iterator[World]:
    made = open_world(shared_site)
    yield made
    made.close()


@pytest.fixture
def table(world: World) -> str:
    """A table with two columns, and in it three rows."""
    id = make(
        world.owner,
        "lookup_table",
        f"Countries {len(world.people)} {id_of_next()}",
        columns__name=["Code", "VAT"],
        columns__type=["string", "number"],
        columns__was=["", ""],
    )
    rows = save(world.owner, id, ["DE", "FR", "CH"], ["19", "20", "8.1"])
    assert rows.status_code == 303, rows.text
    return id


_count = 0


def id_of_next() -> int:
    global _count  # noqa: PLW0603
    _count += 1
    return _count


def save(person: Person, id: str, *columns: list[str], **more: list[str]) -> httpx.Response:
    """Send the grid with these values."""
    cells = {f"cell__{at}": values for at, values in enumerate(columns)}
    return send(person, f"{TABLES}/{id}", f"{TABLES}/{id}/rows", **cells, **more)


def rows_of(person: Person, id: str) -> list[list[str]]:
    """The table as its file has it, without the first line."""
    answer = person.get(f"{TABLES}/{id}/csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))[1:]


def test_rows_are_changed_added_and_removed_in_the_grid(world: World, table: str) -> None:
    page = form_to(world.owner.get(f"{TABLES}/{table}"), f"{TABLES}/{table}/rows")
    assert page.fields["cell.0"] == ["DE", "FR", "CH", "", "", ""], "with some rows to fill in"
    saved = save(
        world.owner, table, ["DE", "FR", "LI", "", ""], ["7", "20", "8.1", "", ""], remove=["2"]
    )
    assert "done=updated" in saved.headers["location"]
    assert rows_of(world.owner, table) == [["DE", "7"], ["LI", "8.1"]]


def test_a_value_that_does_not_fit_its_column_is_told_with_its_row(
    world: World, table: str
) -> None:
    answer = save(world.owner, table, ["DE"], ["much"])
    assert answer.status_code == 422
    assert "must be of the type number" in answer.text
    assert 'value="much"' in answer.text, "what was filled in stays"


def test_columns_that_stay_keep_their_values(world: World, table: str) -> None:
    path = f"{TABLES}/{table}/columns"
    sent = send(
        world.owner,
        path,
        columns__name=["Rate", "Name", ""],
        columns__type=["number", "string", "string"],
        columns__was=["1", "", ""],
    )
    assert "done=updated" in sent.headers["location"], sent.text
    assert rows_of(world.owner, table) == [["19", ""], ["20", ""], ["8.1", ""]]


def test_many_rows_are_edited_a_page_at_a_time(world: World, table: str) -> None:
    body = "Code,VAT\n" + "".join(f"C{n},{n}\n" for n in range(120))
    assert uploaded(world.owner, f"{TABLES}/{table}/csv", "t.csv", body.encode()).status_code == 303
    page = world.owner.get(f"{TABLES}/{table}?row=50")
    form = form_to(page, f"{TABLES}/{table}/rows")
    assert form.fields["cell.0"][:2] == ["C50", "C51"]
    assert len(form.fields["cell.0"]) == 50
    cells = ["Changed", *form.fields["cell.0"][1:]]
    answer = world.owner.http.post(form.action, data=form.with_(cell__0=cells))
    assert "row=50" in answer.headers["location"]
    rows = rows_of(world.owner, table)
    assert len(rows) == 120
    assert [rows[49][0], rows[50][0], rows[51][0]] == ["C49", "Changed", "C51"]


def test_a_file_that_is_downloaded_and_uploaded_changes_nothing(world: World, table: str) -> None:
    cells = [*FORMULAS, "'quoted", "two\nlines", 'a "b", c', "-12.5", "ünï"]
    assert save(world.owner, table, cells, ["1"] * len(cells)).status_code == 303
    file = world.owner.get(f"{TABLES}/{table}/csv").content
    for value in csv.reader(io.StringIO(file.decode("utf-8-sig"))):
        assert not value[0].startswith(("=", "+", "@", "|", "%", "\t")), "no formula comes out"
    again = uploaded(world.owner, f"{TABLES}/{table}/csv", "t.csv", file)
    assert "done=same" in again.headers["location"]


@given(
    st.lists(
        st.lists(
            st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=2, max_size=2
        ),
        min_size=1,
    )
)
def test_any_text_comes_back_from_a_file_as_it_was(rows: list[list[str]]) -> None:
    header = ["First", "Second"]
    read = from_csv(to_csv(header, rows).encode())
    assert read.header == header
    assert read.rows == rows


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "Choose a file"),
        (b"\xff\xfe\x00", "is not UTF-8"),
        (b"a,b\n1\n", "row 2 has 1 values, the first has 2"),
        (b'a,b\n"1,2\n', "line 2"),
        (b"a,a\n1,2\n", "is the name of another column"),
        (b"a\n" + b"1\n" * 10_001, "more than 10,000 rows"),
        (b"\0\n", "is not a text"),
    ],
)
def test_a_file_that_is_no_table_is_refused_and_nothing_changes(
    world: World, table: str, body: bytes, why: str
) -> None:
    before = rows_of(world.owner, table)
    answer = uploaded(world.owner, f"{TABLES}/{table}/csv", "t.csv", body)
    assert answer.status_code == 422
    assert why in answer.text
    assert rows_of(world.owner, table) == before


def test_semicolons_and_a_mark_at_the_start_are_read_as_spreadsheets_write_them() -> None:
    read = from_csv("\ufeffCode;Name\r\nDE;Germany, north\r\n".encode())
    assert read.rows == [["DE", "Germany, north"]]


def test_a_file_without_text_is_refused_by_itself() -> None:
    with pytest.raises(InvalidInput, match="is empty"):
        from_csv(b"\n\n")


# --- Message templates


def test_a_preview_shows_the_message_as_text_and_saves_nothing(world: World) -> None:
    id = make(world.owner, "message_template", "Order", subject="Order {{ number }}", body="Old")
    path = f"/tools/message-templates/{id}"
    form = form_to(world.owner.get(path), path)
    sent = form.with_(body="<b>{{ name }}</b>", data='{"number": 7, "name": "<i>Zoë</i>"}')
    page = world.owner.http.post(f"{path}/preview", data=sent)
    assert page.status_code == 200
    assert "Order 7" in page.text
    assert "&lt;b&gt;" in page.text
    assert "<i>" not in page.text
    assert form_to(world.owner.get(path), path).fields["body"] == ["Old"]


@pytest.mark.parametrize(
    ("body", "data", "why"),
    [
        ("{{ name", "{}", "is not closed"),
        (
            "{% for a in (1..99999) %}{% for b in (1..99999) %}x{% endfor %}{% endfor %}",
            "{}",
            "loop",
        ),
        ("{{ name }}", "[1", "The sample data is not valid JSON"),
    ],
)
def test_a_preview_says_what_is_wrong(world: World, body: str, data: str, why: str) -> None:
    id = make(world.owner, "message_template", f"Wrong {why}", body="fine")
    path = f"/tools/message-templates/{id}"
    form = form_to(world.owner.get(path), path)
    page = world.owner.http.post(f"{path}/preview", data=form.with_(body=body, data=data))
    assert why in page.text
