"""What is wrong with a folder of files: all of it at once, each with its file, line and field."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from trailkeeper.errors import Conflict, InvalidInput


class FileProblem(Struct, frozen=True):
    """One thing that is wrong. Without a line, it is about the whole file; `field` is a JSON
    pointer."""

    file: str
    detail: str
    line: int | None = None
    field: str = ""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.field} {self.detail}" if self.field else f"{place}: {self.detail}"


class BadFiles(InvalidInput):
    """The folder cannot be applied; nothing was changed. `problems` is never empty."""

    def __init__(self, problems: Sequence[FileProblem]) -> None:
        count = len(problems)
        more = f" (and {count - 1} more)" if count > 1 else ""
        super().__init__(f"{problems[0]}{more}")
        self.problems = list(problems)


class HandMade(Conflict):
    """Files have the names of assets that were made by hand and are not the same."""

    def __init__(self, paths: Sequence[str]) -> None:
        names = ", ".join(paths[:5]) + (" …" if len(paths) > 5 else "")
        super().__init__(
            f"{len(paths)} files name assets that were made by hand and are not the same: {names}."
            " Change the files, or take the assets over with --adopt"
        )
