"""The pages of streams, as a browser without scripts uses them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

import httpx
import pytest
from tests.account.world import Person, World, open_world
from tests.assets.page_forms import form_to, send
from tests.conftest import Site, make_site, wait_for
from tests.jobs.support import job
from tests.streaming.receiver import Receiver
from tests.streaming.test_http_stream import STREAMS, make_stream, record, sent, state

LIST = "/settings/audit-streaming"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    site = make_site(tmp_path_factory.mktemp("pages") / "data")
    site.environment["TRAILKEEPER_STREAM_ALLOWED_NETWORKS"] = "127.0.0.0/8"
    made = open_world(site.start())
    yield made
    made.close()
    site.stop()


@pytest.fixture
def owner(world: World) -> Iterator[Person]:
    """The owner, in a workspace without streams at first."""
    yield world.owner
    with world.site.http() as http:
        for one in http.get(STREAMS).json()["data"]:
            http.delete(f"{STREAMS}/{one['id']}").raise_for_status()


@pytest.fixture
def site(world: World) -> Site:
    return world.site


def made_by_page(owner: Person, name: str, **more: str) -> str:
    """The path of a new stream."""
    answer = send(owner, f"{LIST}/new", name=name, **more)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].partition("/settings?")[0]


def shown(answer: httpx.Response) -> str:
    """A page's text, without its tags."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def test_the_first_stream_is_set_up_and_delivers(owner: Person, receiver: Receiver) -> None:
    site = owner.browser.site
    assert "is not streamed" in shown(owner.get(LIST))
    first = form_to(owner.get(f"{LIST}/new"), f"{LIST}/new").fields["name"]
    assert first == ["Audit log stream"]
    path = made_by_page(owner, first[0])
    assert "leads nowhere yet" in shown(owner.get(path))
    refused = send(owner, f"{path}/settings", f"{path}/toggle")
    assert refused.status_code == 409

    of_http = f"{path}/settings?kind=http"
    assert send(owner, of_http, f"{path}/destination", url=receiver.url).status_code == 303
    assert send(owner, f"{path}/settings", f"{path}/toggle").status_code == 303
    record(site, "first")
    wait_for(lambda: sent(receiver) == ["first"])
    wait_for(lambda: "up to date" in shown(owner.get(path)))
    page = shown(owner.get(LIST))
    assert "Audit log stream HTTPS endpoint or SIEM: http://127.0.0.1" in page
    assert "Running Lag" not in page
    assert "Running" in page
    assert "Delivered" in shown(owner.get(f"{path}/deliveries"))
    assert "In the last hour, " in owner.get(path).text


def test_what_was_wrong_stands_at_its_field_and_what_was_filled_in_stays(owner: Person) -> None:
    path = made_by_page(owner, "SIEM")
    again = send(owner, f"{LIST}/new", name="siem", begin="start")
    assert again.status_code == 409
    assert 'value="siem"' in again.text
    assert "is taken already" in again.text
    assert form_to(again, f"{LIST}/new").fields["begin"] == ["start"]

    settings = f"{path}/settings"
    wrong = send(owner, f"{settings}?kind=http", f"{path}/destination", url="ftp://x", user="ada")
    assert wrong.status_code == 422
    assert 'id="error-url"' in wrong.text
    assert form_to(wrong, f"{path}/destination").fields["user"] == ["ada"]

    messages = f"{path}/messages#messages"
    for field, value in (
        ("query", "nonsense:1"),
        ("template", "{{{log_message}}} and more"),
        ("pointer", ["actor"]),
    ):
        given = {"query": "outcome:failure", "template": "", field: value}
        if field == "pointer":
            given["mask"] = ["hash"]
        wrong = send(owner, settings, messages, **given)
        assert wrong.status_code == 422, field
        assert f'id="error-{"masks" if field == "pointer" else field}"' in wrong.text
        kept = form_to(wrong, messages).fields
        assert (kept[field] if field == "pointer" else kept[field][0])[: len(value)] == value

    assert (
        send(owner, settings, f"{path}/include", include="recipe_step_details").status_code == 422
    )
    assert send(owner, settings, f"{path}/name", name=" ").status_code == 422
    assert send(owner, settings, f"{path}/name", name="Archive").status_code == 303
    assert "Archive" in shown(owner.get(LIST))


def test_a_preview_shows_a_message_and_keeps_nothing(owner: Person, site: Site) -> None:
    path = made_by_page(owner, "SIEM")
    settings, messages = f"{path}/settings", f"{path}/messages#messages"
    given = {
        "format": "trailkeeper",
        "template": '{"wrapped": {{{log_message}}}}',
        "pointer": ["/actor/email", "", "/targets/*/name"],
        "mask": ["hash", "drop", "drop"],
    }
    page = send(owner, settings, messages, **given, preview="yes")
    assert page.status_code == 200
    sample = re.search(r'aria-label="Sample message">(.*?)</pre>', page.text, re.DOTALL)
    assert sample
    text = unescape(sample[1])
    assert '"wrapped": {' in text
    assert '"email": "hash:' in text
    assert "Sync product SKUs" not in text
    id = path.rpartition("/")[2]
    assert state(site, id)["masks"] == {}
    assert send(owner, settings, messages, **given).status_code == 303
    assert state(site, id)["masks"] == {"/actor/email": "hash", "/targets/*/name": "drop"}
    rows = form_to(owner.get(settings), messages).fields
    assert rows["pointer"] == ["/actor/email", "/targets/*/name", "", ""]
    assert send(owner, settings, messages, **given, packing="sack").status_code == 422
    broken = send(owner, settings, messages, **{**given, "template": "{"}, preview="yes")
    assert broken.status_code == 422
    assert 'id="error-template"' in broken.text


def test_a_replay_is_asked_about_before_it_is_done(
    owner: Person, site: Site, receiver: Receiver
) -> None:
    id = make_stream(site, receiver.url)
    path = f"{LIST}/{id}"
    record(site, "again-1", "again-2")
    wait_for(lambda: sent(receiver) == ["again-1", "again-2"])
    wait_for(lambda: state(site, id)["lag"]["count"] == 0)
    at = state(site, id)["next_seq"]
    asked = send(owner, path, f"{path}/replay", seq=str(at - 2))
    assert "2 activities would be sent again" in shown(asked)
    assert state(site, id)["next_seq"] == at
    confirmed = form_to(asked, f"{path}/replay")
    assert owner.http.post(confirmed.action, data=confirmed.fields).status_code == 303
    wait_for(lambda: sent(receiver) == ["again-1", "again-2"] * 2)
    wait_for(lambda: state(site, id)["lag"]["count"] == 0)
    end = send(owner, path, f"{path}/replay", time="2100-01-01T00:00")
    assert "Nothing would be sent again" in shown(end)
    for wrong in ({}, {"seq": "x"}, {"time": "noon"}, {"seq": "1", "time": "2026-01-01T00:00"}):
        assert send(owner, path, f"{path}/replay", **wrong).status_code == 422, wrong
    assert send(owner, path, f"{path}/replay", seq="999999").status_code == 422


def test_paused_resumed_and_tested_on_the_page(
    owner: Person, site: Site, receiver: Receiver
) -> None:
    id = make_stream(site, receiver.url)
    path = f"{LIST}/{id}"
    assert send(owner, path, f"{path}/pause").status_code == 303
    page = owner.get(path)
    assert "Paused: paused by Ada Admin" in shown(page)
    record(site, "meanwhile")
    assert "activities · " in shown(owner.get(LIST))
    assert send(owner, path, f"{path}/resume").status_code == 303
    wait_for(lambda: sent(receiver) == ["meanwhile"])
    receiver.reply = lambda _request: (403, {}, b"<b>who</b> are you?")
    answer = send(owner, path, f"{path}/test")
    assert "The test did not get through" in answer.text
    assert "403 &lt;b&gt;who&lt;/b&gt; are you?" in answer.text


def test_dead_letters_lead_to_their_activity_and_are_sent_again(
    owner: Person, site: Site, receiver: Receiver
) -> None:
    receiver.reply = lambda request: (
        (413, {}, b"too large") if b"giant" in request.body else (200, {}, b"")
    )
    id = make_stream(site, receiver.url)
    page = f"{LIST}/{id}/dead-letters"
    assert "No dead letters" in shown(owner.get(page))
    record(site, "huge", details={"note": "giant"})
    wait_for(lambda: state(site, id)["dead_letters"] == 1, 30)
    assert 'href="/audit/huge"' in owner.get(page).text
    assert "too large" in shown(owner.get(page))
    failed = shown(owner.get(f"{LIST}/{id}/deliveries?outcome=failed"))
    assert "The destination answered 413: too large" in failed
    assert " Delivered " not in failed
    receiver.reply = lambda _request: (200, {}, b"")
    refused = send(owner, page, f"{page}/retry", seq="none")
    assert refused.status_code == 422
    assert send(owner, page, f"{page}/retry").status_code == 303
    wait_for(lambda: "No dead letters" in shown(owner.get(page)))
    assert sent(receiver).count("huge") == 1


def test_jobs_have_a_part_of_their_own_on_each_page(
    owner: Person, site: Site, receiver: Receiver
) -> None:
    receiver.reply = lambda request: (
        (413, {}, b"too large") if b"giant" in request.body else (200, {}, b"")
    )
    id = make_stream(site, receiver.url)
    path = f"{LIST}/{id}"
    assert "Of what" not in shown(owner.get(path))
    include = send(owner, f"{path}/settings", f"{path}/include", include=["job_history"])
    assert include.status_code == 303, include.text
    with site.http() as http:
        for one in (job(1), job(2, title="giant")):
            http.post("/api/v1/jobs", json=one).raise_for_status()
    wait_for(lambda: state(site, id)["jobs"]["dead_letters"] == 1, 30)
    assert state(site, id)["dead_letters"] == 0
    wait_for(lambda: "Jobs Lag up to date" in shown(owner.get(path)))
    assert "too large" in shown(owner.get(f"{path}/deliveries?log=jobs"))
    page = f"{path}/dead-letters"
    assert "No dead letters" in shown(owner.get(page))
    assert "too large" in shown(owner.get(f"{page}?log=jobs"))
    receiver.reply = lambda _request: (200, {}, b"")
    again = form_to(owner.get(f"{page}?log=jobs"), f"{page}/retry")
    assert owner.http.post(again.action, data=again.fields).status_code == 303
    wait_for(lambda: "No dead letters" in shown(owner.get(f"{page}?log=jobs")))
    assert (
        send(owner, path, f"{path}/replay", log="jobs", time="2026-01-01T00:00").status_code == 422
    )
    asked = send(owner, path, f"{path}/replay", log="jobs", seq="0")
    assert "2 jobs would be sent again" in shown(asked)
    confirmed = form_to(asked, f"{path}/replay")
    receiver.requests.clear()
    assert owner.http.post(confirmed.action, data=confirmed.fields).status_code == 303
    wait_for(lambda: sum(b'"type":"job"' in one.body for one in receiver.requests) >= 1)
    wait_for(lambda: state(site, id)["jobs"]["lag"]["count"] == 0)
    whole = b"".join(one.body for one in receiver.requests)
    assert whole.count(b'"type":"job"') == 2


def test_a_stream_is_deleted_after_a_question(owner: Person) -> None:
    path = made_by_page(owner, "Short-lived")
    assert "Delete this stream?" in shown(owner.get(f"{path}/delete"))
    assert send(owner, f"{path}/delete").status_code == 303
    assert owner.get(path).status_code == 404
    assert "Short-lived" not in shown(owner.get(LIST))


def test_others_see_and_change_nothing_of_a_stream(world: World, owner: Person) -> None:
    path = made_by_page(owner, "Secret")
    person = world.person()
    _, olga = world.other_workspace()
    for end in ("", "/settings", "/deliveries", "/dead-letters", "/delete"):
        assert person.get(path + end).status_code == 403, end
        assert olga.get(path + end).status_code == 404, end
    for end in ("toggle", "pause", "resume", "test", "replay", "name", "include", "destination",
                "messages", "dead-letters/retry", "delete"):  # fmt: skip
        assert person.post(f"{path}/{end}").status_code == 403, end
        assert olga.post(f"{path}/{end}").status_code == 404, end
    assert "Secret" not in olga.get(LIST).text
    assert owner.get(path).status_code == 200
