"""Datadog, by the logs intake v2.

https://docs.datadoghq.com/api/latest/logs/send-logs/ : an array of at most 1,000 logs and 5 MB
before packing, each of at most 1 MB: a longer one is cut there without a word, so that none is
sent; gzip is recommended; 202 is taken, 408, 429 and 5xx are to be tried again, 413 is too large.

Datadog rejects a log whose official date is more than 18 hours ago. No date is sent beside the
message, so that what waited for longer, or is sent again, is taken, too; the date is that of
arrival, and the activity's own time stands in the message.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Struct

from trailkeeper.streaming.destination import Answer, Kind, Message, Opening, Parcel
from trailkeeper.streaming.field import setting
from trailkeeper.streaming.http_sending import Sender, header_text, packed, require_room
from trailkeeper.streaming.messages import json_string, text_of

BODY_BYTES = 5_000_000
LOG_BYTES = 1_000_000

Site = Literal[
    "datadoghq.com",
    "us3.datadoghq.com",
    "us5.datadoghq.com",
    "datadoghq.eu",
    "ap1.datadoghq.com",
    "ap2.datadoghq.com",
    "uk1.datadoghq.com",
    "ddog-gov.com",
    "us2.ddog-gov.com",
]


class DatadogSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    api_key: Annotated[str, setting("API key", "secret")]
    site: Annotated[
        Site, setting("Site", help="As in the address where you log in, without app.")
    ] = "datadoghq.com"
    service: Annotated[str, setting("Service", max_length=100)] = "trailkeeper"
    tags: Annotated[
        str, setting("Tags", help="Separated by commas: env:prod,team:it", max_length=1_000)
    ] = ""
    url: Annotated[
        str,
        setting(
            "Other intake",
            "url",
            "The whole address, instead of the site's: of a proxy or an Observability Pipelines"
            " worker.",
        ),
    ] = ""


class DatadogDestination:
    """Takes any 2xx for taken."""

    def __init__(self, settings: DatadogSettings, opening: Opening) -> None:
        key = header_text(settings.api_key, "api_key", "The API key")
        self._url = settings.url or f"https://http-intake.logs.{settings.site}/api/v2/logs"
        self._headers = {"DD-API-KEY": key, "Content-Type": "application/json"}
        named = {"ddsource": "trailkeeper", "service": settings.service, "ddtags": settings.tags}
        self._around = b"".join(
            b'"%b":%b,' % (name.encode(), json_string(value))
            for name, value in named.items()
            if value
        )
        self._sender = Sender(opening.guard.client(), (settings.api_key,))

    def deliver(self, parcel: Parcel) -> None:
        logs = [self._log(message) for message in parcel.messages]
        for log, message in zip(logs, parcel.messages, strict=True):
            require_room(log, LOG_BYTES, [message])
        body = b"[" + b",".join(logs) + b"]"
        require_room(body, BODY_BYTES, parcel.messages)
        headers = {**self._headers, "Content-Encoding": "gzip"}
        self._sender.check(self._sender.post(self._url, packed(body), headers), parcel.messages)

    def test(self) -> Answer:
        body = b'[{%b"message":"Trailkeeper can reach this intake"}]' % self._around
        return self._sender.test(self._url, body, self._headers)

    def close(self) -> None:
        self._sender.close()

    def _log(self, message: Message) -> bytes:
        return b'{%b"trailkeeper":{"seq":%d,"id":%b},"message":%b}' % (
            self._around,
            message.seq,
            json_string(message.id),
            json_string(text_of(message.body)),
        )


KIND = Kind(
    name="datadog",
    label="Datadog",
    settings=DatadogSettings,
    open=DatadogDestination,
    where=lambda settings: settings.get("url") or settings.get("site", "datadoghq.com"),
    parcel_messages=1_000,
    linger_s=1.0,
    parcel_bytes=3_500_000,
    message_bytes=LOG_BYTES,
)
