"""Job history in a real browser: filters, a job and its steps; no barrier on any width."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.browser.test_real_site import log_in, serious
from tests.conftest import Site
from tests.jobs.support import SAMPLES, job, post, step

STATUSES = ("succeeded", "failed", "canceled", "running", "pending", "unknown")
FAILED = SAMPLES["recipe_step_details_failure_2019"]


@pytest.fixture(scope="module")
def site(served: Site) -> Site:
    made = served.add_workspace("Browsed", "browsed@example.com")
    many = [
        job(n, status=status, title=f"Order {n}", recipe_name="Sync product SKUs to the warehouse")
        for n, status in enumerate(STATUSES)
    ]
    masked = [step(), step(1, mask_data=True), step(2, input={"rows": [{"n": 1}] * 50})]
    with made.http() as http:
        post(http, many, 200)
        post(http, FAILED)
        post(http, job("masked", flow_id=7, title="Masked order", lines=masked))
    return made


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1360, "height": 900})
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


def test_somebody_finds_a_failed_job_and_its_step(page: Page, site: Site) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    log_in(page, site, site.email)
    page.get_by_role("link", name="Jobs").click()
    rows = page.locator("table.jobs tbody tr")
    expect(rows).to_have_count(8)
    page.get_by_text("Any status").click()
    page.get_by_label("Failed").check()
    expect(page).to_have_url(f"{site.base_url}/jobs?status=failed")
    expect(rows).to_have_count(2)
    page.get_by_label("Recipe").select_option("1004058")
    both = r"/jobs\?(status=failed&recipe_id=1004058|recipe_id=1004058&status=failed)$"
    expect(page).to_have_url(re.compile(both))
    expect(rows).to_have_count(1)
    page.get_by_role("link", name="Scheduler by Workato").click()
    expect(page.locator(".job-message")).to_contain_text("undefined method `to_date'")
    expect(page.locator(".step-error")).to_be_visible()
    page.get_by_role("link", name="All its jobs").click()
    expect(rows).to_have_count(1)
    page.get_by_role("link", name="Remove the filter Recipe").click()
    expect(rows).to_have_count(8)
    page.get_by_label("Search title and error").fill("masked")
    page.keyboard.press("Enter")
    expect(rows).to_have_count(1)
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1360, 390])
def test_nothing_on_the_pages_of_jobs_is_a_serious_barrier(
    browser: Browser, site: Site, scheme: str, width: int
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 844},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = context.new_page()
    log_in(page, site, site.email)
    for path in ("/jobs", "/jobs?status=failed&q=nothing", "/jobs?status=x", "/jobs/masked",
                 f"/jobs/{FAILED['id']}"):  # fmt: skip
        page.goto(f"{site.base_url}{path}")
        assert serious(page) == [], path
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), path
    page.goto(f"{site.base_url}/jobs")
    page.get_by_text("Any status").click()
    assert serious(page) == []
    context.close()


def test_filters_work_without_scripts(browser: Browser, site: Site) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    log_in(page, site, site.email)
    page.goto(f"{site.base_url}/jobs")
    page.get_by_text("Any status").click()
    page.get_by_label("Canceled").check()
    page.get_by_role("button", name="Apply").last.click()
    expect(page.locator("table.jobs tbody tr")).to_have_count(1)
    expect(page).to_have_url(f"{site.base_url}/jobs?status=canceled")
    context.close()
