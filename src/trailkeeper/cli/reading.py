"""`record`, `search` and `tail`: one activity in, activities out."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from trailkeeper.activity import Activity, ActivityInput, Context
from trailkeeper.catalogue.vocabulary import Vocabulary
from trailkeeper.cli.text import line, shown
from trailkeeper.errors import InvalidParameter, Problem
from trailkeeper.installation import opened
from trailkeeper.json_input import decode_activity
from trailkeeper.query.params import ParamError, parse_params

POLL_S = 0.25
Json = Annotated[bool, Parameter(name="--json")]


def record(
    *,
    data: Path,
    workspace: str,
    action: str | None = None,
    actor: str | None = None,
    target: str | None = None,
    outcome: str | None = None,
    json_: Json = False,
) -> int:
    """Record one activity: from the options, or as a JSON object on standard input.

    Parameters
    ----------
    data
        The installation's data folder.
    workspace
        The workspace's name.
    action
        Such as recipe.stopped; without it, standard input is read.
    actor
        TYPE:ID[:NAME], such as user:7:Robin.
    target
        TYPE:ID[:NAME], such as recipe:42:Sync product SKUs.
    outcome
        success or failure.
    json_
        Print {"id", "seq", "received_at"} instead of a line.
    """
    if action:
        fields: dict[str, object] = {"action": action}
        if actor:
            fields["actor"] = _party(actor)
        if target:
            fields["targets"] = [_party(target)]
        if outcome:
            fields["outcome"] = outcome
        body = msgspec.json.encode(fields)
    else:
        body = sys.stdin.buffer.read(1024 * 1024 + 1)
    sent: ActivityInput = decode_activity(body)
    if sent.context is None:
        sent = msgspec.structs.replace(sent, context=Context(source="cli"))
    with opened(data) as installation:
        key = installation.workspaces.find(workspace)
        outcome_ = installation.writer.append(key, [installation.recorder.prepare(key, sent)])[0]
    if isinstance(outcome_, Problem):
        raise outcome_
    if json_:
        receipt = {"id": outcome_.id, "seq": outcome_.seq, "received_at": outcome_.received_at}
        print(json.dumps(receipt))
    else:
        state = "already there" if outcome_.already_there else "recorded"
        print(f"{state}: seq {outcome_.seq}, id {shown(outcome_.id)}")
    return 0


def search(
    query: str = "",
    *,
    data: Path,
    workspace: str,
    from_: Annotated[str | None, Parameter(name="--from")] = None,
    to: str | None = None,
    tz: str = "UTC",
    order: str = "desc",
    limit: int = 50,
    archive: bool = False,
    json_: Json = False,
) -> int:
    """Find activities, newest first.

    Parameters
    ----------
    query
        The query language: `actor:robin@example.com action:recipe.* "sync sku"`.
    data
        The installation's data folder.
    workspace
        The workspace's name.
    from_
        Only from this time or date on.
    to
        Only before this time, or up to the end of this date.
    tz
        The time zone of dates without an offset.
    order
        desc (newest first) or asc.
    limit
        How many at most.
    archive
        Search the archive instead of the log.
    json_
        Print one JSON object per line.
    """
    pairs = [("q", query), ("from", from_ or ""), ("to", to or ""), ("tz", tz)]
    if order not in ("desc", "asc"):
        raise InvalidParameter(f"`--order` is {order!r}, must be desc or asc")
    try:
        asked = parse_params(pairs)
    except ParamError as error:
        raise InvalidParameter(f"`{error.param}` {error}") from None
    left = max(1, limit)
    cursor = None
    with opened(data) as installation:
        key = installation.workspaces.find(workspace)
        search = installation.archive_search if archive else installation.reader
        while left > 0:
            page = search.page(key, asked, order=order, limit=min(left, 1_000), cursor=cursor)
            print_activities(page.activities, installation.actions.vocabulary(key), json_)
            left -= len(page.activities)
            cursor = page.next_cursor
            if not cursor:
                break
    return 0


def tail(
    *,
    data: Path,
    workspace: str,
    follow: Annotated[bool, Parameter(name=["--follow", "-f"])] = False,
    lines: Annotated[int, Parameter(name=["--lines", "-n"])] = 10,
    json_: Json = False,
) -> int:
    """Print the latest activities in the order of recording, and with -f each new one.

    Parameters
    ----------
    data
        The installation's data folder.
    workspace
        The workspace's name.
    follow
        Go on until interrupted.
    lines
        How many of those that are there already.
    json_
        Print one JSON object per line.
    """
    with opened(data) as installation:
        key = installation.workspaces.find(workspace)
        seq = max(0, installation.reader.next_seq(key) - max(0, lines))
        while True:
            activities = installation.reader.after(key, seq, 1_000)
            print_activities(activities, installation.actions.vocabulary(key), json_)
            if activities:
                seq = activities[-1].seq + 1
                continue
            if not follow:
                return 0
            time.sleep(POLL_S)


def print_activities(activities: list[Activity], words: Vocabulary, as_json: bool) -> None:
    """Print activities, each on a line."""
    for activity in activities:
        if as_json:
            # ensure_ascii, so that nothing in the log reaches a terminal as a control character
            encoded = {**msgspec.to_builtins(activity), "sentence": words.sentence(activity)}
            print(json.dumps(encoded))
        else:
            print(line(activity, words))
    sys.stdout.flush()


def _party(text: str) -> dict[str, str]:
    kind, _, rest = text.partition(":")
    id, _, name = rest.partition(":")
    return {"type": kind, "id": id, **({"name": name} if name else {})}
