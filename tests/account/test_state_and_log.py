"""Random operations: what the log says happened is what the database holds, and nothing else."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.conftest import new_installation

from trailkeeper.activity import Activity, Context
from trailkeeper.errors import Forbidden, Problem
from trailkeeper.identity import passwords
from trailkeeper.identity.acting import By
from trailkeeper.identity.privileges import BUILT_IN, OWNER
from trailkeeper.identity.signed_in import SignedIn
from trailkeeper.installation import Installation, opened
from trailkeeper.query.filters import Filter
from trailkeeper.streaming.streams import FIRST as FIRST_STREAM

PASSWORD = "correct horse battery staple"
FIRST = [f"person{number}@example.com" for number in range(3)]
EMAILS = [*FIRST, "new1@example.com", "new2@example.com", "bad address", "<b>@example.com"]
ROLE_NAMES = ["Reader", "Auditor", "reader", "Admin", "bad\nname", ""]
PRIVILEGES = ["activity_audit.view", "jobs.view", "team.manage", "roles.manage", "nonsense"]

email = st.sampled_from(EMAILS)
role_name = st.sampled_from(ROLE_NAMES)
role = st.sampled_from([*BUILT_IN, *ROLE_NAMES, OWNER, "King"])
privileges = st.lists(st.sampled_from(PRIVILEGES), max_size=3)
index = st.integers(0, 5)
address = Context(ip_address="203.0.113.7")


class StateAndLog(RuleBasedStateMachine):
    """Anybody tries anything; refused or not, state and log agree."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.links: dict[str, str] = {}

    @initialize()
    def start(self) -> None:
        data = Path(self.stack.enter_context(tempfile.TemporaryDirectory())) / "data"
        new_installation(data)
        self.here: Installation = self.stack.enter_context(opened(data))
        self.here.workspaces.create("Acme", "ada@example.com", "Ada Admin", PASSWORD)
        by = self.here.workspaces.by_operator("Acme")
        self.key = by.workspace
        for address, given in zip(FIRST, ("Admin", "Analyst", "Operator"), strict=True):
            self.here.workspaces.add_member(by, address, address[:7], PASSWORD, given)
        self.sent: dict[str, list[str]] = {}
        self.here.mailer.send = lambda to, subject, text: self.sent.setdefault(to, []).append(text)

    def teardown(self) -> None:
        self.stack.close()

    # --- Who acts

    def someone(self, number: int) -> SignedIn | None:
        """The owner half of the time, else a member."""
        members = self.here.members.listed(self.key)
        wanted = [one for one in members if one.is_owner] if number % 2 else members
        who = wanted[number % len(wanted)]
        return self.here.sessions.with_key(self.key, who.key, "key")

    def attempt(self, do: Callable[[], object]) -> None:
        """Do it. What is refused is recorded as a denial, or not at all."""
        before = self.log()
        state = self.state()
        try:
            do()
        except Forbidden:
            new = self.log()[len(before) :]
            assert [one.action for one in new] == ["access.denied"]
            assert self.state() == state
        except Problem:
            assert self.log() == before
            assert self.state() == state
        else:
            new = self.log()[len(before) :]
            if self.state() != state:
                assert new, "a change was not recorded"
            assert all(one.outcome == "success" for one in new)

    def with_by(self, number: int, do: Callable[[By], object]) -> None:
        who = self.someone(number)
        if who:
            self.attempt(lambda: do(who.by(address)))

    # --- What they do

    @rule(who=index, name=st.sampled_from(["Ada", "Eve <b>", "bad\r\nname", "", "Ada"]))
    def rename(self, who: int, name: str) -> None:
        person = self.someone(who)
        if person:
            self.attempt(lambda: self.here.accounts.rename(person, name, address))

    @rule(who=index, email=email, role=role)
    def invite(self, who: int, email: str, role: str) -> None:
        self.with_by(who, lambda by: self.here.invitations.create(by, email, role))

    @rule(who=index, which=index, role=role)
    def modify(self, who: int, which: int, role: str) -> None:
        id = self.invitation(which)
        self.with_by(who, lambda by: self.here.invitations.modify(by, id, role))

    @rule(who=index, which=index, what=st.sampled_from(["cancel", "resend"]))
    def end_invitation(self, who: int, which: int, what: str) -> None:
        id = self.invitation(which)
        self.with_by(who, lambda by: getattr(self.here.invitations, what)(by, id))

    @rule(email=email)
    def accept(self, email: str) -> None:
        texts = [text for text in self.sent.get(email, []) if "/invite/" in text]
        if texts:
            token = texts[-1].split("/invite/")[1].split()[0]
            password = "seven green lanterns drift"
            accept = self.here.invitations.accept_as_new
            self.attempt(lambda: accept(token, email[:4], password, address))

    @rule(who=index, which=index, role=role)
    def update_member(self, who: int, which: int, role: str) -> None:
        id = self.member(which)
        self.with_by(who, lambda by: self.here.members.update_role(by, id, role))

    @rule(who=index, which=index)
    def remove_member(self, who: int, which: int) -> None:
        id = self.member(which)
        self.with_by(who, lambda by: self.here.members.remove(by, id))

    @rule(who=index, which=index, password=st.sampled_from([PASSWORD, "wrong"]))
    def transfer(self, who: int, which: int, password: str) -> None:
        id = self.member(which)
        self.with_by(who, lambda by: self.here.members.transfer(by, id, password))

    @rule(who=index, name=role_name, wanted=privileges)
    def create_role(self, who: int, name: str, wanted: list[str]) -> None:
        self.with_by(who, lambda by: self.here.roles.create(by, name, wanted))

    @rule(who=index, which=index, name=role_name, wanted=privileges)
    def update_role(self, who: int, which: int, name: str, wanted: list[str]) -> None:
        id = self.role(which)
        self.with_by(who, lambda by: self.here.roles.update(by, id, name, wanted))

    @rule(who=index, which=index)
    def delete_role(self, who: int, which: int) -> None:
        id = self.role(which)
        self.with_by(who, lambda by: self.here.roles.delete(by, id))

    @rule(who=index, emails=st.lists(email, max_size=2))
    def set_emails(self, who: int, emails: list[str]) -> None:
        self.with_by(who, lambda by: self.here.notifications.set_emails(by, emails))

    @rule(who=index, enabled=st.booleans())
    def set_throttling(self, who: int, enabled: bool) -> None:
        self.with_by(who, lambda by: self.here.notifications.set_throttling(by, enabled))

    @rule(who=index, enabled=st.booleans())
    def toggle_stream(self, who: int, enabled: bool) -> None:
        self.with_by(who, lambda by: self.here.streams.toggle(by, FIRST_STREAM, enabled))

    @rule(who=index, jobs=st.booleans(), steps=st.booleans(), login=st.booleans())
    def include(self, who: int, jobs: bool, steps: bool, login: bool) -> None:
        self.with_by(
            who,
            lambda by: self.here.streams.include(
                by,
                FIRST_STREAM,
                job_history=jobs,
                recipe_step_details=steps,
                login_user_activity=login,
            ),
        )

    @rule(who=index, url=st.sampled_from(["https://siem.example.com/a", "ftp://x", ""]))
    def set_destination(self, who: int, url: str) -> None:
        self.with_by(
            who,
            lambda by: self.here.streams.set_destination(by, FIRST_STREAM, "http", {"url": url}),
        )

    @rule(who=index, email=email)
    def add_delegated(self, who: int, email: str) -> None:
        self.with_by(who, lambda by: self.here.delegation.add(by, email))

    @rule(who=index, which=index)
    def remove_delegated(self, who: int, which: int) -> None:
        admins = self.here.delegation.admins(self.key)
        id = admins[which % len(admins)].id if admins else "none"
        self.with_by(who, lambda by: self.here.delegation.remove(by, id))

    # --- What there is

    def invitation(self, which: int) -> str:
        found = self.here.invitations.listed(self.key)
        return found[which % len(found)].id if found else "none"

    def member(self, which: int) -> str:
        found = self.here.members.listed(self.key)
        return found[which % len(found)].id

    def role(self, which: int) -> str:
        found = self.here.roles.listed(self.key)
        return found[which % len(found)].id

    def log(self) -> list[Activity]:
        """All activities, in the order of the log."""
        found = self.here.reader.page(self.key, Filter(), order="asc", limit=1_000)
        return sorted(found.activities, key=lambda one: one.seq)

    def state(self) -> dict[str, Any]:
        """What the database holds."""
        jobs = self.here.notifications.settings(self.key)
        stream = self.here.streams.first(self.key)
        return {
            "members": {one.id: one.role for one in self.here.members.listed(self.key)},
            "names": {one.id: one.name for one in self.here.members.listed(self.key)},
            "invitations": {one.id: one.role for one in self.here.invitations.listed(self.key)},
            "roles": {
                one.id: (one.name, one.privileges)
                for one in self.here.roles.listed(self.key)
                if not one.built_in
            },
            "delegated": {one.id for one in self.here.delegation.admins(self.key)},
            "emails": jobs.emails,
            "throttling": jobs.throttling,
            "streaming": stream.enabled,
            "included": stream.included,
            "destination": stream.settings.get("url"),
        }

    @invariant()
    def the_log_tells_the_state(self) -> None:
        if not hasattr(self, "here"):
            return
        assert told(self.log()) == self.state()


def told(log: list[Activity]) -> dict[str, Any]:
    """The state that the activities amount to."""
    state: dict[str, Any] = {
        "members": {},
        "names": {},
        "invitations": {},
        "roles": {},
        "delegated": set(),
        "emails": [],
        "throttling": True,
        "streaming": False,
        "included": ["login_user_activity"],
        "destination": None,
    }
    for one in log:
        if one.outcome == "success":
            _apply(state, one, one.details or {})
    return state


def _apply(state: dict[str, Any], one: Activity, details: dict[str, Any]) -> None:
    target, members = one.targets[0], state["members"]
    match one.action:
        case "workspace.created":
            members[one.targets[1].id] = OWNER
            state["names"][one.targets[1].id] = one.targets[1].name
        case "member.added":
            members[target.id], state["names"][target.id] = details["role"], target.name
        case "invite.accepted":
            state["invitations"].pop(target.id)
            members[one.actor.id], state["names"][one.actor.id] = details["role"], one.actor.name
        case "member.updated":
            members[target.id] = details["role"]
        case "member.deleted":
            del members[target.id], state["names"][target.id]
        case "workspace.ownership_transferred":
            members[one.actor.id], members[one.targets[1].id] = "Admin", OWNER
        case "user.name_updated":
            state["names"][target.id] = details["user_name"]
        case "invite.created" | "invite.modified":
            # An expired or earlier one to the same address made room.
            state["invitations"][target.id] = details["role"]
        case "invite.canceled":
            state["invitations"].pop(target.id)
        case "role.created":
            state["roles"][target.id] = (target.name, details["privileges"])
        case "role.updated":
            old = state["roles"][target.id][0]
            state["roles"][target.id] = (target.name, details["privileges"])
            for kind in ("members", "invitations"):
                for id, role in state[kind].items():
                    state[kind][id] = target.name if role == old else role
        case "role.deleted":
            del state["roles"][target.id]
        case "delegated_admin.added":
            state["delegated"].add(target.id)
        case "delegated_admin.removed":
            state["delegated"].remove(target.id)
        case "error_notifications.emails_updated":
            state["emails"] = details["emails"]
        case "error_notifications.throttling_toggled":
            state["throttling"] = details["enabled"]
        case "audit_stream.toggled":
            state["streaming"] = details["enabled"]
        case "audit_stream.data_inclusion_updated":
            state["included"] = details["included"]
        case "audit_stream.destination_updated":
            state["destination"] = details["destination"].partition(": ")[2]
        case "user.logged_in" | "invite.resent" | "audit_stream.created":
            pass
        case other:
            raise AssertionError(f"{other} is not thought of here")


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64))


TestStateAndLog = StateAndLog.TestCase
TestStateAndLog.settings = settings(
    max_examples=12,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
