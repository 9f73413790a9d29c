"""The custom message: a JSON template that is put around each message of a stream.

Source: Workato's documentation, "Custom log messages" (docs.workato.com, features/
activity-audit-log-streaming-customize-log). Placeholders:

    {{{log_message}}}       the message as a JSON object; {{log_message}} is the older spelling
    {{{log_message_str}}}   the same as a text
    {{{now}}}               2023-06-02T01:30:01.002+00:00
    {{{now_utc}}}           1685683801002.213, in milliseconds
    {{{now_utc_micro}}}     1685683801002213
    {{{now_utc_nano}}}      1685683801002213000

"Now" is when the activity or the job was received: a message that is sent again is the same, byte
for byte.
Texts (the second, and `now`) bring their quotes along where the template has none around them, so
that both ways of writing them work. A message that is no JSON, such as a line of CEF, is a text in
both. Any other placeholder is left as it is.

White space between the parts of the JSON becomes one space: a message is one line. Whether the
result is JSON depends on the template alone, since what is put in is a whole JSON value or a text's
content: it is decided once, before anything is sent.
"""

from __future__ import annotations

import re
from datetime import datetime

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from trailkeeper.activity import Activity, from_us, to_us
from trailkeeper.jobs.job import EndedJob
from trailkeeper.streaming.format import Format, Team
from trailkeeper.streaming.plain import without_hidden

JSON = "application/json"
MESSAGES_MAX = 4
"""So often a template may have the message in it: each is up to 64 KiB and more."""

_MESSAGES = frozenset({"log_message", "log_message_str"})
_PLACEHOLDER = re.compile(
    r"\{\{\{(log_message|log_message_str|now|now_utc|now_utc_micro|now_utc_nano)\}\}\}"
    r"|\{\{(log_message)\}\}"
)
_PART = re.compile(r'"|\\.|[ \t\r\n]+|[^"\\ \t\r\n]+|\\', re.DOTALL)
_SAMPLE_AT = from_us(1_685_683_801_002_213)


class TemplateError(ValueError):
    """Why a template cannot be used, as the end of a sentence that begins with "The template"."""


class Hole(Struct, frozen=True):
    """A place to fill. `in_text` is whether the template has quotes around it."""

    name: str
    in_text: bool


class Template(Struct, frozen=True):
    """A template that gives JSON for every message."""

    parts: tuple[bytes | Hole, ...]

    def fill(self, message: bytes, at: datetime, *, is_json: bool = True) -> bytes:
        """The message that is sent. `at` is what the placeholders call now."""
        return b"".join(
            [
                part if isinstance(part, bytes) else _filling(part, message, at, is_json)
                for part in self.parts
            ]
        )


def read_template(text: str) -> Template:
    """Raises TemplateError."""
    template = Template(tuple(_parts(text)))
    names = [part.name for part in template.parts if isinstance(part, Hole)]
    messages = sum(name in _MESSAGES for name in names)
    if not messages:
        raise TemplateError("has neither {{{log_message}}} nor {{{log_message_str}}} in it")
    if messages > MESSAGES_MAX:
        raise TemplateError(f"has the message in it more than {MESSAGES_MAX} times")
    sample = template.fill(b'{"event":"sample"}', _SAMPLE_AT)
    try:
        msgspec.json.decode(sample)
    except (ValueError, RecursionError) as error:
        why = str(error).removeprefix("JSON is malformed: ")
        raise TemplateError(f"does not give valid JSON: {why}{_hint(template)}") from None
    return template


def problem_of(text: str) -> str | None:
    """What is wrong with a template, None for one that can be used and for none at all."""
    try:
        if text.strip():
            read_template(text)
    except TemplateError as error:
        return str(error)
    return None


def templated(format: Format, text: str) -> Format:
    """The format with a template around each of its messages. Raises TemplateError."""
    if not text.strip():
        return format
    template, is_json = read_template(text), format.is_json

    def encode(activity: Activity, team: Team) -> bytes:
        message = format.encode(activity, team)
        return template.fill(message, activity.received_at, is_json=is_json)

    def encode_job(job: EndedJob, lines: bytes | None, team: Team) -> bytes:
        message = format.encode_job(job, lines, team)
        return template.fill(message, from_us(job.received_at), is_json=is_json)

    return replace(format, encode=encode, encode_job=encode_job, content_type=JSON, ending="json")


def _parts(text: str) -> list[bytes | Hole]:
    parts: list[bytes | Hole] = []
    in_text, end = False, 0
    text = text.strip()
    for match in _PLACEHOLDER.finditer(text):
        literal, in_text = _compact(text[end : match.start()], in_text)
        parts += [literal, Hole(match[1] or match[2], in_text)]
        end = match.end()
    parts.append(_compact(text[end:], in_text)[0])
    return [part for part in parts if part != b""]


def _compact(literal: str, in_text: bool) -> tuple[bytes, bool]:
    """A piece of the template on one line, and whether it ends inside a text."""
    kept: list[str] = []
    for piece in _PART.findall(literal):
        if piece == '"':
            in_text = not in_text
        kept.append(without_hidden(piece) if in_text else " " if piece.isspace() else piece)
    try:
        return "".join(kept).encode(), in_text
    except UnicodeEncodeError:
        raise TemplateError("has half a character in it") from None


def _filling(hole: Hole, message: bytes, at: datetime, is_json: bool) -> bytes:
    match hole.name:
        case "log_message" if is_json:
            return message
        case "log_message" | "log_message_str":
            return _as_text(message.decode(), in_text=hole.in_text)
        case "now":
            return _as_text(at.isoformat(timespec="milliseconds"), in_text=hole.in_text)
        case "now_utc":
            whole, rest = divmod(to_us(at), 1_000)
            return b"%d.%03d" % (whole, rest)
        case "now_utc_micro":
            return b"%d" % to_us(at)
        case _:
            return b"%d000" % to_us(at)


def _as_text(text: str, *, in_text: bool) -> bytes:
    encoded: bytes = msgspec.json.encode(text)
    return encoded[1:-1] if in_text else encoded


def _hint(template: Template) -> str:
    quoted = Hole("log_message", in_text=True) in template.parts
    return "; in quotes, write {{{log_message_str}}}" if quoted else ""
