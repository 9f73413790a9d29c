"""Backups of an installation on PostgreSQL: taken under load, whole, and restored into another
database, or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.api.support import listed, record_all
from tests.conftest import OWNER, PASSWORD, TRAILKEEPER, Site, activity, cli, wait_for
from tests.postgres.serving import Senders, check_log, site_on
from tests.postgresql import SHARED, database, name_in

from trailkeeper.activity import ActivityInput, Context, from_us, now_us
from trailkeeper.backup import postgresql as backups
from trailkeeper.backup import tables
from trailkeeper.backup.create import make_backup
from trailkeeper.backup.manifest import BackupError, Manifest
from trailkeeper.backup.restore import restore_backup, verify_backup
from trailkeeper.backup.tables import PIECE
from trailkeeper.installation import InstallationError, create, opened
from trailkeeper.ledger.marker import read_marker
from trailkeeper.ledger.postgresql.tables import WALLED
from trailkeeper.query.filters import Filter, Match, Words

from .support import members, names, repacked, spoilt

YEAR_US = 365 * 86_400_000_000


@dataclass
class Made:
    """An installation that is not served, and its backup."""

    site: Site
    url: str
    archive: Path
    manifest: Manifest


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """Two workspaces with people, assets, a stream, a legal hold, words with U+0000, activities of
    long ago, some of which are removed, and files of each kind."""
    folder = tmp_path_factory.mktemp("made")
    with database() as url:
        site = site_on(url, folder / "data")
        with opened(site.data) as here:
            here.workspaces.create("Other", "olga@example.com", "Olga", PASSWORD)
            by = here.workspaces.by_operator("Acme")
            inner = here.registry.create(by, "folder", "Inner", content={}).asset
            outer = here.registry.create(by, "folder", "Outer", content={}).asset
            # A folder whose key is lower than that of the one it is in.
            here.registry.move(by, "folder", inner.id, outer.id)
            here.streams.create(by, "SIEM")
            here.holds.place(by, "Case 4711", "actor:user:1", "a court asked")
            for name in ("Acme", "Other"):
                _fill(here, here.workspaces.find(name))
            here.writer.run(lambda transaction: _remove(transaction, by.workspace))
        for name in ("mail", "exports"):
            (site.data / name).mkdir(mode=0o700)
        (site.data / "mail" / "0001.eml").write_text("Hello")
        (site.data / "exports" / "019a.jsonl").write_text("{}\n")
        archive, manifest = make_backup(site.data, folder / "b.tar.zst")
        yield Made(site, url, archive, manifest)


def _fill(here: Any, workspace: int) -> None:
    sent = [
        activity(
            id=f"{workspace}-{n}",
            targets=[{"type": "recipe", "id": str(n % 7), "name": f"Größe {n % 7} a\0b"}],
            details={"note": f"word{n}"},
            outcome="failure" if n % 3 == 0 else "success",
            occurred_at=from_us(now_us() - (n % 5) * YEAR_US),
        )
        for n in range(120)
    ]
    inputs = msgspec.convert(sent, list[ActivityInput])
    here.writer.append(workspace, [here.recorder.prepare(workspace, one) for one in inputs])


def _remove(transaction: Any, workspace: int) -> None:
    old = (now_us() - 3 * YEAR_US) << 10
    transaction.remove(
        workspace, after_key=-1, before_key=old, before_seq=1 << 60, holds=[], limit=10
    )


@pytest.fixture
def empty() -> Iterator[str]:
    with database(empty=True) as url:
        yield url


def rows_of(url: str) -> dict[str, list[Any]]:
    """All that is in a database, but for whose it is."""
    server, name = SHARED.server(), name_in(url)
    asked = (
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind IN ('r', 'p') AND NOT relispartition AND relname <> 'installation'"
    )
    return {
        table: sorted(map(repr, server.admin(f'SELECT * FROM "{table}"', database=name)))
        for (table,) in server.admin(asked, database=name)
    }


def holds_nothing(url: str) -> bool:
    """Whether there are no tables, or empty ones."""
    kept = ("alembic_version", "ledger_state")
    is_empty = not any(rows for table, rows in rows_of(url).items() if table not in kept)
    if not rows_of(url):
        return True
    installed = SHARED.server().admin("SELECT 1 FROM installation", database=name_in(url))
    return is_empty and not installed


def found(data: Path, url: str) -> dict[str, Any]:
    """What people see of an installation."""
    seen: dict[str, Any] = {}
    with opened(data, database_url=url) as here:
        for name in ("Acme", "Other"):
            key = here.workspaces.find(name)
            for asked in (
                Filter(),
                Filter(matches=(Match(field="outcome", values=("failure",)),)),
                Filter(matches=(Match(field="target", values=("recipe:3",)),)),
                Filter(words=(Words(text="word17"),)),
                Filter(words=(Words(text="große 3"),)),
                Filter(words=(Words(text="ord18", suffix=True),)),
            ):
                page = here.reader.page(key, asked, limit=1_000)
                assert page.activities, asked
                seen[f"{name} {asked}"] = page.activities
        seen["holds"] = here.holds.listed(here.workspaces.find("Acme"))
    return seen


@pytest.mark.slow
def test_a_backup_under_load_has_all_that_was_acknowledged_before_and_is_served_again(
    tmp_path: Path, empty: str, served: Callable[[Site], Site]
) -> None:
    with database() as url:
        site = served(site_on(url, tmp_path / "data"))
        senders = Senders([site], each=4)
        try:
            wait_for(senders.more(300), 60, site.log)
            before = dict(senders.acknowledged)
            done = cli("backup", "--data", site.data, "--output", tmp_path, "--json")
            wait_for(senders.more(1), 60, site.log)  # it is not held up
        finally:
            senders.stop()
        assert senders.wrong == []
        assert site.stop() == 0
        told = json.loads(done.stdout)
        (one,) = told["manifest"]["content"]["workspaces"]
        assert one["activities"] == one["next_seq"] == one["last_seq"] + 1 > len(before)
        assert one["activities"] < len(senders.acknowledged), "nothing was recorded meanwhile"

    new = tmp_path / "restored"
    cli("restore", "--from", told["file"], "--data", new, TRAILKEEPER_DATABASE_URL=empty)
    environment = {"TRAILKEEPER_DATABASE_URL": empty}
    (new / "trailkeeper.toml").write_text(f'database_url = "{empty}"\n')
    restored = served(Site(new, site.token, environment=environment))
    assert check_log(restored, before) < one["activities"]
    with restored.http() as http:
        record_all(http, [activity(id="after")])
        (newest,) = listed(http, limit=1, q="target:42")[:1]
        assert (newest["id"], newest["seq"]) == ("after", one["next_seq"])
    assert restored.stop() == 0


def test_all_is_there_afterwards_row_for_row(made: Made, tmp_path: Path, empty: str) -> None:
    before, there = found(made.site.data, made.url), rows_of(made.url)
    assert restore_backup(made.archive, tmp_path / "new", database_url=empty) == made.manifest
    assert rows_of(empty) == there
    assert all(there[table] for table in ("follower", "stream", "legal_hold", "word", "term"))
    assert found(tmp_path / "new", empty) == before
    again = make_backup(tmp_path / "new", tmp_path / "again", database_url=empty)[1]
    assert again.content == made.manifest.content
    assert names(tmp_path / "new") == [
        *("database", "exports/019a.jsonl", "mail/0001.eml", "secret.key", "trailkeeper.toml")
    ]
    assert (tmp_path / "new" / "database").stat().st_mode & 0o777 == 0o600


def test_it_goes_on_as_an_installation(made: Made, tmp_path: Path, empty: str) -> None:
    new = tmp_path / "new"
    restore_backup(made.archive, new, database_url=empty)
    acme = made.manifest.content.workspaces[0]
    with opened(new, database_url=empty) as here:
        assert here.log_in.with_password(OWNER, PASSWORD, Context())
        by = here.workspaces.by_operator("Acme")
        first = here.reader.next_seq(by.workspace)
        assert first == acme.next_seq + 1  # the log-in
        assert here.registry.create(by, "folder", "New", content={}).asset
        assert here.streams.create(by, "Another")
        here.workspaces.create("Third", "tom@example.com", "Tom", PASSWORD)
        assert len(here.workspaces.listed()) == 3
        assert here.reader.next_seq(by.workspace) == first + 2
        # What was removed is remembered by its id.
        again = msgspec.convert(activity(id=f"{by.workspace}-4"), ActivityInput)
        (outcome,) = here.writer.append(by.workspace, [here.recorder.prepare(by.workspace, again)])
        assert type(outcome).__name__ == "IdConflict"


def test_the_wall_between_workspaces_stands_again(made: Made, tmp_path: Path, empty: str) -> None:
    restore_backup(made.archive, tmp_path / "new", database_url=empty)
    with psycopg.connect(empty, autocommit=True) as connection:
        partitions = connection.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits"
            " WHERE inhparent = 'activity'::regclass"
        ).fetchall()
        assert len(partitions) > 3
        for table in (*WALLED, *(row[0] for row in partitions)):
            on = connection.execute(
                "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = %s::regclass",
                (table,),
            ).fetchone()
            assert on == (True, True), table
            assert connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() == (0,)
        connection.execute("SET trailkeeper.workspace = '2'")
        seen = connection.execute("SELECT DISTINCT workspace FROM activity").fetchall()
        assert seen == [(2,)]


def test_neither_folder_opens_the_others_database(made: Made, tmp_path: Path, empty: str) -> None:
    new = tmp_path / "new"
    restore_backup(made.archive, new, database_url=empty)
    # The settings that were restored name the database that was backed up.
    assert made.url in (new / "trailkeeper.toml").read_text()
    for data, url in ((new, None), (made.site.data, empty)):
        with pytest.raises(InstallationError, match="holds another one"), opened(data, "", url):
            pass


def test_the_manifest_tells_each_workspaces_log_and_each_table(made: Made) -> None:
    manifest = verify_backup(made.archive)
    assert manifest == made.manifest
    assert manifest.database == "postgresql"
    acme, other = manifest.content.workspaces
    assert (acme.name, other.name) == ("Acme", "Other")
    assert acme.activities == acme.next_seq - 10
    assert acme.sha256 != other.sha256
    rows = {table.name: table.rows for table in manifest.content.tables}
    assert rows["activity"] == rows["activity_index"] == acme.activities + other.activities
    assert (rows["asset"], rows["stream"], rows["legal_hold"], rows["workspace"]) == (2, 1, 1, 2)


@settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_a_backup_that_was_cut_or_of_which_a_bit_has_flipped_leaves_nothing(
    made: Made, tmp_path: Path, empty: str, data: st.DataObject
) -> None:
    broken = spoilt(made.archive, tmp_path / "broken", data)
    assert "damaged, cut short or no backup" in refused(broken, tmp_path / "new", empty)


def refused(archive: Path, data: Path, url: str) -> str:
    """What is said of a backup that is neither verified nor restored; nothing is left of it."""
    with pytest.raises(BackupError) as verified:
        verify_backup(archive)
    with pytest.raises(BackupError) as restored:
        restore_backup(archive, data, database_url=url)
    assert not data.exists()
    assert rows_of(url) == {}
    assert str(verified.value) == str(restored.value)
    return str(restored.value)


def _manifest(files: dict[str, bytes], change: Callable[[Any], None]) -> dict[str, bytes]:
    manifest = json.loads(files["manifest.json"])
    change(manifest)
    return {**files, "manifest.json": json.dumps(manifest).encode()}


def _other_bytes(files: dict[str, bytes], name: str, body: bytes) -> dict[str, bytes]:
    """A file is another one, and the manifest's list of files says so."""

    def change(manifest: Any) -> None:
        for file in manifest["files"]:
            if file["name"] == name:
                file["bytes"], file["sha256"] = len(body), hashlib.sha256(body).hexdigest()

    return _manifest({**files, name: body}, change)


LOG = "database/activity.000001"
EMPTY = b"PGCOPY\n\xff\r\n\0" + bytes(8) + b"\xff\xff"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda files: {key: files[key] for key in files if key != LOG}, f"has no {LOG}"),
        (lambda files: {**files, LOG: files[LOG][:-1]}, "is not as it was when"),
        (lambda files: _other_bytes(files, LOG, files[LOG][:-2]), "activity in it is not whole"),
        (lambda files: _other_bytes(files, LOG, files[LOG] + b"x"), "cannot be read"),
        (lambda files: _other_bytes(files, LOG, b"x" * 100), "is not as COPY writes it"),
        (
            lambda files: _other_bytes(files, LOG, files[LOG].replace(b"recipe", b"recite")),
            "The log of the workspace 'Acme' is not the one",
        ),
        (
            lambda files: _other_bytes(
                files,
                "database/user.000001",
                files["database/user.000001"].replace(b"ada@", b"eve@"),
            ),
            "The table user is not the one",
        ),
        (
            lambda files: {"database/more.000001": EMPTY, **files},
            "database/more.000001, which its manifest does not name",
        ),
        (lambda files: {"database/activity.000002": b"", **files}, "is not where a backup has it"),
        (lambda files: {"database/../x.000001": b"", **files}, "is no file that a backup has"),
        (lambda files: {"trailkeeper.db": b"", **files}, "which its manifest does not name"),
        (
            lambda files: _manifest(files, lambda one: one.update(database="oracle")),
            "this program restores sqlite, postgresql",
        ),
    ],
)
def test_a_backup_that_was_tampered_with_is_refused(
    made: Made,
    tmp_path: Path,
    empty: str,
    change: Callable[[dict[str, bytes]], dict[str, bytes]],
    said: str,
) -> None:
    changed = repacked(tmp_path / "b", change(members(made.archive)))
    assert said in refused(changed, tmp_path / "new", empty)


def test_only_an_empty_database_is_restored_into(made: Made, tmp_path: Path, empty: str) -> None:
    before = rows_of(made.url)
    with pytest.raises(BackupError, match="is not empty; it was left as it is"):
        restore_backup(made.archive, tmp_path / "new", database_url=made.url)
    assert rows_of(made.url) == before
    create(tmp_path / "there", empty)
    with pytest.raises(BackupError, match="is not empty"):
        restore_backup(made.archive, tmp_path / "new", database_url=empty)
    with database(empty=True) as other:
        SHARED.server().admin("CREATE TABLE theirs (a int PRIMARY KEY)", database=name_in(other))
        with pytest.raises(BackupError, match="holds tables of something else"):
            restore_backup(made.archive, tmp_path / "new", database_url=other)
    assert not (tmp_path / "new").exists()


def test_a_folder_that_holds_an_installation_is_left_alone(
    made: Made, tmp_path: Path, empty: str
) -> None:
    with pytest.raises(BackupError, match="holds an installation already"):
        restore_backup(made.archive, made.site.data, database_url=empty)
    new = tmp_path / "new"
    (new / "mail").mkdir(parents=True)
    with pytest.raises(BackupError, match="mail is there already; restore into an empty folder"):
        restore_backup(made.archive, new, database_url=empty)
    assert names(new) == []
    assert rows_of(empty) == {}


def test_a_backup_without_the_key_needs_it_and_takes_no_other(
    made: Made, tmp_path: Path, empty: str
) -> None:
    archive, _ = make_backup(made.site.data, tmp_path / "b", with_key=False)
    key = made.site.data / "secret.key"
    assert key.read_bytes() not in b"".join(members(archive).values())
    new = tmp_path / "new"
    with pytest.raises(BackupError, match="made without the key"):
        restore_backup(archive, new, database_url=empty)
    (tmp_path / "other.key").write_bytes(os.urandom(32))
    with pytest.raises(BackupError, match="is not the key"):
        restore_backup(archive, new, key=tmp_path / "other.key", database_url=empty)
    assert not new.exists()
    assert rows_of(empty) == {}
    restore_backup(archive, new, key=key, database_url=empty)
    with opened(new, database_url=empty) as here:
        assert len(here.workspaces.listed()) == 2


def test_one_kind_of_database_is_not_restored_to_the_other(
    made: Made, tmp_path: Path, empty: str
) -> None:
    with pytest.raises(BackupError, match="cannot be restored to SQLite"):
        restore_backup(made.archive, tmp_path / "new")
    create(tmp_path / "small")
    archive, _ = make_backup(tmp_path / "small", tmp_path / "b")
    with pytest.raises(BackupError, match="then move it with `trailkeeper migrate-store`"):
        restore_backup(archive, tmp_path / "new", database_url=empty)
    assert not (tmp_path / "new").exists()
    assert rows_of(empty) == {}


def test_tables_of_before_are_refused_with_what_to_do(
    made: Made, tmp_path: Path, empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backups, "newest_revision", lambda: "0099")
    with pytest.raises(BackupError, match=r"Restore it by Trailkeeper .*, then open it with this"):
        restore_backup(made.archive, tmp_path / "new", database_url=empty)
    assert rows_of(empty) == {}


def test_what_stands_in_clickhouse_only_is_not_backed_up(tmp_path: Path) -> None:
    with database() as url:
        site = site_on(url, tmp_path / "data")
        SHARED.server().admin(
            "INSERT INTO moved (workspace, before_key, before_seq) VALUES (1, 1, 1)",
            database=name_in(url),
        )
        with pytest.raises(BackupError, match="stand in ClickHouse only"):
            make_backup(site.data, tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_a_database_of_another_folder_is_not_backed_up(
    made: Made, tmp_path: Path, empty: str
) -> None:
    create(tmp_path / "other", empty)
    with pytest.raises(BackupError, match="holds another one"):
        make_backup(tmp_path / "other", tmp_path / "b", database_url=made.url)
    with pytest.raises(BackupError, match="cannot be opened"):
        make_backup(tmp_path / "other", tmp_path / "b", database_url=empty + "_none")


def test_a_failure_at_the_very_end_leaves_nothing(
    made: Made, tmp_path: Path, empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("trailkeeper.backup.restore.sync_folder", full)
    with pytest.raises(BackupError, match="No space left on device"):
        restore_backup(made.archive, tmp_path / "new", database_url=empty)
    assert not (tmp_path / "new").exists()
    assert holds_nothing(empty)
    monkeypatch.undo()
    restore_backup(made.archive, tmp_path / "new", database_url=empty)


@pytest.mark.slow
def test_killed_in_the_middle_nothing_can_be_served_and_it_can_be_done_again(
    made: Made, tmp_path: Path
) -> None:
    server, new = SHARED.server(), tmp_path / "new"
    with database() as url:
        environment = {**os.environ, "TRAILKEEPER_DATABASE_URL": url}
        command = [*TRAILKEEPER, "restore", "--from", str(made.archive), "--data", str(new)]
        with psycopg.connect(url) as blocking:
            blocking.execute("LOCK TABLE stream IN SHARE MODE")
            process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
            waiting = (
                "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                f" AND query LIKE 'COPY%stream%' AND datname = '{name_in(url)}'"
            )
            try:
                wait_for(lambda: server.admin(waiting), 60)
            finally:
                process.send_signal(signal.SIGKILL)
                process.wait(30)
        others = f"SELECT 1 FROM pg_stat_activity WHERE datname = '{name_in(url)}'"
        wait_for(lambda: not server.admin(others), 30)
        assert holds_nothing(url)
        assert not (new / "secret.key").exists()
        assert read_marker(new) is None
        for data in (new, made.site.data):
            with pytest.raises(InstallationError), opened(data, database_url=url):
                pass
        restore_backup(made.archive, new, database_url=url)
        assert rows_of(url) == rows_of(made.url)


def test_the_password_is_on_no_command_line_and_in_no_message(
    made: Made, tmp_path: Path, empty: str
) -> None:
    file = tmp_path / "url"
    file.write_text(empty)
    options = {"TRAILKEEPER_DATABASE_URL_FILE": str(file)}
    done = cli("restore", "--from", made.archive, "--data", tmp_path / "new", **options)
    assert "Restored into" in done.stdout
    assert "not%20a%20secret" not in done.stdout + done.stderr
    again = cli(
        *("restore", "--from", made.archive, "--data", tmp_path / "more"), check=False, **options
    )
    assert (again.returncode, again.stdout) == (1, "")
    assert "is not empty" in again.stderr
    assert "secret" not in again.stderr
    told = cli("backup", "--data", tmp_path / "new", "-o", tmp_path, "--json", **options)
    files = [one["name"] for one in json.loads(told.stdout)["manifest"]["files"]]
    assert sorted(name for name in files if not PIECE.fullmatch(name)) == [
        *("exports/019a.jsonl", "mail/0001.eml", "secret.key", "trailkeeper.toml")
    ]


@settings(deadline=None, max_examples=20)
@given(st.data())
def test_rows_may_end_anywhere_in_the_pieces(made: Made, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 5_000))
    streams = tables.Streams()
    for name, body in members(made.archive).items():
        if found := PIECE.fullmatch(name):
            for at in range(0, len(body), size):
                streams.take(found[1], body[at : at + size])
    assert streams.content() == made.manifest.content


def test_a_table_that_is_longer_than_a_piece_comes_back(
    made: Made, tmp_path: Path, empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backups, "PIECE_BYTES", 1_000)
    archive, manifest = make_backup(made.site.data, tmp_path / "b")
    assert len(manifest.files) > 100
    assert manifest.content == made.manifest.content
    restore_backup(archive, tmp_path / "new", database_url=empty)
    assert rows_of(empty) == rows_of(made.url)
