"""Previews of message templates: what a template makes of data that is given.

A template is a small program, and who writes it may not mean well. It is rendered in a process of
its own with little time and memory, without files, network or other templates, so that whatever it
does, nothing else waits for it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import Any

import msgspec
import structlog
from msgspec import Struct

from trailkeeper.assets.template_language import check_template
from trailkeeper.errors import FieldError, InvalidInput, TooManyRequests

CPU_MAX_S = 2
WAIT_MAX_S = 10
"""How long a preview may take in all, on a machine that has more to do."""

TURN_MAX_S = 3
"""How long to wait for one's turn."""

MEMORY_MAX_BYTES = 512 * 1024 * 1024
AT_ONCE = 2
NEEDED = ("PATH", "LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH", "LANG", "TZ")
"""What the process gets of the environment."""

TOO_LONG = f"takes longer than {CPU_MAX_S} seconds; does a loop end?"

log = structlog.get_logger()


class Preview(Struct, frozen=True):
    """The texts that a template makes. They are text: a page must escape them."""

    subject: str
    body: str


class Request(Struct, frozen=True):
    """What the process is asked to render."""

    templates: dict[str, str]
    data: dict[str, Any]


class Answer(Struct, frozen=True):
    """The texts, or which template cannot be rendered, and why."""

    texts: dict[str, str] = {}
    wrong_in: str = ""
    why: str = ""


_turns = threading.BoundedSemaphore(AT_ONCE)


def preview(subject: str, body: str, data: dict[str, Any]) -> Preview:
    """Render a message with data. Raises InvalidInput with the reason for a template that is not
    right, does not end or grows, and TooManyRequests when others are busy with theirs."""
    templates = {"subject": subject, "body": body}
    wrong = [
        FieldError(why, f"/{name}")
        for name, template in templates.items()
        for why in check_template(template)
    ]
    if wrong:
        raise InvalidInput(f"The {wrong[0].pointer[1:]}: {wrong[0].detail}", *wrong)
    if not _turns.acquire(timeout=TURN_MAX_S):
        raise TooManyRequests("Other previews are being made; try again", retry_after_s=TURN_MAX_S)
    try:
        answer = _ask(Request(templates, data))
    finally:
        _turns.release()
    if answer.why:
        name = answer.wrong_in or "template"
        pointer = f"/{answer.wrong_in}" if answer.wrong_in else ""
        raise InvalidInput(f"The {name}: {answer.why}", FieldError(answer.why, pointer))
    return Preview(**answer.texts)


def _ask(request: Request) -> Answer:
    command = [sys.executable, "-P", "-m", "trailkeeper.assets.template_process"]
    environment = {name: os.environ[name] for name in NEEDED if name in os.environ}
    try:
        done = subprocess.run(  # noqa: S603
            command,
            input=msgspec.json.encode(request),
            capture_output=True,
            env=environment,
            timeout=WAIT_MAX_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Answer(why=TOO_LONG)
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return Answer(why=TOO_LONG)
    if done.returncode or not done.stdout:
        log.error(
            "a preview failed",
            code=done.returncode,
            error=done.stderr[-2_000:].decode(errors="replace"),
        )
        return Answer(why="cannot be rendered")
    return msgspec.json.decode(done.stdout, type=Answer)
