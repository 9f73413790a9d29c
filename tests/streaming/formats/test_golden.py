"""What is written today is what was written before: receivers depend on it, and so do retries."""

from __future__ import annotations

import pytest
from tests.streaming.formats.golden import FOLDER, files
from tests.streaming.formats.samples import SAMPLES, TEAM

from trailkeeper.streaming.formats import FORMATS

FILES = files()


@pytest.mark.parametrize("name", FILES)
def test_a_format_writes_what_it_wrote_before(name: str) -> None:
    assert (FOLDER / name).read_bytes() == FILES[name], (
        "if that is meant: python -m tests.streaming.formats.golden"
    )


def test_there_is_no_file_of_a_format_that_is_gone() -> None:
    assert sorted(file.name for file in FOLDER.iterdir()) == sorted(FILES)


@pytest.mark.parametrize("name", FORMATS)
def test_each_activity_is_one_line_and_the_same_again(name: str) -> None:
    for activity in SAMPLES:
        body = FORMATS[name].encode(activity, TEAM)
        assert body == FORMATS[name].encode(activity, TEAM)
        assert len(body.decode().splitlines()) == 1


@pytest.mark.parametrize("name", FORMATS)
def test_paths_are_different_and_may_stand_in_any_object_store(name: str) -> None:
    paths = [FORMATS[name].path(activity, TEAM) for activity in SAMPLES]
    assert len(set(paths)) == len(paths)
    for path in paths:
        assert path.isascii()
        assert path.isprintable()
        assert not set(path) & set(" \\{}^%`[]\"<>~#|&$@=;:+,?*'")
        assert all(part not in ("", ".", "..") and len(part) <= 250 for part in path.split("/"))
