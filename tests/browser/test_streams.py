"""A stream in a real browser: made, seen to deliver, to fail, to wait and to go on."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.browser.test_account_flows import log_in, serious
from tests.conftest import Site, make_site, wait_for
from tests.streaming.receiver import Receiver
from tests.streaming.test_http_stream import record, sent


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = make_site(tmp_path_factory.mktemp("streams") / "data")
    made.environment["TRAILKEEPER_STREAM_ALLOWED_NETWORKS"] = "127.0.0.0/8"
    yield made.start()
    made.stop()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def opened(browser: Browser, site: Site, width: int, scheme: str) -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": 844},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    context.set_default_timeout(20_000)
    page = context.new_page()
    log_in(page, site, site.email)
    page.wait_for_url("**/audit")
    return page


def test_a_stream_is_made_delivers_fails_waits_and_sends_again(
    browser: Browser, site: Site, receiver: Receiver
) -> None:
    expect.set_options(timeout=20_000)
    page = opened(browser, site, 1280, "light")
    page.goto(f"{site.base_url}/settings/audit-streaming")
    page.get_by_role("link", name="Set up the first stream").click()
    page.get_by_label("Name").fill("SIEM")
    page.get_by_role("button", name="Make the stream").click()
    expect(page.get_by_role("status")).to_contain_text("The stream was made.")

    page.get_by_label("Kind").select_option("http")
    page.get_by_role("button", name="Show its settings").click()
    page.get_by_label("Address").fill(receiver.url)
    page.get_by_role("button", name="Save destination").click()
    expect(page.get_by_role("status")).to_have_text("The stream's destination was changed.")
    page.get_by_role("button", name="Turn streaming on").click()
    expect(page.get_by_role("status")).to_have_text("The stream is on.")

    record(site, "one", "two")
    wait_for(lambda: sent(receiver) == ["one", "two"], 20)
    state = page.locator("#state")
    expect(state).to_have_text("Running")
    expect(page.locator(".figures")).to_contain_text("up to date")  # by itself
    assert serious(page) == []

    receiver.reply = lambda _request: (500, {"Retry-After": "3600"}, b"out of order")
    record(site, "three")
    expect(state).to_have_text("Failing")
    expect(page.get_by_label("Last error", exact=True).last).to_contain_text("500: out of order")
    receiver.reply = lambda _request: (200, {}, b"")
    page.reload()
    page.get_by_role("button", name="Try again now").click()
    wait_for(lambda: sent(receiver) == ["one", "two", "three"], 20)

    page.get_by_role("button", name="Pause").click()
    expect(state).to_have_text("Paused")
    record(site, "four")
    page.get_by_role("button", name="Resume").click()
    wait_for(lambda: sent(receiver)[-1] == "four", 20)

    page.get_by_role("button", name="Send a test").click()
    expect(page.get_by_role("status")).to_contain_text("The destination took the test")

    with site.http() as http:
        seq = http.get("/api/v1/activities/three").json()["seq"]
    receiver.requests.clear()
    page.get_by_label("From seq").fill(str(seq))
    page.get_by_role("button", name="See what that is").click()
    page.get_by_role("button", name=f"Set the stream to seq {seq}").click()
    expect(page.get_by_role("status")).to_have_text("The stream was set back.")
    wait_for(lambda: sent(receiver) == ["three", "four"], 20)

    page.get_by_role("link", name="Deliveries").click()
    page.get_by_role("link", name="Failed").click()
    expect(page.locator(".deliveries")).to_contain_text("500: out of order")
    page.context.close()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_the_pages_are_accessible_and_fit(
    browser: Browser, site: Site, width: int, scheme: str
) -> None:
    page = opened(browser, site, width, scheme)
    with site.http() as http:
        there = http.get("/api/v1/streams").json()["data"]
        if not there:
            made = http.post("/api/v1/streams", json={"name": "SIEM"})
            there = [json.loads(made.text)]
    one = f"/settings/audit-streaming/{there[0]['id']}"
    for path in (
        "/settings/audit-streaming",
        "/settings/audit-streaming/new",
        one,
        f"{one}/settings",
        f"{one}/settings?kind=s3",
        f"{one}/deliveries",
        f"{one}/dead-letters",
        f"{one}/delete",
    ):
        page.goto(site.base_url + path)
        assert serious(page) == [], path
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), path
    page.context.close()
