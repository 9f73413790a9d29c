"""An export: what it is to hold, who asked for it, and how far it is."""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from trailkeeper.activity import Actor, Context, Credential
from trailkeeper.exports.kinds import Compression, Format, ending
from trailkeeper.identity.acting import By
from trailkeeper.ledger.dump import Order
from trailkeeper.query.filters import Filter

State = Literal["queued", "running", "done", "failed"]
Params = tuple[tuple[str, str], ...]

UNDER_WAY: tuple[State, ...] = ("queued", "running")

_params = msgspec.json.Decoder(Params).decode
_filter = msgspec.json.Decoder(Filter).decode


class Wish(Struct, frozen=True, kw_only=True):
    """What somebody wants to have. `params` are the filter's parameters as they were given, `asked`
    is the filter that they mean now."""

    format: Format
    compression: Compression = "none"
    order: Order = "desc"
    params: Params = ()
    asked: Filter = Filter()

    @property
    def filter_text(self) -> str:
        """The filter, as the parameters of GET /api/v1/activities."""
        return urlencode(self.params)


class Requester(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who asked, kept for what is recorded at the end."""

    actor: Actor
    on_behalf_of: Actor | None = None
    credential: Credential | None = None
    context: Context = Context()

    @staticmethod
    def of(by: By) -> Requester:
        return Requester(
            actor=by.actor,
            on_behalf_of=by.on_behalf_of,
            credential=by.credential,
            context=by.context,
        )

    def by(self, workspace: int) -> By:
        """Who acts when the export is done: the same, but with no privileges."""
        return By(
            workspace=workspace,
            actor=self.actor,
            privileges=frozenset(),
            on_behalf_of=self.on_behalf_of,
            credential=self.credential,
            context=self.context,
        )


_requester = msgspec.json.Decoder(Requester).decode


class Export(Struct, frozen=True, kw_only=True):
    """Times are microseconds since 1970. `total` is about how many activities there will be, None
    where that is not known; `count` and `bytes` are what is written so far, `bytes` and `sha256` at
    the end those of the file."""

    key: int
    workspace: int
    id: str
    state: State
    wish: Wish
    end_seq: int
    requester: Requester
    requested_at: int
    started_at: int | None
    ended_at: int | None
    total: int | None
    count: int
    bytes: int
    sha256: str | None
    error: str | None
    attempts: int

    @property
    def stored_name(self) -> str:
        """The file's name in the folder of exports."""
        return self.id + ending(self.wish.format, self.wish.compression)


def export_of(row: Any) -> Export:
    """The export in a row of the table."""
    return Export(
        key=row.key,
        workspace=row.workspace,
        id=row.id,
        state=row.state,
        wish=Wish(
            format=row.format,
            compression=row.compression,
            order=row.direction,
            params=_params(row.params),
            asked=_filter(row.filter),
        ),
        end_seq=row.end_seq,
        requester=_requester(row.requester),
        requested_at=row.requested_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        total=row.total,
        count=row.count,
        bytes=row.bytes,
        sha256=row.sha256,
        error=row.error,
        attempts=row.attempts,
    )


def columns_of(wish: Wish) -> dict[str, str]:
    """A wish as the table has it."""
    return {
        "format": wish.format,
        "compression": wish.compression,
        "direction": wish.order,
        "params": msgspec.json.encode(wish.params).decode(),
        "filter": msgspec.json.encode(wish.asked).decode(),
    }


def details_of(wish: Wish, id: str = "") -> dict[str, Any]:
    """What activities about an export say of it."""
    known = {"export_id": id} if id else {}
    return {**known, "format": wish.format, "filter": wish.filter_text}
