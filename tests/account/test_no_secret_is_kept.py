"""Passwords, keys, codes and tokens that were used stand nowhere afterwards."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

import pytest
from tests.account.world import (
    NEW_PASSWORD,
    World,
    enable_two_factor,
    open_world,
    stream_of,
    submit,
    team_ids,
)
from tests.conftest import PASSWORD, Site

DELEGATED_PASSWORD = "purple kites over harbour"
RESET_PASSWORD = "nine quiet rivers turning"
WRONG_PASSWORD = "mistyped-marker-password-4711"
BUCKET_SECRET = "bucket-marker-secret-0815"


@pytest.fixture
def world(site: Site) -> Iterator[World]:
    made = open_world(site)
    yield made
    made.close()


def test_secrets_are_found_neither_in_files_nor_in_the_log_nor_on_pages(world: World) -> None:
    person = world.person("Admin")
    secrets = {"first password": PASSWORD, "new password": NEW_PASSWORD}
    secrets["wrong password"] = WRONG_PASSWORD
    world.browser().log_in(person.email, WRONG_PASSWORD)
    person.post("/settings/password", current=PASSWORD, new=NEW_PASSWORD)
    person.password = NEW_PASSWORD
    secrets["old session"] = person.http.cookies["trailkeeper_session"]

    app, codes = enable_two_factor(person)
    secrets["TOTP key"] = app.secret
    secrets.update({f"recovery code {number}": code for number, code in enumerate(codes)})
    secrets["session"] = person.http.cookies["trailkeeper_session"]

    secrets["API key"] = world.api_key(person)
    page = world.owner.post("/settings/api-clients", name="robot", scopes=["activities:read"])
    token = re.search(r'id="fresh-key">([^<]+)<', page.text)
    assert token
    secrets["client's token"] = token[1]

    secrets["delegated-admin password"] = DELEGATED_PASSWORD
    other = world.person()
    world.owner.post("/settings/delegated-admins/add", email=other.email)
    here = team_ids(other)[0]
    other.post("/settings/delegated-password", id=here, current=PASSWORD, new=DELEGATED_PASSWORD)
    assert other.post("/teams/delegated", id=here, password=DELEGATED_PASSWORD).status_code == 303

    secrets["reset password"] = RESET_PASSWORD
    submit(world.browser(), "/forgot", email=other.email)
    link = world.wait_for_link(other.email, "/reset/")
    assert submit(world.browser(), link, new=RESET_PASSWORD).status_code == 303

    secrets["bucket's secret"] = BUCKET_SECRET
    answer = world.owner.post(
        f"{stream_of(world.owner)}/destination",
        destination="s3",
        bucket="audit",
        region="eu-central-1",
        access_key_id="AKIDEXAMPLE",
        secret_access_key=BUCKET_SECRET,
    )
    assert answer.status_code == 303, answer.text

    # The API, wrong bodies included.
    with world.site.http(secrets["API key"]) as http:
        assert http.patch("/api/v1/account", json={"name": 1}).status_code == 422
        http.post("/api/v1/account/password", json={"current": WRONG_PASSWORD, "new": "x"})

    shown = _everything_shown(world)
    world.site.stop()
    files = [file for file in world.site.data.rglob("*") if file.is_file()]
    assert any(file.name == "serve.log" for file in files)
    assert any(file.suffix == ".eml" for file in files)
    written = {str(file): file.read_bytes() for file in files}
    for what, secret in secrets.items():
        for form in _forms(secret):
            for name, content in written.items():
                assert form not in content, f"the {what} stands in {name}"
            for name, text in shown.items():
                assert form.decode() not in text, f"the {what} is shown on {name}"


def _forms(secret: str) -> list[bytes]:
    raw = secret.encode()
    return [raw, raw.hex().encode(), base64.b64encode(raw).rstrip(b"="), secret.upper().encode()]


def _everything_shown(world: World) -> dict[str, str]:
    with world.site.http() as http:
        log = http.get("/api/v1/activities", params={"limit": "1000"}).text
        clients = http.get("/api/v1/api-clients").text
        stream = http.get("/api/v1/settings/audit-streaming").text
        metrics = http.get("/metrics").text
    shown = {"the log": log, "clients": clients, "stream": stream, "metrics": metrics}
    paths = [
        "/audit",
        "/team",
        "/team/roles",
        "/teams",
        "/settings/account",
        "/settings/password",
        "/settings/sessions",
        "/settings/api-key",
        "/settings/jobs",
        "/settings/audit-streaming",
        stream_of(world.owner),
        f"{stream_of(world.owner)}/settings",
        "/settings/api-clients",
        "/settings/delegated-admins",
        "/settings/mail",
    ]
    for path in paths:
        shown[path] = world.owner.get(path).text
    return shown
