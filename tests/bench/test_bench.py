"""That the measuring runs and prints all its rows; how fast things are is not judged here."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from tests.bench import ingest, stream_effects, stream_rates
from tests.bench.growth import run as growth_run
from tests.bench.growth.clock import Clock
from tests.bench.growth.figures import Growth
from tests.bench.growth.stage import BESIDE

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
    "part of a rare word",
    "part of a common word",
    "one activity by id",
)


BENCH = (sys.executable, "-m", "tests.bench", "--quick")
PARTS = [f"--part={part}" for part in ("ingest", "slow", "reads", "retention", "streaming")]


@pytest.mark.slow
def test_a_quick_run_measures_and_prints_every_row(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    done = subprocess.run(
        [*BENCH, *PARTS, "--json", file, "--folder", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
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


@pytest.mark.slow
def test_the_growth_is_measured_at_each_stage_and_gets_a_page_with_plots(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    done = subprocess.run(
        [*BENCH, "--part=growth", "--docs", docs, "--folder", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    growth = msgspec.json.decode((docs / "growth-sqlite.json").read_bytes(), type=Growth)
    assert [stage.asked for stage in growth.stages] == list(growth_run.QUICK_STAGES)
    assert growth.failed is None
    assert re.fullmatch(r"[0-9a-f]{12}( with changes)?|unknown", growth.commit)
    page = (docs / "growth-sqlite.md").read_text()
    for stage in growth.stages:
        assert set(READS) <= {read.name for read in stage.reads}
        assert ["the posts", *BESIDE] == [read.name for read in stage.beside]
        assert all(one.activities and one.mean_us for one in stage.ingest)
        assert 500 < stage.bytes_each < 5_000
        assert stage.activities >= stage.asked
        for read in stage.reads:
            assert f"\n{read.name}  " in done.stdout
            assert f"\n| {read.name} |" in page
    pictures = sorted(path.name for path in docs.glob("*.png"))
    assert pictures == [f"growth-sqlite-{name}.png" for name in ("disk", "reads", "recording")]
    assert all(f"]({name})" in page for name in pictures)
    assert not list(tmp_path.glob("trailkeeper-bench-*"))


def test_a_run_whose_time_is_up_says_so_and_fails(tmp_path: Path) -> None:
    done = subprocess.run(
        [*BENCH, "--part=growth", "--minutes=0", "--docs", tmp_path / "docs", "--folder", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 1
    said = "FAILED at 4,000 activities: the time was up"
    assert said in done.stdout
    assert said in done.stderr
    assert "The run failed at 4,000" in (tmp_path / "docs" / "growth-sqlite.md").read_text()


def test_activities_happen_in_order_mostly_in_working_hours_and_end_when_they_should() -> None:
    end = 1_800_000_000_000_000
    clock = Clock(50_000, end)
    times = [clock.at(number) for number in range(0, 50_000, 7)]
    assert times == sorted(set(times))
    assert abs(clock.at(50_000) - end) < 1_000
    at = [datetime.fromtimestamp(time / 1e6, UTC) for time in times]
    working = sum(one.weekday() < 5 and 8 <= one.hour < 18 for one in at)
    assert 0.6 < working / len(at) < 0.95
