"""Nothing secret gets in: secret-looking keys and values are replaced before an activity is made.

Every producer passes its details, changes and metadata through a `Redactor`; what was there is
not kept anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, cast

import re2
from msgspec import UNSET
from msgspec.structs import replace

from trailkeeper.activity import Change

REDACTED = "[redacted]"

DEPTH_MAX = 32
"""Deepest nesting of details, of a change's values and of metadata."""

TOO_DEEP = f"is nested deeper than {DEPTH_MAX} levels"

SECRET_KEYS = (
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "pwd",
    "secret",
    "token",
    "authorization",
    "apikey",
    "accesskey",
    "privatekey",
    "signingkey",
    "encryptionkey",
    "cookie",
    "bearer",
    "jwt",
    "otp",
    "pincode",
    "credentials",
)
"""Parts of a key that make it secret-looking, compared without case and without `-`, `_`, ` `."""

_ONLY_WHOLE = frozenset({"otp", "pwd", "jwt", "credentials", "bearer"})
_HARMLESS_ENDINGS = (
    "id", "name", "type", "count", "length", "at", "enabled", "required", "expired", "login",
    "reset", "policy", "kind", "status",
)  # fmt: skip
_SECRET_VALUES = re.compile(
    r"""(?i:bearer|basic)\ +[A-Za-z0-9._~+/=-]{16,}
    | \btk_[A-Za-z0-9_-]{20,}
    | -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----[\s\S]*
    | (?<=://)[^\s/:@]*:[^\s/]+(?=@)
    | \beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*""",
    re.VERBOSE,
)
_re2: Any = re2  # it has no types
_SUSPICIOUS = _re2.compile(rb"(?i)tk_|://|eyj|private key|earer |asic ")
"""Without one of these in a JSON text none of _SECRET_VALUES is in it."""

HARMLESS_MAX = 4_096


class TooDeep(ValueError):
    """Nested deeper than DEPTH_MAX."""


class Redactor:
    """Replaces secrets; `more` adds parts of keys to those of SECRET_KEYS."""

    def __init__(self, more: Iterable[str] = ()) -> None:
        parts = (*SECRET_KEYS, *filter(None, map(_plain, more)))
        contained = tuple(part for part in parts if part not in _ONLY_WHOLE)

        @lru_cache(maxsize=4_096)
        def is_secret(key: str) -> bool:
            plain = _plain(key)
            if plain in parts:
                return True
            if not any(part in plain for part in contained):
                return False
            words = _words(key)
            return not (len(words) > 1 and words[-1] in _HARMLESS_ENDINGS)

        self.is_secret = is_secret
        self._harmless: set[str] = set()

    def suspects(self, encoded: bytes) -> bool:
        """Whether any text in this JSON, in which characters are not escaped without need, may
        look like a secret. Where not, `texts=False` spares the look at each of them; keys are
        always looked at."""
        return _SUSPICIOUS.search(encoded) is not None

    def mapping(
        self, values: dict[str, Any] | None, *, texts: bool = True
    ) -> dict[str, Any] | None:
        """The same mapping without secrets; the very same object where there are none."""
        return self._mapping(values, 0, texts) if values else values

    def changes(self, changes: list[Change] | None, *, texts: bool = True) -> list[Change] | None:
        """Changes without secrets: both sides of a secret-looking field are replaced."""
        return [self._change(change, texts) for change in changes] if changes else changes

    def _change(self, change: Change, texts: bool) -> Change:
        if self.is_secret(change.field.rpartition(".")[2]) or self.is_secret(change.field):
            return replace(change, old=_hidden(change.old), new=_hidden(change.new))
        old, new = self._value(change.old, 0, texts), self._value(change.new, 0, texts)
        if old is change.old and new is change.new:
            return change
        return replace(change, old=old, new=new)

    def _value(self, value: Any, depth: int, texts: bool) -> Any:
        if isinstance(value, str):
            return self.text(value) if texts else value
        if isinstance(value, dict):
            return self._mapping(cast("dict[str, Any]", value), depth, texts)
        if not isinstance(value, list):
            return value
        if depth > DEPTH_MAX:
            raise TooDeep(TOO_DEEP)
        old = cast("list[Any]", value)
        new = [self._value(inner, depth + 1, texts) for inner in old]
        return new if any(a is not b for a, b in zip(new, old, strict=True)) else old

    def _mapping(self, items: dict[str, Any], depth: int, texts: bool) -> dict[str, Any]:
        if depth > DEPTH_MAX:
            raise TooDeep(TOO_DEEP)
        made = items
        keys_are_harmless = self._harmless.issuperset(items)
        for key, inner in items.items():
            if not keys_are_harmless and self._is_harmful(key, inner):
                clean: Any = REDACTED
            elif texts or isinstance(inner, dict | list):
                clean = self._value(inner, depth + 1, texts)
            else:
                continue
            if clean is not inner:
                if made is items:
                    made = dict(items)
                made[key] = clean
        return made

    def _is_harmful(self, key: str, inner: Any) -> bool:
        if self.is_secret(key):
            return _hidden(inner) is REDACTED
        if len(self._harmless) < HARMLESS_MAX and len(key) <= 100:
            self._harmless.add(key)
        return False

    def text(self, text: str) -> str:
        """A text without what looks like a token, a key or a password in a URL."""
        if len(text) < 6 or not _SECRET_VALUES.search(text):
            return text
        return _SECRET_VALUES.sub(REDACTED, text)


def _hidden(value: Any) -> Any:
    """What stands instead of a secret; whether there is one may be told."""
    return value if value is UNSET or value is None or isinstance(value, bool) else REDACTED


def _plain(key: str) -> str:
    return re.sub(r"[-_\s.]", "", key).lower()


def _words(key: str) -> list[str]:
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", key)
    return [word for word in re.split(r"[-_\s.]+", spaced.lower()) if word]
