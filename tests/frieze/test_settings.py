"""Settings come from where they should, and what is wrong is named."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from frieze.settings import load, unknown_keys
from wall.errors import SettingsError


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_environment_wins_over_the_file_and_options_over_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "frieze.toml").write_text('port = 1111\nhost = "10.0.0.1"\nstomp_port = 3333\n')
    monkeypatch.setenv("FRIEZE_PORT", "2222")
    monkeypatch.setenv("FRIEZE_STOMP_PORT", "4444")
    settings = load(stomp_port=5555)
    assert (settings.host, settings.port, settings.stomp_port) == ("10.0.0.1", 2222, 5555)


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRIEZE_ORIGINS", "https://a.example, https://b.example")
    monkeypatch.setenv("FRIEZE_FETCH_ALLOW", "10.0.0.0/8,127.0.0.0/8")
    settings = load()
    assert settings.origins == ("https://a.example", "https://b.example")
    assert settings.fetch_allow == (ip_network("10.0.0.0/8"), ip_network("127.0.0.0/8"))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("FRIEZE_PORT", "seventy", "FRIEZE_PORT is 'seventy'"),
        ("FRIEZE_PORT", "70000", "FRIEZE_PORT is '70000'"),
        ("FRIEZE_FETCH_ALLOW", "10.0.0.0/99", "FRIEZE_FETCH_ALLOW"),
        ("FRIEZE_LOG_LEVEL", "loud", "FRIEZE_LOG_LEVEL is 'loud'"),
    ],
)
def test_a_wrong_value_is_named_with_the_variable_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as error:
        load()
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "frieze.toml").write_text("port = = 1")
    with pytest.raises(SettingsError, match=r"frieze\.toml is not valid TOML"):
        load()


def test_misspelt_names_are_reported_from_the_environment_and_the_file(tmp_path: Path) -> None:
    (tmp_path / "frieze.toml").write_text("prot = 1\nport = 8080\n")
    environment = {"FRIEZE_BROKER_PASWORD": "x", "FRIEZE_PORT": "1", "FRIEZE_TEST_POSTGRES": "x", "HOME": "/"}
    assert unknown_keys(environment) == ["FRIEZE_BROKER_PASWORD", "prot (in frieze.toml)"]


def test_secrets_are_not_shown_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRIEZE_X_BEARER_TOKEN", "sesame")
    monkeypatch.setenv("FRIEZE_DATABASE_URL", "postgresql://u:sesame@h/n")
    assert "sesame" not in repr(load())


def test_the_stores_user_and_password_come_from_secret_files_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("frieze.settings.SECRETS", tmp_path)
    (tmp_path / "frieze_store_user").write_text("AKIA")
    (tmp_path / "frieze_store_password").write_text("sesame\n")
    settings = load()
    assert (settings.store_user, settings.store_secret) == ("AKIA", "sesame")
    assert "sesame" not in repr(settings)
    (tmp_path / "frieze_store_password").write_text("\n")
    assert load().store_secret is None


def test_a_storage_service_is_opened_with_its_token_and_any_other_store_with_the_password() -> None:
    secrets = {"store_password": "for-the-vendor", "store_token": "for-the-service"}
    assert load(store_url="http://store:8080", **secrets).store_secret == "for-the-service"
    assert load(store_url="s3://wall", **secrets).store_secret == "for-the-vendor"
