"""An in-memory workspace of made-up people, recipes and incidents, behind the pages' protocols."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from trailkeeper.activity import UNSET, Activity, Actor, Change, Context, Target, to_us
from trailkeeper.catalogue import catalogue, sentence
from trailkeeper.identity.acting import By
from trailkeeper.identity.privileges import privileges_of
from trailkeeper.ledger.facets import FacetName, Facets, FacetValue
from trailkeeper.ledger.histogram import Bucket, Histogram
from trailkeeper.query.buckets import borders_of
from trailkeeper.query.cursor import CursorError
from trailkeeper.query.filters import Filter, Match
from trailkeeper.web.services import (
    Choice,
    LogInFailed,
    Page,
    Role,
    Services,
    SignedIn,
    Throttled,
)

ADA = Actor(type="user", id="u-1", name="Ada Admin", email="ada@example.com")
ROBIN = Actor(type="user", id="u-2", name="Robin Operator", email="robin@example.com")
ZOE = Actor(type="user", id="u-3", name="Zoë Analyst", email="zoe@example.com")
CLIENT = Actor(type="api_client", id="c-9", name="Nightly deploy")
MARKUS = Actor(type="user", id="u-7", name="Markus", email="markus@example.com")
MALLORY = Actor(
    type="user",
    id="u-<x>/13",
    name="<script>alert(1)</script>\u202egnp.exe\x07",
    email="mallory@example.com",
)
CHROME = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/130.0.0.0 Safari/537.36"
)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1"
)
NAMES = {
    "recipe": ["Sync product SKUs", "Employee onboarding", "Invoices to ledger"],
    "connection": ["Salesforce", "Workday", "NetSuite"],
    "folder": ["Finance", "Human resources"],
}

PASSWORD = "correct horse battery"


def made_up(now: datetime) -> list[Activity]:
    """Newest first: an incident, then one of each action of the catalogue, then routine."""
    web = Context(ip_address="203.0.113.9", user_agent=CHROME, session_id="8f2c11d0", source="web")
    phone = Context(
        ip_address="198.51.100.23", user_agent=SAFARI, session_id="77aa01", source="web"
    )
    api = Context(ip_address="2001:db8::17", user_agent="curl/8.10.1", source="api")
    sku = Target(type="recipe", id="42", name="Sync product SKUs")
    made: list[tuple[timedelta, dict[str, Any]]] = [
        (timedelta(minutes=2), {
            "action": "recipe.stopped", "actor": ROBIN, "targets": [sku], "context": web,
            "reason": "Too many duplicate orders", "details": {"stop_reason": "user"},
            "changes": [Change(field="status", old="running", new="stopped")]}),
        (timedelta(minutes=64), {
            "action": "connection.disconnected", "actor": ADA, "context": web,
            "targets": [Target(type="connection", id="7", name="Salesforce")]}),
        *((timedelta(minutes=120 + 2 * n), {
            "action": "user.login_failed", "actor": MARKUS, "outcome": "failure",
            "reason": "wrong password", "details": {"activity": "password_login"},
            "targets": [Target(type="user", id="u-7", name="Markus")], "context": phone})
          for n in range(3)),
        (timedelta(minutes=180), {
            "action": "user.logged_in", "actor": ZOE, "details": {"activity": "sso_login"},
            "targets": [Target(type="user", id="u-3", name="Zoë Analyst")],
            "context": Context(ip_address="192.0.2.44", user_agent=FIREFOX, session_id="s-5")}),
        (timedelta(minutes=200), {
            "action": "recipe.updated", "actor": ROBIN, "targets": [sku], "context": web,
            "changes": [
                Change(field="schedule", old="every 5 minutes", new="every hour"),
                Change(field="steps", old=[{"app": "erp"}], new=[{"app": "erp"}, {"app": "shop"}]),
                Change(field="description", old=UNSET, new="Copies SKUs from the ERP to the shop"),
                Change(field="owner", old="ada@example.com", new="robin@example.com"),
                Change(field="timeout", old=30, new=UNSET)]}),
        (timedelta(minutes=230), {
            "action": "recipe.deleted", "actor": MALLORY, "context": web, "environment": "test",
            "reason": "</td><img src=x onerror=alert(2)>",
            "targets": [Target(type="recipe", id="66", name="\u2066'\"><b>bold\x00</b>")],
            "details": {"note\u202e": "a\u0000b\u202ec", "html": "<svg onload=alert(3)>"}}),
        (timedelta(minutes=300), {
            "action": "recipe.started", "actor": CLIENT, "targets": [sku], "context": api,
            "outcome": "failure", "reason": "connection missing"}),
    ]  # fmt: skip
    for at, spec in enumerate(catalogue().actions):
        name = NAMES.get(spec.target_type, [spec.target_type.replace("_", " ").capitalize()])
        made.append((timedelta(hours=20 + at * 2), {
            "action": spec.action, "actor": (ADA, ROBIN, ZOE)[at % 3], "context": web,
            "targets": [
                Target(type=spec.target_type, id=str(100 + at % 7), name=name[at % len(name)])
            ]}))  # fmt: skip
    made += [
        (
            timedelta(days=10, hours=at),
            {
                "action": "recipe.started",
                "actor": (ADA, ROBIN)[at % 2],
                "context": api,
                "targets": [Target(type="recipe", id=str(at % 3), name=NAMES["recipe"][at % 3])],
            },
        )
        for at in range(60)
    ]
    total = len(made)
    return [
        Activity(
            id="odd/id ?#" if at == 7 else f"0193-{total - at:04d}",
            seq=total - at - 1,
            occurred_at=now - ago,
            received_at=now - ago + timedelta(milliseconds=40),
            **{"outcome": "success", "environment": "prod", **fields},
        )
        for at, (ago, fields) in enumerate(made)
    ]


def fold(text: str) -> str:
    split = unicodedata.normalize("NFKD", text)
    return "".join(c for c in split if not unicodedata.combining(c)).casefold()


class FakeAudit:
    """Answers filters the slow way."""

    def __init__(self) -> None:
        self.activities = made_up(datetime.now(UTC))
        self.broken = False

    def page(
        self,
        workspace: int,
        asked: Filter,
        *,
        order: str = "desc",
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page:
        if self.broken:
            raise RuntimeError("the database is away")
        if cursor is not None and not cursor.isdecimal():
            raise CursorError("is not a cursor that this listing gave; start again without it")
        found = [a for a in self.activities if fits(a, asked)]
        start = int(cursor or 0)
        rest = str(start + limit) if len(found) > start + limit else None
        return Page(found[start : start + limit], rest)

    def histogram(self, workspace: int, asked: Filter, interval: str, zone: ZoneInfo) -> Histogram:
        """By day, from the first that matches to the last."""
        times = [to_us(a.occurred_at) for a in self.activities if fits(a, asked)]
        if not times:
            return Histogram(interval="day")
        borders = borders_of(min(times), max(times) + 1, "day", zone)
        bad = [to_us(a.occurred_at) for a in self.activities if a.outcome == "failure"]
        return Histogram(
            interval="day",
            since=min(times),
            until=max(times) + 1,
            buckets=[
                Bucket(
                    start,
                    end,
                    sum(start <= at < end for at in times),
                    sum(start <= at < end for at in bad if at in times),
                )
                for start, end in pairwise(borders)
            ],
        )

    def get(self, workspace: int, activity_id: str, /) -> Activity | None:
        return next((a for a in self.activities if a.id == activity_id), None)

    def choices(self, workspace: int, role: Role, text: str, **narrowing: Any) -> list[Choice]:
        counts: dict[tuple[str, str], int] = {}
        latest: dict[tuple[str, str], Actor | Target] = {}
        for activity in self.activities:
            for who in [activity.actor] if role == "actor" else activity.targets:
                if narrowing["type"] not in (None, who.type):
                    continue
                key = (who.type, who.id)
                counts[key] = counts.get(key, 0) + 1
                latest.setdefault(key, who)
        return [
            Choice(w.type, w.id, w.name, w.email, counts[key], counts[key] > 99)
            for key, w in latest.items()
            if fold(text) in fold(f"{w.name} {w.email} {w.id}")
        ][: narrowing["limit"]]

    def facets(
        self, workspace: int, asked: Filter, names: Sequence[FacetName], *, limit: int
    ) -> Facets:
        fitting = [a for a in self.activities if fits(a, asked)]
        counted: dict[FacetName, Counter[str]] = {
            "action": Counter(a.action for a in fitting),
            "target_type": Counter(a.targets[0].type for a in fitting),
        }
        values = {
            name: [FacetValue(value, None, n) for value, n in counted[name].most_common(limit)]
            for name in names
        }
        return Facets(values=values, total=len(fitting), is_whole_total=True, sampled=[])

    def entity(self, workspace: int, role: Role, ref: str) -> Choice | None:
        every = self.choices(workspace, role, "", type=None, limit=1_000)
        return next((c for c in every if ref in (c.ref, c.id, c.email)), None)

    def target_types(self, workspace: int) -> list[str]:
        return sorted({t.type for a in self.activities for t in a.targets})

    def actions_seen(self, workspace: int) -> list[str]:
        return sorted({a.action for a in self.activities})

    def is_empty(self, workspace: int) -> bool:
        return not self.activities


def fits(activity: Activity, asked: Filter) -> bool:
    at = to_us(activity.occurred_at)
    since = asked.since
    if asked.within is not None:
        since = to_us(datetime.now(UTC)) - asked.within * 1_000_000
    return (
        (since is None or at >= since)
        and (asked.until is None or at < asked.until)
        and all(matches(activity, m) != m.negated for m in asked.matches)
        and all((fold(w.text) in fold(sentence(activity))) != w.negated for w in asked.words)
    )


def matches(activity: Activity, match: Match) -> bool:
    who: list[Actor | Target] = [activity.actor] if match.field == "actor" else [*activity.targets]
    have = {
        "action": [activity.action, activity.action.partition(".")[0] + ".*"],
        "category": [catalogue().category_of(activity.action)],
        "actor": [v for w in who for v in (f"{w.type}:{w.id}", w.id, w.email, w.name)],
        "target": [v for w in who for v in (f"{w.type}:{w.id}", w.id, w.email, w.name)],
        "type": [t.type for t in activity.targets],
        "outcome": [activity.outcome],
        "ip": [activity.context.ip_address],
        "session": [activity.context.session_id],
        "env": [activity.environment],
    }
    return bool(set(match.values) & set(have.get(match.field, [])))


class FakeSessions:
    """Ada is an admin, Robin an operator; `slow@example.com` is throttled."""

    def __init__(self) -> None:
        self.sessions: dict[str, SignedIn] = {}

    def with_password(self, email: str, password: str, context: Context) -> tuple[str, SignedIn]:
        if email == "slow@example.com":
            raise Throttled(30)
        actor = {"ada@example.com": ADA, "robin@example.com": ROBIN}.get(email)
        if actor is None or password != PASSWORD:
            raise LogInFailed
        cookie = f"cookie-{len(self.sessions)}"
        role = "Admin" if actor is ADA else "Operator"
        self.sessions[cookie] = SignedIn(
            user=1,
            user_id=actor.id,
            email=email,
            name=actor.name or "",
            workspace=1,
            workspace_id="w-1",
            workspace_name="Acme",
            role=role,
            session_id=f"s-{cookie}",
            csrf="csrf-" + "x" * 20,
            privileges=privileges_of(role, None),
        )
        return cookie, self.sessions[cookie]

    def with_code(self, challenge: str, code: str, context: Context) -> tuple[str, SignedIn]:
        raise NotImplementedError

    def passkey_options(self, challenge: str) -> str | None:
        raise NotImplementedError

    def with_passkey(self, challenge: str, response: str, context: Context) -> tuple[str, SignedIn]:
        raise NotImplementedError

    def find(self, cookie: str) -> SignedIn | None:
        return self.sessions.get(cookie)

    def log_out(self, session: SignedIn, context: Context) -> None:
        self.sessions = {c: s for c, s in self.sessions.items() if s != session}


class FakeAccess:
    def __init__(self) -> None:
        self.denied: list[tuple[str, str]] = []

    def may_view_audit(self, session: SignedIn) -> bool:
        return session.role in ("owner", "Admin")

    def record_denied(self, session: SignedIn, path: str, context: Context) -> None:
        self.denied.append((session.email, path))

    def record_missed(self, by: By, path: str) -> None:
        self.denied.append((by.actor.email or "", path))

    def record_page_denied(self, by: By, path: str, needed: str) -> None:
        self.denied.append((by.actor.email or "", path))


def fake_services() -> Services:
    sessions = FakeSessions()
    return Services(sessions, sessions, FakeAudit(), FakeAccess(), b"0" * 32)
