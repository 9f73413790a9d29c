"""Jobs in a stream, from the API to the bytes that arrive."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from tests.api.support import PATH
from tests.conftest import Site, make_site, wait_for
from tests.jobs.support import JOBS, SAMPLES, job, step
from tests.streaming.object_stores import Place, Servers
from tests.streaming.receiver import Received, Receiver
from tests.streaming.test_http_stream import STREAMS, record, state

ENDS = ("20180521000010", "20190913222727", "20190913192218", "20190913222805")
"""When Workato's sample jobs ended, in UTC."""

Stream = Callable[..., str]
_ids = count(1_000)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = make_site(tmp_path_factory.mktemp("site") / "data")
    made.environment["TRAILKEEPER_STREAM_ALLOWED_NETWORKS"] = "127.0.0.0/8"
    yield made.start()
    made.stop()


@pytest.fixture
def stream(site: Site) -> Iterator[Stream]:
    """Makes streams that run, and gives their ids; they end with the test. They have jobs and, of
    activities, what the tests record."""
    made: list[str] = []

    def make(
        url: str = "",
        *,
        destination: dict[str, Any] | None = None,
        jobs: bool = True,
        steps: bool = False,
        **shape: Any,
    ) -> str:
        asked = {
            "name": f"jobs {next(_ids)}",
            "enabled": True,
            "include": included(jobs=jobs, steps=steps),
            "destination": destination or {"type": "http", "settings": {"url": url}},
            "shape": {"query": "action:recipe.stopped", **shape},
        }
        with site.http() as http:
            answer = http.post(STREAMS, json=asked)
        assert answer.status_code == 201, answer.text
        made.append(answer.json()["id"])
        return made[-1]

    yield make
    with site.http() as http:
        for id in made:
            http.delete(f"{STREAMS}/{id}")


def included(*, jobs: bool, steps: bool = False) -> dict[str, bool]:
    return {"job_history": jobs, "recipe_step_details": steps, "login_user_activity": True}


def change(site: Site, id: str, **asked: Any) -> None:
    with site.http() as http:
        answer = http.patch(f"{STREAMS}/{id}", json=asked)
    assert answer.status_code == 200, answer.text


def act(site: Site, id: str, what: str, body: Any = None, status: int = 200) -> dict[str, Any]:
    with site.http() as http:
        answer = http.post(f"{STREAMS}/{id}/{what}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def finish(site: Site, number: int = 1, **changed: Any) -> list[int]:
    """So many jobs finish; their ids."""
    ids = [next(_ids) for _ in range(number)]
    send(site, *(job(id, **changed) for id in ids))
    return ids


def send(site: Site, *jobs: dict[str, Any]) -> list[int]:
    """Send jobs; their seqs."""
    with site.http() as http:
        answer = http.post(JOBS, json=list(jobs))
    assert answer.status_code == 200, answer.text
    assert all("problem" not in one for one in answer.json()), answer.text
    return [one["seq"] for one in answer.json()]


def arrived(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(line) for one in receiver.requests for line in one.body.splitlines()]


def job_ids(receiver: Receiver) -> list[int]:
    return [one["id"] for one in arrived(receiver) if one.get("type") == "job"]


def activity_ids(receiver: Receiver) -> list[str]:
    return [one["id"] for one in arrived(receiver) if one.get("type") != "job"]


def has_job(request: Received) -> bool:
    return b'{"type":"job"' in request.body


def until_done(site: Site, id: str) -> None:
    wait_for(lambda: state(site, id)["jobs"]["lag"]["count"] == 0, 20, lambda: str(state(site, id)))


def test_finished_jobs_arrive_once_and_in_order_beside_the_activities(
    site: Site, receiver: Receiver, stream: Stream
) -> None:
    id = stream(receiver.url)
    running = next(_ids)
    send(site, job(running, status="running", completed_at=None))
    first = finish(site, 25, lines=[step()])
    record(site, "beside")
    second = finish(site, 3)
    send(site, job(running))
    wait_for(lambda: len(job_ids(receiver)) >= 29, 20)
    wait_for(lambda: activity_ids(receiver) == ["beside"], 20)
    until_done(site, id)
    assert job_ids(receiver) == [*first, *second, running]
    with site.http() as http:
        whole = http.get(f"{JOBS}/{first[0]}").json()
    (streamed,) = (one for one in arrived(receiver) if one["id"] == first[0])
    assert streamed.pop("type") == "job"
    assert whole.pop("lines") == [step()]
    assert streamed == whole  # without steps, which the stream does not include
    assert state(site, id)["jobs"]["delivered"] == 29


def test_steps_come_when_they_are_included_and_from_then_on(
    site: Site, receiver: Receiver, stream: Stream
) -> None:
    id = stream(receiver.url, steps=True)
    (with_steps,) = finish(site, lines=[step(0), step(1)])
    wait_for(lambda: job_ids(receiver) == [with_steps], 20)
    until_done(site, id)
    change(site, id, include=included(jobs=True))
    (without,) = finish(site, lines=[step(0)])
    wait_for(lambda: job_ids(receiver) == [with_steps, without], 20)
    jobs = arrived(receiver)
    assert jobs[0]["lines"] == [step(0), step(1)]
    assert "lines" not in jobs[1]


def test_a_stream_has_no_jobs_until_they_are_included_and_then_those_that_finish_after_that(
    site: Site, receiver: Receiver, stream: Stream
) -> None:
    id = stream(receiver.url, jobs=False)
    finish(site, 3)
    record(site, "first")
    wait_for(lambda: activity_ids(receiver) == ["first"], 20)
    assert state(site, id)["jobs"] is None
    act(site, id, "replay", {"jobs_from": 0}, 409)

    change(site, id, include=included(jobs=True))
    (after,) = finish(site)
    wait_for(lambda: job_ids(receiver) == [after], 20)
    change(site, id, include=included(jobs=False))
    finish(site, 2)
    change(site, id, include=included(jobs=True))
    (last,) = finish(site)
    wait_for(lambda: job_ids(receiver) == [after, last], 20)
    until_done(site, id)
    assert job_ids(receiver) == [after, last]


def test_what_failed_is_sent_again_byte_for_byte(
    site: Site, receiver: Receiver, stream: Stream
) -> None:
    answers = iter([(503, {"Retry-After": "0"}, b"later"), (500, {"Retry-After": "0"}, b"oh")])
    receiver.reply = lambda _request: next(answers, (200, {}, b""))
    id = stream(receiver.url, steps=True)
    ids = finish(site, 4, lines=[step()])
    wait_for(lambda: len(job_ids(receiver)) >= 4, 30)
    until_done(site, id)
    assert job_ids(receiver) == ids
    assert receiver.bodies[0] == receiver.bodies[1] == receiver.bodies[2]


def test_trouble_with_jobs_pauses_them_alone_and_a_resume_lets_all_go_on(
    site: Site, receiver: Receiver, stream: Stream
) -> None:
    receiver.reply = lambda request: (
        (401, {}, b"no jobs here") if has_job(request) else (200, {}, b"")
    )
    id = stream(receiver.url)
    ids = finish(site, 2)
    wait_for(lambda: state(site, id)["state"] == "paused", 20)
    there = state(site, id)
    assert there["jobs"]["paused"]
    assert "no jobs here" in there["jobs"]["pause_reason"]
    assert there["pause_reason"] is None
    record(site, "goes on")
    wait_for(lambda: activity_ids(receiver) == ["goes on"], 20)
    with site.http() as http:
        paused = http.get(PATH, params={"action": "audit_stream.paused"}).json()["data"][0]
    assert paused["details"]["part"] == "jobs"
    assert paused["details"]["seq"] == there["jobs"]["next_seq"]

    receiver.reply = lambda _request: (200, {}, b"")
    assert act(site, id, "resume")["state"] == "running"
    wait_for(lambda: job_ids(receiver) == ids, 20)


def test_a_pause_and_turning_off_hold_both_and_nothing_is_lost(
    site: Site, receiver: Receiver, stream: Stream
) -> None:
    id = stream(receiver.url)
    assert act(site, id, "pause")["jobs"]["paused"]
    first = finish(site, 2)
    assert act(site, id, "resume")["jobs"]["paused"] is False
    wait_for(lambda: job_ids(receiver) == first, 20)
    until_done(site, id)
    change(site, id, enabled=False)
    assert state(site, id)["state"] == "off"
    second = finish(site, 2)
    change(site, id, enabled=True)
    wait_for(lambda: job_ids(receiver) == first + second, 20)


def test_jobs_are_sent_again_from_any_of_them_and_activities_are_not(
    site: Site, receiver: Receiver, stream: Stream
) -> None:
    id = stream(receiver.url)
    record(site, "once")
    seqs = send(site, *(job(next(_ids)) for _ in range(3)))
    wait_for(lambda: len(job_ids(receiver)) == 3, 20)
    wait_for(lambda: activity_ids(receiver) == ["once"], 20)
    until_done(site, id)
    act(site, id, "replay", {"jobs_from": seqs[1]})
    wait_for(lambda: len(job_ids(receiver)) == 5, 20)
    until_done(site, id)
    ids = job_ids(receiver)
    assert ids[3:] == ids[1:3]
    assert activity_ids(receiver) == ["once"]
    act(site, id, "replay", {"jobs_from": seqs[-1] + 1_000}, 422)
    act(site, id, "replay", {}, 422)
    with site.http() as http:
        told = http.get(PATH, params={"action": "audit_stream.replayed"}).json()["data"][0]
    assert told["details"] == {"part": "jobs", "previous_seq": seqs[-1] + 1, "seq": seqs[1]}


def test_a_deleted_stream_sends_no_jobs_any_more(
    site: Site, receiver: Receiver, stream: Stream
) -> None:
    id = stream(receiver.url)
    ids = finish(site, 1)
    wait_for(lambda: job_ids(receiver) == ids, 20)
    with site.http() as http:
        assert http.delete(f"{STREAMS}/{id}").status_code == 204
        assert http.get(f"{STREAMS}/{id}").status_code == 404
    other = stream(receiver.url + "/other")
    finish(site, 1)
    until_done(site, other)
    assert [one.path for one in receiver.requests] == ["/", "/other"]


def test_a_template_stands_around_jobs_and_masks_hide_what_they_name(
    site: Site, receiver: Receiver, stream: Stream
) -> None:
    template = '{"from": "trailkeeper", "entry": {{{log_message}}}}'
    masks = {"/title": "hash", "/lines/*/output": "drop"}
    stream(receiver.url, steps=True, format="workato", template=template, masks=masks)
    ids = finish(site, title="Order of Ada", lines=[step()])
    wait_for(lambda: receiver.requests, 20)
    (sent,) = arrived(receiver)
    assert sent["from"] == "trailkeeper"
    assert [sent["entry"]["id"]] == ids
    assert sent["entry"]["title"].startswith("hash:")
    assert "output" not in sent["entry"]["lines"][0]
    assert b"Order of Ada" not in receiver.requests[0].body


def test_steps_that_a_destination_has_no_room_for_are_left_out_and_the_job_is_sent(
    site: Site, receiver: Receiver, stream: Stream
) -> None:
    id = stream(receiver.url, steps=True)
    many = [step(number, output={"text": "x" * 100_000}) for number in range(12)]
    large, small = next(_ids), next(_ids)
    send(site, job(large, lines=many), job(small, lines=[step()]))
    wait_for(lambda: len(job_ids(receiver)) == 2, 20)
    until_done(site, id)
    lines = {one["id"]: one["lines"] for one in arrived(receiver)}
    assert lines == {large: "Log lines exceed size limit", small: [step()]}


def test_a_job_that_a_destination_never_takes_goes_to_the_dead_letters(
    site: Site, receiver: Receiver, stream: Stream
) -> None:
    receiver.reply = lambda request: (
        (413, {"Retry-After": "0"}, b"too large") if b"giant" in request.body else (200, {}, b"")
    )
    id = stream(receiver.url)
    before, after = next(_ids), next(_ids)
    seqs = send(site, job(before), job(next(_ids), title="giant"), job(after))
    wait_for(lambda: after in job_ids(receiver), 30)
    until_done(site, id)
    assert set(job_ids(receiver)) == {before, after}
    with site.http() as http:
        dead = http.get(f"{STREAMS}/{id}/dead-letters").json()
        told = http.get(PATH, params={"action": "audit_stream.dead_lettered"}).json()["data"][0]
    assert dead["data"] == []
    assert [one["seq"] for one in dead["jobs"]] == [seqs[1]]
    assert told["details"] == {"part": "jobs", "count": 1, "seqs": [seqs[1]]}


@pytest.fixture(scope="module")
def bucket(servers: Servers) -> Place:
    return servers.place("moto")


def test_the_files_of_jobs_in_a_bucket_are_workatos_in_path_and_body(
    site: Site, bucket: Place, stream: Stream
) -> None:
    destination = {"type": bucket.kind, "settings": bucket.settings}
    id = stream(destination=destination, steps=True, format="workato", packing="each")
    samples = [{**one, "id": next(_ids)} for one in SAMPLES.values()]
    send(site, *samples)
    until_done(site, id)
    with site.http() as http:
        (user,) = (one["id"] for one in http.get("/api/v1/team/members").json()["data"])
    ends = dict(zip(SAMPLES, ENDS, strict=True))
    assert bucket.objects().keys() == {
        f"{user}/jobs/{one['flow_id']}/{ends[name][:8]}/{one['id']}/"
        f"{user}-{one['flow_id']}-{one['id']}-{ends[name]}-{one['status']}.json"
        for name, one in zip(SAMPLES, samples, strict=True)
    }
    for name, body in bucket.objects().items():
        (sample,) = (one for one in samples if f"/{one['id']}/" in name)
        assert json.dumps(json.loads(body)) == json.dumps(sample)


def test_batches_of_jobs_have_names_of_their_own(site: Site, bucket: Place, stream: Stream) -> None:
    settings = {**bucket.settings, "prefix": bucket.settings["prefix"] + "-batches"}
    destination = {"type": bucket.kind, "settings": settings}
    id = stream(destination=destination)
    record(site, "in a batch")
    seqs = send(site, job(next(_ids)), job(next(_ids)))
    until_done(site, id)
    wait_for(lambda: state(site, id)["lag"]["count"] == 0, 20)
    found = bucket.reader.list(settings["prefix"] + "/")
    names = sorted(one["path"].partition("/")[2] for some in found for one in some)
    assert names[0].startswith("activities/")
    assert names[-1].startswith("jobs/2026/05/21/")
    assert names[-1].endswith(f"-{seqs[-1]:012d}.jsonl")
