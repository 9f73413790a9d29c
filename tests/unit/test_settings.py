"""Settings: where they come from, and that a wrong one is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from trailkeeper.settings import Settings, SettingsError, load_settings


def test_without_anything_set_the_defaults_hold(tmp_path: Path) -> None:
    assert load_settings(tmp_path, {}) == Settings()


def test_a_setting_is_read_from_the_environment(tmp_path: Path) -> None:
    env = {"TRAILKEEPER_QUEUE_MAX_UNITS": "7", "TRAILKEEPER_LOG_FORMAT": "json", "HOME": "/"}
    assert load_settings(tmp_path, env) == Settings(queue_max_units=7, log_format="json")


def test_the_processs_own_environment_is_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAILKEEPER_QUEUE_MAX_BYTES", "99")
    assert load_settings(tmp_path).queue_max_bytes == 99


def test_a_setting_is_read_from_a_file_that_the_environment_names(tmp_path: Path) -> None:
    file = tmp_path / "proxies"
    file.write_text("192.0.2.1\n")
    env = {"TRAILKEEPER_TRUSTED_PROXIES_FILE": str(file)}
    assert load_settings(tmp_path, env).trusted_proxies == "192.0.2.1"


def test_a_setting_is_read_from_the_data_folder(tmp_path: Path) -> None:
    (tmp_path / "trailkeeper.toml").write_text('redact_keys = ["iban", "ssn"]\nqueue_max_units = 3')
    assert load_settings(tmp_path, {}) == Settings(redact_keys=("iban", "ssn"), queue_max_units=3)


def test_the_environment_wins_over_a_named_file_and_that_over_the_data_folder(
    tmp_path: Path,
) -> None:
    (tmp_path / "trailkeeper.toml").write_text("queue_max_units = 1")
    (tmp_path / "units").write_text("2")
    env = {"TRAILKEEPER_QUEUE_MAX_UNITS_FILE": str(tmp_path / "units")}
    assert load_settings(tmp_path, env).queue_max_units == 2
    env["TRAILKEEPER_QUEUE_MAX_UNITS"] = "3"
    assert load_settings(tmp_path, env).queue_max_units == 3


def test_keys_to_redact_are_separated_by_commas(tmp_path: Path) -> None:
    env = {"TRAILKEEPER_REDACT_KEYS": "iban,tax number"}
    assert load_settings(tmp_path, env).redact_keys == ("iban", "tax number")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("queue_max_bytes", "many"),
        ("queue_max_bytes", "0"),
        ("queue_max_units", "-1"),
        ("queue_max_units", "1.5"),
        ("log_format", "xml"),
    ],
)
def test_a_wrong_value_is_refused_by_name(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        load_settings(tmp_path, {f"TRAILKEEPER_{name.upper()}": value})


def test_an_unknown_setting_in_the_data_folder_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "trailkeeper.toml").write_text("queue_max_unit = 1")
    with pytest.raises(SettingsError, match=r"`queue_max_unit`"):
        load_settings(tmp_path, {})


@pytest.mark.parametrize("content", [b"queue_max_units =", b"\xff"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "trailkeeper.toml").write_bytes(content)
    with pytest.raises(SettingsError, match=r"trailkeeper\.toml cannot be read"):
        load_settings(tmp_path, {})


@pytest.mark.parametrize("content", [None, b"\xff"])
def test_a_named_file_that_cannot_be_read_is_told(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "format"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match="TRAILKEEPER_LOG_FORMAT_FILE"):
        load_settings(tmp_path, {"TRAILKEEPER_LOG_FORMAT_FILE": str(file)})
