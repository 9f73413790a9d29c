"""Secrets that must be read back, such as TOTP keys: encrypted with the installation's key.

AES-256-GCM with a random nonce; each purpose has a key of its own (HKDF-SHA256), and what a secret
belongs to is bound in as associated data, so that a sealed value copied to another row is refused.
"""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES = 12


class SealBroken(ValueError):
    """It was not sealed here for this, or was altered."""


class Seal:
    """Seals and opens values of one purpose."""

    def __init__(self, installation_key: bytes, purpose: str) -> None:
        info = f"trailkeeper seal {purpose}".encode()
        self._cipher = AESGCM(HKDF(SHA256(), 32, None, info).derive(installation_key))

    def seal(self, value: str, belongs_to: str) -> bytes:
        """Encrypt a value that belongs to something, for example to a user's id."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, value.encode(), belongs_to.encode())

    def open(self, sealed: bytes, belongs_to: str) -> str:
        """The value again. Raises SealBroken."""
        nonce, body = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, body, belongs_to.encode()).decode()
        except InvalidTag:
            raise SealBroken("A sealed value cannot be opened with this key") from None
