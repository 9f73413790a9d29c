"""Guessing passwords: slowed down, without telling who exists and without locking anyone out."""

from __future__ import annotations

import random
import statistics
import time
from contextlib import closing

import httpx
import pytest
from tests.account.forms import activities, hidden
from tests.conftest import PASSWORD, Site

ROUNDS = 10
PAIRS = 20
MAX_DIFFERENCE = 0.10


@pytest.fixture
def guessed(site: Site) -> Site:
    site.add_user("robin@example.com", "Robin Operator", "Operator")
    return site


def visitor(site: Site, address: str) -> httpx.Client:
    """A browser at another address of this machine."""
    transport = httpx.HTTPTransport(local_address=address, verify=False)
    return httpx.Client(base_url=site.base_url, transport=transport, timeout=60, verify=False)


def log_in(http: httpx.Client, email: str, password: str) -> httpx.Response:
    form = hidden(http.get("/login"), "form")
    return http.post("/login", data={"form": form, "email": email, "password": password})


def test_a_thousand_wrong_passwords_are_throttled_and_the_owner_still_gets_in(
    guessed: Site,
) -> None:
    with closing(visitor(guessed, "127.0.0.2")) as attacker:
        form = hidden(attacker.get("/login"), "form")
        data = {"form": form, "email": guessed.email}
        answers = [
            attacker.post("/login", data={**data, "password": f"guess {number}"})
            for number in range(1_000)
        ]
        statuses = [answer.status_code for answer in answers]
        assert statuses[:10] == [401] * 10
        assert set(statuses[10:]) == {429}
        assert 0 < int(answers[-1].headers["Retry-After"]) <= 300
        assert "Too many attempts" in answers[-1].text
        # Not even the right password helps from there.
        assert attacker.post("/login", data={**data, "password": PASSWORD}).status_code == 429
    with closing(visitor(guessed, "127.0.0.3")) as owner:
        assert log_in(owner, guessed.email, PASSWORD).status_code == 303
    failures = activities(guessed, action="user.login_failed", actor=guessed.email)
    assert len(failures) == 10
    assert {one["context"]["ip_address"] for one in failures} == {"127.0.0.2"}


def test_one_address_cannot_try_a_password_on_many_accounts(guessed: Site) -> None:
    with closing(visitor(guessed, "127.0.0.4")) as attacker:
        form = hidden(attacker.get("/login"), "form")
        statuses = [
            attacker.post(
                "/login",
                data={"form": form, "email": f"p{number}@example.com", "password": "Summer2026!"},
            ).status_code
            for number in range(70)
        ]
    assert statuses[:60] == [401] * 60
    assert set(statuses[60:]) == {429}


@pytest.mark.parametrize("path", ["/login", "/forgot"])
def test_a_known_and_an_unknown_user_are_answered_alike_and_after_the_same_time(
    guessed: Site, path: str
) -> None:
    times: dict[str, list[float]] = {"robin@example.com": [], "nobody@example.com": []}
    bodies: dict[str, str] = {}
    difference = 1.0
    # Not in turns: what is done some time after an answer would then always hit the same one.
    order = random.Random(path)
    for turn in range(ROUNDS):
        for pair in range(PAIRS):
            # From an address of its own, so that nothing is throttled.
            with closing(visitor(guessed, f"127.0.{turn + 1}.{pair + 1}")) as http:
                form = hidden(http.get(path), "form")
                for email, took in order.sample(list(times.items()), 2):
                    data = {"form": form, "email": email, "password": "not the password"}
                    start = time.perf_counter()
                    answer = http.post(path, data=data)
                    took.append(time.perf_counter() - start)
                    assert answer.status_code == (401 if path == "/login" else 200)
                    bodies[email] = answer.text.replace(email, "…").replace(
                        hidden(answer, "form") if path == "/login" else "-", ""
                    )
        known, unknown = (statistics.median(took) for took in times.values())
        difference = abs(known - unknown) / max(known, unknown)
        # More turns even out what the machine does besides.
        if turn and difference < MAX_DIFFERENCE:
            break
    assert difference < MAX_DIFFERENCE, f"{known * 1e3:.2f} ms and {unknown * 1e3:.2f} ms"
    assert bodies["robin@example.com"] == bodies["nobody@example.com"]
