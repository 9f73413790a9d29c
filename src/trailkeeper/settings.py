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


LISTS = ("redact_keys", "sso_allowed_networks", "stream_allowed_networks", "stream_folders")


class SettingsError(ValueError):
    """A setting that cannot be used; the message names it and where it stands."""


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of one installation."""

    database_url: str = ""
    """The PostgreSQL database of this installation, `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`;
    without one it is the SQLite file in the data folder. It may hold a password: better in a file
    that `TRAILKEEPER_DATABASE_URL_FILE` names than in the environment."""

    redact_keys: tuple[str, ...] = ()
    """More parts of keys whose values are redacted, separated by commas in the environment."""

    queue_max_bytes: Annotated[int, Meta(ge=1)] = 64 * 1024 * 1024
    """Bytes of activities that may wait for the writer; beyond that 503 is answered."""

    queue_max_units: Annotated[int, Meta(ge=1)] = 10_000
    """Requests that may wait for the writer."""

    clickhouse_url: str = ""
    """The ClickHouse database that activities are copied to,
    `https://USER:PASSWORD@HOST:PORT/DATABASE`; without one there is no copy. Since it may hold a
    password, give it by a file that `TRAILKEEPER_CLICKHOUSE_URL_FILE` names."""

    clickhouse_cluster: str = ""
    """The cluster's name in ClickHouse's configuration; without one it is a single server."""

    clickhouse_hot_days: Annotated[int, Meta(ge=1, le=36_500)] | None = None
    """So many days activities stay in the database, too, once ClickHouse has them; without it for
    ever."""

    trusted_proxies: str = "127.0.0.1"
    """Addresses, separated by commas, whose X-Forwarded-For and X-Forwarded-Proto are believed."""

    log_format: Literal["auto", "json", "console"] = "auto"
    """`json`, `console`, or `auto`: console on a terminal, else json."""

    sso_allowed_networks: tuple[str, ...] = ()
    """Networks, such as `10.0.0.0/8`, in which identity providers may be called without TLS; on
    this machine (`127.0.0.0/8`) they are called only if it stands here. Separated by commas in the
    environment."""

    stream_allowed_networks: tuple[str, ...] = ()
    """Networks, such as `10.0.0.0/8` or `127.0.0.0/8`, that streams may reach besides the public
    internet. Separated by commas in the environment."""

    stream_folders: tuple[str, ...] = ()
    """Folders, as absolute paths, below which streams may write local files and archives may be;
    without one there are none. Separated by commas in the environment."""

    archive_cache_mb: Annotated[int, Meta(ge=10)] = 1_000
    """Megabytes of archived files that are kept in `archive-cache/` in the data folder, so that a
    search does not fetch them from their object store again."""

    exports_keep_days: Annotated[int, Meta(ge=1, le=365)] = 7
    """Days until the file of an export is deleted."""

    exports_max_bytes: Annotated[int, Meta(ge=1_000_000)] = 10_737_418_240
    """Bytes that the files of a workspace's exports may have together; the oldest are deleted for
    a new one."""

    exports_at_once: Annotated[int, Meta(ge=1, le=100)] = 2
    """Exports that a workspace may have under way."""

    public_url: str = ""
    """The address by which people reach this installation, for links in mails, for example
    `https://audit.example.com`; default: the address that it serves."""

    mail_from: str = "Trailkeeper <trailkeeper@localhost>"
    """The sender of mails."""

    smtp_host: str = ""
    """The server to which mails are handed; without one they are written to `mail/` in the data
    folder and shown to the owner under Settings."""

    smtp_port: Annotated[int, Meta(ge=1, le=65_535)] = 587
    """The mail server's port."""

    smtp_security: Literal["none", "starttls", "tls"] = "starttls"
    """How the connection to the mail server is encrypted."""

    smtp_user: str = ""
    """The name to log in to the mail server with; empty: no log-in."""

    smtp_password: str = ""
    """The password for that."""


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
            values[field] = [one.strip() for one in text.split(",")] if field in LISTS else text
    try:
        return msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"A setting in the environment or {file} is wrong: {error}") from None
