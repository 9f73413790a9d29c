"""Health, metrics and the description of the API."""

from __future__ import annotations

import httpx
import pytest
from tests.conftest import Site

from .support import PATH, expect_problem, record


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_health_is_told_to_everyone(shared_site: Site, path: str) -> None:
    answer = httpx.get(shared_site.base_url + path, verify=False)
    assert (answer.status_code, answer.text) == (200, "ok\n")


def test_metrics_are_in_prometheus_text_format_and_name_nobody(
    shared_site: Site, http: httpx.Client
) -> None:
    record(http, actor={"type": "user", "id": "u-metrics", "name": "Metrics Person"})
    answer = httpx.get(f"{shared_site.base_url}/metrics", verify=False)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert answer.headers["content-type"].count("charset") == 1
    assert "# TYPE trailkeeper_writer_queue_units gauge" in answer.text
    assert all(
        name not in answer.text for name in ("Acme", "Metrics Person", "u-metrics", "recipe")
    )


def test_the_api_is_described_in_openapi_3_1(shared_site: Site) -> None:
    answer = httpx.get(f"{shared_site.base_url}/api/openapi.json", verify=False)
    document = answer.json()
    assert document["openapi"].startswith("3.1")
    described = {
        (path, method) for path, methods in document["paths"].items() for method in methods
    }
    assert {
        (PATH, "get"),
        (PATH, "post"),
        (f"{PATH}/{{activity_id}}", "get"),
        ("/api/v1/actions", "get"),
        ("/api/v1/actions/{name}", "put"),
        ("/api/v1/workspace", "get"),
        ("/api/v1/workspace", "patch"),
    } <= described
    names = {one["name"] for one in document["paths"][PATH]["get"]["parameters"]}
    assert {
        *("action", "actor", "target", "target_type", "outcome", "ip", "from", "to", "range", "tz"),
        *("q", "order", "limit", "cursor"),
    } <= names


def test_every_address_under_the_api_that_is_not_there_is_a_problem(http: httpx.Client) -> None:
    expect_problem(http.get("/api/v1/nothing"), 404, "not-found")
    expect_problem(http.post("/api/v1/nothing/x/y/z", json={}), 404, "not-found")


def test_a_slash_at_the_end_makes_no_other_route(http: httpx.Client) -> None:
    answer = http.post(f"{PATH}/", json={})
    expect_problem(answer, 422, "invalid-activity", pointer="/action")
    assert http.get(f"{PATH}/").status_code == 200


def test_asking_for_the_options_is_no_error(http: httpx.Client) -> None:
    answer = http.options(PATH)
    assert answer.status_code in (200, 204)
    assert "GET" in answer.headers["allow"]
