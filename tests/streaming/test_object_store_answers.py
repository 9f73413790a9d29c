"""What stores may answer, by servers that answer as a test wants."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from tests.streaming.object_stores import STORES, Servers
from tests.streaming.receiver import Receiver
from tests.streaming.storing import ABC, BODY, OpenStore, parcel, refused

from trailkeeper.followers.follower import Poison
from trailkeeper.streaming import object_store
from trailkeeper.streaming.destination import ParcelTooLarge
from trailkeeper.streaming.destinations import DESTINATIONS
from trailkeeper.streaming.field import secrets_of


def test_answers_decide_whether_it_is_tried_again(
    servers: Servers, open_store: OpenStore, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_store, "RETRIES", 0)
    one = open_store(servers.place("moto"), endpoint=receiver.url)
    answers = {
        400: True, 401: True, 403: True, 404: True, 408: False, 425: False,
        429: False, 500: False, 503: False,
    }  # fmt: skip
    for status, is_final in answers.items():
        receiver.reply = lambda _request, status=status: (
            status, {}, b"<Error><Code>Odd</Code><Message>So &amp; so.</Message></Error>"
        )  # fmt: skip
        why = refused(one)
        assert why.is_final is is_final
        assert why.why == f"The store answered {status} Odd: So & so"
    receiver.reply = lambda _request: (400, {}, b"<Error><Code>RequestTimeout</Code></Error>")
    assert not refused(one).is_final


def test_redirects_are_not_followed(
    servers: Servers, open_store: OpenStore, receiver: Receiver
) -> None:
    one = open_store(servers.place("moto"), endpoint=receiver.url)
    for more in ({"Location": f"{receiver.url}/elsewhere"}, {}):
        receiver.bodies.clear()
        receiver.reply = lambda _request, more=more: (301, more, b"")
        assert refused(one).is_final
        assert len(receiver.bodies) == 1


def test_what_is_too_large_is_said_to_be(
    servers: Servers, open_store: OpenStore, receiver: Receiver
) -> None:
    receiver.reply = lambda _request: (400, {}, b"<Error><Code>EntityTooLarge</Code></Error>")
    place = servers.place("moto")
    with pytest.raises(ParcelTooLarge):
        open_store(place, endpoint=receiver.url).deliver(ABC)
    with pytest.raises(Poison) as failed:
        open_store(place, endpoint=receiver.url).deliver(parcel("a", stem="0-0"))
    assert failed.value.seqs == [0]


def test_a_store_that_hangs_is_given_up(
    servers: Servers, open_store: OpenStore, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_store, "TIMEOUT_S", 1)
    monkeypatch.setattr(object_store, "RETRY_S", 0)
    receiver.fates.append("hang")
    why = refused(open_store(servers.place("moto"), endpoint=receiver.url))
    assert why.why == "The store did not answer: it took too long"
    assert not why.is_final


def test_no_secret_is_shown(servers: Servers, open_store: OpenStore, receiver: Receiver) -> None:
    def reply(request: Any) -> Any:
        return 403, {}, f"no: {request.path} {request.headers} {request.body}".encode()

    receiver.reply = reply
    for store in STORES:
        place = servers.place(store)
        kind = DESTINATIONS[place.kind]
        one = open_store(place, endpoint=receiver.url)
        shown = [refused(one).why, one.test().text, kind.where({**place.settings})]
        for name in secrets_of(kind.settings):
            secret = place.settings.get(name)
            assert not secret or not any(secret in text for text in shown)
    place = servers.place("azurite")
    signed = {"access_key": "", "sas_token": "?sv=2021-08-06&sp=rcw&sig=c2VjcmV0c2VjcmV0%3D"}
    one = open_store(place, endpoint=receiver.url, **signed)
    assert "c2VjcmV0" not in refused(one).why
    assert "c2VjcmV0" not in one.test().text


class OldStore:
    """S3 without conditional writes: what it does not know it refuses, as older stores do
    (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList)."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if "If-None-Match" in self.headers:
                    return self.answer(501, b"<Error><Code>NotImplemented</Code></Error>")
                assert self.path not in outer.objects, "an object was overwritten"
                outer.objects[self.path] = body
                return self.answer(200)

            def do_GET(self) -> None:
                body = outer.objects.get(self.path)
                self.answer(404 if body is None else 200, body or b"")

            do_HEAD = do_GET  # noqa: N815 # the library looks for this name

            def answer(self, status: int, body: bytes = b"") -> None:
                self.send_response(status)
                self.send_header("ETag", '"1"')
                self.send_header("Last-Modified", "Tue, 24 Nov 2026 22:32:42 GMT")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


def test_a_store_without_conditions_is_asked_before_each_write(
    servers: Servers, open_store: OpenStore
) -> None:
    store = OldStore()
    url = f"http://127.0.0.1:{store.server.server_port}"
    one = open_store(servers.place("moto"), endpoint=url)
    for _ in range(2):
        one.deliver(ABC)
    assert list(store.objects.values()) == [BODY]
    assert refused(one, parcel("a", "b", "x")).is_final
    assert list(store.objects.values()) == [BODY]
    store.server.shutdown()
    store.server.server_close()
