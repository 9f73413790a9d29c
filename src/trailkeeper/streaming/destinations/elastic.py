"""Elasticsearch and OpenSearch, by the bulk API, into an index or a data stream.

https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk and
https://docs.opensearch.org/latest/api-reference/document-apis/bulk/ : lines of JSON, for each
document `{"create": {"_id"}}` and the document itself; data streams take `create` only, and need
`@timestamp`. 200 says nothing yet: each document has a status of its own. The server's limit of a
body (http.max_content_length) is 100 MB; 5 MB, the lower end of what both advise, are sent.

An `_id` is made of the activity, so that a second try of what is there already gives 409, which
counts as done. The same activity is in an index once, whatever streams and replays send it there.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

import msgspec
from msgspec import Struct, field

from trailkeeper.activity import now_us, rfc3339
from trailkeeper.errors import FieldError, InvalidInput
from trailkeeper.followers.follower import DeliveryFailed, Poison
from trailkeeper.streaming.destination import Answer, Kind, Message, Opening, Parcel
from trailkeeper.streaming.field import setting
from trailkeeper.streaming.http_sending import AGAIN, Reply, Sender, basic, header_text, packed
from trailkeeper.streaming.messages import as_line, is_json, json_string, lasting_id, text_of
from trailkeeper.streaming.tls import client_context

REPLY_BYTES = 16 * 1024 * 1024
WANTED = "errors,items.*.status,items.*.error.type,items.*.error.reason"
OF_ALL = (401, 403, 404)
"""Statuses of a document that are about the index or the rights, not about the document."""

_INDEX = re.compile(r'(?![-_+.])[^A-Z\\/*?"<>| ,#:]{1,255}')


class ElasticSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    url: Annotated[str, setting("Address", "url", "For example: https://elastic:9200")]
    index: Annotated[str, setting("Index or data stream", help="For example: logs-audit-default")]
    api_key: Annotated[
        str,
        setting("API key", "secret", "As Elasticsearch shows it, encoded. Or user and password."),
    ] = ""
    user: Annotated[str, setting("User", help="For basic authentication.")] = ""
    password: Annotated[str, setting("Password", "secret")] = ""
    ca_certificate: Annotated[
        str,
        setting("Certificate authority", "lines", "PEM, if the server's certificate has its own."),
    ] = ""


class Problem(Struct, frozen=True):
    type: str | None = None
    reason: str | None = None


class Result(Struct, frozen=True):
    status: int
    error: Problem | None = None


class BulkReply(Struct, frozen=True):
    errors: bool
    items: list[dict[str, Result]] = field(default_factory=list[dict[str, Result]])


class Dated(Struct, frozen=True, rename={"at": "@timestamp"}):
    at: Any = msgspec.UNSET


_dated = msgspec.json.Decoder(Dated)
_bulk = msgspec.json.Decoder(BulkReply)


class ElasticDestination:
    """Takes 201 and 409 of a document for taken. 429 and 5xx are tried again, which the documents
    that are there already survive; a document that does not fit the index is poison."""

    def __init__(self, settings: ElasticSettings, opening: Opening) -> None:
        if not _INDEX.fullmatch(settings.index):
            detail = 'must be in lower case, and have none of \\ / * ? " < > | , # : and blanks'
            raise InvalidInput(f"The index {detail}", FieldError(detail, "/index"))
        self._url = f"{settings.url.rstrip('/')}/{settings.index}/_bulk?filter_path={WANTED}"
        self._workspace = opening.workspace
        self._headers = {"Content-Type": "application/x-ndjson"}
        secrets = [settings.api_key, settings.password]
        if settings.api_key:
            key = header_text(settings.api_key, "api_key", "The API key")
            self._headers["Authorization"] = f"ApiKey {key}"
        elif settings.user:
            self._headers["Authorization"] = basic(settings.user, settings.password)
            secrets.append(self._headers["Authorization"].removeprefix("Basic "))
        tls = client_context(ca_certificate=settings.ca_certificate)
        self._sender = Sender(opening.guard.client(tls=tls), secrets)

    def deliver(self, parcel: Parcel) -> None:
        messages, json = parcel.messages, is_json(parcel)
        body = b"".join(
            b'{"create":{"_id":"%b"}}\n%b\n'
            % (lasting_id(self._workspace, parcel, one).encode(), _document(one, json))
            for one in messages
        )
        headers = {**self._headers, "Content-Encoding": "gzip"}
        reply = self._sender.post(self._url, packed(body), headers, answer_bytes=REPLY_BYTES)
        self._sender.check(reply, messages)
        self._check_each(reply, messages)

    def test(self) -> Answer:
        now = rfc3339(now_us()).encode()
        document = b'{"@timestamp":"%b","message":"Trailkeeper can reach this index"}' % now
        body = b'{"create":{"_id":"trailkeeper-test"}}\n%b\n' % document
        try:
            reply = self._sender.post(self._url, body, self._headers)
            self._sender.check(reply, [])
        except DeliveryFailed as error:
            return Answer(False, error.why)
        try:
            item = next(iter(_bulk.decode(reply.body).items[0].values()))
        except (msgspec.MsgspecError, LookupError, StopIteration):
            return Answer(False, self._sender.refusal(reply))
        if item.status == 409:
            return Answer(True, "409: the document trailkeeper-test is there already")
        return Answer(item.error is None, self._sender.shown(_said(item)))

    def close(self) -> None:
        self._sender.close()

    def _check_each(self, reply: Reply, messages: list[Message]) -> None:
        try:
            said = _bulk.decode(reply.body)
        except msgspec.MsgspecError:
            said = BulkReply(errors=True)
        if not said.errors:
            return
        if len(said.items) != len(messages):
            raise DeliveryFailed(f"That is no answer to a bulk: {self._sender.refusal(reply)}")
        bad = [
            (message.seq, result)
            for message, item in zip(messages, said.items, strict=True)
            for result in item.values()
            if not 200 <= result.status < 300 and result.status != 409
        ]
        if not bad:
            return
        of_all = [result for _, result in bad if result.status in OF_ALL]
        again = [result for _, result in bad if _is_for_later(result)]
        if of_all or again:
            first = (of_all or again)[0]
            why = f"{len(bad)} of {len(messages)} documents were not taken. {_said(first)}"
            raise DeliveryFailed(self._sender.shown(why), is_final=bool(of_all))
        raise Poison(self._sender.shown(_said(bad[0][1])), [seq for seq, _ in bad])


def _is_for_later(result: Result) -> bool:
    return result.status >= 500 or result.status in AGAIN


def _said(result: Result) -> str:
    if result.error is None:
        return str(result.status)
    return f"{result.status} {result.error.type}: {result.error.reason}"


def _document(message: Message, json: bool) -> bytes:
    """The body as a document with `@timestamp`."""
    at = rfc3339(message.at).encode()
    if json:
        body = as_line(message.body, json=True).strip()
        try:
            if _dated.decode(body).at is not msgspec.UNSET:
                return body
            rest = body[1:].lstrip()
            return b'{"@timestamp":"%b"%b' % (at, rest if rest == b"}" else b"," + rest)
        except msgspec.MsgspecError:
            pass
    return b'{"@timestamp":"%b","event":{"id":%b,"sequence":%d},"message":%b}' % (
        at,
        json_string(message.id),
        message.seq,
        json_string(text_of(message.body)),
    )


KIND = Kind(
    name="elastic",
    label="Elasticsearch or OpenSearch",
    settings=ElasticSettings,
    open=ElasticDestination,
    where=lambda settings: f"{settings.get('url', '')}, index {settings.get('index', '')}",
    parcel_bytes=5_000_000,
    message_bytes=1_000_000,
)
