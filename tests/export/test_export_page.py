"""The page of exports, as a browser without scripts uses it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

import httpx
import pytest
from tests.account.world import World, open_world
from tests.api.support import listed, record_all
from tests.assets.page_forms import form_to, send
from tests.conftest import activity, make_site, wait_for

from .support import lines

PAGE = "/audit/exports"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    site = make_site(tmp_path_factory.mktemp("pages") / "data")
    made = open_world(site.start())
    with site.http() as http:
        record_all(
            http,
            [activity(outcome="failure" if n % 2 else "success") for n in range(20)],
        )
    yield made
    made.close()
    site.stop()


def shown(answer: httpx.Response) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def test_what_the_audit_page_lists_is_exported_and_downloaded(world: World) -> None:
    owner = world.owner
    listing = owner.get("/audit?outcome=failure&action=recipe.*")
    (href,) = re.findall(r'id="export-link" href="([^"]+)"', listing.text)
    page = owner.get(unescape(href))
    assert "Outcome: failure" in shown(page).replace("Failure", "failure")
    fields = form_to(page, PAGE).with_(format="jsonl", order="asc")
    answer = owner.browser.http.post(PAGE, data=fields)
    assert answer.status_code == 303, answer.text
    assert "made in the background" in shown(owner.get(answer.headers["location"]))
    wait_for(lambda: "Ready" in shown(owner.get(PAGE)), 60, world.site.log)
    ready = owner.get(PAGE)
    (path,) = re.findall(r'href="(/api/v1/exports/[^"]+/download)"', ready.text)
    with world.site.http() as http:
        expected = listed(http, outcome="failure", action="recipe.*", order="asc")
    assert lines(owner.get(path).content) == expected
    taken = world.found("audit_log.export_downloaded")
    assert taken[0]["actor"]["email"] == world.site.email
    (delete,) = re.findall(rf'action="({PAGE}/[^"]+/delete)"', ready.text)
    answer = owner.browser.http.post(delete, data=form_to(ready, delete).with_())
    assert answer.status_code == 303
    assert "No exports yet" in shown(owner.get(PAGE))
    assert owner.get(path).status_code == 404


def test_a_wish_that_makes_no_sense_is_told_at_its_field(world: World) -> None:
    answer = send(world.owner, PAGE, format="parquet", compression="gzip")
    assert answer.status_code == 422
    assert "packed inside" in shown(answer)
    assert "This filter cannot be read" in shown(world.owner.get(f"{PAGE}?ip=nonsense"))


def test_the_page_is_for_those_who_may_see_the_log(world: World) -> None:
    person = world.person("Operator")
    assert person.get(PAGE).status_code == 403
    fields = form_to(world.owner.get(PAGE), PAGE).with_()
    assert person.browser.http.post(PAGE, data=fields).status_code == 403
    assert world.owner.browser.http.post(PAGE, data={**fields, "csrf": "x"}).status_code == 403
    missing = f"{PAGE}/019a0000-0000-7000-8000-000000000000/delete"
    answer = world.owner.browser.http.post(missing, data=fields)
    assert answer.status_code == 404
