"""Kafka, and what speaks its protocol: one record a message, on one topic.

https://kafka.apache.org/documentation/#producerconfigs : an idempotent producer with acks=all, so
that the brokers put in order and keep once what is tried again within a connection; a new producer
(after a failure, or in another process) may repeat a batch. The key is what the activity is about
(`type/id` of its first target): a topic keeps the order of each key, and that of the whole log only
with one partition. Headers: `seq`, `id`, `content-type`. The record's time is that of sending: by
it topics remove what is old, and what is sent again must not go at once. A record must fit the
topic's max.message.bytes, about 1 MB by default.

By aiokafka rather than librdkafka: it connects by our event loop, so that every broker that the
cluster names is checked by the Guard.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Struct

from trailkeeper.streaming.destination import Destination, Kind, Opening
from trailkeeper.streaming.field import setting


class KafkaSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    servers: Annotated[
        str,
        setting(
            "Servers",
            help="Some of the cluster's brokers, as host:port, separated by commas.",
            max_length=2_000,
        ),
    ]
    topic: Annotated[str, setting("Topic", pattern=r"^[A-Za-z0-9._-]{1,249}$")]
    without_tls: Annotated[
        bool,
        setting(
            "Without TLS",
            "switch",
            "Everybody on the way can read and change what is sent, passwords among it.",
        ),
    ] = False
    sasl: Annotated[
        Literal["none", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"],
        setting("Log-in (SASL)", help="How user and password are shown to the brokers."),
    ] = "none"
    user: Annotated[str, setting("User")] = ""
    password: Annotated[str, setting("Password", "secret")] = ""
    ca_certificate: Annotated[
        str,
        setting(
            "Certificate authority", "lines", "PEM, if the brokers' certificates have their own."
        ),
    ] = ""
    client_certificate: Annotated[
        str, setting("Client certificate", "lines", "PEM, for brokers that ask for one.")
    ] = ""
    client_key: Annotated[str, setting("Client key", "secret", "PEM.")] = ""


def _open(settings: KafkaSettings, opening: Opening) -> Destination:
    # The library takes a while to be read, which every command would wait for.
    from trailkeeper.streaming.kafka_producing import KafkaDestination  # noqa: PLC0415

    return KafkaDestination(settings, opening)


KIND = Kind(
    name="kafka",
    label="Kafka",
    settings=KafkaSettings,
    open=_open,
    where=lambda settings: f"{settings.get('servers', '')}, topic {settings.get('topic', '')}",
    parcel_bytes=4 * 1024 * 1024,
    message_bytes=1_000_000,
)
