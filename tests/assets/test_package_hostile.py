"""Files that mean no good, or are broken: refused with the reason, all of them, and cheaply."""

from __future__ import annotations

import json
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.assets.packing import Raw, package_files, raw_package, raw_zip, recipe, zipped

from trailkeeper.assets.package_check import check_package
from trailkeeper.assets.package_format import INDEX_MAX, Package, read_package
from trailkeeper.assets.zip_reading import ENTRIES_MAX, PACKED_MAX
from trailkeeper.errors import InvalidInput

LINK = 0o120777 << 16
DEVICE = 0o060666 << 16
BOMB = b"\0" * (100 << 20)


def findings(raw: bytes) -> list[str]:
    """All that is wrong with a file."""
    with pytest.raises(InvalidInput) as refused:
        check_package(read_package(raw))
    details = [error.detail for error in refused.value.errors]
    assert details
    assert details[0] in refused.value.detail
    return details


def taken(raw: bytes) -> Package | None:
    """What is in a file; None if it is refused."""
    try:
        package = read_package(raw)
        check_package(package)
    except InvalidInput:
        return None
    return package


def finding(raw: bytes) -> str:
    """The only thing that is wrong with a file."""
    [detail] = findings(raw)
    return detail


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../evil.json", "leads out of the package"),
        ("a/../../evil.json", "leads out of the package"),
        ("..", "leads out of the package"),
        ("/etc/passwd", "has an absolute path"),
        ("//server/share", "has an absolute path"),
        ("C:/evil.json", "has an absolute path"),
        ("c:evil.json", "has an absolute path"),
        ("..\\evil.json", "has a backslash in its name"),
        ("a\\b.json", "has a backslash in its name"),
        ("a//b.json", "has a name with more than"),
        ("./a.json", "has a name with more than"),
        (".hidden", "has a name with more than"),
        ("A.json", "has a name with more than"),
        ("a b.json", "has a name with more than"),
        ("a\0b.json", "has a name with more than"),
        ("a\n.json", "has a name with more than"),
        ("e\u0301.json", "has a name with more than"),
        ("\u202egnp.json", "has a name with more than"),
        ("", "has a name with more than"),
        ("x" * 300, "has a name with more than"),
    ],
)
def test_a_name_that_is_no_plain_relative_path_is_refused(name: str, why: str) -> None:
    assert why in finding(raw_package(Raw(name)))


def test_a_name_in_an_old_encoding_is_refused() -> None:
    raw = raw_package(Raw("cafe.json")).replace(b"cafe.json", b"caf\xe9.json")
    assert "has a name with more than" in finding(raw)


@pytest.mark.parametrize("name", ["../evil.json", "/etc/passwd", "a\\b.json"])
def test_a_listed_name_that_leads_elsewhere_is_refused_too(name: str) -> None:
    files = package_files(recipe(name))
    assert any(
        "evil" in one or "passwd" in one or "b.json" in one for one in findings(zipped(files))
    )


@pytest.mark.parametrize("attributes", [LINK, DEVICE, 0x400, 0o040755 << 16])
def test_a_link_or_a_device_is_refused(attributes: int) -> None:
    raw = raw_package(Raw("link.json", b"/etc/passwd", attributes=attributes))
    assert finding(raw) == "`link.json` is a link or a device"


@pytest.mark.parametrize("flags", [0x1, 0x41, 0x2000])
def test_an_encrypted_entry_is_refused(flags: int) -> None:
    assert finding(raw_package(Raw("a.json", flags=flags))) == "`a.json` is encrypted"


@pytest.mark.parametrize("method", [1, 9, 12, 14, 93, 99])
def test_an_unusual_compression_is_refused(method: int) -> None:
    raw = raw_package(Raw("a.json", method=method, packed=b"{}"))
    assert finding(raw) == "`a.json` is packed in an unusual way"


def test_the_same_name_twice_is_refused() -> None:
    raw = raw_package(Raw("recipes/a.json", b"[]"), assets=(recipe(),))
    assert "`recipes/a.json` is in the package twice" in findings(raw)


def test_entries_that_overlap_are_refused() -> None:
    """Each name of a thousand could lead to the same long data."""
    inner = raw_zip(Raw("b.json", b"[]", method=0))
    outer = Raw("a.json", inner, method=0)
    inside = raw_package(outer).index(inner)
    raw = raw_package(outer, Raw("b.json", b"[]", method=0, offset=inside))
    assert "`b.json` overlaps with another file" in findings(raw)


def test_two_names_for_the_same_data_are_refused() -> None:
    raw = raw_package(Raw("a.json"), Raw("b.json", offset=0))
    assert "`b.json` is described in two ways" in findings(raw)


def test_a_name_that_differs_from_the_one_beside_the_data_is_refused() -> None:
    raw = raw_package(Raw("a.json", local_name="b.json"))
    assert "`a.json` is described in two ways" in findings(raw)


def test_a_size_that_differs_from_the_one_beside_the_data_is_refused() -> None:
    assert "`a.json` is described in two ways" in findings(raw_package(Raw("a.json", local_size=9)))


def test_data_that_ends_behind_the_file_is_refused() -> None:
    raw = raw_package(Raw("a.json", packed_size=1 << 20))
    assert "`a.json` is described in two ways" in findings(raw)


def test_an_offset_behind_the_file_is_refused() -> None:
    assert "`a.json` is described in two ways" in findings(
        raw_package(Raw("a.json", offset=1 << 30))
    )


@pytest.mark.parametrize("size", [0, 1, 3, 1_000])
def test_a_size_that_lies_is_refused(size: int) -> None:
    detail = finding(raw_package(Raw("a.json", size=size)))
    assert detail == "`a.json` unpacks to another size than it says"


def test_a_stored_entry_with_two_sizes_is_refused() -> None:
    assert finding(raw_package(Raw("a.json", method=0, size=5))) == "`a.json` has two sizes"


def test_a_wrong_crc_is_refused() -> None:
    assert "CRC" in finding(raw_package(Raw("a.json", crc=1)))


@pytest.mark.parametrize("packed", [b"", b"\xff" * 20, Raw("x", b"{}").body() + b"more"])
def test_damaged_data_is_refused(packed: bytes) -> None:
    assert "damaged" in finding(raw_package(Raw("a.json", packed=packed)))


def test_a_bomb_is_refused_by_what_it_says() -> None:
    details = findings(raw_package(Raw("a.json", BOMB)))
    assert details == [
        "`a.json` is larger than 2048 KiB",
        "`a.json` unpacks to more than 100 times its size",
    ]


@pytest.mark.parametrize("size", [2, 60_000])
def test_a_bomb_that_says_that_it_is_small_is_not_unpacked(size: int) -> None:
    raw = raw_package(Raw("a.json", BOMB, size=size))
    tracemalloc.start()
    started = time.perf_counter()
    detail = finding(raw)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert detail == "`a.json` unpacks to another size than it says"
    assert time.perf_counter() - started < 1
    assert peak < 8 * 1024 * 1024


def test_many_files_that_are_large_together_are_refused() -> None:
    body = Raw("x", b"a" * 60_000).body()
    parts = [Raw(f"{n}.json", b"a" * 60_000, packed=body) for n in range(1_200)]
    assert finding(raw_package(*parts)) == "the package unpacks to more than 64 MiB"


def test_too_many_files_are_refused_before_any_is_looked_at() -> None:
    raw = raw_zip(*(Raw(f"{n}.json") for n in range(ENTRIES_MAX + 1)))
    assert finding(raw) == "the package has more than 5,000 files"


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_wrong_number_of_files_is_refused(count: int) -> None:
    raw = raw_zip(Raw("a.json"), Raw("package.json"), count=count)
    assert findings(raw)[0] in (
        "the package has more files than it says",
        "the package has a directory that cannot be read",
    )


def test_a_file_that_is_too_large_is_refused_unread() -> None:
    assert finding(b"PK\3\4" + b"\0" * PACKED_MAX) == "the package is larger than 16 MiB"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"PK",
        b"{}",
        b"\x1f\x8b" + b"\0" * 50,
        raw_package()[:-1],
        raw_package()[5:],
        raw_package() + b"more",
        b"#!/bin/sh\n" + raw_package(),
        raw_zip(Raw("a.json"), comment=b"hello"),
        raw_zip(Raw("a.json"), before=b"MZ")[2:],
    ],
)
def test_what_is_no_plain_zip_is_refused(raw: bytes) -> None:
    assert finding(raw).startswith("the package ")


def test_a_zip64_file_is_refused() -> None:
    raw = bytearray(raw_package())
    raw[-14:-10] = b"\xff\xff\xff\xff"
    assert "Zip64" in finding(bytes(raw))


def test_another_kind_of_zip_file_is_refused() -> None:
    assert "has no `package.json`" in finding(zipped({"word/document.xml": b"<w/>"}))


def test_a_file_that_is_not_listed_is_refused() -> None:
    assert finding(raw_package(Raw("b.json"))) == "`b.json` is not listed in `package.json`"


def test_a_listed_file_that_is_missing_is_told() -> None:
    files = package_files(recipe())
    del files["recipes/a.json"]
    assert finding(zipped(files)) == "`recipes/a.json` is listed, but missing"


def test_a_file_that_is_listed_twice_is_refused() -> None:
    assert "`recipes/a.json` is listed twice in `package.json`" in findings(
        zipped(package_files(recipe(), recipe()))
    )


def test_an_altered_file_is_refused() -> None:
    files = package_files(recipe())
    files["recipes/a.json"] = b'{"description":"other"}'
    assert "SHA-256" in finding(zipped(files))


def test_an_altered_list_is_refused() -> None:
    files = package_files(recipe())
    files["package.json"] = files["package.json"].replace(b'"A"', b'"B"')
    assert finding(zipped(files)) == "`package.json` was altered: its checksum is another one"


@pytest.mark.parametrize("version", [2, 99, 10**30])
def test_a_newer_schema_version_is_refused_with_advice(version: int) -> None:
    detail = finding(zipped(package_files(recipe(), schema_version=version, news=[1])))
    assert "update Trailkeeper" in detail or "cannot be read" in detail


@pytest.mark.parametrize(
    ("index", "why"),
    [
        ({"format": "other"}, "is of another format"),
        ({"schema_version": 0}, "unknown schema version"),
        ({"schema_version": "1"}, "cannot be read"),
        ({"colour": "red"}, "unknown field `colour`"),
        ({"entries": {}}, "cannot be read"),
        ({"name": ""}, "has a name that must have"),
        ({"name": "a\nb"}, "has a name that must have"),
        ({"workspace": "\u202e"}, "has a name that must have"),
        ({"outside": [{"key": "x", "kind": "spaceship", "name": "X"}]}, "lists what cannot be"),
    ],
)
def test_a_list_that_is_not_right_is_refused(index: dict[str, Any], why: str) -> None:
    assert why in findings(zipped(package_files(**index)))[0]


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"null", b"\xff\xfe{}", b"[" * 50_000, b'{"a":NaN}']
)
def test_a_list_that_is_no_json_is_refused(raw: bytes) -> None:
    assert "`package.json` cannot be read" in finding(zipped({"package.json": raw}))


def test_a_list_that_is_too_long_is_refused() -> None:
    raw = raw_zip(Raw("package.json", b" " * (INDEX_MAX + 1), method=0))
    assert "`package.json` is larger than" in findings(raw)[0]


def test_a_key_that_stands_twice_is_refused_in_the_list_and_in_a_file() -> None:
    files = package_files(recipe(content=b'{"description":"a","description":"b"}'))
    assert finding(zipped(files)) == ("`recipes/a.json` at /description stands twice in one object")
    files = package_files()
    files["package.json"] = files["package.json"].replace(b"{", b'{"name":"Shop",', 1)
    assert "`package.json` at /name stands twice in one object" in findings(zipped(files))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "cannot be read"),
        (b"[]", "is not a JSON object"),
        (b"\xff", "cannot be read"),
        (b'{"code":' + b"[" * 5_000 + b"]" * 5_000 + b"}", "nested too deep"),
        (b'{"code":{"a":' + b"[" * 200 + b"]" * 200 + b"}}", "at /code is nested deeper"),
        (b'{"description":"\\ud800"}', "cannot be read"),
        (b'{"description":7}', "at /description must be `str`"),
        (b'{"colour":"red"}', "at /colour is not a known field"),
        (b'{"uses":[{"kind":"connection","id":"outside/x"}]}', "names no connection"),
        (b'{"uses":[{"kind":"connection","id":"recipes/a.json"}]}', "names no connection"),
        (b'{"uses":[{"kind":"connection"}]}', "at /uses/0/id is missing"),
        (b'{"uses":7}', "at /uses must be"),
    ],
)
def test_content_that_is_not_right_is_refused_with_its_place(content: bytes, why: str) -> None:
    details = findings(zipped(package_files(recipe(content=content))))
    assert any(why in detail for detail in details), details
    assert all(detail.startswith("`recipes/a.json` ") for detail in details)


@pytest.mark.parametrize(
    ("asset", "why"),
    [
        (recipe(kind="manifest"), "is a manifest, which no package can hold"),
        (recipe(kind="access_profile"), "which no package can hold"),
        (recipe(kind="spaceship"), "which no package can hold"),
        (recipe(name=""), "has a name that must have"),
        (recipe(name=" A"), "has a name with blanks around it"),
        (recipe(name="x" * 201), "has a name that must have"),
        (recipe(folder=["Nowhere"]), "is in a folder that is not in the package"),
        (recipe(parent="recipes/a.json"), "is of a kind that does not"),
        (recipe(secrets=["code"]), "had a secret where none can be"),
        (recipe(references=["recipes/b.json"]), "names other assets than"),
        (recipe(kind="property", folder=["F"]), "of a kind that is in none"),
        (recipe(kind="api_endpoint"), "belongs to no api_collection"),
        (recipe(kind="connection", content={"credentials": {"a": "b"}}), "holds a secret"),
        (recipe(kind="property", content={"secret": True, "value": "x"}), "holds a secret"),
        (recipe(kind="connector", content={"released_version": 3}), "is set by an operation"),
        (recipe(kind="message_template", content={"body": "{{"}), "is not closed"),
        (recipe(kind="pubsub_topic", content={"schema": {"type": "no"}}), "/schema"),
    ],
)
def test_an_asset_that_cannot_be_is_refused(asset: dict[str, Any], why: str) -> None:
    details = findings(zipped(package_files(asset)))
    assert any(why in detail for detail in details), details


def test_two_of_a_name_in_one_place_are_refused() -> None:
    files = package_files(recipe(), recipe("recipes/b.json", name="a"))
    assert finding(zipped(files)) == (
        "`recipes/b.json` has the name of another one in the same place"
    )


def test_all_that_is_wrong_is_told_at_once_up_to_twenty() -> None:
    wrong = [recipe(f"recipes/{n}.json", name=f"R{n}", content={"colour": 1}) for n in range(30)]
    with pytest.raises(InvalidInput) as refused:
        check_package(read_package(zipped(package_files(*wrong))))
    assert len(refused.value.errors) == 20
    assert "(and 29 more)" in refused.value.detail


def test_a_strange_name_is_shown_short_and_without_control_characters() -> None:
    detail = finding(raw_package(Raw("\x1b[31m" + "x" * 5_000)))
    assert len(detail) < 300
    assert detail.isprintable()


def test_an_ordinary_zip_of_the_same_files_is_taken() -> None:
    """As a person makes one with a usual tool: with folders, and with sizes behind the data."""
    files = package_files(recipe(content={"description": "Moves SKUs"}))
    raw = raw_zip(
        Raw("recipes/", b"", method=0, attributes=0o040755 << 16 | 0x10),
        *(Raw(name, content) for name, content in files.items()),
    )
    package = read_package(raw)
    check_package(package)
    assert [item.content for item in package.items] == [{"description": "Moves SKUs"}]


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_whatever_happens_to_the_bytes_it_is_taken_whole_or_refused(data: st.DataObject) -> None:
    raw = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(raw) - 1))
        match data.draw(st.sampled_from(["set", "cut", "insert"])):
            case "set":
                raw[at] = data.draw(st.integers(0, 255))
            case "cut":
                del raw[at : at + data.draw(st.integers(1, 40))]
            case _:
                raw[at:at] = data.draw(st.binary(max_size=40))
        if not raw:
            break
    assert taken(bytes(raw)) in (None, WHOLE)


GOOD = raw_package(
    assets=(
        recipe(content={"code": {"a": [1, 2]}}),
        {"path": "folders/f.json", "kind": "folder", "name": "F"},
        recipe("recipes/b.json", folder=["F"], content=json.dumps({"description": "x"}).encode()),
    )
)
WHOLE = read_package(GOOD)
