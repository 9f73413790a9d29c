"""How each format is written, a chunk of the log at a time.

A format is a class whose `write` takes chunks and whose `close` writes what is still missing.
"""

from __future__ import annotations

import csv
import importlib
import io
from datetime import datetime, timedelta
from typing import Any, Protocol

from trailkeeper.exports.columns import COLUMNS, values
from trailkeeper.exports.kinds import Format
from trailkeeper.ledger.dump import Row
from trailkeeper.ledger.json_text import activity_json

GROUP_ROWS = 20_000
GROUP_BYTES = 32 * 1024 * 1024
"""A row group of a Parquet file ends at the first of these; it is held in memory."""

_MORE_FORMULA = frozenset("'\t\r\n＝＋－＠")  # noqa: RUF001 # the full-width ones are meant
_FORMULA = frozenset("@+-=|%") | _MORE_FORMULA
"""What a spreadsheet may take for the start of a formula; the second are defusedcsv's own."""

_safe_writer: Any = importlib.import_module("defusedcsv.csv").writer  # it has no types
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 # in UTC; a zone would only have to be cut off again
_TIMES = [place for place, (_, kind) in enumerate(COLUMNS) if kind == "time"]


class Out(Protocol):
    """Where the bytes go."""

    def write(self, data: bytes, /) -> object: ...


class Writing(Protocol):
    """A file that is being written."""

    def write(self, rows: list[Row]) -> None: ...

    def close(self) -> None: ...


class JsonLines:
    """A line for each activity, with the JSON that the API answers with."""

    def __init__(self, out: Out) -> None:
        self._out = out

    def write(self, rows: list[Row]) -> None:
        lines = [activity_json(row.public, row.personal) for row in rows]
        lines.append(b"")
        self._out.write(b"\n".join(lines))

    def close(self) -> None:
        pass


class Csv:
    """RFC 4180 in UTF-8 with a byte order mark, by which spreadsheets know it. A text that a
    spreadsheet would take for a formula has an apostrophe before it."""

    def __init__(self, out: Out) -> None:
        self._out = out
        self._text = io.StringIO(newline="")
        self._plain = csv.writer(self._text)
        self._safe = _safe_writer(self._text)
        self._plain.writerow([name for name, _ in COLUMNS])
        self._flush(b"\xef\xbb\xbf")

    def write(self, rows: list[Row]) -> None:
        for row in rows:
            cells = list(values(row))
            for place in _TIMES:
                cells[place] = _instant(cells[place])
            cells[0] = str(cells[0])
            if _FORMULA.isdisjoint([cell[:1] for cell in cells if cell]):
                self._plain.writerow(cells)
            else:
                self._safe.writerow([_guarded(cell) for cell in cells])
        self._flush()

    def close(self) -> None:
        pass

    def _flush(self, before: bytes = b"") -> None:
        self._out.write(before + self._text.getvalue().encode())
        self._text.seek(0)
        self._text.truncate()


def _instant(us: int) -> str:
    """As rfc3339 of trailkeeper.activity writes it, in a third of the time."""
    return (_EPOCH + timedelta(0, 0, us)).isoformat("T", "microseconds") + "Z"


def _guarded(cell: str | None) -> str | None:
    return f"'{cell}" if cell and cell[0] in _MORE_FORMULA else cell


class Parquet:
    """A Parquet file (https://parquet.apache.org/docs/file-format/) with zstd inside; needs
    pyarrow, the extra `parquet`."""

    def __init__(self, out: Out) -> None:
        self._arrow: Any = importlib.import_module("pyarrow")
        types: dict[str, Any] = {
            "number": self._arrow.int64(),
            "time": self._arrow.timestamp("us", tz="UTC"),
            "text": self._arrow.string(),
        }
        self._schema = self._arrow.schema([(name, types[kind]) for name, kind in COLUMNS])
        writer: Any = importlib.import_module("pyarrow.parquet").ParquetWriter
        self._writer = writer(
            _AsFile(out), self._schema, compression="zstd", version="2.6", write_page_index=True
        )
        self._batches: list[Any] = []
        self._rows = 0
        self._bytes = 0

    def write(self, rows: list[Row]) -> None:
        columns = zip(*[values(row) for row in rows], strict=True)
        arrays = [
            self._arrow.array(column, field.type)
            for column, field in zip(columns, self._schema, strict=True)
        ]
        batch = self._arrow.RecordBatch.from_arrays(arrays, schema=self._schema)
        self._batches.append(batch)
        self._rows += batch.num_rows
        self._bytes += batch.nbytes
        if self._rows >= GROUP_ROWS or self._bytes >= GROUP_BYTES:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._batches:
            table = self._arrow.Table.from_batches(self._batches, self._schema)
            self._writer.write_table(table, row_group_size=self._rows)
        self._batches, self._rows, self._bytes = [], 0, 0


class _AsFile(io.RawIOBase):
    """What pyarrow takes for a file; it only ever writes on."""

    def __init__(self, out: Out) -> None:
        self._out = out
        self._written = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._written

    def write(self, data: Any, /) -> int:
        raw = bytes(data)
        self._out.write(raw)
        self._written += len(raw)
        return len(raw)


_KINDS: dict[Format, type[JsonLines | Csv | Parquet]] = {
    "jsonl": JsonLines,
    "csv": Csv,
    "parquet": Parquet,
}


def writing(format: Format, out: Out) -> Writing:
    """A file of this format, to be written to `out`. A CSV begins with its header at once."""
    return _KINDS[format](out)
