"""That the measuring runs and prints all its rows; how fast things are is not judged here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.bench import ingest, stream_effects, stream_rates

ROOT = Path(__file__).parents[2]

READS = (
    "latest",
    "by actor",
    "by asset",
    "by asset type",
    "by action",
    "failures",
    "7 days + actor + action",
    "7 days + actor + an action never done",
    "by address",
    "by CIDR /16, few addresses",
    "rare word",
    "common word",
    "phrase",
    "one activity by id",
)


@pytest.mark.slow
def test_a_quick_run_measures_and_prints_every_row(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--quick", "--json", file, "--folder", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(file.read_text())
    assert [row["name"] for row in figures["ingest"]] == [case.name for case in ingest.CASES]
    assert set(READS) <= {row["name"] for row in figures["reads"]["rows"]}
    for row in (*figures["ingest"], *figures["reads"]["rows"]):
        assert f"\n{row['name']}  " in done.stdout
    streaming = figures["streaming"]
    assert len(streaming["s3"]) == len(stream_rates.SHAPES)
    assert len(streaming["effects"]) == len(stream_effects.CASES)
    for row in (*streaming["http"], *streaming["s3"]):
        assert f"\n{row['name']}  " in done.stdout
    assert "Group commit" in done.stdout or "slow fsync is left out" in done.stdout
    assert not list(tmp_path.glob("trailkeeper-bench-*"))
