"""Receivers that answer as their vendors' services do, as far as their documentation says, for one
contract of all destinations (test_destination_contract.py). Each keeps the messages that it took,
in order of arrival, as bytes."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from typing import Any

from tests.streaming.receiver import Fate, Received, Receiver, Reply

SECRET = "s3cret-0123456789abcdef"


class HttpPlayer:
    """Any HTTP server. `refusal` is what it answers instead of taking something."""

    kind = "http"
    answer = b"ok"
    keeps_one = False
    """Whether it keeps what comes twice once."""

    def __init__(self) -> None:
        self.receiver = Receiver()
        self.receiver.reply = self._reply
        self.took: list[bytes] = []
        self.refusal: Reply | None = None

    @property
    def settings(self) -> dict[str, str]:
        return {"url": self.receiver.url, "authorization": f"Bearer {SECRET}"}

    @property
    def attempts(self) -> list[bytes]:
        """What came whole."""
        return self.receiver.bodies

    def meet(self, fate: Fate) -> None:
        self.receiver.fates.append(fate)

    def close(self) -> None:
        self.receiver.close()

    def _reply(self, request: Received) -> Reply:
        if self.refusal is not None:
            return self.refusal
        if not self.knows(request):
            return 403, {}, b"no such key: " + json.dumps(request.headers).encode()
        return self.take(request, unpacked(request))

    def knows(self, request: Received) -> bool:
        return request.headers.get("authorization") == f"Bearer {SECRET}"

    def take(self, _request: Received, body: bytes) -> Reply:
        self.took += body.splitlines()
        return 200, {}, self.answer


class SumoLogic(HttpPlayer):
    """The key is the last part of the address."""

    kind = "sumologic"

    @property
    def settings(self) -> dict[str, str]:
        url = f"{self.receiver.url}/receiver/v1/http/{SECRET}=="
        return {"url": url, "category": "audit/acme"}

    def knows(self, request: Received) -> bool:
        return request.path.endswith(f"/{SECRET}==")

    def take(self, request: Received, body: bytes) -> Reply:
        assert len(body) <= 1_000_000
        assert request.headers["x-sumo-category"] == "audit/acme"
        self.took += [line for line in body.split(b"\n") if line]
        return 200, {}, b""


class Splunk(HttpPlayer):
    """The HTTP Event Collector. With `late` it acknowledges after so many questions, and only the
    channel that has sent."""

    kind = "splunk"
    late: int | None = None

    def __init__(self) -> None:
        super().__init__()
        self.index: list[str | None] = []
        self.asked = 0
        self._sent: dict[int, str] = {}

    @property
    def settings(self) -> dict[str, str]:
        ack = {} if self.late is None else {"ack": "true"}
        return {"url": self.receiver.url, "token": SECRET, "index": "audit", **ack}

    @property
    def attempts(self) -> list[bytes]:
        return [body for body in self.receiver.bodies if not body.startswith(b'{"acks"')]

    def knows(self, request: Received) -> bool:
        return request.headers.get("authorization") == f"Splunk {SECRET}"

    def take(self, request: Received, body: bytes) -> Reply:
        channel = request.headers["x-splunk-request-channel"]
        if request.path == "/services/collector/ack":
            return self._acknowledge(channel, json.loads(body)["acks"])
        if request.path != "/services/collector/event":
            return 404, {}, b'{"text":"The requested URL was not found","code":404}'
        assert len(body) <= 1_000_000
        events = decoded_one_after_the_other(body.decode())
        for number, event in enumerate(events):
            if event["event"] == "":
                said = {"text": "Event field cannot be blank", "code": 13}
                return 400, {}, json.dumps({**said, "invalid-event-number": number}).encode()
        self.index += [event.get("index") for event in events]
        self.took += [plain(event["event"]) for event in events]
        said = {"text": "Success", "code": 0}
        if self.late is not None:
            said["ackId"] = len(self._sent)
            self._sent[len(self._sent)] = channel
        return 200, {}, json.dumps(said).encode()

    def _acknowledge(self, channel: str, wanted: list[int]) -> Reply:
        self.asked += 1
        indexed = self.late is not None and self.asked > self.late
        acks = {str(id): indexed and self._sent.get(id) == channel for id in wanted}
        return 200, {}, json.dumps({"acks": acks}).encode()


class SplunkWithAcknowledgement(Splunk):
    late = 2


class Datadog(HttpPlayer):
    kind = "datadog"

    @property
    def settings(self) -> dict[str, str]:
        return {"url": f"{self.receiver.url}/api/v2/logs", "api_key": SECRET, "tags": "env:test"}

    def knows(self, request: Received) -> bool:
        return request.headers.get("dd-api-key") == SECRET

    def take(self, _request: Received, body: bytes) -> Reply:
        logs = json.loads(body)
        if len(body) > 5_000_000 or len(logs) > 1_000:
            return 413, {}, b'{"errors":[{"status":"413","title":"Request Entity Too Large"}]}'
        assert all(len(json.dumps(log)) <= 1_000_000 for log in logs)
        self.took += [log["message"].encode() for log in logs]
        return 202, {}, b"{}"


class NewRelic(HttpPlayer):
    kind = "newrelic"

    @property
    def settings(self) -> dict[str, str]:
        return {"url": f"{self.receiver.url}/log/v1", "license_key": SECRET}

    def knows(self, request: Received) -> bool:
        return request.headers.get("api-key") == SECRET

    def take(self, _request: Received, body: bytes) -> Reply:
        if len(body) > 1_000_000:
            return 413, {}, b""
        for part in json.loads(body):
            assert part["common"]["attributes"]["logtype"] == "trailkeeper"
            self.took += [log["message"].encode() for log in part["logs"]]
        return 202, {}, b'{"requestId":"f0e7bfff-001a-b000-0000-01682bcf4565"}'


class Loki(HttpPlayer):
    """Refuses what its streams would not take: lines that are too long or behind the newest."""

    kind = "loki"

    def __init__(self) -> None:
        super().__init__()
        self.labels: dict[str, str] = {}
        self.times: list[int] = []

    @property
    def settings(self) -> dict[str, str]:
        return {"url": self.receiver.url, "user": "12345", "password": SECRET, "tenant": "acme"}

    def knows(self, request: Received) -> bool:
        wanted = "Basic " + base64.b64encode(f"12345:{SECRET}".encode()).decode()
        return request.headers.get("authorization") == wanted

    def take(self, request: Received, body: bytes) -> Reply:
        assert request.path == "/loki/api/v1/push"
        assert request.headers["x-scope-orgid"] == "acme"
        for stream in json.loads(body)["streams"]:
            self.labels = stream["stream"]
            assert len(self.labels) <= 15
            for time, line in stream["values"]:
                if len(line.encode()) > 256 * 1024:
                    return 400, {}, b"Max entry size '262144' bytes exceeded"
                self.times.append(int(time))
                self.took.append(line.encode())
        return 204, {}, b""


class Elastic(HttpPlayer):
    """A data stream: takes `create` with `@timestamp` only. `problems` gives a status and error for
    documents."""

    kind = "elastic"
    keeps_one = True

    def __init__(self) -> None:
        super().__init__()
        self.documents: dict[str, dict[str, Any]] = {}
        self.statuses: list[int] = []
        self.problems: Callable[[dict[str, Any]], tuple[int, str, str] | None] = lambda _document: (
            None
        )

    @property
    def settings(self) -> dict[str, str]:
        return {"url": self.receiver.url, "index": "logs-audit-default", "api_key": SECRET}

    def knows(self, request: Received) -> bool:
        return request.headers.get("authorization") == f"ApiKey {SECRET}"

    def take(self, request: Received, body: bytes) -> Reply:
        assert request.path.startswith("/logs-audit-default/_bulk")
        *lines, last = body.split(b"\n")
        assert last == b""
        items = [
            {"create": self._create(json.loads(action)["create"]["_id"], json.loads(document))}
            for action, document in zip(lines[::2], lines[1::2], strict=True)
        ]
        self.statuses = [item["create"]["status"] for item in items]
        said = {"errors": any("error" in item["create"] for item in items), "items": items}
        return 200, {}, json.dumps(said).encode()

    def _create(self, id: str, document: dict[str, Any]) -> dict[str, Any]:
        if problem := self.problems(document):
            status, type, reason = problem
            return {"status": status, "error": {"type": type, "reason": reason}}
        if "@timestamp" not in document:
            reason = "data stream timestamp field [@timestamp] is missing"
            return {
                "status": 400,
                "error": {"type": "document_parsing_exception", "reason": reason},
            }
        if id in self.documents:
            error = {"type": "version_conflict_engine_exception", "reason": "already exists"}
            return {"status": 409, "error": error}
        self.documents[id] = document
        kept = {name: value for name, value in document.items() if name != "@timestamp"}
        self.took.append(plain(kept))
        return {"status": 201}


PLAYERS: dict[str, type[HttpPlayer]] = {
    "http": HttpPlayer,
    "sumologic": SumoLogic,
    "splunk": Splunk,
    "splunk with acknowledgement": SplunkWithAcknowledgement,
    "datadog": Datadog,
    "elastic": Elastic,
    "newrelic": NewRelic,
    "loki": Loki,
}


def unpacked(request: Received) -> bytes:
    packed = request.headers.get("content-encoding") == "gzip"
    return gzip.decompress(request.body) if packed else request.body


def decoded_one_after_the_other(text: str) -> list[Any]:
    """JSON values that follow each other."""
    found: list[Any] = []
    at = 0
    while at < len(text):
        value, at = json.JSONDecoder().raw_decode(text, at)
        found.append(value)
        at += len(text[at:]) - len(text[at:].lstrip())
    return found


def plain(value: Any) -> bytes:
    """A value as bytes again: a text is itself."""
    if isinstance(value, str):
        return value.encode()
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
