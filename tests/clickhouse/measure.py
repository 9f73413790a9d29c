"""Figures of the copy: `python -m tests.clickhouse.measure [ACTIVITIES]`. In chdb, in memory."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from tests.bench import sample
from tests.clickhouse.copied import FAR, open_copied

from trailkeeper.activity import ActivityInput
from trailkeeper.clickhouse.copying import BATCH
from trailkeeper.query.language import parse

START = 1_770_000_000_000_000
CHUNK = 10_000
ROUNDS = 15
QUERIES = {
    "latest": "",
    "an actor": f"actor:user:{sample.BUSY}",
    "an action": "action:recipe.updated",
    "a rare word": sample.RARE,
    "a common word": sample.WORDS[0],
    "an actor without it": f"-actor:user:{sample.BUSY} outcome:failure",
    "never": f"actor:user:{sample.NEVER[0]} action:{sample.NEVER[1]}",
}


def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder, open_copied(Path(folder) / "data") as store:
        store.batch = BATCH
        chunk: list[Any] = []
        for fields in sample.activities(count, start_us=START):
            one = msgspec.convert(fields, ActivityInput)
            chunk.append(store.here.recorder.prepare(store.acme, one))
            if len(chunk) == CHUNK:
                store.append(*chunk)
                chunk.clear()
        figures: dict[str, float] = {"activities": count}
        began = time.process_time()
        figures["copied a second"] = round(count / _seconds(store.copy))
        used = time.process_time() - began
        figures["copied in a second of a processor"] = round(count / used)
        figures["moved a second"] = round(
            count / _seconds(lambda: store.clickhouse.move(store.acme, FAR))
        )
        for name, query in QUERIES.items():
            asked = parse(query)
            began = time.process_time()
            times = sorted(
                _seconds(lambda asked=asked: store.here.reader.page(store.acme, asked, limit=50))
                for _ in range(ROUNDS)
            )
            used = (time.process_time() - began) / ROUNDS
            figures[f"{name}, ms (median)"] = round(times[ROUNDS // 2] * 1_000, 1)
            figures[f"{name}, ms of a processor"] = round(used * 1_000, 1)
        (row,) = store.there.query(
            "SELECT sum(bytes_on_disk), count() FROM system.parts WHERE active"
            " AND database = currentDatabase()"
        ).result_rows
        figures["bytes an activity"] = round(row[0] / count)
        print(json.dumps(figures, indent=1))


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
