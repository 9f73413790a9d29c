"""New Relic, by the Log API.

https://docs.newrelic.com/docs/logs/log-api/introduction-log-api/ : bodies of at most 1 MB (10^6
bytes), which is kept to before packing; gzip is taken; 202 is taken, 403 a wrong key, 413 too
large, 429 too many. https://docs.newrelic.com/docs/logs/log-api/log-event-data/ : what a message
has beyond 128 KB is cut off without a word, so that none of that size is sent.

Logs whose timestamp is more than 48 hours ago may be dropped. None is sent beside the message, so
that what waited for longer, or is sent again, is taken, too; the timestamp is that of arrival, and
the activity's own time stands in the message.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Struct

from trailkeeper.streaming.destination import Answer, Kind, Message, Opening, Parcel
from trailkeeper.streaming.field import setting
from trailkeeper.streaming.http_sending import Sender, header_text, packed, require_room
from trailkeeper.streaming.messages import json_string, text_of

BODY_BYTES = 1_000_000
HOSTS = {
    "us": "log-api.newrelic.com",
    "eu": "log-api.eu.newrelic.com",
    "gov": "gov-log-api.newrelic.com",
}


class NewRelicSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    license_key: Annotated[str, setting("Licence key", "secret", "Of the type INGEST - LICENSE.")]
    region: Annotated[
        Literal["us", "eu", "gov"],
        setting("Region", help="Where the account's data are kept; gov: FedRAMP."),
    ] = "us"
    logtype: Annotated[
        str, setting("Log type", help="For rules of parsing and partitions.", max_length=100)
    ] = "trailkeeper"
    url: Annotated[
        str, setting("Other address", "url", "The whole address, instead of the region's.")
    ] = ""


class NewRelicDestination:
    """Takes any 2xx for taken."""

    def __init__(self, settings: NewRelicSettings, opening: Opening) -> None:
        key = header_text(settings.license_key, "license_key", "The licence key")
        self._url = settings.url or f"https://{HOSTS[settings.region]}/log/v1"
        self._headers = {"Api-Key": key, "Content-Type": "application/json"}
        self._common = b'{"attributes":{"logtype":%b}}' % json_string(settings.logtype)
        self._sender = Sender(opening.guard.client(), (settings.license_key,))

    def deliver(self, parcel: Parcel) -> None:
        body = self._body(b",".join(_log(message) for message in parcel.messages))
        require_room(body, BODY_BYTES, parcel.messages)
        headers = {**self._headers, "Content-Encoding": "gzip"}
        self._sender.check(self._sender.post(self._url, packed(body), headers), parcel.messages)

    def test(self) -> Answer:
        body = self._body(b'{"message":"Trailkeeper can reach this API"}')
        return self._sender.test(self._url, body, self._headers)

    def close(self) -> None:
        self._sender.close()

    def _body(self, logs: bytes) -> bytes:
        return b'[{"common":%b,"logs":[%b]}]' % (self._common, logs)


def _log(message: Message) -> bytes:
    return b'{"message":%b,"attributes":{"trailkeeper.seq":%d,"trailkeeper.id":%b}}' % (
        json_string(text_of(message.body)),
        message.seq,
        json_string(message.id),
    )


KIND = Kind(
    name="newrelic",
    label="New Relic",
    settings=NewRelicSettings,
    open=NewRelicDestination,
    where=lambda settings: settings.get("url") or f"region {settings.get('region', 'us')}",
    linger_s=1.0,
    parcel_bytes=650_000,
    message_bytes=128_000,
)
