"""CloudEvents: the attributes that the specification asks for, of the form that it asks for."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any
from urllib.parse import unquote

import pytest
from tests.streaming.formats.samples import SAMPLES, TEAM, UGLY, activity

from trailkeeper.activity import Activity, Target
from trailkeeper.streaming.formats import FORMATS
from trailkeeper.streaming.formats.cloudevents import FORMAT, attribute


def event(one: Activity) -> dict[str, Any]:
    return json.loads(FORMAT.encode(one, TEAM))


@pytest.mark.parametrize("one", SAMPLES, ids=lambda one: one.action)
def test_an_event_is_what_the_specification_asks_for(one: Activity) -> None:
    made = event(one)
    data = made.pop("data")
    assert made.pop("specversion") == "1.0"
    assert made.pop("datacontenttype") == "application/json"
    assert datetime.fromisoformat(made["time"]) == one.occurred_at
    assert {"id", "source", "type"} <= set(made)
    for name, value in made.items():
        assert re.fullmatch(r"[a-z0-9]{1,20}", name)
        assert isinstance(value, str)
        assert value.isprintable()
        assert value
    assert data == json.loads(FORMATS["trailkeeper"].encode(one, TEAM))


def test_the_activity_of_a_stopped_recipe() -> None:
    made = event(SAMPLES[0])
    assert made["type"] == "com.trailkeeper.recipe.stopped"
    assert made["subject"] == "recipe/1002398"
    assert made["source"] == f"/trailkeeper/workspaces/{TEAM.id}"
    assert made["id"] == SAMPLES[0].id
    assert made["sequence"] == "000000000001"


def test_ids_stay_different_and_can_be_read_back() -> None:
    ids = ["a\n", "a%0A", "a", "100%", "100%25", UGLY, "é", "a b/c?d#e"]
    shown = [attribute(id) for id in ids]
    assert len(set(shown)) == len(ids)
    assert [unquote(one) for one in shown] == ids
    assert attribute("é ü/…") == "é ü/…"


def test_the_subject_is_the_primary_target() -> None:
    made = event(
        activity(1, "a.b", targets=[Target(type="x", id="1\x00"), Target(type="y", id="2")])
    )
    assert made["subject"] == "x/1%00"
