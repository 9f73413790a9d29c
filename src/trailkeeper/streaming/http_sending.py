"""HTTP for destinations: what they send and are answered, bounded in time and size.

An answer says nothing that must not be seen: of it and of what a library says, secrets are taken
out before anybody reads it.
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
from msgspec import Struct

from trailkeeper.errors import FieldError, InvalidInput
from trailkeeper.followers.follower import DeliveryFailed, Poison
from trailkeeper.streaming.destination import Answer, Message, ParcelTooLarge, shortened

ANSWER_BYTES = 64 * 1024
"""Of an answer no more is read."""

INSTEAD = "(secret)"
AGAIN = (408, 409, 425, 429)
"""Besides 5xx: another try may go better."""


class Reply(Struct, frozen=True):
    """What a server answered; of a long body only the beginning."""

    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")


class Sender:
    """The requests of one destination. Neither its errors nor its answers hold one of `secrets`."""

    def __init__(self, client: httpx.Client, secrets: Iterable[str] = ()) -> None:
        self._client = client
        # The longest first: one may be a part of another.
        self._secrets = sorted({one for one in secrets if one}, key=len, reverse=True)

    def post(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        answer_bytes: int = ANSWER_BYTES,
    ) -> Reply:
        """Raises DeliveryFailed where there is no answer."""
        # An encoded answer could unpack to any size.
        whole = {**headers, "Accept-Encoding": "identity"}
        try:
            with self._client.stream("POST", url, content=body, headers=whole) as response:
                return Reply(response.status_code, response.headers, _read(response, answer_bytes))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            said = f"{type(error).__name__}: {error}"
            raise DeliveryFailed(shortened(self.without_secrets(said))) from None

    def check(self, reply: Reply, messages: list[Message]) -> None:
        """Nothing for a 2xx. Raises DeliveryFailed: 408, 409, 425, 429 and 5xx are tried again,
        when the server says, and any other status is one that somebody has to change something
        about. 413 is a body that is too large: ParcelTooLarge, or Poison where it has one message
        only."""
        if reply.is_success:
            return
        why = self.refusal(reply)
        if reply.status == 413:
            raise too_large(why, messages)
        again = reply.status >= 500 or reply.status in AGAIN
        raise DeliveryFailed(why, retry_after_s=retry_after_s(reply.headers), is_final=not again)

    def refusal(self, reply: Reply) -> str:
        """What a server answered, for people."""
        return self.shown(f"The destination answered {reply.status}: {reply.text}")

    def shown(self, text: str) -> str:
        """A text of another's, as it may be shown."""
        return shortened(self.without_secrets(text))

    def test(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """The answer to a request, for the test of a destination."""
        try:
            reply = self.post(url, body, headers)
        except DeliveryFailed as error:
            return Answer(False, error.why)
        return Answer(reply.is_success, self.shown(f"{reply.status} {reply.text}".strip()))

    def without_secrets(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, INSTEAD)
        return text

    def close(self) -> None:
        self._client.close()


def too_large(why: str, messages: list[Message]) -> DeliveryFailed:
    """To be raised where a body has more bytes than the destination takes."""
    if len(messages) == 1:
        return Poison(why, [messages[0].seq])
    return ParcelTooLarge(why)


def require_room(body: bytes, most: int, messages: list[Message]) -> None:
    """Raises ParcelTooLarge or Poison for a body of more than `most` bytes, before it is sent."""
    if len(body) > most:
        raise too_large(f"a body of {len(body)} bytes; the destination takes {most}", messages)


def packed(body: bytes) -> bytes:
    """Gzip, without a time in it: the same bytes at each try."""
    return gzip.compress(body, compresslevel=3, mtime=0)


def basic(user: str, password: str) -> str:
    """The Authorization header of basic authentication."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def header_text(value: str, field: str, label: str) -> str:
    """A setting that goes into a header. Raises InvalidInput for one that no header can have."""
    if not value.isascii() or not value.isprintable():
        detail = "must have printable ASCII characters only"
        raise InvalidInput(f"{label} {detail}", FieldError(detail, f"/{field}"))
    return value


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds by the Retry-After header, which has seconds or a date (RFC 9110, 10.2.3)."""
    value = headers.get("retry-after", "").strip()
    if value.isdigit():
        return float(value[:10])
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _read(response: httpx.Response, most: int) -> bytes:
    found = bytearray()
    for some in response.iter_raw():
        found += some
        if len(found) >= most:
            break
    return bytes(found[:most])
