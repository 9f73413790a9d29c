"""`trailkeeper user` and `workspace`, beside a running server."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from tests.account.forms import activities
from tests.account.world import NEW_PASSWORD, World, enable_two_factor, open_world
from tests.conftest import PASSWORD, Site, cli


@pytest.fixture(scope="module")
def world(shared_site: Site) -> Iterator[World]:
    made = open_world(shared_site)
    yield made
    made.close()


def user(world: World, command: str, *more: str, stdin: str = "", check: bool = True) -> str:
    done = cli(
        "user", command, "--data", world.site.data, "--workspace", "Acme", *more,
        stdin=stdin, check=check,
    )  # fmt: skip
    assert check or done.returncode == 1, done
    return done.stdout if check else done.stderr


def test_a_password_is_reset_and_recorded_with_the_system_as_the_actor(world: World) -> None:
    person = world.person()
    options = ("--email", person.email, "--password-file", "-")
    user(world, "reset-password", *options, stdin=NEW_PASSWORD)
    assert person.get("/teams").status_code == 303
    assert world.browser().log_in(person.email, PASSWORD).status_code == 401
    assert world.browser().log_in(person.email, NEW_PASSWORD).status_code == 303
    found = activities(world.site, action="user.password_changed", target=person.email)[0]
    assert found["actor"]["type"] == "system"
    assert found["details"] == {"method": "operator"}


def test_a_second_factor_is_disabled_and_recorded(world: World) -> None:
    person = world.person()
    enable_two_factor(person)
    user(world, "disable-two-factor", "--email", person.email)
    assert world.browser().log_in(person.email).status_code == 303
    found = activities(world.site, action="user.two_factor_disabled", target=person.email)[0]
    assert found["actor"]["type"] == "system"
    again = user(world, "disable-two-factor", "--email", person.email, check=False)
    assert "is off already" in again


def test_collaborators_are_listed(world: World) -> None:
    person = world.person("Analyst")
    rows = json.loads(user(world, "list", "--json"))
    row = next(one for one in rows if one["email"] == person.email)
    assert (row["name"], row["role"], row["two_factor"]) == (person.name, "Analyst", False)
    assert person.email in user(world, "list")


def test_an_unknown_collaborator_is_named(world: World) -> None:
    said = user(world, "disable-two-factor", "--email", "nobody@example.com", check=False)
    assert "no collaborator with the e-mail nobody@example.com" in said


def test_another_workspace_is_made_for_a_user_that_is_there(world: World) -> None:
    person = world.person()
    made = cli(
        "workspace", "create", "--data", world.site.data, "--name", "Gamma",
        "--owner-email", person.email, "--json",
    )  # fmt: skip
    listed = cli("workspace", "list", "--data", world.site.data, "--json")
    ids = {one["name"]: one["id"] for one in json.loads(listed.stdout)}
    assert ids["Gamma"] == json.loads(made.stdout)["workspace_id"]
    assert person.post("/teams/switch", id=ids["Gamma"]).status_code == 303
    assert "Owner of" in person.get("/teams").text


def test_a_workspace_for_a_new_owner_needs_a_password(world: World) -> None:
    command = (
        "workspace", "create", "--data", world.site.data, "--name", "Delta",
        "--owner-email", "dora@example.com",
    )  # fmt: skip
    refused = cli(*command, check=False)
    assert refused.returncode == 1
    assert "give a password" in refused.stderr
    cli(*command, "--owner-password-file", "-", stdin=PASSWORD)
    assert world.browser().log_in("dora@example.com").status_code == 303
