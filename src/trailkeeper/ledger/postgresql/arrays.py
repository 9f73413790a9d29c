"""Arrays of bytes in PostgreSQL's binary form: half as long as the one in text, and read as is.

The form is that of `array_recv` in src/backend/utils/adt/arrayfuncs.c: how many dimensions, whether
there are NULLs, the type of the elements; how many there are and the number of the first; then each
with its length. All numbers are 32 bits, the most significant first.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

_BYTEA, _BYTEA_ARRAY = 17, 1001
"""Their numbers in pg_type."""

_head = struct.Struct(">5i").pack
_length = struct.Struct(">i").pack


class ByteaArray(bytes):
    """A value for a parameter of the type bytea[]."""


def bytea_array(values: Sequence[bytes]) -> ByteaArray:
    """All values, in order, none of them None, as one."""
    parts = [part for value in values for part in (_length(len(value)), value)]
    return ByteaArray(_head(1, 0, _BYTEA, len(values), 1) + b"".join(parts))


class _ByteaArrayDumper(Dumper):
    format = Format.BINARY
    oid = _BYTEA_ARRAY

    def dump(self, obj: ByteaArray) -> ByteaArray:
        return obj


def register(connection: psycopg.Connection[Any]) -> None:
    """Let this connection take them."""
    connection.adapters.register_dumper(ByteaArray, _ByteaArrayDumper)
