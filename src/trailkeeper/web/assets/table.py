"""The rows of a lookup table: a grid to edit a page at a time, and the same as a CSV file."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from trailkeeper.assets.asset import Asset
from trailkeeper.assets.content import LookupTableContent
from trailkeeper.errors import FieldError, InvalidInput
from trailkeeper.web.assets.csv_text import from_csv
from trailkeeper.web.assets.places import PLACES, with_query
from trailkeeper.web.assets.sent import Form, Upload
from trailkeeper.web.security import WebRequest
from trailkeeper.web.text import visible

PAGE_ROWS = 50
NEW_ROWS = 3


class GridRow(Struct, frozen=True):
    """`number` counts from 1; a row that is not there yet has none."""

    number: int | None
    values: list[str]


class Grid(Struct, frozen=True, kw_only=True):
    path: str
    columns: list[tuple[str, str]]
    rows: list[GridRow]
    start: int
    total: int
    before: str
    after: str
    revision: int
    may_edit: bool


def view_of(request: WebRequest, one: Asset, form: Form | None, *, may_edit: bool) -> Grid:
    """A page of the rows, those that can be added at its end; or as they were sent."""
    content: LookupTableContent = one.content
    path, total = PLACES[one.kind].asset(one.id), len(content.rows)
    start = _start(form.text("start") if form else request.query_params.get("row", ""), total)
    there = content.rows[start : start + PAGE_ROWS]
    sent = sent_rows(form, len(content.columns)) if form else there
    last = start + PAGE_ROWS >= total
    blank = [[""] * len(content.columns)] * (NEW_ROWS if last and may_edit and not form else 0)
    return Grid(
        path=path,
        columns=[(visible(column.name), column.type) for column in content.columns],
        rows=[
            GridRow(start + at + 1 if at < len(there) else None, values)
            for at, values in enumerate([*sent, *blank])
        ],
        start=start,
        total=total,
        before=with_query(path, row=str(start - PAGE_ROWS)) if start >= PAGE_ROWS else "",
        after=with_query(path, row=str(start + PAGE_ROWS)) if not last else "",
        revision=form.number("revision") or one.revision if form else one.revision,
        may_edit=may_edit,
    )


def changed_rows(one: Asset, form: Form) -> list[list[str]]:
    """All rows of the table, with those of a page as they were sent. Without what is ticked to go,
    and without new rows in which nothing stands."""
    content: LookupTableContent = one.content
    start = _start(form.text("start"), len(content.rows))
    there = len(content.rows[start : start + PAGE_ROWS])
    gone = set(form.many("remove"))
    sent = sent_rows(form, len(content.columns))
    kept = [
        values
        for at, values in enumerate(sent)
        if str(start + at + 1) not in gone and (at < there or any(values))
    ]
    return [*content.rows[:start], *kept, *content.rows[start + there :]]


def moved_columns(one: Asset, form: Form) -> dict[str, Any]:
    """The rows as other columns have them: a column that stays keeps its values."""
    content: LookupTableContent = one.content
    named = zip(form.many("columns.name"), form.many("columns.was"), strict=False)
    count = len(content.columns)
    origins = [
        int(was) if was.isdigit() and int(was) < count else None
        for name, was in named
        if name.strip()
    ]
    rows = [["" if at is None else row[at] for at in origins] for row in content.rows]
    return {"rows": rows}


def sent_rows(form: Form | None, columns: int) -> list[list[str]]:
    """The rows of a grid, which sends each column's values in order."""
    if form is None:
        return []
    values = [
        [value.replace("\r\n", "\n") for value in form.many(f"cell.{at}")] for at in range(columns)
    ]
    return [list(row) for row in zip(*values, strict=False)]


def read_file(one: Asset, upload: Upload | None) -> dict[str, Any]:
    """Columns and rows as a file has them; a column that was there keeps its type. Raises
    InvalidInput."""
    if upload is None or not upload.body:
        raise InvalidInput("Choose a file first", FieldError("choose a file", "/file"))
    read = from_csv(upload.body)
    types = {column.name.casefold(): column.type for column in one.content.columns}
    columns = [{"name": name, "type": types.get(name.casefold(), "string")} for name in read.header]
    return {"columns": columns, "rows": read.rows}


def _start(text: str, total: int) -> int:
    """Where the page begins that holds this row."""
    wanted = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
    return min(wanted, max(total - 1, 0)) // PAGE_ROWS * PAGE_ROWS
