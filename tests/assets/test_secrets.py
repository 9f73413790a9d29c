"""Credentials, secret values and tokens: kept where they are needed, shown and recorded nowhere."""

from __future__ import annotations

import re

import msgspec
import pytest
from msgspec import UNSET
from sqlalchemy import text
from tests.assets.desk import Desk, changes_in

from trailkeeper.errors import InvalidInput
from trailkeeper.identity.secrets import digest
from trailkeeper.ledger.schema import metadata

HIDDEN = "hunter2-very-secret"


def kept_anywhere(desk: Desk, secret: str) -> list[str]:
    """The tables that hold this text in the clear."""
    found: list[str] = []
    with desk.here.engine.connect() as connection:
        for table in [*metadata.tables, "activity_index"]:
            for row in connection.execute(text(f'SELECT * FROM "{table}"')):
                values = [
                    bytes(one).decode("utf-8", "replace") if isinstance(one, bytes) else str(one)
                    for one in row
                ]
                if any(secret in value for value in values):
                    found.append(table)
    return found


def test_credentials_are_kept_sealed_and_named_only(desk: Desk) -> None:
    connection = desk.make("connection", credentials={"api_key": HIDDEN}, provider="erp")
    assert connection.content.credentials == {}
    assert connection.secrets == ["credentials"]
    assert HIDDEN not in msgspec.json.encode(desk.log()).decode()
    other = f"other-{HIDDEN}"
    desk.new()
    desk.registry.update(
        desk.by, "connection", connection.id, content={"credentials": {"api_key": other}}
    )
    record = desk.the_new_one()
    assert changes_in(record) == [("/credentials", "[redacted]", "[redacted]")]
    desk.registry.update(
        desk.by, "connection", connection.id, content={"credentials": {"api_key": other}}
    )
    assert desk.new() == []
    assert kept_anywhere(desk, HIDDEN) == []
    cleared = desk.registry.update(
        desk.by, "connection", connection.id, content={"credentials": {}}
    )
    assert cleared.secrets == []
    assert changes_in(desk.the_new_one()) == [("/credentials", "[redacted]", UNSET)]


def test_another_change_keeps_the_credentials(desk: Desk) -> None:
    connection = desk.make("connection", credentials={"api_key": HIDDEN})
    changed = desk.registry.update(
        desk.by, "connection", connection.id, content={"identity": "robin"}
    )
    assert changed.secrets == ["credentials"]
    back = desk.registry.restore(desk.by, "connection", connection.id, 1)
    assert back.secrets == ["credentials"]


def test_a_secret_property_is_sealed_and_an_open_one_is_not(desk: Desk) -> None:
    plain = desk.make("property", value="open value")
    assert (plain.content.value, plain.secrets) == ("open value", [])
    secret = desk.make("property", value=HIDDEN, secret=True)
    assert (secret.content.value, secret.secrets) == ("", ["value"])
    assert desk.log()[-1].details["secret"] is True
    assert kept_anywhere(desk, HIDDEN) == []


def test_what_was_secret_never_comes_open(desk: Desk) -> None:
    made = desk.make("property", value=HIDDEN, secret=True)
    with pytest.raises(InvalidInput) as refused:
        desk.registry.update(desk.by, "property", made.id, content={"secret": False})
    assert refused.value.errors[0].pointer == "/value"
    opened = desk.registry.update(
        desk.by, "property", made.id, content={"secret": False, "value": "new"}
    )
    assert (opened.content.value, opened.secrets) == ("new", [])
    assert ("/value", "[redacted]", "new") in changes_in(desk.log()[-1])
    back = desk.registry.restore(desk.by, "property", made.id, 1)
    assert (back.content.secret, back.content.value, back.secrets) == (True, "", ["value"])
    assert kept_anywhere(desk, HIDDEN) == []


def test_a_token_is_shown_once_and_only_its_hash_is_kept(desk: Desk) -> None:
    customer = desk.make("api_customer", "Contoso")
    made = desk.registry.create(desk.by, "access_profile", "Reads", parent_id=customer.id)
    assert made.token
    assert re.fullmatch(r"ap_[A-Za-z0-9_-]{27}", made.token)  # 160 bits
    assert made.asset.secrets == ["token"]
    desk.new()
    refreshed = desk.registry.refresh_token(desk.by, "access_profile", made.asset.id)
    assert refreshed.token
    assert refreshed.token != made.token
    record = desk.the_new_one()
    assert (record.action, record.details) == (
        "access_profile.token_refreshed",
        {"customer": "Contoso"},
    )
    for token in (made.token, refreshed.token):
        assert kept_anywhere(desk, token) == []
        assert kept_anywhere(desk, digest(token).hex()) == []
    assert desk.get(made.asset).revision == 2
    changed = desk.registry.update(
        desk.by, "access_profile", made.asset.id, content={"description": "x"}
    )
    assert changed.secrets == ["token"]


def test_secret_looking_keys_of_code_are_redacted_in_the_log_only(desk: Desk) -> None:
    recipe = desk.make("recipe", code={"login": {"password": HIDDEN}})
    assert recipe.content.code["login"]["password"] == HIDDEN
    desk.registry.update(
        desk.by, "recipe", recipe.id, content={"code": {"login": {"password": "y" + HIDDEN}}}
    )
    assert HIDDEN not in msgspec.json.encode(desk.log()).decode()
    assert changes_in(desk.log()[-1]) == [("/code/login/password", "[redacted]", "[redacted]")]
