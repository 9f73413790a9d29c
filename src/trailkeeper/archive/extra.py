"""Whether what archives need is installed: pyarrow and duckdb, the extra `archive`."""

from __future__ import annotations

from importlib.util import find_spec

from trailkeeper.errors import ArchiveUnavailable


def require_extra() -> None:
    """Raises ArchiveUnavailable, which says what to install."""
    missing = [name for name in ("pyarrow", "duckdb") if find_spec(name) is None]
    if missing:
        raise ArchiveUnavailable(
            f"An archive needs {' and '.join(missing)} on the server:"
            " pip install 'trailkeeper[archive]'"
        )
