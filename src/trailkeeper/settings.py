"""Every setting once: its name, type, default and meaning.

Each is read from the environment as TRAILKEEPER_<NAME>, from a file named by
TRAILKEEPER_<NAME>_FILE, or from `trailkeeper.toml` in the data folder, in this order.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

PREFIX = "TRAILKEEPER_"


class SettingsError(ValueError):
    """A setting that cannot be used; the message names it and where it stands."""


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of one installation."""

    redact_keys: tuple[str, ...] = ()
    """More parts of keys whose values are redacted, separated by commas in the environment."""

    queue_max_bytes: Annotated[int, Meta(ge=1)] = 64 * 1024 * 1024
    """Bytes of activities that may wait for the writer; beyond that 503 is answered."""

    queue_max_units: Annotated[int, Meta(ge=1)] = 10_000
    """Requests that may wait for the writer."""

    trusted_proxies: str = "127.0.0.1"
    """Addresses, separated by commas, whose X-Forwarded-For and X-Forwarded-Proto are believed."""

    log_format: Literal["auto", "json", "console"] = "auto"
    """`json`, `console`, or `auto`: console on a terminal, else json."""


def load_settings(data: Path, environment: dict[str, str] | None = None) -> Settings:
    """The settings for a data folder. Raises SettingsError."""
    env = dict(os.environ) if environment is None else environment
    values: dict[str, Any] = {}
    file = data / "trailkeeper.toml"
    if file.exists():
        try:
            values.update(tomllib.loads(file.read_text()))
        except (OSError, ValueError) as error:
            raise SettingsError(f"{file} cannot be read: {error}") from None
    for field in Settings.__struct_fields__:
        name = PREFIX + field.upper()
        text = env.get(name)
        if text is None and (path := env.get(f"{name}_FILE")):
            try:
                text = Path(path).read_text().strip()
            except (OSError, UnicodeDecodeError) as error:
                raise SettingsError(f"{name}_FILE: {error}") from None
        if text is not None:
            values[field] = text.split(",") if field == "redact_keys" else text
    try:
        return msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"A setting in the environment or {file} is wrong: {error}") from None
