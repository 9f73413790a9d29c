"""Splunk, by the HTTP Event Collector (HEC).

https://help.splunk.com/en/splunk-enterprise/get-data-in/collect-http-event-data : events as JSON
objects one after the other to `/services/collector/event`, with `Authorization: Splunk <token>`;
answers `{"text", "code"}`, code 0 for taken, 9 for busy (503), and for a wrong event
`invalid-event-number`. Splunk Cloud takes bodies of at most 1 MB, and so much is sent.

With indexer acknowledgement (…/about-http-event-collector-indexer-acknowledgment) the answer has an
`ackId`, and the events count as taken when `/services/collector/ack` says true for it; both go with
`X-Splunk-Request-Channel`, a GUID that is a stream's own. Where that does not come within three
minutes the events are sent again.
"""

from __future__ import annotations

import time
import uuid
from typing import Annotated, Any

import msgspec
from msgspec import Struct

from trailkeeper.followers.follower import DeliveryFailed, Poison
from trailkeeper.streaming.destination import Answer, Kind, Message, Opening, Parcel
from trailkeeper.streaming.field import setting
from trailkeeper.streaming.http_sending import Reply, Sender, header_text, require_room
from trailkeeper.streaming.messages import as_json, is_json, json_string

BODY_BYTES = 1_000_000
ACK_S = 180.0
ACK_FIRST_S = 0.1
ACK_MOST_S = 5.0
EVENT, ACK = "/services/collector/event", "/services/collector/ack"

OF_ONE_EVENT = (6, 12, 13, 15)
"""Codes that are about one event: invalid data, no event, a blank one, wrong fields."""


class SplunkSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    url: Annotated[
        str, setting("Address", "url", "Of the HTTP Event Collector: https://splunk:8088")
    ]
    token: Annotated[str, setting("Token", "secret", "Of the HTTP Event Collector.")]
    index: Annotated[str, setting("Index", help="Default: the token's.")] = ""
    source: Annotated[str, setting("Source", help="Default: the token's.")] = ""
    sourcetype: Annotated[str, setting("Source type", help="Default: the token's.")] = ""
    ack: Annotated[
        bool,
        setting(
            "Wait for indexer acknowledgement",
            "switch",
            "If it is turned on for the token: events count as sent once they are indexed.",
        ),
    ] = False


class HecReply(Struct, frozen=True, rename={"event": "invalid-event-number", "ack": "ackId"}):
    code: int | None = None
    ack: int | None = None
    event: int | None = None


class AckReply(Struct, frozen=True):
    acks: dict[str, bool]


class SplunkDestination:
    """Takes code 0 for taken and, where it is to wait for that, the acknowledgement."""

    def __init__(self, settings: SplunkSettings, opening: Opening) -> None:
        token = header_text(settings.token, "token", "The token")
        base = settings.url.rstrip("/").partition("/services/collector")[0]
        self._event, self._ack = base + EVENT, base + ACK
        self._wait = settings.ack
        channel = str(uuid.uuid5(uuid.NAMESPACE_URL, f"trailkeeper:{opening.stream_id}"))
        self._headers = {
            "Authorization": f"Splunk {token}",
            "Content-Type": "application/json",
            "X-Splunk-Request-Channel": channel,
        }
        self._around = b"".join(
            b'"%b":%b,' % (name.encode(), json_string(value))
            for name in ("index", "source", "sourcetype")
            if (value := getattr(settings, name))
        )
        self._sender = Sender(opening.guard.client(), (settings.token,))

    def deliver(self, parcel: Parcel) -> None:
        json = is_json(parcel)
        body = b"\n".join(self._event_of(message, json) for message in parcel.messages)
        require_room(body, BODY_BYTES, parcel.messages)
        reply = self._sender.post(self._event, body, self._headers)
        said = self._checked(reply, parcel.messages)
        if self._wait:
            if said.ack is None:
                raise DeliveryFailed(
                    "Splunk gave no ackId: indexer acknowledgement is not turned on for the token",
                    is_final=True,
                )
            self._acknowledged(said.ack)

    def test(self) -> Answer:
        body = b'{%b"event":{"test":"Trailkeeper can reach this collector"}}' % self._around
        return self._sender.test(self._event, body, self._headers)

    def close(self) -> None:
        self._sender.close()

    def _event_of(self, message: Message, json: bool) -> bytes:
        seconds, micros = divmod(message.at, 1_000_000)
        return b'{"time":%d.%06d,%b"fields":{"seq":"%d","id":%b},"event":%b}' % (
            seconds,
            micros,
            self._around,
            message.seq,
            json_string(message.id),
            as_json(message.body, json=json),
        )

    def _checked(self, reply: Reply, messages: list[Message]) -> HecReply:
        said = _decoded(reply, HecReply) or HecReply()
        at = said.event
        if said.code in OF_ONE_EVENT and at is not None and 0 <= at < len(messages):
            raise Poison(self._sender.refusal(reply), [messages[at].seq])
        self._sender.check(reply, messages)
        if said.code != 0:
            raise DeliveryFailed(f"That is no answer of Splunk: {self._sender.refusal(reply)}")
        return said

    def _acknowledged(self, ack: int) -> None:
        """Returns when the events are indexed."""
        end, pause = time.monotonic() + ACK_S, ACK_FIRST_S
        body = b'{"acks":[%d]}' % ack
        while True:
            reply = self._sender.post(self._ack, body, self._headers)
            if reply.status not in (429, 503):
                self._sender.check(reply, [])
                said = _decoded(reply, AckReply)
                if said is None:
                    raise DeliveryFailed(
                        f"That is no answer of Splunk: {self._sender.refusal(reply)}"
                    )
                if said.acks.get(str(ack)):
                    return
            if time.monotonic() + pause > end:
                raise DeliveryFailed(
                    f"Splunk has taken the events, and not said within {ACK_S:.0f} s that they are"
                    " indexed; they are sent again"
                )
            time.sleep(pause)
            pause = min(pause * 2, ACK_MOST_S)


def _decoded(reply: Reply, shape: type[Any]) -> Any:
    try:
        return msgspec.json.decode(reply.body, type=shape)
    except msgspec.MsgspecError:
        return None


def _where(settings: dict[str, str]) -> str:
    index = settings.get("index")
    return settings.get("url", "") + (f", index {index}" if index else "")


KIND = Kind(
    name="splunk",
    label="Splunk",
    settings=SplunkSettings,
    open=SplunkDestination,
    where=_where,
    parcel_bytes=750_000,
    message_bytes=BODY_BYTES - 10_000,
)
