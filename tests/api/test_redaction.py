"""No secret that a sender lets slip gets in: not into answers, nor anywhere into the files."""

from __future__ import annotations

import gzip
import json
from typing import Any
from uuid import uuid4

import httpx
import pytest
from tests.conftest import Site, activity

from .support import NDJSON, PATH, Run, fetched, ndjson


def a_secret() -> str:
    return f"S3cr{uuid4().hex}"


def files_holding(site: Site, text: str) -> list[str]:
    """The files of the data folder in which these bytes stand."""
    return [
        str(file.relative_to(site.data))
        for file in sorted(site.data.rglob("*"))
        if file.is_file() and text.encode() in file.read_bytes()
    ]


PLACES: dict[str, Any] = {
    "details": lambda secret: {"details": {"password": secret}},
    "a nested object": lambda secret: {"details": {"a": {"b": [{"client_secret": secret}]}}},
    "a list under a secret key": lambda secret: {"details": {"tokens": [secret, {"a": secret}]}},
    "an object under a secret key": lambda secret: {"details": {"credentials": {"user": secret}}},
    "camel case": lambda secret: {"details": {"apiKey": secret, "x-Auth-Token": secret}},
    "a header": lambda secret: {"details": {"headers": {"Authorization": f"Basic {secret}"}}},
    "the old side of a change": lambda secret: {"changes": [{"field": "password", "old": secret}]},
    "the new side of a change": lambda secret: {
        "changes": [{"field": "connection.password", "old": None, "new": {"v": secret}}]
    },
    "a secret key in a change": lambda secret: {
        "changes": [{"field": "settings", "old": {"api_key": secret}, "new": [{"pwd": secret}]}]
    },
    "an actor's metadata": lambda secret: {
        "actor": {"type": "user", "id": "1", "metadata": {"session_cookie": secret}}
    },
    "a delegator's metadata": lambda secret: {
        "on_behalf_of": {"type": "user", "id": "1", "metadata": {"secret": secret}}
    },
    "a target's metadata": lambda secret: {
        "targets": [{"type": "recipe", "id": "1", "metadata": {"private_key": secret}}]
    },
    "a bearer token in a text": lambda secret: {
        "details": {"note": f"curl -H 'Authorization: Bearer {secret}' https://example.com"}
    },
    "one of our own tokens in a text": lambda secret: {"details": {"note": f"use tk_{secret}."}},
    "a password in a URL": lambda secret: {
        "details": {"url": f"see postgres://robin:{secret}@db.example.com/x"}
    },
    "a password with an @ in a URL": lambda secret: {
        "details": {"url": f"https://robin:p@{secret}@example.com/"}
    },
    "a text in a list": lambda secret: {"details": {"log": [[f"Bearer {secret}"]]}},
    "a text of a change": lambda secret: {
        "changes": [{"field": "url", "old": "-", "new": f"https://u:{secret}@example.com"}]
    },
    "the reason": lambda secret: {"reason": f"401 for Bearer {secret}"},
    "a private key": lambda secret: {
        "details": {"pem": f"-----BEGIN RSA PRIVATE KEY-----\n{secret}\n-----END"}
    },
    "a JSON web token": lambda secret: {
        "details": {"text": f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.{secret}"}
    },
    "a target's name": lambda secret: {
        "targets": [{"type": "connection", "id": "1", "name": f"ftp://robin:{secret}@example.com"}]
    },
    "an actor's name": lambda secret: {
        "actor": {"type": "api_client", "id": "1", "name": f"Bearer {secret}"}
    },
    "the user agent": lambda secret: {"context": {"user_agent": f"curl Bearer {secret}"}},
    "a detail that is cut": lambda secret: {
        "details": {"password": secret, "log": f"Bearer {secret} " + "x" * 90_000}
    },
}


@pytest.mark.parametrize("place", PLACES)
def test_a_secret_is_kept_out(workspace: Site, own: httpx.Client, place: str) -> None:
    secret = a_secret()
    answer = own.post(PATH, json=activity(**PLACES[place](secret)))
    assert answer.status_code == 201, answer.text
    read = own.get(f"{PATH}/{answer.json()['id']}").text
    assert secret not in read
    assert "[redacted]" in read
    assert own.get(PATH, params={"q": secret}).json()["data"] == []
    assert files_holding(workspace, secret) == []


def test_secrets_in_packed_batches_are_kept_out_too(workspace: Site, own: httpx.Client) -> None:
    secret = a_secret()
    items = [activity(**place(secret)) for place in PLACES.values()]
    body = gzip.compress(ndjson(*items))
    answer = own.post(PATH, content=body, headers={**NDJSON, "Content-Encoding": "gzip"})
    assert {result["status"] for result in answer.json()} == {201}
    assert files_holding(workspace, secret) == []


def test_secrets_of_refused_activities_stand_in_no_answer_and_no_file(
    workspace: Site, own: httpx.Client
) -> None:
    secret = a_secret()
    for sent in (
        activity(outcome="maybe", details={"password": secret}),
        activity(id="x" * 300, details={"password": secret}),
        activity(details={"password": secret, "deep": json.loads("[" * 90 + "]" * 90)}),
    ):
        answer = own.post(PATH, json=sent)
        assert answer.status_code == 422
        assert secret not in answer.text
    assert files_holding(workspace, secret) == []


def test_secrets_recorded_and_imported_on_the_command_line_are_kept_out(
    workspace: Site, run: Run
) -> None:
    secret = a_secret()
    line = json.dumps(activity(details={"password": secret, "note": f"Bearer {secret}"}))
    there = ("--data", workspace.data, "--workspace", workspace.workspace)
    run("record", *there, stdin=line)
    file = workspace.data.parent / "lines.jsonl"
    file.write_text(line)
    assert json.loads(run("import", *there, "--format", "jsonl", "--json", file).stdout)["imported"]
    assert files_holding(workspace, secret) == []


def test_tokens_and_passwords_of_trailkeeper_stand_in_no_file(workspace: Site) -> None:
    assert files_holding(workspace, workspace.token) == []
    assert files_holding(workspace, workspace.password) == []


def test_what_only_sounds_secret_is_kept(own: httpx.Client) -> None:
    details = {
        "password_reset": True,
        "token_count": 17,
        "secret_name": "crm",
        "passwordPolicy": "strict",
        "author": "robin",
        "note": "the bearer of bad news",
        "url": "https://example.com:8443/a@b",
        "has_token": False,
        "token": None,
    }
    answer = own.post(PATH, json=activity(details=details))
    assert fetched(own, answer.json()["id"])["details"] == details
