"""Any server that takes a POST: batches as JSON or JSON Lines, or one request for each message.

With a signing secret each request has a Standard Webhooks signature
(https://www.standardwebhooks.com): headers `webhook-id`, `webhook-timestamp` and
`webhook-signature`, `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Struct

from trailkeeper.errors import FieldError, InvalidInput
from trailkeeper.streaming.destination import Answer, Kind, Message, Opening, Parcel
from trailkeeper.streaming.field import setting
from trailkeeper.streaming.http_sending import Sender, basic, header_text
from trailkeeper.streaming.messages import as_json, as_line, is_json
from trailkeeper.streaming.tls import client_context

Body = Literal["lines", "array", "each"]


class HttpSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    url: Annotated[str, setting("Address", "url")]
    body: Annotated[
        Body,
        setting(
            "Body",
            help="lines: JSON Lines; array: a JSON array; each: a request for each message.",
        ),
    ] = "lines"
    authorization: Annotated[
        str, setting("Authorization header", "secret", "For example: Bearer …")
    ] = ""
    user: Annotated[str, setting("User", help="For basic authentication.")] = ""
    password: Annotated[str, setting("Password", "secret")] = ""
    headers: Annotated[
        str, setting("More headers", "lines", "One on a line, as Name: value.", max_length=4_000)
    ] = ""
    signing_secret: Annotated[
        str,
        setting("Signing secret", "secret", "Signs requests as Standard Webhooks does: whsec_…"),
    ] = ""
    client_certificate: Annotated[
        str, setting("Client certificate", "lines", "PEM, for mutual TLS.")
    ] = ""
    client_key: Annotated[str, setting("Client key", "secret", "PEM.")] = ""


class HttpDestination:
    """Takes any 2xx for taken. 408, 409, 425, 429 and 5xx are tried again, 413 is a body that is
    too large, and any other answer is one that somebody has to change something about."""

    def __init__(self, settings: HttpSettings, opening: Opening) -> None:
        self._settings = settings
        self._stream = opening.stream_id
        self._headers = _headers(settings)
        self._key = _signing_key(settings.signing_secret) if settings.signing_secret else b""
        tls = client_context(
            client_certificate=settings.client_certificate, client_key=settings.client_key
        )
        secrets = (
            settings.authorization,
            settings.authorization.partition(" ")[2],
            settings.password,
            basic(settings.user, settings.password).partition(" ")[2] if settings.user else "",
            settings.signing_secret,
        )
        self._sender = Sender(opening.guard.client(tls=tls), secrets)

    def deliver(self, parcel: Parcel) -> None:
        content_type = _content_type(self._settings.body, parcel)
        for stem, messages, body in self._bodies(parcel):
            headers = self._headers_of(stem, body, content_type)
            self._sender.check(self._sender.post(self._settings.url, body, headers), messages)

    def test(self) -> Answer:
        body = b'{"test":"Trailkeeper can reach this address"}'
        headers = self._headers_of("test", body, "application/json")
        return self._sender.test(self._settings.url, body, headers)

    def close(self) -> None:
        self._sender.close()

    def _bodies(self, parcel: Parcel) -> Iterator[tuple[str, list[Message], bytes]]:
        messages, json = parcel.messages, is_json(parcel)
        if self._settings.body == "each":
            for message in messages:
                yield f"{parcel.log}-{message.seq}", [message], message.body
        elif self._settings.body == "array":
            items = b",".join(as_json(one.body, json=json) for one in messages)
            yield parcel.stem, messages, b"[" + items + b"]"
        else:
            lines = (as_line(one.body, json=json) + b"\n" for one in messages)
            yield parcel.stem, messages, b"".join(lines)

    def _headers_of(self, stem: str, body: bytes, content_type: str) -> dict[str, str]:
        headers = {**self._headers, "Content-Type": content_type}
        if self._key:
            headers |= signature(self._key, f"{self._stream}.{stem}", body, int(time.time()))
        return headers


def signature(key: bytes, id: str, body: bytes, timestamp: int) -> dict[str, str]:
    """The headers of Standard Webhooks."""
    signed = f"{id}.{timestamp}.".encode() + body
    digest = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{digest}",
    }


_ARRAYS = {"application/cloudevents+json": "application/cloudevents-batch+json"}
"""The content type of an array of messages, where it is not that of any JSON."""


def _content_type(body: Body, parcel: Parcel) -> str:
    if body == "array":
        return _ARRAYS.get(parcel.content_type, "application/json")
    if body == "lines" and is_json(parcel):
        return "application/x-ndjson"
    return parcel.content_type


def _headers(settings: HttpSettings) -> dict[str, str]:
    headers: dict[str, str] = {}
    if settings.user:
        headers["Authorization"] = basic(settings.user, settings.password)
    if settings.authorization:
        headers["Authorization"] = header_text(
            settings.authorization, "authorization", "The Authorization header"
        )
    for line in filter(str.strip, settings.headers.splitlines()):
        name, colon, value = (part.strip() for part in line.partition(":"))
        plain = name.isascii() and value.isascii() and value.isprintable()
        if not colon or not name.replace("-", "").isalnum() or not plain:
            detail = f"{line[:60]!r} is not a header, as Name: value"
            raise InvalidInput(detail, FieldError(detail, "/headers"))
        headers[name] = value
    return headers


def _signing_key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        detail = "must be base64, with or without whsec_ before it"
        raise InvalidInput(
            f"The signing secret {detail}", FieldError(detail, "/signing_secret")
        ) from None


KIND = Kind(
    name="http",
    label="HTTPS endpoint or SIEM",
    settings=HttpSettings,
    open=HttpDestination,
    where=lambda settings: settings.get("url", ""),
)
