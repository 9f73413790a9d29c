"""Writes docs/reference/stream-destinations.md from the destinations themselves: what their files
say of them, their settings and their limits."""

from __future__ import annotations

import sys
from pathlib import Path

from trailkeeper.streaming.destination import Kind
from trailkeeper.streaming.destinations import DESTINATIONS
from trailkeeper.streaming.field import Field, fields_of

_INTRODUCTION = """\
# Destinations of streams

<!-- Made from src/trailkeeper/streaming by
     `python -m trailkeeper.streaming.reference`; change the destinations, not this page. -->

What is below is set on the page Settings, Audit log streaming, or by the API and the command line:
`trailkeeper stream add --type splunk --set url=https://splunk:8088 --set token=…`.

All of them hold to this:

- Every activity is sent, in the order of `seq`, and every finished job in that of its own, if they
  are included. The stream goes on only after the destination has taken what was sent. What was
  under way when something failed comes again, byte for byte.
- A destination that fails, is too slow or busy (408, 425, 429, 5xx) is asked again: when it says
  (`Retry-After`), else after a wait that doubles up to an hour. After 20 failures in a row, or an
  answer that somebody must do something about (400, 401, 403, 404), the stream is paused where it
  is (its activities or its jobs, whichever failed), and the workspace's addresses for error
  notifications are told.
- What is too large goes in halves. A message that a destination will never take goes to the
  stream's dead letters after three tries, and the stream goes on without it. A job that its steps
  make too large is sent with `Log lines exceed size limit` instead of them.
- Only public addresses are called, and those that the operator allows (setting
  `stream_allowed_networks`). Redirects are not followed. Servers are known by the system's
  certificate authorities; where a destination has no setting for another one, the operator can name
  a file of them by `SSL_CERT_FILE` in the environment of the server.
- Secrets are kept sealed and never shown again, also where a server repeats them in an answer.
  Of an answer at most 500 characters are shown.
- The test sends one small message that says that it is one (NATS and Kafka: it only looks).
"""

_TESTS = """\
## How they are tested

All of them pass one contract (`tests/streaming/test_destination_contract.py`): in order, once while
all is well, at least once after connections that break half-way, lost answers and hanging servers,
the same bytes at each try, no secret in any error, no text that breaks a line or a frame.

| destination | tested against |
| --- | --- |
| object stores | real servers: see [Streams to object stores](object-stores.md) |
| HTTPS | a server of the tests |
| Splunk, Sumo Logic, Datadog, Elasticsearch, New Relic, Loki | small servers of the tests that \
answer as the vendors' documentation says; not the services themselves |
| syslog | a server of the tests, over TLS and without |
| NATS | a real nats-server with JetStream, over TLS and without |
| Kafka | the mock cluster that librdkafka, another client, is tested with: brokers in memory that \
speak the protocol; read by librdkafka. TLS and the log-in are a small front of the tests before \
it. Not a real cluster: replication, the brokers' own removal of duplicates, and SCRAM are not \
tested |
| local files | the file system |
"""


def page() -> str:
    """The page as Markdown."""
    kinds = DESTINATIONS.values()
    contents = "".join(
        f"- [{kind.label}](#{_anchor(kind.label)}): `{kind.name}`\n" for kind in kinds
    )
    return "\n".join((_INTRODUCTION, contents, *map(_section, kinds), _TESTS))


def _section(kind: Kind) -> str:
    about = (sys.modules[kind.settings.__module__].__doc__ or "").strip()
    rows = "".join(map(_row, fields_of(kind.settings)))
    limits = (
        f"Sent together: at most {kind.parcel_messages:,} messages and {kind.parcel_bytes:,} bytes"
        f" of them; one message has at most {kind.message_bytes:,} bytes."
    )
    head = "| setting | | meaning | default |\n| --- | --- | --- | --- |\n"
    return f"## {kind.label}\n\n{about}\n\n{limits}\n\n{head}{rows}"


def _row(field: Field) -> str:
    kind = " or ".join(f"`{one}`" for one in field.choices) or _KINDS.get(field.kind, field.kind)
    meaning = f"**{field.label}.** {field.help}".strip().replace("|", "\\|")
    default = "needed" if field.required else f"`{field.default}`" if field.default else ""
    return f"| `{field.name}` | {kind} | {meaning} | {default} |\n"


_KINDS = {"url": "address", "lines": "lines of text", "switch": "`true` or `false`"}


def _anchor(label: str) -> str:
    kept = "".join(c for c in label.lower() if c.isalnum() or c in " -")
    return kept.replace(" ", "-")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page())
