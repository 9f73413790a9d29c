"""Texts with U+0000, which PostgreSQL's cannot hold and SQLite's and JSON's can.

It is written as a character that is none, U+10FFFF, and a 0; that character itself with a 1. So
each text comes back as it was, is found by itself, and is unique where it was. Both happen in the
driver, for every value of every statement.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.types.string import (
    StrBinaryDumper,
    StrBinaryDumperVarchar,
    StrDumper,
    StrDumperUnknown,
    StrDumperVarchar,
    TextBinaryLoader,
    TextLoader,
)

MARK = "\U0010ffff"


def escaped(text: str) -> str:
    """As PostgreSQL holds it."""
    if "\0" not in text and MARK not in text:
        return text
    return text.replace(MARK, f"{MARK}1").replace("\0", f"{MARK}0")


def unescaped(text: str) -> str:
    """As it was."""
    return text.replace(f"{MARK}0", "\0").replace(f"{MARK}1", MARK) if MARK in text else text


def _dumper(base: Any) -> type[Any]:
    plain = base.dump

    def dump(self: Any, obj: str) -> Any:
        return plain(self, escaped(obj))

    return type(f"Escaping{base.__name__}", (base,), {"dump": dump})


def _loader(base: Any) -> type[Any]:
    plain = base.load

    def load(self: Any, data: Any) -> str:
        return unescaped(plain(self, data))

    return type(f"Unescaping{base.__name__}", (base,), {"load": load})


_DUMPERS = [
    _dumper(base)
    for base in (
        StrBinaryDumperVarchar,
        StrBinaryDumper,
        StrDumperVarchar,
        StrDumper,
        StrDumperUnknown,  # the last is the default
    )
]
_LOADERS = [_loader(TextLoader), _loader(TextBinaryLoader)]


def register(connection: psycopg.Connection[Any]) -> None:
    """Have it done for all that goes over this connection."""
    for dumper in _DUMPERS:
        connection.adapters.register_dumper(str, dumper)
    for loader in _LOADERS:
        connection.adapters.register_loader("text", loader)
        connection.adapters.register_loader("varchar", loader)
