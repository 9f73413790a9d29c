"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import statistics
import time
from pathlib import Path

import pysqlite3.dbapi2 as driver
from msgspec import Struct

from trailkeeper import __version__

SYNCS = 200


class Machine(Struct, frozen=True):
    """The facts that a figure is worth nothing without."""

    trailkeeper: str
    python: str
    sqlite: str
    system: str
    processor: str
    cores: int
    load_average: tuple[float, float, float]
    file_system: str
    fsync_ms: float
    """Median of an fsync after 4 KiB were appended."""

    def lines(self) -> list[str]:
        versions = f"Trailkeeper {self.trailkeeper}, Python {self.python}, SQLite {self.sqlite}"
        load = " ".join(f"{one:.2f}" for one in self.load_average)
        return [
            f"{versions}, {self.system}",
            f"{self.cores} cores of {self.processor}; load average before the run {load}",
            f"the data is on {self.file_system}; fsync takes {self.fsync_ms:.2f} ms (median)",
        ]


def look(folder: Path) -> Machine:
    """The machine, with the disk that this folder is on."""
    return Machine(
        trailkeeper=__version__,
        python=platform.python_version(),
        sqlite=driver.sqlite_version,
        system=f"{platform.system()} {platform.release()}",
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else _cores(),
        load_average=os.getloadavg(),
        file_system=_file_system(folder),
        fsync_ms=fsync_ms(folder, SYNCS),
    )


def fsync_ms(folder: Path, count: int) -> float:
    """The median time of an fsync in this folder, in milliseconds."""
    path = folder / "fsync.probe"
    times: list[float] = []
    with path.open("wb", buffering=0) as file:
        for _ in range(count):
            file.write(b"\0" * 4_096)
            start = time.perf_counter()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - start)
    path.unlink()
    return statistics.median(times) * 1e3


def cpu_s(process: int) -> float | None:
    """The processor time of a process, its threads and its children so far, or None where it is
    not told."""
    stat = Path(f"/proc/{process}/stat")
    if not stat.exists():
        return None
    after_name = stat.read_text().rpartition(")")[2].split()
    user, system = after_name[11:13]
    own = (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    tasks = Path(f"/proc/{process}/task").iterdir()
    children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    return own + sum(cpu_s(child) or 0 for child in children)


def _cores() -> int:
    return os.cpu_count() or 1


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def _file_system(folder: Path) -> str:
    """The type of the file system that holds the folder, such as ext4."""
    mounts = Path("/proc/self/mounts")
    if not mounts.exists():
        return "a disk"
    found = ("", "an unknown file system")
    for line in mounts.read_text().splitlines():
        _, point, kind, *_ = line.split()
        if folder.resolve().is_relative_to(point) and len(point) >= len(found[0]):
            found = (point, kind)
    return found[1]
