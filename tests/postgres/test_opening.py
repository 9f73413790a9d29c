"""Opening an installation on PostgreSQL: each thing that can be wrong is one line that says so."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import OWNER, PASSWORD, cli
from tests.postgresql import SHARED, SUPERUSER, database, name_in

from trailkeeper.installation import KEY_FILE, InstallationError, create
from trailkeeper.ledger.home import home_of
from trailkeeper.ledger.marker import MARKER_FILE, DatabaseError, read_marker


@pytest.fixture
def url() -> Iterator[str]:
    with database() as made:
        yield made


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def why(data: Path, url: str) -> str:
    """What an opening of this folder with this database is refused with."""
    with pytest.raises(DatabaseError) as caught:
        home_of(data, url).check((data / KEY_FILE).read_bytes())
    said = str(caught.value)
    assert "\n" not in said
    assert "secret%20" not in said
    return said


def test_the_folder_knows_its_database_without_password(data: Path, url: str) -> None:
    create(data, url)
    text = (data / MARKER_FILE).read_text()
    assert name_in(url) in text
    assert "secret" not in text
    assert (data / MARKER_FILE).stat().st_mode & 0o777 == 0o600
    assert home_of(data, url).check((data / KEY_FILE).read_bytes()) == []


def test_an_installation_is_never_made_over_another(data: Path, url: str, tmp_path: Path) -> None:
    create(data, url)
    marker = read_marker(data)
    with pytest.raises(InstallationError, match="holds an installation already"):
        create(data, url)
    with pytest.raises(InstallationError, match="holds an installation already"):
        create(tmp_path / "another", url)
    with pytest.raises(InstallationError, match="holds an installation already"):
        create(data)
    assert read_marker(data) == marker


def test_what_a_crash_left_of_an_init_is_made_again(data: Path, url: str) -> None:
    create(data, url)
    SHARED.server().admin("DELETE FROM installation", database=name_in(url))
    create(data, url)
    assert home_of(data, url).check((data / KEY_FILE).read_bytes()) == []


def test_a_further_host_needs_only_the_key(data: Path, url: str, tmp_path: Path) -> None:
    create(data, url)
    second = tmp_path / "second"
    second.mkdir()
    (second / KEY_FILE).write_bytes(b"x" * 32)
    assert "copy secret.key" in why(second, url)
    assert not (second / MARKER_FILE).exists()
    shutil.copy(data / KEY_FILE, second)
    home_of(second, url).check((second / KEY_FILE).read_bytes())
    assert read_marker(second) == read_marker(data)


def test_the_database_of_another_installation_is_refused(
    data: Path, url: str, tmp_path: Path
) -> None:
    create(data, url)
    with database() as other:
        assert "holds no installation" in why(data, other)
        create(tmp_path / "other", other)
        assert "belongs to an installation in" in why(data, other)


def test_the_database_must_be_named_and_sqlite_is_not_left_behind(
    data: Path, url: str, tmp_path: Path
) -> None:
    create(data, url)
    assert "TRAILKEEPER_DATABASE_URL" in why(data, "")
    create(tmp_path / "sqlite")
    assert "migrate-store" in why(tmp_path / "sqlite", url)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda url: url.replace("not%20a%20secret", "wrong"), "password is wrong"),
        (lambda url: url.replace(":not%20a%20secret", ""), "needs the user's password"),
        (lambda url: url + "_nowhere", "CREATE DATABASE"),
        (lambda url: url.replace("127.0.0.1", "nowhere.invalid"), "host's name right"),
        (lambda url: f"postgresql://u:p@127.0.0.1:1/{name_in(url)}", "does PostgreSQL run"),
        (lambda url: url + "?target_session_attrs=standby", "standby"),
    ],
)
def test_what_cannot_be_reached_is_told_why(data: Path, url: str, change, said: str) -> None:
    create(data, url)
    assert said in why(data, change(url))


def test_another_encoding_is_refused(data: Path, url: str) -> None:
    create(data, url)
    name = f"{name_in(url)}_latin"
    SHARED.server().admin(
        f"CREATE DATABASE {name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    )
    try:
        assert "LATIN1" in why(data, SHARED.server().url(name))
    finally:
        SHARED.server().admin(f"DROP DATABASE {name}")


def test_a_superuser_is_warned_of(data: Path, url: str) -> None:
    create(data, url)
    warnings = home_of(data, SHARED.server().url(name_in(url), SUPERUSER)).check(
        (data / KEY_FILE).read_bytes()
    )
    assert len(warnings) == 1
    assert "row-level security" in warnings[0]


def test_the_command_line_says_it_in_one_line(data: Path, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text(PASSWORD)
    made = ("init", "--data", data, "--workspace", "Acme", "--owner-email", OWNER)
    given = ("--owner-password-file", secret)
    wrong = "postgresql://u:top%20secret@127.0.0.1:1/d"
    for done in (
        cli(*made, *given, "--database-url", wrong, check=False),
        cli(*made, *given, check=False, TRAILKEEPER_DATABASE_URL=wrong),
        cli(*made, *given, "--database-url", "postgresql://u:top@secret@h/d", check=False),
        cli("serve", "--data", data, "--database-url", wrong, check=False),
    ):
        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1, done.stderr
        assert done.stderr.startswith("trailkeeper: ")
        assert "secret" not in done.stderr.replace("secret.key", "")
