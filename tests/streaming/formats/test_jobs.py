"""Jobs in each format: what receivers of it ask for, whatever is in the job."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from tests.streaming.formats import ocsf_schema
from tests.streaming.formats.cef_reader import read_cef
from tests.streaming.formats.job_samples import JOBS, SENT, ended_job, ugly
from tests.streaming.formats.samples import TEAM, UGLY
from tests.streaming.formats.test_any_text import ID, thorough
from tests.streaming.formats.test_cef import LENGTHS
from tests.streaming.formats.test_ecs import FIELDS, IS_OF, fields

from trailkeeper.jobs.job import EndedJob
from trailkeeper.streaming.format import Format
from trailkeeper.streaming.formats import FORMATS
from trailkeeper.streaming.formats.ocsf import VERSIONS
from trailkeeper.streaming.masks import masked_job, masked_lines
from trailkeeper.streaming.plain import visible
from trailkeeper.streaming.template import templated

JOB_FIELDS = {
    **FIELDS,
    "event.start": "date",
    "event.end": "date",
    "event.duration": "long",
    "error.message": "text",
    "error.type": "keyword",
}
"""The types of the fields in version 8.11 of the Elastic Common Schema."""

PROCESS_TYPES = {"access", "change", "end", "info", "start"}
JOB_LENGTHS = {**LENGTHS, "fname": 1_023}
JSON_FORMATS = [one for one in FORMATS.values() if one.is_json]


def encoded(name: str, one: tuple[EndedJob, bytes | None]) -> bytes:
    return FORMATS[name].encode_job(*one, TEAM)


def document(name: str, one: tuple[EndedJob, bytes | None]) -> dict[str, Any]:
    return json.loads(encoded(name, one))


@pytest.mark.parametrize("number", range(len(SENT)))
def test_a_body_of_workato_is_the_sample_key_by_key_in_values_and_order(number: int) -> None:
    assert json.dumps(document("workato", JOBS[number])) == json.dumps(SENT[number])
    job, _ = JOBS[number]
    without = {key: value for key, value in SENT[number].items() if key != "lines"}
    assert json.dumps(document("workato", (job, None))) == json.dumps(without)


@pytest.mark.parametrize("name", FORMATS)
def test_each_job_is_one_line_that_nobody_acts_on_and_the_same_again(name: str) -> None:
    for one in JOBS:
        body = encoded(name, one)
        assert body == encoded(name, one)
        assert len(body.decode().splitlines()) == 1
        assert visible(body.decode()) == body.decode()


@pytest.mark.parametrize("name", FORMATS)
def test_paths_are_different_and_not_those_of_activities(name: str) -> None:
    paths = [FORMATS[name].job_path(job, TEAM) for job, _ in JOBS]
    assert len(set(paths)) == len(paths)
    assert all("/jobs/" in path and path.isascii() for path in paths)


@pytest.mark.parametrize("one", JSON_FORMATS, ids=lambda one: one.name)
@thorough
@given(text=ID)
def test_any_text_in_a_job_is_read_back(one: Format, text: str) -> None:
    sent = ugly(text)
    body = one.encode_job(*ended_job(0, sent, recipe_name=text), TEAM)
    assert visible(body.decode()) == body.decode()
    assert len(body.decode().splitlines()) == 1
    json.loads(body)


@thorough
@given(text=ID)
def test_any_text_in_a_job_leaves_ocsf_valid(text: str) -> None:
    for name in ("ocsf-1.4", "ocsf-1.9"):
        made = document(name, ended_job(0, ugly(text, "failed"), recipe_name=text))
        assert ocsf_schema.problems(made, VERSIONS[name].number) == []


@pytest.mark.parametrize("name", VERSIONS)
def test_ocsf_is_valid_and_has_the_whole_job(name: str) -> None:
    version = VERSIONS[name].number
    for sent, one in zip([*SENT, ugly(UGLY)], JOBS, strict=True):
        made = document(name, one)
        assert ocsf_schema.problems(made, version) == []
        assert ocsf_schema.deprecated(made, version) == []
        assert made["unmapped"]["job"] == sent
    failed = document(name, JOBS[1])
    assert failed["type_name"] == "API Activity: Other"
    assert failed["api"]["operation"] == failed["metadata"]["event_code"] == "job.failed"
    assert failed["status"] == "Failure"
    assert failed["status_detail"].startswith("Error calculating input for field 'message'")
    assert failed["metadata"]["log_name"] == "jobs"
    assert document(name, JOBS[-1])["status"] == "Canceled"


def test_ecs_has_only_fields_of_the_schema_and_says_how_long_it_took() -> None:
    for one in JOBS:
        made = document("ecs", one)
        for field, value in fields(made):
            if field != "trailkeeper":
                type = JOB_FIELDS[field]
                values = value if type.endswith("[]") else [value]
                assert all(IS_OF[type.removesuffix("[]")](item) for item in values), field
        assert set(made["event"]["type"]) <= PROCESS_TYPES
    assert document("ecs", JOBS[0])["event"]["duration"] == 10 * 10**9
    assert document("ecs", JOBS[0])["event"]["outcome"] == "success"
    assert json.loads(document("ecs", JOBS[0])["trailkeeper"]["job"]["lines"]) == SENT[0]["lines"]


def test_cef_has_only_keys_of_the_dictionary_in_their_length() -> None:
    for one in JOBS:
        header, found = read_cef(encoded("cef", one))
        assert header["event_class"] == f"job.{one[0].state}"
        for key, text in found.items():
            if key.endswith("Label"):
                assert key.removesuffix("Label") in found
            else:
                assert len(text) <= JOB_LENGTHS[key] or "\\u" in text
    header, found = read_cef(encoded("cef", JOBS[1]))
    assert (header["name"], header["severity"]) == ("Job failed", "6")
    assert found["fname"] == "Sync product SKUs"
    assert found["reason"].startswith("Error calculating input for field 'message'")
    assert found["externalId"] == str(SENT[1]["id"])


def test_a_cloud_event_has_an_id_that_no_activity_has_in_its_source() -> None:
    made = document("cloudevents", JOBS[0])
    assert made["source"] == f"/trailkeeper/workspaces/{TEAM.id}/jobs"
    assert (made["type"], made["id"]) == ("com.trailkeeper.job.succeeded", str(SENT[0]["id"]))
    for one in JOBS:
        event = document("cloudevents", one)
        data = event.pop("data")
        assert all(isinstance(value, str) and value.isprintable() for value in event.values())
        own = document("trailkeeper", one)
        assert own.pop("type") == "job"
        assert data == own


def test_our_own_says_that_it_is_a_job_and_has_our_own_fields() -> None:
    made = document("trailkeeper", JOBS[0])
    assert list(made)[:2] == ["type", "id"]
    assert made["seq"] == 0
    assert made["recipe_name"] == "Sync product SKUs"
    assert made["lines"] == SENT[0]["lines"]


def test_a_template_is_put_around_a_job_with_the_time_of_its_receipt() -> None:
    template = '{"at": {{{now_utc_micro}}}, "job": {{{log_message}}}}'
    for name in ("workato", "cef"):
        one = templated(FORMATS[name], template)
        made = json.loads(one.encode_job(*JOBS[0], TEAM))
        assert made["at"] == JOBS[0][0].received_at
        expected = SENT[0] if name == "workato" else encoded("cef", JOBS[0]).decode()
        assert made["job"] == expected


def test_masks_hide_what_they_name_in_a_job_and_in_its_steps() -> None:
    masks: Any = {
        "/title": "hash",
        "/report/name": "drop",
        "/recipe_name": "drop",
        "/lines/*/output": "hash",
        "/lines/0/input/interval": "drop",
        "/id": "drop",
        "/actor/email": "hash",
    }
    job, lines = JOBS[0]
    assert lines is not None
    shown = masked_job(job, masks, b"salt")
    made = document("trailkeeper", (shown, masked_lines(lines, masks, b"salt")))
    assert made["title"].startswith("hash:")
    assert shown.title == made["title"]
    assert made["report"] == {"age": 35}
    assert made["recipe_name"] is None
    assert made["id"] == SENT[0]["id"]
    assert [step["output"][:5] for step in made["lines"]] == ["hash:", "hash:"]
    assert made["lines"][0]["input"] == {}
    for name in FORMATS:
        assert b"hello world" not in encoded(name, (shown, None))
    assert masked_lines(lines, {"/lines": "drop"}, b"salt") is None
    assert masked_lines(lines, {"/title": "drop"}, b"salt") == lines
    assert masked_job(job, {"/lines/*/input": "drop"}, b"salt") == job


def test_times_are_in_utc() -> None:
    assert SENT[1]["completed_at"] == "2019-09-13T15:27:27-07:00"
    assert document("cloudevents", JOBS[1])["time"].startswith("2019-09-13T22:27:27")
