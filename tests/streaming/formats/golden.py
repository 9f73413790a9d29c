"""`python -m tests.streaming.formats.golden` writes tests/data/formats anew: a file for each
format, with a line for each of the dozen activities, one with the jobs, and the paths of all of
them in an object store."""

from __future__ import annotations

from pathlib import Path

from tests.streaming.formats.job_samples import JOBS
from tests.streaming.formats.samples import SAMPLES, TEAM

from trailkeeper.streaming.formats import FORMATS

FOLDER = Path(__file__).parents[2] / "data" / "formats"
PATHS = "paths.txt"


def files() -> dict[str, bytes]:
    """What each file of the folder is to hold."""
    made = {
        f"{one.name}.txt": b"".join(one.encode(activity, TEAM) + b"\n" for activity in SAMPLES)
        for one in FORMATS.values()
    }
    made |= {
        f"jobs-{one.name}.txt": b"".join(one.encode_job(*job, TEAM) + b"\n" for job in JOBS)
        for one in FORMATS.values()
    }
    paths = [
        f"{one.path(activity, TEAM)}.{one.ending}  {one.name}\n"
        for one in FORMATS.values()
        for activity in SAMPLES
    ]
    paths += [
        f"{one.job_path(job, TEAM)}.{one.ending}  {one.name}\n"
        for one in FORMATS.values()
        for job, _ in JOBS
    ]
    return made | {PATHS: "".join(paths).encode()}


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, content in files().items():
        (FOLDER / name).write_bytes(content)
