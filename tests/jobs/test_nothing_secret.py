"""Masked steps and secrets are not kept, not in any column of the database."""

from __future__ import annotations

import httpx
import zstandard
from tests.conftest import Site, tables_of
from tests.jobs.support import get, job, post, step

SECRET = "tk_" + "s3cret" * 6
DATA = "Ada's salary is 7"


def stored(site: Site) -> bytes:
    """Everything that is kept of jobs, unpacked."""
    with tables_of(site.data) as database:
        rows = database.execute(
            "SELECT title, error, folded, recipe_name, body FROM job"
        ).fetchall()
        packed = database.execute("SELECT packed FROM job_lines").fetchall()
    unpack = zstandard.ZstdDecompressor().decompressobj
    return repr(rows).encode() + b"".join(unpack().decompress(one) for (one,) in packed)


def test_a_masked_steps_data_is_not_kept(http: httpx.Client, served: Site) -> None:
    masked = step(1, input={"q": DATA}, output=[DATA], mask_data=True)
    without = {"recipe_line_number": 2, "mask_data": True}
    post(http, job(lines=[step(0), masked, without]))
    lines = get(http, 100)["lines"]
    assert lines[0] == step(0)
    assert lines[1] == {**masked, "input": "<redacted>", "output": "<redacted>"}
    assert lines[2] == without
    assert DATA.encode() not in stored(served)


def test_secrets_are_redacted_everywhere(http: httpx.Client, served: Site) -> None:
    post(
        http,
        job(
            title=f"Called with Bearer {SECRET}",
            error=f"https://ada:{SECRET}@example.com refused",
            recipe_name=f"Uses {SECRET}",
            report={"a": [{"password": DATA, "n": 1}]},
            lines=[step(input={"headers": {"Authorization": DATA}}, output=f"key {SECRET}")],
        ),
    )
    got = get(http, 100)
    assert got["report"] == {"a": [{"password": "[redacted]", "n": 1}]}
    assert got["lines"][0]["input"] == {"headers": {"Authorization": "[redacted]"}}
    assert got["lines"][0]["output"] == "key [redacted]"
    kept = stored(served)
    assert SECRET.encode() not in kept
    assert DATA.encode() not in kept


def test_what_was_redacted_is_the_same_when_it_is_sent_again(http: httpx.Client) -> None:
    sent = job(lines=[step(input={"password": DATA}), step(1, mask_data=True)])
    post(http, sent)
    post(http, sent, 200)


def test_what_is_nested_too_deep_is_refused(http: httpx.Client) -> None:
    deep: dict[str, object] = {}
    for _ in range(40):
        deep = {"a": deep}
    for sent, pointer in (
        (job(report=deep), "/report"),
        (job(lines=[step(), step(input=deep)]), "/lines/1"),
    ):
        answer = http.post("/api/v1/jobs", json=sent)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == pointer
