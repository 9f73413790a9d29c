"""What stands in the inverted index for one activity, and the tokens that filters look up.

Each row of `activity_index` starts with exact-match tokens and goes on with the searchable text. A
token is a character of Unicode's private use area, one per kind, and a key of a dictionary table
or a hash; the tokenizer takes such a word whole. Texts from outside have these characters
removed, so that nobody can forge a token. Addresses are written out in hexadecimal, whole and as
blocks of a few lengths, so that any CIDR block is a few tokens.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from functools import lru_cache


class Token:
    """The characters that start the kinds of exact-match tokens."""

    WORKSPACE = "\ue000"
    ACTOR = "\ue001"
    TARGET = "\ue002"
    TYPE = "\ue003"
    ACTION = "\ue004"
    OUTCOME = "\ue005"
    ADDRESS = "\ue006"
    ENVIRONMENT = "\ue007"
    SOURCE = "\ue008"
    SESSION = "\ue009"
    REQUEST = "\ue00a"
    TRACE = "\ue00b"


SUCCEEDED, FAILED = Token.OUTCOME + "0", Token.OUTCOME + "1"

LEVELS = {4: (8, 16, 24, 32), 6: (16, 32, 48, 64, 128)}
"""The lengths of the blocks for which an address has a token, rising; the last is the whole."""

TEXT_MAX = 16_384
"""Characters of an activity's text that are searchable."""

PRIVATE_FIRST, PRIVATE_AFTER = "\ue000", "\uf900"
"""The private use area that tokens begin with, and what comes after it."""

_PRIVATE = re.compile("[\ue000-\uf8ff\x00]")


def searchable(text: str) -> str:
    """A text as it goes into the index: bounded, and without anything that reads as a token."""
    text = text[:TEXT_MAX]
    if text.isascii() and "\x00" not in text:
        return text
    return _PRIVATE.sub(" ", text)


def is_token(word: str) -> bool:
    """Whether a word of the index is a token. Texts from outside have no such words."""
    return PRIVATE_FIRST <= word[:1] < PRIVATE_AFTER


def hashed(kind: str, value: str) -> str:
    """The token of a value that no dictionary holds, such as a session id."""
    return kind + hashlib.blake2b(value.encode(), digest_size=8).hexdigest()


def address_of(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that a text is. An IPv4-mapped one counts as IPv4."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


@lru_cache(maxsize=8_192)
def address_tokens(text: str) -> tuple[str, ...]:
    """The tokens of an IP address: of itself and of the blocks in LEVELS that it is in. None when
    it is no address."""
    address = address_of(text)
    if address is None:
        return ()
    whole = address.packed.hex()
    return tuple(
        f"{_level(address.version, bits)}{whole[: bits // 4]}" for bits in LEVELS[address.version]
    )


def network_tokens(text: str) -> list[tuple[str, bool]]:
    """The tokens of a CIDR block, each with whether it is a prefix; at most eight.

    They are of the nearest level, so that a prefix stands for few tokens. A block of IPv4-mapped
    addresses counts as IPv4. Raises ValueError for what is no block.
    """
    network = ipaddress.ip_network(text, strict=False)
    if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= 96:
        mapped = network.network_address.ipv4_mapped
        network = ipaddress.IPv4Network((mapped, network.prefixlen - 96)) if mapped else network
    bits = next(level for level in LEVELS[network.version] if level >= network.prefixlen)
    digits, rest = divmod(network.prefixlen, 4)
    whole = network.network_address.packed.hex()
    start = f"{_level(network.version, bits)}{whole[:digits]}"
    if digits == bits // 4:
        return [(start, False)]
    if not rest:
        return [(start, True)]
    first = int(whole[digits], 16)
    is_prefix = digits + 1 < bits // 4
    return [(f"{start}{first + step:x}", is_prefix) for step in range(1 << (4 - rest))]


def _level(version: int, bits: int) -> str:
    return f"{Token.ADDRESS}{version}{chr(ord('a') + bits // 8)}"
