"""Where things stand in an archive: `workspace=<id>/date=<YYYY-MM-DD>/`, as Hive, Athena, Trino,
Spark, ClickHouse and DuckDB expect partitions. What starts with `_` they pass over."""

from __future__ import annotations

from datetime import timedelta

from trailkeeper.activity import from_us

MANIFEST = "_manifest.json"
PARQUET_TYPE = "application/vnd.apache.parquet"
DAY_US = 86_400_000_000


def date_of(us: int) -> str:
    """The day in UTC that a time is in."""
    return from_us(us).strftime("%Y-%m-%d")


def day_end(us: int) -> int:
    """When the day that a time is in ends (exclusively)."""
    return us - us % DAY_US + DAY_US


def days_before(us: int, days: int) -> str:
    """The day that lies so many days before a time."""
    return (from_us(us) - timedelta(days=days)).strftime("%Y-%m-%d")


def folder_of(workspace_id: str, day: str) -> str:
    return f"workspace={workspace_id}/date={day}"


def manifest_of(workspace_id: str, day: str) -> str:
    return f"{folder_of(workspace_id, day)}/{MANIFEST}"


def file_name(first_seq: int, end_seq: int) -> str:
    """Of the activities from `first_seq` to before `end_seq`."""
    return f"activities-{first_seq:012d}-{end_seq - 1:012d}.parquet"


def file_of(workspace_id: str, day: str, first_seq: int, end_seq: int) -> str:
    return f"{folder_of(workspace_id, day)}/{file_name(first_seq, end_seq)}"
