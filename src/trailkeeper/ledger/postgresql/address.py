"""The URL of a PostgreSQL database: what it may be, and what of it may be shown."""

from __future__ import annotations

import re
from typing import Any

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

SCHEMES = ("postgresql://", "postgres://")

_HOSTS = re.compile(r"[A-Za-z0-9._:/\[\]%,-]*")
_PORTS = re.compile(r"[0-9,]*")

DEFAULTS: dict[str, Any] = {
    # A standby is never written to, and never read: what was answered is in the next read.
    "target_session_attrs": "read-write",
    "connect_timeout": 5,
    # A server whose host is gone is noticed in seconds, not in the system's quarter of an hour.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    "application_name": "trailkeeper",
    "client_encoding": "UTF8",
}


class AddressError(ValueError):
    """A URL that is none of a PostgreSQL database. The message does not repeat it: it may hold a
    password."""


def conninfo(url: str) -> str:
    """What libpq is to connect with: the URL, and our defaults where it says nothing itself.

    Raises AddressError.
    """
    return make_conninfo(**{**DEFAULTS, **_parts(url)})


def shown(url: str) -> str:
    """The URL's database without password, for messages. Raises AddressError."""
    parts = _parts(url)
    hosts = str(parts.get("host") or parts.get("hostaddr") or "localhost").split(",")
    ports = str(parts.get("port") or "5432").split(",")
    if len(ports) != len(hosts):
        ports = [ports[0]] * len(hosts)
    places = ",".join(f"{host}:{port or 5432}" for host, port in zip(hosts, ports, strict=True))
    return f"postgresql://{places}/{parts.get('dbname') or parts.get('user') or ''}"


def _parts(url: str) -> dict[str, Any]:
    if not url.startswith(SCHEMES):
        raise AddressError("it must start with postgresql://")
    try:
        parts = conninfo_to_dict(url)
    except ProgrammingError:
        # libpq's own words repeat parts of the URL, and with them of the password.
        raise AddressError(
            "it cannot be read as postgresql://USER:PASSWORD@HOST:PORT/DATABASE; in a password,"
            " write @ : / ? # % as %40 %3A %2F %3F %23 %25"
        ) from None
    place = (str(parts.get("host") or ""), str(parts.get("port") or ""))
    if not (_HOSTS.fullmatch(place[0]) and _PORTS.fullmatch(place[1])):
        raise AddressError(
            "its host or port has characters that none has; in a password, write @ : / ? # % as"
            " %40 %3A %2F %3F %23 %25"
        )
    return parts
