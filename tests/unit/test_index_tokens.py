"""The inverted index's tokens: address blocks, and texts that cannot forge one."""

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trailkeeper.ledger.index import (
    TEXT_MAX,
    Token,
    address_tokens,
    hashed,
    network_tokens,
    searchable,
)

V4 = st.integers(0, (1 << 32) - 1)
V6 = st.integers(0, (1 << 128) - 1)
MAPPED = ipaddress.ip_network("::ffff:0:0/96")


def found(address: str, block: str) -> bool:
    """Whether a search for the block finds the address, as the index looks tokens up."""
    of_address = address_tokens(address)
    assert of_address
    tokens = network_tokens(block)
    assert 1 <= len(tokens) <= 8
    return any(
        token.startswith(start) if is_prefix else token == start
        for start, is_prefix in tokens
        for token in of_address
    )


@settings(max_examples=20)
@given(base=V4, other=V4)
def test_an_ipv4_block_of_any_length_finds_its_addresses_and_no_others(
    base: int, other: int
) -> None:
    for length in range(33):
        block = ipaddress.IPv4Network((base, length), strict=False)
        inside = int(block.network_address) | other & int(block.hostmask)
        for number in (base, other, inside):
            address = ipaddress.IPv4Address(number)
            assert found(str(address), str(block)) == (address in block)


@settings(max_examples=20)
@given(base=V6, other=V6)
def test_an_ipv6_block_of_any_length_finds_its_addresses_and_no_others(
    base: int, other: int
) -> None:
    for length in range(129):
        block = ipaddress.IPv6Network((base, length), strict=False)
        inside = int(block.network_address) | other & int(block.hostmask)
        for number in (base, other, inside):
            address = ipaddress.IPv6Address(number)
            if address not in MAPPED:
                assert found(str(address), str(block)) == (address in block)


@pytest.mark.parametrize("length", [*range(33), *range(124, 129)])
def test_the_addresses_just_outside_a_block_are_not_found(length: int) -> None:
    start = "203.0.113.77" if length <= 32 else "2001:db8::77"
    block = ipaddress.ip_network(f"{start}/{length}", strict=False)
    assert found(str(block[0]), str(block))
    assert found(str(block[-1]), str(block))
    for outside in (int(block[0]) - 1, int(block[-1]) + 1):
        if 0 < outside < 1 << 32 or (block.version == 6 and outside > 0):
            assert not found(str(type(block[0])(outside)), str(block))


def test_an_ipv4_mapped_address_counts_as_ipv4() -> None:
    assert address_tokens("::ffff:203.0.113.7") == address_tokens("203.0.113.7")
    assert found("::ffff:203.0.113.7", "203.0.113.0/24")
    assert found("203.0.113.7", "::ffff:203.0.113.7")
    assert found("203.0.113.7", "::ffff:203.0.113.0/120")
    assert not found("203.0.114.7", "::ffff:203.0.113.0/120")


def test_the_two_families_are_kept_apart() -> None:
    assert not found("203.0.113.7", "::/0")
    assert not found("2001:db8::1", "0.0.0.0/0")


@pytest.mark.parametrize("text", ["", "localhost", "203.0.113.0/24", "1.2.3", "203.0.113.07"])
def test_what_is_no_address_has_no_token(text: str) -> None:
    assert address_tokens(text) == ()


def test_every_kind_of_token_starts_with_a_private_character_of_its_own() -> None:
    starts = [value for name, value in vars(Token).items() if not name.startswith("_")]
    assert len(set(starts)) == len(starts)
    assert all(len(start) == 1 and "\ue000" <= start <= "\uf8ff" for start in starts)


@given(st.text(st.characters() | st.sampled_from("\ue000\ue001\ue006\uf8ff\0")))
def test_no_text_can_forge_a_token(text: str) -> None:
    kept = searchable(text)
    assert not any("\ue000" <= character <= "\uf8ff" or character == "\0" for character in kept)
    assert len(kept) == min(len(text), TEXT_MAX)


@given(st.text(st.characters(exclude_categories=["Co", "Cs"], exclude_characters="\0")))
def test_a_text_without_private_characters_is_kept(text: str) -> None:
    assert searchable(text) == text


def test_a_long_text_is_bounded() -> None:
    assert searchable("x" * (TEXT_MAX + 1)) == "x" * TEXT_MAX


@given(st.text(), st.text())
def test_a_hashed_token_stands_for_one_value_of_one_kind(a: str, b: str) -> None:
    assert (hashed(Token.SESSION, a) == hashed(Token.SESSION, b)) == (a == b)
    assert hashed(Token.SESSION, a) != hashed(Token.REQUEST, a)
    assert hashed(Token.SESSION, a)[1:].isalnum()
