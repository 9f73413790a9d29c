"""How messages get to Kafka; see destinations/kafka.py."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka import errors as kafka
from aiokafka.conn import create_conn  # pyright: ignore[reportUnknownVariableType]

from trailkeeper.errors import FieldError, InvalidInput
from trailkeeper.followers.follower import DeliveryFailed
from trailkeeper.streaming.destination import Answer, Message, Opening, Parcel, shortened
from trailkeeper.streaming.destinations.kafka import KafkaSettings
from trailkeeper.streaming.field import servers_of
from trailkeeper.streaming.guard_loop import LoopThread
from trailkeeper.streaming.http_sending import too_large
from trailkeeper.streaming.tls import client_context

REQUEST_MS = 20_000
PARCEL_S = 60.0
"""Until then the producer itself tries again, and keeps order and number; then it is given up."""

STOP_S = 5.0
BATCH_BYTES = 512 * 1024
LINGER_MS = 5
# It tells its log what the stream's last error tells.
logging.getLogger("aiokafka").addHandler(logging.NullHandler())

TOO_LARGE = (kafka.MessageSizeTooLargeError, kafka.RecordListTooLargeError)
NEED_SOMEBODY = (
    kafka.AuthenticationFailedError,
    kafka.AuthenticationMethodNotSupported,
    kafka.SaslAuthenticationFailed,
    kafka.IllegalSaslStateError,
    kafka.UnsupportedSaslMechanismError,
    kafka.TopicAuthorizationFailedError,
    kafka.ClusterAuthorizationFailedError,
    kafka.InvalidTopicError,
)


class KafkaDestination:
    """Takes what all in-sync replicas have for taken. After any failure the producer is given up
    with all that it has not sent: nothing of it arrives later, among other batches."""

    def __init__(self, settings: KafkaSettings, opening: Opening) -> None:
        if settings.sasl != "none" and not (settings.user and settings.password):
            detail = "is needed, with a password, for the log-in"
            raise InvalidInput(f"The user {detail}", FieldError(detail, "/user"))
        self._settings = settings
        self._servers = servers_of(settings.servers)
        self._guard = opening.guard
        self._security = _security(settings)
        self._thread: LoopThread | None = None
        self._producer: Any = None

    def deliver(self, parcel: Parcel) -> None:
        try:
            self._run(self._send(parcel))
        except TOO_LARGE as error:
            raise too_large(self._shown(error), parcel.messages) from None

    def test(self) -> Answer:
        try:
            partitions = self._run(self._partitions())
        except DeliveryFailed as error:
            return Answer(False, error.why)
        return Answer(True, f"The topic {self._settings.topic} has {partitions} partitions")

    def close(self) -> None:
        self._end(_stop)

    def _run(self, work: Any) -> Any:
        if self._thread is None:
            self._thread = LoopThread(self._guard, "kafka")
        try:
            return self._thread.run(work, PARCEL_S)
        except TOO_LARGE:
            self._end(_abandon)
            raise
        except (OSError, kafka.KafkaError) as error:
            why = self._thread.refusal or self._shown(error)
            self._end(_abandon)
            raise DeliveryFailed(why, is_final=isinstance(error, NEED_SOMEBODY)) from None
        except BaseException:
            self._end(_abandon)
            raise

    def _end(self, how: Any) -> None:
        thread, self._thread = self._thread, None
        producer, self._producer = self._producer, None
        if thread is None:
            return
        if producer is not None:
            with contextlib.suppress(Exception):
                thread.run(how(producer), STOP_S)
        thread.close()

    async def _started(self) -> Any:
        if self._producer is None:
            make: Any = AIOKafkaProducer  # its hints are guesses of the checker
            producer: Any = make(
                bootstrap_servers=self._servers,
                client_id="trailkeeper",
                acks="all",
                enable_idempotence=True,
                request_timeout_ms=REQUEST_MS,
                linger_ms=LINGER_MS,
                max_batch_size=BATCH_BYTES,
                **self._security,
            )
            self._producer = producer
            try:
                await producer.start()
            except kafka.KafkaConnectionError:
                await self._say_why()
                raise
        return self._producer

    async def _say_why(self) -> None:
        """Raises what speaks against the connection, which the library tells its log only."""
        host, _, port = self._servers[0].rpartition(":")
        connection: Any = await create_conn(
            host.strip("[]"), int(port), request_timeout_ms=REQUEST_MS, **self._security
        )
        connection.close()

    async def _send(self, parcel: Parcel) -> None:
        producer = await self._started()
        content_type = parcel.content_type.encode()
        waiting = [await self._sent(producer, one, content_type) for one in parcel.messages]
        await asyncio.gather(*waiting)

    async def _sent(self, producer: Any, message: Message, content_type: bytes) -> Any:
        return await producer.send(
            self._settings.topic,
            message.body,
            key=(message.key or message.id).encode(),
            headers=[
                ("seq", b"%d" % message.seq),
                ("id", message.id.encode()),
                ("content-type", content_type),
            ],
        )

    async def _partitions(self) -> int:
        producer = await self._started()
        return len(await producer.partitions_for(self._settings.topic))

    def _shown(self, error: BaseException) -> str:
        said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        if isinstance(error, TimeoutError) and not str(error):
            said = f"the brokers did not confirm it within {PARCEL_S:.0f} s"
        password = self._settings.password
        return shortened(said.replace(password, "(secret)") if password else said)


def _security(settings: KafkaSettings) -> dict[str, Any]:
    tls: ssl.SSLContext | None = None
    if not settings.without_tls:
        tls = client_context(
            ca_certificate=settings.ca_certificate,
            client_certificate=settings.client_certificate,
            client_key=settings.client_key,
        )
    named = "PLAINTEXT" if tls is None else "SSL"
    if settings.sasl == "none":
        return {"security_protocol": named, "ssl_context": tls}
    return {
        "security_protocol": f"SASL_{named}",
        "ssl_context": tls,
        "sasl_mechanism": settings.sasl,
        "sasl_plain_username": settings.user,
        "sasl_plain_password": settings.password,
    }


async def _stop(producer: Any) -> None:
    await producer.stop()


async def _abandon(producer: Any) -> None:
    """End the producer without sending what it still has."""
    stopping = asyncio.ensure_future(producer.stop())
    await asyncio.sleep(0)
    kept = (stopping, asyncio.current_task())
    for task in asyncio.all_tasks():
        if task not in kept:
            task.cancel()
    await asyncio.wait({stopping})
    await producer.client.close()
