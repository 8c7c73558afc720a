"""script/secrets, run for real in a folder of its own."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MADE = {
    *("postgres_password", "frieze_broker_password", "broker_admin_password", "frieze_database_url"),
    "frieze_store_token",
}
# these are made empty, for their owners to fill in
OWNERS = {"frieze_x_bearer_token", "frieze_store_password", "frieze_store_other_password"}


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "script" / "secrets", *arguments],
        env=os.environ | {"SECRETS": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    done = _run(tmp_path / "secrets")
    assert done.returncode == 0, done.stderr
    return tmp_path / "secrets"


def test_the_first_run_makes_every_secret_and_names_what_it_made(tmp_path: Path) -> None:
    done = _run(tmp_path / "secrets")
    assert set(_contents(tmp_path / "secrets")) == MADE | OWNERS
    for name, value in _contents(tmp_path / "secrets").items():
        assert name in done.stdout
        assert not value or value not in done.stdout, "secrets are not printed"


def test_passwords_are_long_random_and_need_no_quoting(folder: Path) -> None:
    contents = _contents(folder)
    passwords = [contents[name] for name in MADE if name.endswith(("password", "token"))]
    assert len(set(passwords)) == 4
    for password in passwords:
        assert len(password) == 32
        assert password.isascii()
        assert password.isalnum()
    assert contents["frieze_database_url"] == f"postgresql://frieze:{contents['postgres_password']}@postgres/frieze"


def test_others_cannot_enter_the_folder_while_containers_can_read_the_files(folder: Path) -> None:
    assert _mode(folder) == 0o700
    assert _mode(folder / "tls") == 0o755
    for path in folder.iterdir():
        if path.is_file():
            assert _mode(path) == 0o644


def test_a_second_run_changes_nothing(folder: Path) -> None:
    before = _contents(folder)
    done = _run(folder)
    assert done.returncode == 0
    assert "Nothing to make" in done.stdout
    assert _contents(folder) == before


def test_a_secret_that_was_deleted_is_made_anew_and_the_others_stay(folder: Path) -> None:
    before = _contents(folder)
    (folder / "frieze_broker_password").unlink()
    assert _run(folder).returncode == 0
    after = _contents(folder)
    assert after.pop("frieze_broker_password") != before.pop("frieze_broker_password")
    assert after == before


def test_an_operators_own_secrets_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "frieze_x_bearer_token").write_text("AAAA-a-token-of-ours")
    (folder / "frieze_database_url").write_text("postgresql://wall:lengthy-enough@db.example/wall")
    done = _run(folder)
    assert done.returncode == 0, done.stderr
    assert (folder / "frieze_x_bearer_token").read_text() == "AAAA-a-token-of-ours"
    assert "db.example" in (folder / "frieze_database_url").read_text()
    assert "X is off" not in done.stdout


@pytest.mark.parametrize("value", ["", "changeme", "change-me-please", "<password>", "${PASSWORD}", "Admin", "short"])
def test_a_placeholder_is_refused_by_name(folder: Path, value: str) -> None:
    (folder / "frieze_broker_password").write_text(value)
    done = _run(folder)
    assert done.returncode == 1
    assert "frieze_broker_password" in done.stderr
    assert (folder / "frieze_broker_password").read_text() == value


def test_a_database_address_with_another_password_is_refused(folder: Path) -> None:
    (folder / "postgres_password").write_text("another-password-than-in-the-address")
    done = _run(folder)
    assert done.returncode == 1
    assert "frieze_database_url has another password" in done.stderr


def test_a_password_that_an_address_cannot_carry_is_refused(folder: Path) -> None:
    (folder / "postgres_password").write_text("with/a@slash-and-more")
    done = _run(folder)
    assert done.returncode == 1
    assert "postgres_password" in done.stderr


def test_a_self_signed_certificate_is_for_the_names_given_and_is_left_alone_afterwards(folder: Path) -> None:
    assert _run(folder, "--self-signed", "wall.example", "10.1.2.3").returncode == 0
    certificate, key = folder / "tls" / "fullchain.pem", folder / "tls" / "privkey.pem"
    shown = subprocess.run(
        ["openssl", "x509", "-in", certificate, "-noout", "-ext", "subjectAltName"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    assert "DNS:wall.example" in shown
    assert "IP Address:10.1.2.3" in shown
    before = key.read_bytes()
    done = _run(folder, "--self-signed", "other.example")
    assert done.returncode == 0
    assert "left alone" in done.stdout
    assert key.read_bytes() == before


def test_unknown_options_and_strange_names_are_refused(tmp_path: Path) -> None:
    for arguments in (["--force"], ["wall.example"], ["--self-signed", "wall example"]):
        done = _run(tmp_path / "secrets", *arguments)
        assert done.returncode == 1
        assert done.stderr.startswith("script/secrets: ")
    assert not (tmp_path / "secrets").exists()
