"""POST /api/v1/activities: the hot path.

One object, an array, or NDJSON; what is answered with 2xx is on disk. In a batch each item has its
own result, and what is wrong with one does not touch the others.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import msgspec
import structlog

from trailkeeper.api.body import JSON, ClientGone, kind_of, read_body, unpack
from trailkeeper.errors import Problem, QueueFull
from trailkeeper.identity.token_check import TokenCheck
from trailkeeper.identity.tokens import Token
from trailkeeper.ledger.append import Append, Outcomes, Receipt
from trailkeeper.ledger.batch import Batch, read_batch, refusal
from trailkeeper.ledger.helper import Helper
from trailkeeper.ledger.recorder import Recorder
from trailkeeper.ledger.writer import Writer

PATH = "/api/v1/activities"
IN_FLIGHT_MAX = 256 * 1024 * 1024
"""Bytes of bodies that are being read or worked on at once."""

SMALL = 32 * 1024
"""Up to here a body is worked on at once; larger ones go to a thread, to keep answering others."""

_encode = msgspec.json.encode

log = structlog.get_logger()


class Answer(NamedTuple):
    """An HTTP answer."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


Reply = Callable[[Answer], None]


class Ingest:
    """Answers that one route: as an ASGI application, and for a small body that has come whole
    without the ASGI conversation, which costs as much as the checks do."""

    def __init__(
        self, tokens: TokenCheck, recorder: Recorder, writer: Writer, helper: Helper | None
    ) -> None:
        self._tokens = tokens
        self._recorder = recorder
        self._writer = writer
        self._helper = helper
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="ingest")
        self._in_flight = 0
        self._answers = _Answers()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            answer = await self._answer(dict(scope["headers"]), receive)
        except ClientGone:
            return
        except Exception as error:  # noqa: BLE001 # each becomes an answer
            answer = _refusal(error)
        await send(
            {
                "type": "http.response.start",
                "status": answer.status,
                "headers": answer.headers,
            }
        )
        await send({"type": "http.response.body", "body": answer.body})

    def takes(self, headers: dict[bytes, bytes]) -> bool:
        """Whether `take` is for a request with these headers."""
        length = headers.get(b"content-length", b"")
        return (
            length.isdigit()
            and int(length) <= SMALL
            and b"content-encoding" not in headers
            and b"expect" not in headers
        )

    def take(self, headers: dict[bytes, bytes], body: bytes, reply: Reply) -> None:
        """Record what a whole request holds; `reply` is called in this event loop, once."""

        def settle(outcomes: Outcomes, error: BaseException | None) -> None:
            try:
                answer = _refusal(error) if error else _success(*_answer_of(batch, outcomes))
            except Problem as refused:
                answer = _refusal(refused)
            reply(answer)

        try:
            token, generation, kind = self._admit(headers)
            preparing = self._recorder.preparing(token.workspace)
            batch = read_batch(body, preparing, lines=kind != JSON)
            if batch.prepared:
                append = Append(token.workspace, batch.prepared, token.token_hash, generation)
                self._append(append, settle)
            else:
                settle([], None)
        except Exception as error:  # noqa: BLE001 # each becomes an answer
            reply(_refusal(error))

    async def _answer(self, headers: dict[bytes, bytes], receive: Any) -> Answer:
        token, generation, kind = self._admit(headers)
        size = int(headers[b"content-length"]) if b"content-length" in headers else SMALL
        if self._in_flight and self._in_flight + size > IN_FLIGHT_MAX:
            raise QueueFull("Too many large requests at once; send it again", retry_after_s=1)
        self._in_flight += size
        try:
            body = await read_body(receive, headers)
            encoding = headers.get(b"content-encoding", b"")
            batch = await asyncio.get_running_loop().run_in_executor(
                self._threads,
                lambda: self._read(token.workspace, unpack(body, encoding), lines=kind != JSON),
            )
            outcomes: Outcomes = []
            if batch.prepared:
                future: asyncio.Future[Outcomes] = asyncio.get_running_loop().create_future()
                append = Append(token.workspace, batch.prepared, token.token_hash, generation)
                self._append(append, partial(_settle, future))
                outcomes = await future
        finally:
            self._in_flight -= size
        return _success(*_answer_of(batch, outcomes))

    def _read(self, workspace: int, body: bytes, *, lines: bool) -> Batch:
        """In the helper if it can, else here."""
        batch: Batch | None = None
        if self._helper and len(body) > SMALL:
            batch = self._helper.read(body, self._recorder.rules(workspace), lines=lines)
        return batch or read_batch(body, self._recorder.preparing(workspace), lines=lines)

    def _admit(self, headers: dict[bytes, bytes]) -> tuple[Token, int, bytes]:
        authorization = headers.get(b"authorization", b"").decode("latin-1")
        token, generation = self._tokens.find_for_append(authorization)
        token.require("activities:write")
        return token, generation, kind_of(headers)

    def _append(self, append: Append, settle: Settle) -> None:
        loop = asyncio.get_running_loop()
        self._writer.enqueue(append, partial(self._answers.give, loop, settle))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._helper:
            self._helper.close()


Settle = Callable[[Outcomes, BaseException | None], None]


class _Answers:
    """Carries the answers of a whole group commit to the event loop in one wake-up."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Settle, Any, BaseException | None]] = deque()
        self._is_scheduled = False

    def give(
        self,
        loop: asyncio.AbstractEventLoop,
        settle: Settle,
        result: Any,
        error: BaseException | None,
    ) -> None:
        self._waiting.append((settle, result, error))
        if not self._is_scheduled:
            self._is_scheduled = True
            loop.call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        # Cleared first: what is appended from now on schedules another run or is seen below.
        self._is_scheduled = False
        while self._waiting:
            settle, result, error = self._waiting.popleft()
            try:
                settle(result, error)
            except Exception:
                log.exception("an answer could not be given")


def _settle(
    future: asyncio.Future[Outcomes], result: Outcomes, error: BaseException | None
) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)


def _success(status: int, body: bytes) -> Answer:
    length = str(len(body)).encode()
    return Answer(status, [(b"content-type", JSON), (b"content-length", length)], body)


def _refusal(error: BaseException) -> Answer:
    if isinstance(error, Problem):
        problem = error
    else:
        log.error("an ingest request failed", exc_info=error)
        problem = Problem("The server could not do this; its log says why")
    body = _encode(problem.document())
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
    ]
    if problem.retry_after_s is not None:
        headers.append((b"retry-after", str(problem.retry_after_s).encode()))
    if problem.status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="trailkeeper"'))
    return Answer(problem.status, headers, body)


def _answer_of(batch: Batch, outcomes: Outcomes) -> tuple[int, bytes]:
    """The status and body, once the writer has answered for the activities, in order."""
    if batch.is_one:
        outcome = outcomes[0]
        if isinstance(outcome, Problem):
            raise outcome
        return outcome.status, _receipt(outcome)
    if not batch.refused and not any(isinstance(outcome, Problem) for outcome in outcomes):
        return 200, _encode(outcomes)
    given = iter(outcomes)
    count = len(outcomes) + len(batch.refused)
    results = [batch.refused.get(number) or _result(next(given)) for number in range(count)]
    return 200, b"[" + b",".join(results) + b"]"


def _receipt(receipt: Receipt) -> bytes:
    return b'{"id":%b,"seq":%d,"received_at":"%b"}' % (
        _encode(receipt.id),
        receipt.seq,
        receipt.received_at.encode(),
    )


def _result(outcome: Receipt | Problem) -> bytes:
    return refusal(outcome) if isinstance(outcome, Problem) else _encode(outcome)
