"""Backups: taken under load, whole, found out when they are not, and restored."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.api.conftest import run
from tests.api.support import Run, listed, record_all
from tests.conftest import Site, activity, cli, make_site, wait_for
from tests.export.support import asked, ended
from tests.fault.support import Load, check_ledger

from trailkeeper.backup.create import make_backup
from trailkeeper.backup.manifest import BackupError, decode_manifest
from trailkeeper.backup.restore import restore_backup, verify_backup
from trailkeeper.installation import opened

from .support import members, names, packed, repacked, spoilt

__all__ = ["run"]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """An installation with a few activities, not served, with files of each kind."""
    site = make_site(tmp_path_factory.mktemp("small") / "data")
    with opened(site.data) as installation:
        installation.workspaces.create(
            "Other", "olga@example.com", "Olga Owner", "another good one"
        )
    (site.data / "trailkeeper.toml").write_text('redact_keys = ["iban"]\n')
    for folder in ("mail", "exports"):
        (site.data / folder).mkdir(mode=0o700)
    (site.data / "mail" / "0001.eml").write_text("Hello")
    (site.data / "exports" / "019a.jsonl").write_text("{}\n")
    (site.data / "exports" / "019b.1.part").write_text("half")
    return site


@pytest.fixture(scope="module")
def archive(small: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its backup."""
    return make_backup(small.data, tmp_path_factory.mktemp("backups") / "b.tar.zst")[0]


def refused(archive: Path, data: Path) -> str:
    """What is said of a backup that is neither verified nor restored; nothing is left of it."""
    with pytest.raises(BackupError) as verified:
        verify_backup(archive)
    with pytest.raises(BackupError) as restored:
        restore_backup(archive, data)
    assert not data.exists()
    assert str(verified.value) == str(restored.value)
    return str(restored.value)


@pytest.mark.slow
def test_a_backup_under_load_has_all_that_was_acknowledged_before_and_is_served_again(
    tmp_path: Path, served: Callable[[Site], Site]
) -> None:
    site = served(make_site(tmp_path / "data"))
    load = Load(site, connections=3, pause_s=0.002)
    load.start()
    try:
        wait_for(lambda: len(load.acknowledged) > 1_000, 60, site.log)
        before = dict(load.acknowledged)
        done = cli("backup", "--data", site.data, "--output", tmp_path, "--json")
        after = len(load.acknowledged)
        wait_for(lambda: len(load.acknowledged) > after, 60, site.log)  # it is not held up
    finally:
        load.stop()
    assert load.refused == []
    assert site.stop() == 0
    told = json.loads(done.stdout)
    (one,) = told["manifest"]["content"]["workspaces"]
    assert one["activities"] == one["next_seq"] == one["last_seq"] + 1 >= len(before)
    assert one["activities"] < len(load.acknowledged), "nothing was recorded meanwhile"

    restored = Site(tmp_path / "restored", site.token)
    cli("restore", "--from", told["file"], "--data", restored.data)
    check_ledger(restored, before)
    with served(restored).http() as http:
        record_all(http, [activity(id="after")])
        (newest,) = listed(http, limit=1, q="target:42")[:1]
        assert (newest["id"], newest["seq"]) == ("after", one["next_seq"])
    assert restored.stop() == 0


def test_what_was_just_acknowledged_is_in_it_though_it_is_in_the_write_ahead_log_only(
    tmp_path: Path, served: Callable[[Site], Site]
) -> None:
    site = served(make_site(tmp_path / "data"))
    with site.http() as http:
        (receipt,) = record_all(http, [activity(id="just-now")])
        _, manifest = make_backup(site.data, tmp_path / "b")
        (one,) = manifest.content.workspaces
        assert one.last_seq == receipt["seq"]


def test_all_files_of_an_installation_are_in_it_and_come_back(
    small: Site, archive: Path, tmp_path: Path
) -> None:
    files = members(archive)
    assert sorted(files) == [
        "exports/019a.jsonl",
        "mail/0001.eml",
        "manifest.json",
        "secret.key",
        "trailkeeper.db",
        "trailkeeper.toml",
    ]
    assert archive.stat().st_mode & 0o777 == 0o600
    manifest = restore_backup(archive, tmp_path / "new")
    assert manifest == decode_manifest(files["manifest.json"])
    assert names(tmp_path / "new") == sorted(set(files) - {"manifest.json"})
    for name in set(files) - {"manifest.json"}:
        assert (tmp_path / "new" / name).read_bytes() == files[name]
        assert (tmp_path / "new" / name).stat().st_mode & 0o777 == 0o600
    with opened(small.data) as before, opened(tmp_path / "new") as after:
        assert after.settings.redact_keys == ("iban",)
        assert after.workspaces.listed() == before.workspaces.listed()
        for name in ("Acme", "Other"):
            key = before.workspaces.find(name)
            assert after.reader.after(key, 0, 100) == before.reader.after(key, 0, 100)


def test_the_manifest_tells_each_workspaces_log(archive: Path) -> None:
    acme, other = verify_backup(archive).content.workspaces
    assert (acme.name, other.name) == ("Acme", "Other")
    assert acme.activities == acme.next_seq > other.activities > 0
    assert acme.sha256 != other.sha256


def test_exports_can_be_left_out_and_are_then_told_to_be_missing(
    site: Site, tmp_path: Path, served: Callable[[Site], Site]
) -> None:
    with site.http() as http:
        one = ended(http, asked(http, format="jsonl")["id"])
    cli("backup", "--data", site.data, "-o", tmp_path / "with")
    cli("backup", "--data", site.data, "-o", tmp_path / "without", "--without-exports")
    for name, status in (("with", 200), ("without", 404)):
        restored = Site(tmp_path / f"restored {name}", site.token)
        restore_backup(tmp_path / name, restored.data)
        with served(restored).http() as http:
            answer = http.get(one["download"])
            assert answer.status_code == status
            assert status == 200 or "left out of the backup" in answer.json()["detail"]


def test_a_backup_without_the_key_needs_it_and_takes_no_other(small: Site, tmp_path: Path) -> None:
    archive, manifest = make_backup(small.data, tmp_path / "b", with_key=False)
    assert not manifest.has_key
    assert "secret.key" not in members(archive)
    key = (small.data / "secret.key").read_bytes()
    assert key not in b"".join(members(archive).values())
    new = tmp_path / "new"
    with pytest.raises(BackupError, match="made without the key"):
        restore_backup(archive, new)
    (tmp_path / "other.key").write_bytes(os.urandom(32))
    with pytest.raises(BackupError, match="is not the key"):
        restore_backup(archive, new, key=tmp_path / "other.key")
    with pytest.raises(BackupError, match="is not the key"):
        restore_backup(archive, new, key=tmp_path / "none")
    assert not new.exists()
    restore_backup(archive, new, key=small.data / "secret.key")
    assert (new / "secret.key").read_bytes() == key


def test_an_installation_is_never_overwritten_and_neither_is_a_file(
    small: Site, archive: Path, tmp_path: Path
) -> None:
    before = (small.data / "trailkeeper.db").read_bytes()
    with pytest.raises(BackupError, match="holds an installation already"):
        restore_backup(archive, small.data)
    assert (small.data / "trailkeeper.db").read_bytes() == before
    new = tmp_path / "new"
    (new / "mail").mkdir(parents=True)
    with pytest.raises(BackupError, match="is there already; restore into an empty folder"):
        restore_backup(archive, new)
    assert names(new) == []
    (new / "mail").rmdir()
    (new / "lost+found").mkdir()  # as where a disk is mounted
    restore_backup(archive, new)
    there = archive.read_bytes()
    with pytest.raises(BackupError, match="is there already; it was left as it is"):
        make_backup(small.data, archive)
    assert archive.read_bytes() == there
    with pytest.raises(BackupError, match="holds no installation"):
        make_backup(tmp_path, tmp_path / "b")


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_a_backup_that_was_cut_or_of_which_a_bit_has_flipped_leaves_nothing(
    archive: Path, tmp_path: Path, data: st.DataObject
) -> None:
    broken = spoilt(archive, tmp_path / "broken", data)
    assert "damaged, cut short or no backup" in refused(broken, tmp_path / "new")


@pytest.mark.parametrize("junk", [b"", b"x", b"not a backup at all" * 1_000])
def test_what_is_no_backup_is_said_to_be_none(tmp_path: Path, junk: bytes) -> None:
    (tmp_path / "junk").write_bytes(junk)
    assert "no backup" in refused(tmp_path / "junk", tmp_path / "new")
    assert "There is no file" in refused(tmp_path / "nowhere", tmp_path / "new")


def test_something_behind_the_end_is_noticed(archive: Path, tmp_path: Path) -> None:
    for more in (b"x", archive.read_bytes()):
        (tmp_path / "more").write_bytes(archive.read_bytes() + more)
        assert "no backup: its end is not the seal" in refused(tmp_path / "more", tmp_path / "new")


def _without(files: dict[str, bytes], name: str) -> dict[str, bytes]:
    return {key: body for key, body in files.items() if key != name}


def _other_log(files: dict[str, bytes]) -> dict[str, bytes]:
    """The manifest tells of another activity than the database has; all hashes of files fit."""
    manifest = json.loads(files["manifest.json"])
    manifest["content"]["workspaces"][0]["sha256"] = "0" * 64
    return {**files, "manifest.json": json.dumps(manifest).encode()}


def _newer(files: dict[str, bytes]) -> dict[str, bytes]:
    manifest = json.loads(files["manifest.json"])
    manifest["content"]["revision"] = "9999"
    return {**files, "manifest.json": json.dumps(manifest).encode()}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda files: _without(files, "manifest.json"), "has no manifest.json at its end"),
        (lambda files: _without(files, "mail/0001.eml"), "has no mail/0001.eml"),
        (lambda files: {"mail/more": b"", **files}, "mail/more, which its manifest does not name"),
        (lambda files: {**files, "secret.key": b"x" * 32}, "secret.key in"),
        (lambda files: {"notes.txt": b"", **files}, "is no file that a backup has"),
        (lambda files: {"mail/../../x": b"", **files}, "is no file that a backup has"),
        (lambda files: {"/etc/x": b"", **files}, "is no file that a backup has"),
        (lambda files: {**files, "manifest.json": b"{}"}, "manifest.json cannot be read"),
        (_other_log, "The log of the workspace 'Acme' is not the one"),
        (_newer, "this program does not know"),
    ],
)
def test_a_backup_that_was_tampered_with_is_refused(
    archive: Path,
    tmp_path: Path,
    change: Callable[[dict[str, bytes]], dict[str, bytes]],
    said: str,
) -> None:
    changed = repacked(tmp_path / "b", change(members(archive)))
    assert said in refused(changed, tmp_path / "new")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE])
def test_links_are_not_followed(archive: Path, tmp_path: Path, kind: bytes) -> None:
    link = tarfile.TarInfo("mail/link")
    link.type, link.linkname = kind, "/etc/passwd"
    files = [(link, b"")]
    files += [(tarfile.TarInfo(name), body) for name, body in members(archive).items()]
    assert "not where a backup has it" in refused(packed(tmp_path / "b", files), tmp_path / "new")


def test_a_damaged_database_is_not_backed_up(tmp_path: Path) -> None:
    site = make_site(tmp_path / "data")
    file = site.data / "trailkeeper.db"
    raw = bytearray(file.read_bytes())
    for page in range(len(raw) // 4096 // 2, len(raw) // 4096):
        raw[page * 4096 : page * 4096 + 64] = os.urandom(64)
    file.write_bytes(raw)
    with pytest.raises(BackupError, match=r"damaged|cannot be read|cannot be copied"):
        make_backup(site.data, tmp_path / "b")
    assert (
        names(tmp_path) == ["data/secret.key", "data/trailkeeper.db"]
        or not (tmp_path / "b").exists()
    )


def test_a_full_disk_is_told_and_leaves_nothing(
    small: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("trailkeeper.backup.archive.ArchiveWriter.add", full)
    with pytest.raises(BackupError, match="No space left on device"):
        make_backup(small.data, tmp_path / "b")
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_says_what_it_found(
    run: Run, small: Site, archive: Path, tmp_path: Path
) -> None:
    made: subprocess.CompletedProcess[str] = run("backup", "--data", small.data, "-o", tmp_path)
    assert "Acme: " in made.stdout
    assert "the database is sound" in made.stdout
    assert "keep it safe" in made.stderr
    (file,) = tmp_path.iterdir()
    assert file.name.startswith("trailkeeper-20")
    found: dict[str, Any] = json.loads(run("backup", "verify", file, "--json").stdout)
    assert [one["name"] for one in found["content"]["workspaces"]] == ["Acme", "Other"]
    broken = tmp_path / "broken"
    broken.write_bytes(file.read_bytes()[:-7])
    done = run("backup", "verify", broken, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "damaged, cut short or no backup" in done.stderr
    restored = run("restore", "--from", file, "--data", tmp_path / "new")
    assert "Restored into" in restored.stdout
