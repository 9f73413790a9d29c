"""A request's body as activities that are ready for the writer, and what is refused of it.

This is the work that costs most Python, and it needs nothing but the body and the workspace's
rules: it can be done in this process or in another (ledger/helper.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

import msgspec
from msgspec import Struct

from trailkeeper.errors import MalformedBody, Problem, TooLarge
from trailkeeper.json_input import decode_activity, decode_clean, decode_items
from trailkeeper.ledger.prepare import Prepared
from trailkeeper.ledger.recorder import Preparing

ITEMS_MAX = 10_000

_ARRAY = re.compile(rb"[ \t\r\n]*\[")


class Batch(Struct, frozen=True, gc=False, array_like=True):
    """The activities of a body, and by their numbers the items that are refused, each with its
    result as it is answered. `is_one` tells a single activity from an array of one."""

    prepared: list[Prepared]
    refused: dict[int, bytes]
    is_one: bool


def read_batch(body: bytes, preparing: Preparing, *, lines: bool) -> Batch:
    """Read one activity, an array, or, if `lines`, NDJSON.

    Raises the problem of a single activity, and of a body that cannot be read: MalformedBody,
    TooLarge. What is wrong with one item of many is in the result.
    """
    if not body or body.isspace():
        raise MalformedBody("The body is empty; send one activity, an array or NDJSON")
    if not lines and not _ARRAY.match(body):
        return Batch([preparing.prepare(decode_activity(body))], {}, True)
    prepared: list[Prepared] = []
    refused: dict[int, bytes] = {}
    for number, prepare in enumerate(_items_of(body, preparing, lines=lines)):
        try:
            prepared.append(prepare())
        except Problem as problem:
            refused[number] = refusal(problem)
    return Batch(prepared, refused, False)


def refusal(problem: Problem) -> bytes:
    """The result of an item that is refused."""
    return b'{"status":%d,"problem":%b}' % (
        problem.status,
        msgspec.json.encode(problem.document()),
    )


def _items_of(body: bytes, preparing: Preparing, *, lines: bool) -> list[Callable[[], Prepared]]:
    """What prepares each item. All are read at once; only where one is wrong, each alone."""
    if clean := decode_clean(body, lines=lines):
        sent, encoded = clean
        _check_count(len(sent))
        clean_texts = not preparing.suspects(encoded)
        return [partial(preparing.prepare, one, clean_texts=clean_texts) for one in sent]
    items = _lines(body) if lines else decode_items(body)
    _check_count(len(items))
    return [partial(_read, item, preparing) for item in items]


def _read(item: bytes | msgspec.Raw, preparing: Preparing) -> Prepared:
    return preparing.prepare(decode_activity(item))


def _lines(body: bytes) -> list[bytes]:
    return [line for line in body.split(b"\n") if line.strip()]


def _check_count(count: int) -> None:
    if count > ITEMS_MAX:
        raise TooLarge(
            f"The batch has {count} items, at most {ITEMS_MAX} are taken; nothing was recorded"
        )
