"""Activities as the API gives them."""

from __future__ import annotations

from trailkeeper.activity import Activity
from trailkeeper.streaming.format import Format, Team
from trailkeeper.streaming.plain import json_line


def encode(activity: Activity, _team: Team) -> bytes:
    return json_line(activity)


def dated_path(activity: Activity, team: Team) -> str:
    """`<workspace>/activities/2026/11/22/<seq of 12 digits>`, by the time of receipt."""
    return f"{team.id}/activities/{activity.received_at:%Y/%m/%d}/{activity.seq:012d}"


FORMAT = Format(
    name="trailkeeper",
    label="Trailkeeper",
    help="The activity as the API gives it.",
    encode=encode,
    path=dated_path,
)
