"""How messages are published to NATS JetStream; see destinations/nats.py."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Coroutine
from typing import Any

from nats import errors
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js import errors as js_errors

from trailkeeper.followers.follower import DeliveryFailed, Poison
from trailkeeper.streaming.destination import Answer, Message, Opening, Parcel, shortened
from trailkeeper.streaming.destinations.nats import NatsSettings
from trailkeeper.streaming.field import servers_of
from trailkeeper.streaming.guard_loop import LoopThread
from trailkeeper.streaming.messages import lasting_id
from trailkeeper.streaming.tls import client_context

CONNECT_S = 10
CLOSE_S = 3.0
ACK_S = 10.0
PARCEL_S = 300.0
HEADER_BYTES = 512
"""So much of a server's limit is left for the headers; beyond it, it would end the connection."""

TOO_LARGE = 10_054
NEED_SOMEBODY = (10_060, 10_076, 10_039)
"""Error codes of JetStream: another stream, no JetStream for the account or at all."""


class _Client(Client):
    """The library's, which would go on without TLS where the server does not ask for it."""

    def __init__(self, with_tls: bool) -> None:
        super().__init__()
        self._with_tls = with_tls

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        if self._with_tls and initial_connection and not info.get("tls_required"):
            raise errors.SecureConnRequiredError
        await super()._process_info(info, initial_connection)


class NatsDestination:
    """Takes a JetStream acknowledgement for taken, also that of a duplicate. The connection is made
    again after any failure."""

    def __init__(self, settings: NatsSettings, opening: Opening) -> None:
        self._settings = settings
        self._opening = opening
        scheme = "nats" if settings.without_tls else "tls"
        self._servers = [f"{scheme}://{one}" for one in servers_of(settings.servers)]
        self._tls: ssl.SSLContext | None = None
        if not settings.without_tls:
            self._tls = client_context(
                ca_certificate=settings.ca_certificate,
                client_certificate=settings.client_certificate,
                client_key=settings.client_key,
            )
        self._thread: LoopThread | None = None
        self._client: Client | None = None
        self._said = ""
        self._lost: asyncio.Event | None = None

    def deliver(self, parcel: Parcel) -> None:
        self._run(self._while_connected(self._publish(parcel)))

    def test(self) -> Answer:
        try:
            return self._run(self._while_connected(self._look()))
        except DeliveryFailed as error:
            return Answer(False, error.why)

    def close(self) -> None:
        thread, self._thread = self._thread, None
        client, self._client = self._client, None
        self._lost = None
        if thread is None:
            return
        if client is not None:
            with contextlib.suppress(Exception):
                thread.run(client.close(), CLOSE_S)
        thread.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        if self._thread is None:
            self._thread = LoopThread(self._opening.guard, "nats")
        try:
            return self._thread.run(work, PARCEL_S)
        except (OSError, errors.Error) as error:
            self.close()
            raise self._failure(error) from None
        except BaseException:
            self.close()
            raise

    async def _connected(self) -> tuple[JetStreamContext, int]:
        """The connection, and how large a message may be on it."""
        client = self._client
        if client is None or not client.is_connected:
            client = self._client = _Client(self._tls is not None)
            await client.connect(
                servers=self._servers,
                name="trailkeeper",
                allow_reconnect=False,
                # So it asks each server twice, and then gives up.
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                connect_timeout=CONNECT_S,
                dont_randomize=True,
                error_cb=self._note,
                closed_cb=self._note_lost,
                tls=self._tls,
                user=self._settings.user or None,
                password=self._settings.password or None,
                token=self._settings.token or None,
            )
        return JetStreamContext(client, timeout=ACK_S), client.max_payload - HEADER_BYTES

    async def _while_connected(self, work: Coroutine[Any, Any, Any]) -> Any:
        """The result of `work`, which is given up when the connection breaks: the library would
        wait until the answer is overdue."""
        lost = self._lost = asyncio.Event()
        working, losing = asyncio.ensure_future(work), asyncio.ensure_future(lost.wait())
        await asyncio.wait({working, losing}, return_when=asyncio.FIRST_COMPLETED)
        losing.cancel()
        if working.done():
            return working.result()
        working.cancel()
        raise ConnectionResetError("the connection broke before the acknowledgement")

    async def _note_lost(self) -> None:
        if self._lost is not None:
            self._lost.set()

    async def _publish(self, parcel: Parcel) -> None:
        jetstream, most = await self._connected()
        for message in parcel.messages:
            if len(message.body) > most:
                why = f"The server takes messages of at most {most} bytes"
                raise Poison(why, [message.seq])
            try:
                await jetstream.publish(
                    self._settings.subject,
                    message.body,
                    stream=self._settings.stream or None,
                    headers={
                        "Nats-Msg-Id": lasting_id(self._opening.workspace, parcel, message),
                        "Trailkeeper-Seq": str(message.seq),
                    },
                )
            except js_errors.APIError as error:
                raise self._refusal(error, message) from None

    async def _look(self) -> Answer:
        jetstream, _ = await self._connected()
        name = await jetstream.find_stream_name_by_subject(self._settings.subject)
        wanted = self._settings.stream
        if wanted and name != wanted:
            return Answer(False, shortened(f"The subject belongs to the stream {name}"))
        info = await jetstream.stream_info(name)
        return Answer(
            True, shortened(f"The stream {name} takes it; it has {info.state.messages} messages")
        )

    async def _note(self, error: Exception) -> None:
        """What a server says besides answers, such as that the rights do not allow to publish."""
        self._said = str(error)

    def _refusal(self, error: js_errors.APIError, message: Message) -> DeliveryFailed:
        why = self._shown(str(error))
        if error.err_code == TOO_LARGE:
            return Poison(why, [message.seq])
        return DeliveryFailed(why, is_final=error.err_code in NEED_SOMEBODY)

    def _failure(self, error: Exception) -> DeliveryFailed:
        said, self._said = self._said, ""
        why = str(error) or type(error).__name__
        if isinstance(error, js_errors.NoStreamResponseError | js_errors.NotFoundError):
            why = f"No JetStream stream takes the subject {self._settings.subject}"
        elif isinstance(error, TimeoutError):
            why = f"No acknowledgement within {ACK_S:.0f} s"
        why = self._shown(why if said in why else f"{why}: {said}")
        final = isinstance(error, errors.AuthorizationError | errors.SecureConnRequiredError)
        return DeliveryFailed(why, is_final=final or "violation" in why.lower())

    def _shown(self, text: str) -> str:
        for secret in filter(None, (self._settings.password, self._settings.token)):
            text = text.replace(secret, "(secret)")
        return shortened(text)
