"""What these tests say often."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from typing import Any

import httpx
import zstandard
from pyarrow import parquet
from tests.conftest import wait_for

EXPORTS = "/api/v1/exports"


def asked(http: httpx.Client, **wish: Any) -> dict[str, Any]:
    answer = http.post(EXPORTS, json=wish)
    assert answer.status_code == 202, answer.text
    return answer.json()


def ended(http: httpx.Client, id: str, why: Callable[[], str] = lambda: "") -> dict[str, Any]:
    """The export once it is done or has failed."""

    def look() -> dict[str, Any] | None:
        one = http.get(f"{EXPORTS}/{id}").json()
        return one if one["state"] in ("done", "failed") else None

    return wait_for(look, 60, why)


def exported(http: httpx.Client, **wish: Any) -> bytes:
    """The file of a new export."""
    one = ended(http, asked(http, **wish)["id"])
    assert one["state"] == "done", one
    answer = http.get(one["download"])
    assert answer.status_code == 200, answer.text
    return answer.content


def unpacked(raw: bytes, compression: str) -> bytes:
    if compression == "gzip":
        return gzip.decompress(raw)
    if compression == "zstd":
        return zstandard.ZstdDecompressor().decompressobj().decompress(raw)
    return raw


def lines(raw: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in raw.splitlines()]


def csv_rows(raw: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))


def parquet_rows(raw: bytes) -> list[dict[str, Any]]:
    return parquet.read_table(io.BytesIO(raw)).to_pylist()
