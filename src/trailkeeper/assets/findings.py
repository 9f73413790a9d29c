"""What is wrong with something that has many parts, told all at once."""

from __future__ import annotations

from trailkeeper.errors import FieldError, InvalidInput

FINDINGS_MAX = 20
NAME_SHOWN = 120


class Findings:
    """Collects what is wrong, and keeps the first FINDINGS_MAX."""

    def __init__(self) -> None:
        self.errors: list[FieldError] = []
        self.count = 0

    def add(self, where: str, why: str, pointer: str = "") -> None:
        """Something is wrong: `where` is a file, or empty for the whole package; `pointer` leads
        into it."""
        self.count += 1
        if len(self.errors) < FINDINGS_MAX:
            place = f"`{shown(where)}`" if where else "the package"
            self.errors.append(FieldError(f"{place}{' at ' + pointer if pointer else ''} {why}"))

    def refuse(self) -> None:
        """Raises InvalidInput with all that was found, if anything was."""
        if self.errors:
            rest = self.count - 1
            more = f" (and {rest} more)" if rest else ""
            raise InvalidInput(
                f"This package cannot be taken: {self.errors[0].detail}{more}", *self.errors
            )


def shown(name: str) -> str:
    """A stranger's text in one short line."""
    plain = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in name)
    return plain if len(plain) <= NAME_SHOWN else plain[:NAME_SHOWN] + "…"
