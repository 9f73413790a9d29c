"""A lookup table as CSV and back.

A spreadsheet takes what starts with `=` or the like for a formula. Such values, and those that
start with an apostrophe, are written with an apostrophe before them; reading takes it away again,
so that a file that was downloaded and uploaded changes nothing.
"""

from __future__ import annotations

import csv
import importlib
import io
import re
from typing import Any
from urllib.parse import quote

from litestar import Response
from msgspec import Struct

from trailkeeper.assets.content import ROWS_MAX, LookupTableContent
from trailkeeper.errors import FieldError, InvalidInput
from trailkeeper.web.security import PAGE_HEADERS

# What defusedcsv escapes by itself, and what it would leave as it is.
_FORMULA = "@+-=|%"
_MORE = "'\t\r\n"
_NUMBER = re.compile(r"^-?[0-9,\.]+$")
_safe_writer: Any = importlib.import_module("defusedcsv.csv").writer  # it has no types
VALUE_MAX = 100_000


class Read(Struct, frozen=True):
    """A file's first line, and the others."""

    header: list[str]
    rows: list[list[str]]


def written(name: str, content: LookupTableContent) -> Response[bytes]:
    """The table as a file to download."""
    text = to_csv([column.name for column in content.columns], content.rows)
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "table"
    disposition = (
        f"attachment; filename=\"{plain}.csv\"; filename*=UTF-8''{quote(name, safe='')}.csv"
    )
    headers = {
        **PAGE_HEADERS,
        "Content-Disposition": disposition,
    }
    return Response(
        b"\xef\xbb\xbf" + text.encode(), media_type="text/csv; charset=utf-8", headers=headers
    )


def to_csv(header: list[str], rows: list[list[str]]) -> str:
    """The text of a file in which no value is a formula."""
    out = io.StringIO(newline="")
    writer = _safe_writer(out)
    for row in (header, *rows):
        writer.writerow([f"'{value}" if value[:1] in tuple(_MORE) else value for value in row])
    return out.getvalue()


def from_csv(body: bytes) -> Read:
    """What a file holds. Raises InvalidInput for what is no table."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _refused("is not UTF-8 text; save it as “CSV UTF-8”") from None
    if "\0" in text:
        raise _refused("is not a text")
    lines: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), dialect=_dialect(text), strict=True)
    try:
        for line in reader:
            if line:
                lines.append([_unescaped(value) for value in line])
            if len(lines) > ROWS_MAX + 1:
                raise _refused(f"has more than {ROWS_MAX:,} rows")
    except csv.Error as error:
        raise _refused(f"line {reader.line_num}: {error}") from None
    if not lines:
        raise _refused("is empty; its first line names the columns")
    width = len(lines[0])
    for number, line in enumerate(lines[1:], 2):
        if len(line) != width:
            raise _refused(f"row {number} has {len(line)} values, the first has {width}")
    return Read([name.strip() for name in lines[0]], lines[1:])


def _dialect(text: str) -> type[csv.Dialect]:
    """Commas, or the semicolons and tabs that some spreadsheets write instead."""
    first = text.partition("\n")[0]
    mark = max(",;\t", key=lambda mark: (first.count(mark), mark == ","))

    class Found(csv.excel):
        delimiter = mark

    return Found


def _unescaped(value: str) -> str:
    if not value.startswith("'"):
        return value
    inner = value[1:]
    before = inner.replace("\\|", "|")  # defusedcsv puts a backslash before each bar
    if before[:1] in tuple(_FORMULA) and not _NUMBER.match(before):
        return before
    return inner if inner[:1] in tuple(_MORE) else value


def _refused(detail: str) -> InvalidInput:
    return InvalidInput(f"The file {detail}", FieldError(detail, "/file"))
