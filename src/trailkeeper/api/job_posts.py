"""POST /api/v1/jobs, from the request to the answer: one job, an array, or NDJSON.

What is answered with 2xx is on disk. In a batch each item has its own result, and what is wrong
with one does not touch the others.
"""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
from litestar import MediaType, Response
from litestar.concurrency import sync_to_thread
from msgspec import Struct

from trailkeeper.api.body import BODY_MAX, JSON, kind_of, read_body, unpack
from trailkeeper.errors import MalformedBody, Problem, QueueFull, TooLarge
from trailkeeper.jobs.history import Jobs
from trailkeeper.jobs.keep import Kept
from trailkeeper.jobs.prepare import NewJob
from trailkeeper.json_input import decode_items

ITEMS_MAX = 1_000

IN_FLIGHT_MAX = 128 * 1024 * 1024
"""Bytes of bodies that are being received or worked on at once."""

_ARRAY = re.compile(rb"[ \t\r\n]*\[")


class TakenJob(Struct, frozen=True):
    """What the sender of a job gets. `seq` is the job's place among the finished jobs of its
    workspace; null as long as it has not ended."""

    id: int | str
    seq: int | None


class _Result(TakenJob, frozen=True):
    """The same for an item of a batch."""

    status: int


class JobPosts:
    """Large bodies are bounded: in bytes at once, and in that two are worked on at a time."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="jobs")
        self._in_flight = 0

    async def answer(
        self, workspace: int, headers: dict[bytes, bytes], receive: Any
    ) -> Response[bytes]:
        """Raises ClientGone, and the problem of a single job or of a body that cannot be read."""
        lines = kind_of(headers) != JSON
        declared = headers.get(b"content-length", b"")
        size = int(declared) if declared.isdigit() else BODY_MAX
        if self._in_flight and self._in_flight + size > IN_FLIGHT_MAX:
            raise QueueFull("Too many large requests at once; send it again", retry_after_s=1)
        self._in_flight += size
        try:
            body = await read_body(receive, headers)
            encoding = headers.get(b"content-encoding", b"")
            is_one, read = await asyncio.get_running_loop().run_in_executor(
                self._threads, lambda: self._read(unpack(body, encoding), lines=lines)
            )
            new = [one for one in read if isinstance(one, NewJob)]
            outcomes = iter(await sync_to_thread(self._jobs.take, workspace, new))
        finally:
            self._in_flight -= size
        results = [next(outcomes) if isinstance(one, NewJob) else one for one in read]
        return _one(results[0]) if is_one else _many(results)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _read(self, body: bytes, *, lines: bool) -> tuple[bool, list[NewJob | Problem]]:
        """Whether it is a single job, and what is in the body."""
        if not body or body.isspace():
            raise MalformedBody("The body is empty; send one job, an array or NDJSON")
        if not lines and not _ARRAY.match(body):
            return True, [self._jobs.prepare(body)]
        items = [one for one in body.split(b"\n") if one.strip()] if lines else decode_items(body)
        if len(items) > ITEMS_MAX:
            raise TooLarge(
                f"The batch has {len(items)} items, at most {ITEMS_MAX} are taken; nothing was"
                " recorded"
            )
        return False, [self._prepared(item) for item in items]

    def _prepared(self, item: bytes | msgspec.Raw) -> NewJob | Problem:
        try:
            return self._jobs.prepare(item)
        except Problem as problem:
            return problem


def _one(outcome: Kept | Problem) -> Response[bytes]:
    if isinstance(outcome, Problem):
        raise outcome
    return _response(_status(outcome), TakenJob(outcome.id, outcome.seq))


def _many(outcomes: list[Kept | Problem]) -> Response[bytes]:
    return _response(200, [_result(one) for one in outcomes])


def _result(outcome: Kept | Problem) -> Any:
    if isinstance(outcome, Problem):
        return {"status": outcome.status, "problem": outcome.document()}
    return _Result(outcome.id, outcome.seq, _status(outcome))


def _status(kept: Kept) -> int:
    return 201 if kept.became == "created" else 200


def _response(status: int, content: object) -> Response[bytes]:
    body = msgspec.json.encode(content)
    return Response(body, status_code=status, media_type=MediaType.JSON)
