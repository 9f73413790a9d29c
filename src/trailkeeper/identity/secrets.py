"""Random credentials; only their SHA-256 is ever kept."""

from __future__ import annotations

import hashlib
import secrets

TOKEN_PREFIX = "tk_"  # noqa: S105


def new_token() -> str:
    """An API token: 256 random bits behind the prefix by which scanners can find leaked ones."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def new_cookie() -> str:
    """The value of a session's cookie: 256 random bits."""
    return secrets.token_urlsafe(32)


def digest(credential: str) -> bytes:
    """What is kept of a credential. It is random, so a plain hash is enough."""
    return hashlib.sha256(credential.encode()).digest()
