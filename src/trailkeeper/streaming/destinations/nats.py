"""NATS JetStream: each message is published and waited for until a stream has stored it.

https://docs.nats.io/nats-concepts/jetstream/headers : `Nats-Msg-Id` names a message, the same at
each try; the server keeps no second one of it within its stream's duplicate window (2 minutes by
default). `Nats-Expected-Stream` lets no other stream take it. `Trailkeeper-Seq` has the activity's
seq. A message must fit the server's max_payload, 1 MB by default.

One message at a time: published together, the next could be stored where the one before was not.
Where TLS is asked for, nothing is said to a server that has none.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Struct

from trailkeeper.streaming.destination import Destination, Kind, Opening
from trailkeeper.streaming.field import setting


class NatsSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    servers: Annotated[
        str, setting("Servers", help="As host:port, separated by commas.", max_length=2_000)
    ]
    subject: Annotated[
        str,
        setting(
            "Subject",
            help="That of a JetStream stream, for example audit.acme",
            pattern=r"^[^\s.*>]+(\.[^\s.*>]+)*$",
        ),
    ]
    stream: Annotated[
        str, setting("JetStream stream", help="If it stands here, no other stream may take it.")
    ] = ""
    without_tls: Annotated[
        bool,
        setting(
            "Without TLS",
            "switch",
            "Everybody on the way can read and change what is sent, passwords among it.",
        ),
    ] = False
    user: Annotated[str, setting("User")] = ""
    password: Annotated[str, setting("Password", "secret")] = ""
    token: Annotated[str, setting("Token", "secret", "Instead of user and password.")] = ""
    ca_certificate: Annotated[
        str,
        setting("Certificate authority", "lines", "PEM, if the server's certificate has its own."),
    ] = ""
    client_certificate: Annotated[
        str, setting("Client certificate", "lines", "PEM, for servers that ask for one.")
    ] = ""
    client_key: Annotated[str, setting("Client key", "secret", "PEM.")] = ""


def _open(settings: NatsSettings, opening: Opening) -> Destination:
    # The library takes a tenth of a second, which every command would wait for.
    from trailkeeper.streaming.nats_publishing import NatsDestination  # noqa: PLC0415

    return NatsDestination(settings, opening)


KIND = Kind(
    name="nats",
    label="NATS JetStream",
    settings=NatsSettings,
    open=_open,
    where=lambda settings: f"{settings.get('servers', '')}, subject {settings.get('subject', '')}",
    parcel_messages=500,
    parcel_bytes=4 * 1024 * 1024,
    message_bytes=1024 * 1024 - 1_024,
)
