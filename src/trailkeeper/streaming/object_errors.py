"""What an object store said, out of what obstore raises.

obstore tells of failures in one text: the request, then after `status code:` the status and the
body of the answer, then after `Debug source:` how its parts failed. S3 and Azure answer in XML with
`Code` and `Message` (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html,
https://learn.microsoft.com/rest/api/storageservices/status-and-error-codes2), Google in either XML
or JSON (https://cloud.google.com/storage/docs/xml-api/reference-status).
"""

from __future__ import annotations

import re
from html import unescape

from msgspec import Struct

from trailkeeper.followers.follower import DeliveryFailed, Poison
from trailkeeper.streaming.destination import ParcelTooLarge, shortened

AGAIN = frozenset({408, 409, 425, 429})
"""Statuses after which the same request may be taken later; so are all from 500 on."""

AGAIN_CODES = frozenset({"RequestTimeout", "IncompleteBody", "OperationTimedOut"})
"""Codes that say so, too, though their status is 400."""

TOO_LARGE_CODES = frozenset({"EntityTooLarge", "RequestBodyTooLarge"})
NOT_IMPLEMENTED = 501

_STATUS = re.compile(r"status code: (\d{3}) ?([^:\n]*):? ?(.*)", re.DOTALL)
_CODE = re.compile(r"<Code>([^<]{1,100})</Code>")
_MESSAGE = re.compile(r"<Message>([^<]*)</Message>")
_JSON_MESSAGE = re.compile(r'"message":\s*"((?:[^"\\]|\\.)*)"')
_BAD_CERTIFICATE = re.compile(r"InvalidCertificate\((?:\s*Other(?:Error)?\()*\s*(\w+)")
_CAUSES = {"TimedOut": "it took too long", "InvalidMessage": "it does not speak TLS"}
_NO_REGION = "redirect without LOCATION"


class Said(Struct, frozen=True):
    """What was said: HTTP's status (0 where there was no answer), the store's own code for it, and
    all of it in words for people."""

    status: int
    code: str
    words: str

    @property
    def is_final(self) -> bool:
        """Whether somebody has to change something."""
        if self.code in AGAIN_CODES:
            return False
        return 300 <= self.status < 500 and self.status not in AGAIN

    @property
    def is_too_large(self) -> bool:
        return self.status == 413 or self.code in TOO_LARGE_CODES


def said(error: Exception, trouble: str = "", hidden: tuple[str, ...] = ()) -> Said:
    """`trouble` is why no connection was made, where that is known better than obstore knows it;
    what is in `hidden` is left out."""
    first, _, debug = str(error).partition("\n\nDebug source:")
    for secret in filter(None, hidden):
        first = first.replace(secret, "…")
    found = _STATUS.search(first)
    # 502 is what the guard's proxy answers itself.
    if trouble and (found is None or found[1] == "502"):
        return Said(0, "", shortened(trouble))
    if found:
        return _answered(int(found[1]), found[2].strip(), found[3])
    if _NO_REGION in first:
        return Said(301, "", "The store says that the bucket is elsewhere: look at the region")
    why = next((words for sign, words in _CAUSES.items() if sign in debug), "")
    if found := _BAD_CERTIFICATE.search(debug):
        why = f"its certificate is not good: {found[1]}"
    words = why or (first.rpartition(" - ")[2] or first).strip()
    return Said(0, "", shortened(f"The store did not answer: {words}"))


def failure(one: Said, seqs: list[int]) -> DeliveryFailed:
    """What a follower is told; `seqs` are what could not be stored."""
    if one.is_too_large:
        return ParcelTooLarge(one.words) if len(seqs) > 1 else Poison(one.words, seqs)
    return DeliveryFailed(one.words, is_final=one.is_final)


def _answered(status: int, phrase: str, body: str) -> Said:
    code = _CODE.search(body)
    message = _MESSAGE.search(body) or _JSON_MESSAGE.search(body)
    # Azure puts the request's id and time on lines of their own.
    text = unescape(message[1].partition("\n")[0]) if message else " ".join(body.split())
    named = code[1] if code else phrase
    words = f"The store answered {status} {named}" + (f": {text}" if text else "")
    return Said(status, code[1] if code else "", shortened(words.rstrip(". ")))
