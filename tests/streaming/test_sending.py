"""What destinations share: answers of servers, certificates, bodies, and the guarded loop."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from tests.streaming.certificates import Authority
from tests.streaming.delivering import HOSTILE, batch, bodies, parcel
from tests.streaming.receiver import Receiver

from trailkeeper.errors import InvalidInput
from trailkeeper.followers.follower import DeliveryFailed
from trailkeeper.streaming import guard_stream, http_sending
from trailkeeper.streaming.destinations import DESTINATIONS
from trailkeeper.streaming.destinations.http import HttpSettings
from trailkeeper.streaming.field import fields_of, read_settings
from trailkeeper.streaming.guard import Guard, Refused
from trailkeeper.streaming.guard_loop import LoopThread
from trailkeeper.streaming.http_sending import Sender, packed, retry_after_s
from trailkeeper.streaming.messages import as_json, as_line, as_visible, is_json, lasting_id
from trailkeeper.streaming.tls import client_context, pem


@pytest.fixture
def loop() -> Iterator[LoopThread]:
    made = LoopThread(Guard(["127.0.0.0/8"]), "tests")
    yield made
    made.close()


@pytest.fixture
def sender() -> Iterator[Sender]:
    made = Sender(Guard(["127.0.0.0/8"]).client(), ("hidden", "hidden-and-more"))
    yield made
    made.close()


@pytest.mark.parametrize(
    ("value", "seconds"), [("17", 17.0), ("0", 0.0), ("", None), ("soon", None), ("-1", None)]
)
def test_seconds_of_retry_after_are_read(value: str, seconds: float | None) -> None:
    assert retry_after_s({"retry-after": value}) == seconds


def test_a_date_of_retry_after_is_read() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(minutes=5), usegmt=True)
    assert 290 < (retry_after_s({"retry-after": later}) or 0) <= 300
    assert retry_after_s({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0


def test_secrets_are_taken_out_of_what_is_said(sender: Sender) -> None:
    assert sender.shown("a hidden-and-more b hidden c") == "a (secret) b (secret) c"


def test_a_server_that_answers_a_byte_a_second_is_given_up(
    receiver: Receiver, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard_stream, "ANSWER_S", 0.5)
    receiver.fates = ["a byte a second"]
    with pytest.raises(DeliveryFailed, match="ReadTimeout"):
        sender.post(receiver.url, b"x", {})


def test_a_server_that_takes_a_request_too_slowly_is_given_up(
    receiver: Receiver, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard_stream, "SEND_S", -1.0)
    with pytest.raises(DeliveryFailed, match="sending took longer"):
        sender.post(receiver.url, b"x", {})
    assert receiver.bodies == []


def test_of_a_long_answer_only_the_beginning_is_read(receiver: Receiver, sender: Sender) -> None:
    receiver.reply = lambda _request: (200, {}, b"y" * 1_000_000)
    assert sender.post(receiver.url, b"x", {}).body == b"y" * http_sending.ANSWER_BYTES
    assert len(sender.post(receiver.url, b"x", {}, answer_bytes=100).body) == 100


def test_packing_gives_the_same_bytes_at_any_time() -> None:
    assert packed(b"abc") == packed(b"abc")
    assert packed(b"abc")[4:8] == bytes(4)  # where a time would be


def test_what_an_address_is_not_is_a_failure(sender: Sender) -> None:
    with pytest.raises(DeliveryFailed):
        sender.post("http://[::1/", b"x", {})


def test_certificates_and_keys_survive_a_form_of_one_line(tmp_path: Any) -> None:
    certificate, key = (file.read_text() for file in Authority().files(tmp_path, "client"))
    flat = [text.replace("\n", "") for text in (certificate, key)]
    assert [pem(text) for text in flat] == [certificate, key]
    client_context(client_certificate=flat[0], client_key=flat[1])
    given = {"url": "https://x", "client_certificate": certificate, "client_key": key}
    assert read_settings(HttpSettings, given).client_key == key.strip()


def test_a_key_that_cannot_be_used_is_named_and_nobody_is_asked_for_its_password(
    tmp_path: Any,
) -> None:
    certificate, key = (file.read_text() for file in Authority().files(tmp_path, "client"))
    _, other = (file.read_text() for file in Authority().files(tmp_path, "other"))
    locked = (
        serialization.load_pem_private_key(key.encode(), None)
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"a password"),
        )
        .decode()
    )
    for wrong in ("", other, locked, "no key"):
        with pytest.raises(InvalidInput) as refused:
            client_context(client_certificate=certificate, client_key=wrong)
        assert refused.value.errors[0].pointer == "/client_certificate"


def test_other_secrets_have_no_line_breaks() -> None:
    with pytest.raises(InvalidInput, match="cannot be printed"):
        read_settings(HttpSettings, {"url": "https://x", "authorization": "a\nX-Other: b"})


def test_hostile_text_stays_on_a_line_and_says_the_same() -> None:
    for body in bodies(batch(1, text=HOSTILE)):
        seen = as_visible(body, json=True)
        assert json.loads(seen) == json.loads(body)
        assert seen.isprintable()
    pretty = b'{\r\n\t"a": "b"\n}'
    assert json.loads(as_line(pretty, json=True)) == {"a": "b"}
    assert b"\n" not in as_line(pretty, json=True)
    assert as_line(b"a\r\nb", json=False) == b"a\\r\\nb"
    assert json.loads(as_json(HOSTILE.encode(), json=False)) == HOSTILE
    assert json.loads(as_json(b"\xff", json=False)) == "\ufffd"


def test_what_is_json_is_known_by_its_content_type() -> None:
    for kind in ("application/json", "application/cloudevents+json; charset=utf-8"):
        assert is_json(parcel(content_type=kind))
    assert not is_json(parcel(content_type="text/plain"))


def test_a_lasting_id_is_of_one_message_only() -> None:
    one, two = parcel(b"a", b"b"), parcel(b"a")
    names = {lasting_id(workspace, one, message) for workspace in "vw" for message in one.messages}
    assert len(names) == 4
    assert lasting_id("w", one, one.messages[0]) == lasting_id("w", two, two.messages[0])
    assert all(name.isascii() and len(name) <= 60 and " " not in name for name in names)


async def _connect(host: str, port: int) -> None:
    _reader, writer = await asyncio.open_connection(host, port)
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "::1"])
def test_a_guarded_loop_goes_nowhere_inside_by_number(loop: LoopThread, host: str) -> None:
    with pytest.raises(Refused, match="may not reach"):
        loop.run(_connect(host, 80), 5)
    assert "may not reach" in loop.refusal


def test_a_guarded_loop_looks_at_what_a_name_means(
    loop: LoopThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.168.1.1", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: inside)
    with pytest.raises(Refused, match=r"example\.com is at 192\.168\.1\.1"):
        loop.run(_connect("example.com", 80), 5)


def test_a_guarded_loop_connects_to_what_is_allowed(loop: LoopThread, receiver: Receiver) -> None:
    loop.run(_connect("127.0.0.1", int(receiver.url.rpartition(":")[2])), 5)


def test_a_guarded_loop_ends_whatever_waits_in_it() -> None:
    loop = LoopThread(Guard(), "tests")
    with pytest.raises(TimeoutError):
        loop.run(asyncio.sleep(60), 0.05)
    loop.close()
    assert not loop._thread.is_alive()


def test_a_guarded_loop_leaves_no_connection_open_that_a_library_lost() -> None:
    async def lose(port: int) -> None:
        await asyncio.get_running_loop().create_connection(asyncio.Protocol, "127.0.0.1", port)

    loop = LoopThread(Guard(["127.0.0.0/8"]), "tests")
    with socket.create_server(("127.0.0.1", 0)) as server:
        loop.run(lose(server.getsockname()[1]), 5)
        taken, _ = server.accept()
        loop.close()
        with taken:
            assert _has_ended(taken)
    gc.collect()  # what was left open would be complained about here


def test_a_guarded_loop_does_not_wait_until_the_other_side_ends_its_tls(tmp_path: Path) -> None:
    authority = Authority()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*authority.files(tmp_path, "server"))

    async def close(port: int) -> None:
        trusting = client_context(ca_certificate=authority.certificate)
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
        writer.close()

    def accept(server: socket.socket) -> ssl.SSLSocket:
        return tls.wrap_socket(server.accept()[0], server_side=True, suppress_ragged_eofs=False)

    loop = LoopThread(Guard(["127.0.0.0/8"]), "tests")
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as thread:
        accepting = thread.submit(accept, server)
        loop.run(close(server.getsockname()[1]), 5)
        with accepting.result(5) as taken:
            loop.close()
            assert _has_ended(taken)
    gc.collect()


def _has_ended(taken: socket.socket) -> bool:
    taken.settimeout(5)
    return taken.recv(1) == b""


def test_every_setting_says_what_it_is() -> None:
    for kind in DESTINATIONS.values():
        for field in fields_of(kind.settings):
            assert field.label[0].isupper(), (kind.name, field)
            assert field.label != field.name, (kind.name, field)
