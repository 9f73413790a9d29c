"""The pages of job history, as a browser without scripts gets them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from tests.account.forms import Browser
from tests.account.world import open_world
from tests.conftest import Site
from tests.jobs.support import SAMPLES, job, post, step

from trailkeeper.web.job_list import duration_text
from trailkeeper.web.job_urls import JobAddress, job_path, jobs_of_recipe

HOSTILE = "<script>alert(1)</script>\u202e"
FAILURE = "recipe_step_details_failure_2019"


@dataclass
class Reader:
    """Somebody who is logged in, and a client of the API of the same workspace."""

    browser: Browser
    http: httpx.Client

    def page(self, path: str, status: int = 200) -> str:
        answer = self.browser.get(path)
        assert answer.status_code == status, answer.text
        return answer.text

    def rows(self, path: str) -> list[str]:
        """The titles of the jobs that a list shows."""
        return re.findall(r'<a href="/jobs/[^"]*"><bdi>([^<]*)</bdi>', self.page(path))


@pytest.fixture(scope="module")
def reader(served: Site) -> Iterator[Reader]:
    site = served.add_workspace("Pages", "pages@example.com")
    browser = Browser(site)
    assert browser.log_in().status_code == 303
    with site.http() as http:
        yield Reader(browser, http)
    browser.close()


def test_a_workspace_without_jobs_says_how_to_send_one(reader: Reader) -> None:
    page = reader.page("/jobs")
    assert "No jobs yet" in page
    assert "/api/v1/jobs" in page
    assert 'href="/jobs" aria-current="page"' in page


def test_the_list_shows_status_recipe_and_duration(reader: Reader) -> None:
    post(reader.http, job("list-1", recipe_name="Sync orders", title="Order 1", flow_id="list"))
    post(
        reader.http, job("list-2", status="failed", error="Locked", title="Order 2", flow_id="list")
    )
    page = reader.page("/jobs?recipe_id=list")
    assert reader.rows("/jobs?recipe_id=list") == ["Order 2", "Order 1"]
    for text in ("Succeeded", "Failed", "Locked", "Sync orders", "10 s"):
        assert text in page
    assert reader.rows("/jobs?recipe_id=list&status=failed") == ["Order 2"]
    assert reader.rows("/jobs?recipe_id=list&q=locked") == ["Order 2"]
    assert "No job matches" in reader.page("/jobs?recipe_id=list&q=nothing")


def test_a_forms_empty_fields_are_tidied_away(reader: Reader) -> None:
    answer = reader.browser.get("/jobs?range=any&from=&to=&tz=UTC&status=failed&recipe_id=&q=")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/jobs?status=failed"


def test_a_wrong_filter_can_be_dropped(reader: Reader) -> None:
    page = reader.page("/jobs?status=done&q=x", 400)
    assert "must be one of" in page
    assert 'href="/jobs?q=x"' in page
    reader.page("/jobs?cursor=nonsense", 400)


def test_older_jobs_are_on_the_next_page(reader: Reader) -> None:
    sent = [job(f"many-{n}", flow_id="many", title=f"Number {n}") for n in range(60)]
    post(reader.http, sent, 200)
    page = reader.page("/jobs?recipe_id=many")
    older = re.search(r'href="(/jobs\?[^"]*cursor=[^"]*)"', page)
    assert older
    path = older[1].replace("&amp;", "&")
    both = reader.rows("/jobs?recipe_id=many") + reader.rows(path)
    assert sorted(both) == sorted(str(one["title"]) for one in sent)
    assert "Newest" in reader.page(path)


def test_a_job_shows_its_error_and_its_steps(reader: Reader) -> None:
    sent = SAMPLES[FAILURE]
    post(reader.http, sent)
    page = reader.page(f"/jobs/{sent['id']}")
    message = "Error calculating input for field &#39;message&#39;"
    assert f'<p class="job-message"><bdi>{message}' in page
    assert page.index(message) < page.index('<h2 id="steps-title">')
    assert "74c73b55" not in page
    assert "2317791c-6007-4057-a4bd-0ef26efd7088" in page
    assert "{\n  &#34;interval&#34;: &#34;5&#34;\n}" in page
    for text in ("Exception", "log_message", "0.6 ms", f'href="{jobs_of_recipe("1004058")}"'):
        assert text in page


def test_masked_missing_and_too_long_steps_are_told_apart(reader: Reader) -> None:
    post(reader.http, job("masked", lines=[step(mask_data=True), step(1, input=None)]))
    page = reader.page("/jobs/masked")
    assert page.count("Masked") == 2
    assert page.count("Nothing") == 1
    post(reader.http, job("without"))
    assert "No steps were sent" in reader.page("/jobs/without")
    post(reader.http, job("long", lines="Log lines exceed size limit"))
    assert "they exceed 40 MB" in reader.page("/jobs/long")


def test_many_steps_and_long_values_are_shown_in_parts(reader: Reader) -> None:
    lines = [step(n, adapter_operation=f"op{n}") for n in range(250)]
    lines[0]["input"] = {"text": "x" * 300_000}
    lines[1]["input"] = "y" * 50_000
    post(reader.http, job("parts", lines=lines))
    first = reader.page("/jobs/parts")
    assert len(first) < 300_000
    assert "1 to 100 of 250" in first
    assert first.count("… cut:") == 2
    assert "op99" in first
    assert "op100" not in first
    last = reader.page("/jobs/parts?from=200")
    assert "201 to 250 of 250" in last
    assert "op249" in last
    for nonsense in ("-1", "999999", "x", "9" * 30):
        reader.page(f"/jobs/parts?from={nonsense}")


def test_nothing_that_a_job_says_becomes_markup(reader: Reader) -> None:
    hostile: dict[str, Any] = {
        "title": HOSTILE,
        "error": HOSTILE,
        "error_type": HOSTILE,
        "recipe_name": HOSTILE,
        "report": {HOSTILE: HOSTILE},
        "lines": [
            step(
                adapter_name=HOSTILE,
                adapter_operation=HOSTILE,
                input=HOSTILE,
                output={HOSTILE: HOSTILE},
                error=HOSTILE,
            )
        ],
    }
    id = "<b>&'\"/\u202e"
    post(reader.http, job(id, status="failed", flow_id=HOSTILE, **hostile))
    for path in (job_path(id), "/jobs?status=failed", jobs_of_recipe(HOSTILE)):
        page = reader.page(path)
        assert "<script>alert" not in page
        # The value of a choice must be the id itself; what is seen of it is not.
        assert "\u202e" not in re.sub(r'value="[^"]*"', "", page)
        assert "<b>&'" not in page


def test_a_job_that_is_not_there_is_not_found(reader: Reader, http: httpx.Client) -> None:
    post(http, job("elsewhere"))
    for path in ("/jobs/nothing", "/jobs/elsewhere", "/jobs/a%2Fb"):
        assert "There is no such page" in reader.page(path, 404)


def test_an_id_with_a_slash_has_a_page(reader: Reader) -> None:
    post(reader.http, job("a/b?c", title="Slashed"))
    assert "Slashed" in reader.page(job_path("a/b?c"))


def test_who_may_not_see_jobs_is_refused_and_that_is_recorded(served: Site) -> None:
    world = open_world(served)
    person = world.person(world.role("recipes.view")[1])
    for path in ("/jobs", "/jobs/100"):
        answer = person.get(path)
        assert answer.status_code == 403
        assert "job history" in answer.text
    assert 'href="/jobs"' not in answer.text
    assert person.activity("access.denied")["outcome"] == "failure"
    assert world.person("Operator").get("/jobs").status_code == 200
    world.close()


def test_the_list_of_a_recipe_has_an_address() -> None:
    assert jobs_of_recipe("42") == "/jobs?recipe_id=42"
    address = JobAddress.read([("status", "failed"), ("status", "canceled"), ("recipe_id", "1")])
    assert address.only_recipe("2").href() == "/jobs?status=failed&status=canceled&recipe_id=2"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 ms"),
        (0.00055, "0.6 ms"),
        (0.25, "250 ms"),
        (3.44, "3.4 s"),
        (37, "37 s"),
        (59.7, "1 min 0 s"),
        (125, "2 min 5 s"),
        (12_000, "3 h 20 min"),
        (-5, "0 ms"),
    ],
)
def test_durations_read_well(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
