"""Syslog: RFC 5424 messages in frames that no text can break, and a server that has read them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import wait_for
from tests.streaming.certificates import Authority
from tests.streaming.delivering import HOSTILE, Open, batch, bodies, destination, parcel, whole
from tests.streaming.other_players import PlainSyslogServer, SyslogServer, parsed

from trailkeeper.errors import InvalidInput
from trailkeeper.followers.follower import DeliveryFailed
from trailkeeper.streaming.plain import visible


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SyslogServer]:
    made = SyslogServer(tmp_path)
    yield made
    made.close()


@pytest.fixture
def plain_server(tmp_path: Path) -> Iterator[SyslogServer]:
    made = PlainSyslogServer(tmp_path)
    yield made
    made.close()


def test_a_message_is_as_rfc_5424_has_it(server: SyslogServer, opened: Open) -> None:
    opened(server).do(batch(1, 7))
    (frame,) = server.frames
    assert frame.startswith(
        b"<110>1 2026-11-22T20:25:00.000000Z trailkeeper trailkeeper - activities"
        b' [trailkeeper@32473 seq="7" id="id-7" workspace="w1"] {"id":"id-7",'
    )
    opened(server, facility="local3", hostname="audit.example.com").do(batch(1, 8))
    assert b"<158>1 " in server.frames[1]
    assert b"Z audit.example.com trailkeeper" in server.frames[1]


def test_structured_data_survive_hostile_ids(server: SyslogServer, opened: Open) -> None:
    one = batch(3, text=HOSTILE)
    opened(server).do(one)
    data = [parsed(frame)[0] for frame in server.frames]
    assert [each["id"] for each in data] == [visible(each.id) for each in one.items]
    assert [each["seq"] for each in data] == ["0", "1", "2"]


def test_no_frame_has_a_control_character_or_one_that_turns_text(
    server: SyslogServer, opened: Open
) -> None:
    destination = opened(server)._destination
    destination.deliver(parcel(HOSTILE.encode(), content_type="text/plain"))
    destination.deliver(parcel(*bodies(batch(1, text=HOSTILE))))
    for frame in server.frames:
        assert visible(frame.decode()) == frame.decode()


def test_a_certificate_of_another_authority_is_refused_before_anything_is_sent(
    server: SyslogServer, opened: Open
) -> None:
    for authority in (Authority().certificate, ""):
        with pytest.raises(DeliveryFailed, match="CERTIFICATE_VERIFY_FAILED"):
            opened(server, ca_certificate=authority).do(batch(1))
    with pytest.raises(InvalidInput, match="certificate"):
        opened(server, ca_certificate="-----BEGIN CERTIFICATE-----AAAA-----END CERTIFICATE-----")
    assert server.frames == []


def test_a_certificate_that_lost_its_line_breaks_is_good(
    server: SyslogServer, opened: Open
) -> None:
    opened(server, ca_certificate=server.certificate.replace("\n", " ")).do(batch(1))
    assert len(server.frames) == 1


def test_a_plain_server_is_no_server_with_tls(plain_server: SyslogServer, opened: Open) -> None:
    with pytest.raises(DeliveryFailed, match="SSL"):
        opened(plain_server, without_tls="", ca_certificate=Authority().certificate).do(batch(1))
    assert plain_server.frames == []


def test_without_confirmation_the_connection_stays_and_is_made_again_when_it_breaks(
    server: SyslogServer, opened: Open
) -> None:
    work = opened(server, confirm="false")
    for number in range(3):
        work.do(batch(2, number * 2))
    wait_for(lambda: len(server.frames) == 6)
    assert server.attempts == []  # none has ended
    server.meet("cut")
    one = batch(200, 6)
    for _ in range(2):
        try:
            work.do(one)
        except DeliveryFailed:
            continue
    wait_for(lambda: whole(server.took)[-1]["seq"] == 205)
    assert {each["seq"] for each in whole(server.took)} == set(range(206))
    work.close()
    wait_for(lambda: server.attempts)


def test_the_test_says_how_it_was_sent(server: SyslogServer, plain_server: SyslogServer) -> None:
    for one, how in ((server, "TLS"), (plain_server, "plain TCP")):
        opened = destination("syslog", one.settings)
        assert how in opened.test().text
        assert one.frames[-1].endswith(b"Trailkeeper can reach this server")
        opened.close()
