"""The formats and compressions that there are."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Literal

from trailkeeper.errors import FieldError, InvalidInput

Format = Literal["jsonl", "csv", "parquet"]
Compression = Literal["none", "gzip", "zstd"]

FORMATS: tuple[Format, ...] = Format.__args__
COMPRESSIONS: tuple[Compression, ...] = Compression.__args__

_TYPES: dict[Format, str] = {
    "jsonl": "application/x-ndjson",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
}
_PACKED: dict[Compression, tuple[str, str]] = {
    "gzip": (".gz", "application/gzip"),
    "zstd": (".zst", "application/zstd"),
}
"""A packed file says what it is (RFC 6713, RFC 8878), not that the transport packed it."""


def ending(format: Format, compression: Compression) -> str:
    """How the name of such a file ends: `.jsonl.zst`."""
    return f".{format}" + (_PACKED[compression][0] if compression in _PACKED else "")


def media_type(format: Format, compression: Compression) -> str:
    return _PACKED[compression][1] if compression in _PACKED else _TYPES[format]


def check_kind(format: str, compression: str) -> tuple[Format, Compression]:
    """The format and compression of these names. Raises InvalidInput for what there is not, here
    or at all."""
    if format not in FORMATS:
        raise _wrong("format", f"is `{format[:40]}`, must be one of {', '.join(FORMATS)}")
    if compression not in COMPRESSIONS:
        known = ", ".join(COMPRESSIONS)
        raise _wrong("compression", f"is `{compression[:40]}`, must be one of {known}")
    if format == "parquet" and compression != "none":
        raise _wrong(
            "compression", "is for jsonl and csv; Parquet files are packed inside, with zstd"
        )
    if format == "parquet" and find_spec("pyarrow") is None:
        raise _wrong("format", "parquet needs pyarrow: pip install 'trailkeeper[parquet]'")
    return format, compression


def _wrong(field: str, detail: str) -> InvalidInput:
    return InvalidInput(f"`{field}` {detail}", FieldError(detail, f"/{field}"))
