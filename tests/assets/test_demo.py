"""The demo project: all the log could have, done for real, once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from tests.assets.command import command
from tests.conftest import PASSWORD, new_installation

from trailkeeper.activity import Activity
from trailkeeper.assets.records import plain
from trailkeeper.assets.replay import replay
from trailkeeper.catalogue import catalogue
from trailkeeper.demo.people import TOM
from trailkeeper.identity import passwords
from trailkeeper.installation import Installation, opened
from trailkeeper.query.filters import Filter

RUN = Path(__file__).parents[2] / "scripts/run.sh"
FOR_EXAMPLES = [
    ip_network(one)
    for one in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
]
MAILBOX = re.compile(r"[\w.+-]+@[\w.-]+")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        quick = PasswordHasher(time_cost=1, memory_cost=64)
        patch.setattr(passwords, "_hasher", quick)
        folder = tmp_path_factory.mktemp("demo") / "data"
        new_installation(folder)
        with opened(folder) as installation:
            installation.workspaces.create("Demo", "owner@example.com", "Olivia Hart", PASSWORD)
        command(*demo(folder), "--owner-password-file", "-", stdin=PASSWORD)
        yield folder


@pytest.fixture(scope="module")
def here(data: Path) -> Iterator[Installation]:
    with opened(data) as installation:
        yield installation


@pytest.fixture(scope="module")
def log(here: Installation) -> list[Activity]:
    key = here.workspaces.find("Demo")
    return here.reader.page(key, Filter(), order="asc", limit=1_000).activities


def demo(data: Path) -> tuple[str | Path, ...]:
    return ("demo", "--data", data, "--workspace", "Demo")


def actions(*, team: bool) -> set[str]:
    """The actions of the catalogue that are Workato's: of account and team, or the others."""
    return {
        spec.action
        for spec in catalogue().actions
        if not catalogue().by_category[spec.category].own
        and (spec.category in ("Account", "Team")) is team
    }


def test_each_activity_of_an_asset_is_there(log: list[Activity]) -> None:
    wanted = actions(team=False)
    assert len(wanted) == 59
    assert wanted - {one.action for one in log} == set()


def test_each_activity_of_account_and_team_is_there(log: list[Activity]) -> None:
    wanted = actions(team=True)
    assert len(wanted) == 29
    assert wanted - {one.action for one in log} == set()


def test_each_category_has_rows(log: list[Activity]) -> None:
    categories = {spec.action: spec.category for spec in catalogue().actions}
    found = Counter(categories[one.action] for one in log)
    wanted = {one.name for one in catalogue().categories if not one.own}
    assert len(wanted) == 17
    assert wanted - found.keys() == set()


def test_several_people_do_it_from_where_examples_come_from(log: list[Activity]) -> None:
    people = [one for one in log if one.actor.type != "system"]
    assert len({one.actor.id for one in people}) >= 6
    for one in people:
        address = ip_address(one.context.ip_address or "")
        assert any(address in network for network in FOR_EXAMPLES), address
        assert one.context.user_agent
        assert one.context.source == "trailkeeper"
    for mailbox in MAILBOX.findall(str(log)):
        assert mailbox.partition("@")[2] in ("example.com", "example.org", "example.net"), mailbox


def test_some_of_it_fails(log: list[Activity]) -> None:
    failed = Counter(one.action for one in log if one.outcome == "failure")
    assert failed["user.login_failed"] >= 3
    assert failed["access.denied"] >= 2
    assert failed["audit_log.access_denied"] == 1


def test_the_stories_of_the_audit_log_can_be_found(log: list[Activity]) -> None:
    told = [
        (one.action, one.actor.name, one.targets[0].name)
        for one in log
        if one.action.startswith(("recipe.", "connection.", "asset."))
    ]
    assert ("recipe.stopped", "Tom Becker", "Sync product SKUs") in told
    assert ("connection.updated", "Priya Nair", "Salesforce") in told
    assert ("recipe.deleted", "Sam Okafor", "Onboard new employees") in told
    assert ("asset.undeleted", "Dana Whitfield", "Onboard new employees") in told


def test_it_leaves_a_project_to_look_around_in(here: Installation) -> None:
    key = here.workspaces.find("Demo")
    names = {folder.name for folder in here.registry.folders(key)}
    assert names == {"ERP to shop", "Sales", "People", "People (from test)"}
    recipes = here.registry.page(key, "recipe").assets
    assert {one.state for one in recipes} == {"running", "stopped"}
    assert len(recipes) >= 6


def test_nothing_secret_is_in_the_log(log: list[Activity]) -> None:
    text = str(log)
    assert "demo-secret" not in text
    assert "demo-key" not in text
    assert PASSWORD not in text


def test_it_is_not_done_twice(data: Path, log: list[Activity]) -> None:
    again = command(*demo(data), check=False)
    assert again.returncode == 1
    assert "is in 'Demo' already" in again.stderr
    with opened(data) as installation:
        assert installation.reader.next_seq(installation.workspaces.find("Demo")) == len(log)


def test_the_owner_can_give_somebody_another_password(data: Path) -> None:
    there = ("--data", data, "--workspace", "Demo", "--email", TOM.email)
    command("user", "reset-password", *there, "--password-file", "-", stdin=PASSWORD)
    with opened(data) as installation:
        _, who = installation.log_in.with_password(TOM.email, PASSWORD, TOM.context)
    assert who.name == "Tom Becker"


def test_where_mails_go_out_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64))
    folder = tmp_path / "data"
    new_installation(folder)
    with opened(folder) as installation:
        installation.workspaces.create("Demo", "owner@example.com", "Olivia Hart", PASSWORD)
    monkeypatch.setenv("TRAILKEEPER_SMTP_HOST", "mail.example.com")
    refused = command(*demo(folder), check=False)
    assert refused.returncode == 1
    assert "sends no mails" in refused.stderr


def test_make_run_plays_it_only_into_a_new_folder() -> None:
    script = RUN.read_text()
    made_new = script.partition("if [ ! -e")[2].partition("\nfi\n")[0]
    assert '"$bin" demo --data "$data"' in made_new
    assert script.count('"$bin" demo') == 1


def test_the_log_tells_the_state_of_every_asset(here: Installation, log: list[Activity]) -> None:
    key = here.workspaces.find("Demo")
    told = replay(log)
    assert len(told) > 30
    for id, one in told.items():
        asset = here.registry.get(key, one.kind, id, deleted=True)
        assert (one.name, one.state, one.version) == (asset.name, asset.state, asset.version)
        assert (one.folder_id, one.parent_id) == (asset.folder_id, asset.parent_id)
        assert one.deleted is (asset.deleted_at is not None)
        assert one.content == plain(asset.content)
