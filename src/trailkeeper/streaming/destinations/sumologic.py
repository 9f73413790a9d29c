"""Sumo Logic, by an HTTP Logs and Metrics source: one message on a line.

https://www.sumologic.com/help/docs/send-data/hosted-collectors/http-source/logs-metrics/ : POST to
the source's address, which holds its key, so that it is a secret here; `X-Sumo-Category`,
`X-Sumo-Name` and `X-Sumo-Host` replace what the source says; bodies of 100 KB to 1 MB before
packing are recommended, gzip is taken; 200 is taken, 429 is throttling, 401 a wrong address.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Struct

from trailkeeper.errors import FieldError, InvalidInput
from trailkeeper.streaming.destination import Answer, Kind, Opening, Parcel
from trailkeeper.streaming.field import is_address, setting
from trailkeeper.streaming.http_sending import Sender, header_text, packed
from trailkeeper.streaming.messages import as_line, is_json

MB = 1_000_000


class SumoLogicSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    url: Annotated[
        str,
        setting(
            "HTTP source address",
            "secret",
            "As Sumo Logic shows it for the source. Whoever has it may send to the source.",
        ),
    ]
    category: Annotated[
        str, setting("Source category", help="Instead of the source's, for example audit/acme.")
    ] = ""
    name: Annotated[str, setting("Source name", help="Instead of the source's.")] = ""
    host: Annotated[str, setting("Source host", help="Instead of the source's.")] = ""


class SumoLogicDestination:
    """Takes any 2xx for taken; Retry-After is kept to."""

    def __init__(self, settings: SumoLogicSettings, opening: Opening) -> None:
        if not is_address(settings.url):
            detail = "must be an address that begins with https://"
            raise InvalidInput(f"The source's address {detail}", FieldError(detail, "/url"))
        self._url = settings.url
        self._headers = {
            f"X-Sumo-{field.capitalize()}": header_text(value, field, f"The source {field}")
            for field in ("category", "name", "host")
            if (value := getattr(settings, field))
        }
        key = settings.url.rstrip("/").rpartition("/")[2]
        self._sender = Sender(opening.guard.client(), (settings.url, key))

    def deliver(self, parcel: Parcel) -> None:
        json = is_json(parcel)
        body = b"".join(as_line(one.body, json=json) + b"\n" for one in parcel.messages)
        headers = {
            **self._headers,
            "Content-Type": "application/json" if json else "text/plain",
            "Content-Encoding": "gzip",
        }
        self._sender.check(self._sender.post(self._url, packed(body), headers), parcel.messages)

    def test(self) -> Answer:
        body = b'{"test":"Trailkeeper can reach this source"}\n'
        return self._sender.test(
            self._url, body, {**self._headers, "Content-Type": "application/json"}
        )

    def close(self) -> None:
        self._sender.close()


KIND = Kind(
    name="sumologic",
    label="Sumo Logic",
    settings=SumoLogicSettings,
    open=SumoLogicDestination,
    where=lambda settings: settings.get("category") or "HTTP source",
    linger_s=1.0,
    parcel_bytes=MB - 1,
    message_bytes=MB - 1,
)
