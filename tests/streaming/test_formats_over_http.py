"""Every format to an HTTP server, in every way that it packs messages: what arrives can be read."""

from __future__ import annotations

import json
from typing import Any

from tests.conftest import Site, wait_for
from tests.streaming.formats.cef_reader import read_cef
from tests.streaming.receiver import Received, Receiver
from tests.streaming.test_http_stream import STREAMS, record

from trailkeeper.streaming.formats import FORMATS

TYPES = {
    "lines": {"cef": "text/plain; charset=utf-8"},
    "array": {"cloudevents": "application/cloudevents-batch+json"},
    "each": {
        "cef": "text/plain; charset=utf-8",
        "cloudevents": "application/cloudevents+json",
    },
}
"""Content types that are not those of any JSON."""


def messages(body: str, format: str, request: Received) -> list[Any]:
    """The messages of a request, read."""
    read = json.loads if FORMATS[format].is_json else read_cef
    if body == "array":
        found = json.loads(request.body)
        return found if FORMATS[format].is_json else [read_cef(one.encode()) for one in found]
    return [read(line) for line in request.body.splitlines()]


def test_each_format_arrives_in_each_packing_with_its_content_type(
    site: Site, receiver: Receiver
) -> None:
    ways = [(body, name) for body in TYPES for name in FORMATS]
    with site.http() as http:
        for body, name in ways:
            asked = {
                "name": f"{name} {body}",
                "enabled": True,
                "shape": {"format": name, "query": "action:recipe.stopped"},
                "destination": {
                    "type": "http",
                    "settings": {"url": f"{receiver.url}/{body}/{name}", "body": body},
                },
            }
            http.post(STREAMS, json=asked).raise_for_status()
    record(site, "a", "b", targets=[{"type": "recipe", "id": "1", "name": "x\n|=\x1b[0m\u202e"}])

    def arrived(body: str, name: str) -> list[Received]:
        return [one for one in receiver.requests if one.path == f"/{body}/{name}"]

    for body, name in ways:
        wait_for(
            lambda way=(body, name): (
                sum(len(messages(*way, request)) for request in arrived(*way)) == 2
            ),
            30,
            why=lambda way=(body, name): f"{way}: {arrived(*way)}",
        )
        usual = "application/x-ndjson" if body == "lines" else "application/json"
        expected = TYPES[body].get(name, usual)
        assert {one.headers["content-type"] for one in arrived(body, name)} == {expected}
