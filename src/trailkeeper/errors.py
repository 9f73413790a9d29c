"""Every problem type once, as RFC 9457 problem documents.

A `Problem` is raised anywhere below the edge; the edge answers with its document. The types are
stable: clients may switch on them.
"""

from __future__ import annotations

from typing import Any

import msgspec

BASE = "urn:trailkeeper:problem:"


class FieldError(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is wrong with one field of the input."""

    detail: str
    pointer: str = ""
    """A JSON pointer (RFC 6901) into the body; empty for the whole of it."""
    parameter: str = ""
    """The name of a query parameter."""


class Problem(Exception):
    """Something the caller has to know: what was wrong, where, and what to do."""

    slug = "internal-error"
    status = 500
    title = "Something went wrong on the server"

    def __init__(
        self,
        detail: str,
        *errors: FieldError,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors
        self.retry_after_s = retry_after_s

    def document(self) -> dict[str, Any]:
        """The body of an `application/problem+json` answer."""
        document: dict[str, Any] = {
            "type": BASE + self.slug,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            document["errors"] = [msgspec.to_builtins(error) for error in self.errors]
        return document


class MalformedBody(Problem):
    """The body cannot be read as what it says it is."""

    slug, status, title = "malformed-body", 400, "The body cannot be read"


class InvalidParameter(Problem):
    """A query parameter makes no sense."""

    slug, status, title = "invalid-parameter", 400, "A query parameter is not valid"


class Unauthorized(Problem):
    """No credential, or one that is not valid (any more)."""

    slug, status, title = "unauthorized", 401, "A valid API token is needed"


class Forbidden(Problem):
    """A valid credential without the right to do this."""

    slug, status, title = "forbidden", 403, "This is not allowed"


class NotFound(Problem):
    """There is nothing here, or nothing that the caller may see."""

    slug, status, title = "not-found", 404, "Not found"


class MethodNotAllowed(Problem):
    """The path exists, the method does not."""

    slug, status, title = "method-not-allowed", 405, "This method is not allowed here"


class Conflict(Problem):
    """The state of things does not allow it: what was asked for is there already, or in use."""

    slug, status, title = "conflict", 409, "This cannot be done as things are"


class IdConflict(Problem):
    """An activity with this id is recorded already, with other content."""

    slug, status, title = "id-conflict", 409, "The id is used with other content"


class PreconditionFailed(Problem):
    """What was to be changed is not as the caller last saw it."""

    slug, status, title = "precondition-failed", 412, "It was changed meanwhile"


class TooLarge(Problem):
    """The body is larger than the limit, packed or unpacked."""

    slug, status, title = "too-large", 413, "The body is too large"


class UnsupportedMediaType(Problem):
    """The content type or encoding is none of those that are taken."""

    slug, status, title = "unsupported-media-type", 415, "The content type is not supported"


class InvalidInput(Problem):
    """What was sent is well-formed but not valid; `errors` points to the fields."""

    slug, status, title = "invalid-input", 422, "The input is not valid"


class InvalidActivity(Problem):
    """A field of an activity is not valid."""

    slug, status, title = "invalid-activity", 422, "The activity is not valid"


class TooManyRequests(Problem):
    """Slow down."""

    slug, status, title = "too-many-requests", 429, "Too many requests"


class QueueFull(Problem):
    """The writer's queue is full: try again a little later."""

    slug, status, title = "queue-full", 503, "The server is busy"


class StoreUnavailable(Problem):
    """The database cannot be reached or does not answer."""

    slug, status, title = "store-unavailable", 503, "The database is not available"


class ArchiveUnavailable(Problem):
    """The archive cannot be read: its place does not answer, something of it is gone or damaged, or
    it takes too long."""

    slug, status, title = "archive-unavailable", 503, "The archive is not available"


class StorageFull(Problem):
    """The disk is full: nothing was recorded. Reads go on."""

    slug, status, title = "storage-full", 507, "The disk is full"


PROBLEMS: tuple[type[Problem], ...] = (
    Problem,
    MalformedBody,
    InvalidParameter,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Conflict,
    IdConflict,
    PreconditionFailed,
    TooLarge,
    UnsupportedMediaType,
    InvalidInput,
    InvalidActivity,
    TooManyRequests,
    QueueFull,
    StoreUnavailable,
    ArchiveUnavailable,
    StorageFull,
)
