"""broker/render: what it writes, and what it refuses to start with."""

import os
import re
import subprocess
from pathlib import Path

import pytest

RENDER = Path(__file__).resolve().parents[2] / "broker/render"


def render(folder: Path, service: str | None, admin: str | None = "a long and different secret", **more: str):
    environment = {"PATH": os.environ["PATH"], "FRIEZE_BROKER_CONF": str(folder / "conf")}
    for name, text in (("PASSWORD", service), ("ADMIN_PASSWORD", admin)):
        path = folder / name
        if text is not None:
            path.write_text(text, encoding="utf-8")
        environment[f"FRIEZE_BROKER_{name}_FILE"] = str(path)
    return subprocess.run(
        [RENDER, "true"], env=environment | more, capture_output=True, text=True, timeout=20, check=False
    )


def value_of(file: Path, key: str) -> str:
    """As java.util.Properties reads it: the escapes are all there is."""
    (found,) = re.findall(rf"(?m)^{key}=((?:\\u[0-9a-f]{{4}})+)$", file.read_text("ascii"))
    return bytes.fromhex(found.replace("\\u", "")).decode("utf-16-be")


@pytest.mark.parametrize(
    "password",
    [
        "plain-and-long-enough",
        "a b#c=d:e!f\\g'h\"i",
        "<&>]]>${x}#{y}%s `id` $(id)",
        "größer, 日本語 \N{PARTY POPPER}",
        " spaces around ",
    ],
)
def test_password_of_any_characters_arrives_as_it_is(tmp_path: Path, password: str) -> None:
    assert render(tmp_path, password + "\n").returncode == 0
    assert value_of(tmp_path / "conf/users.properties", "frieze") == password
    assert (tmp_path / "conf/groups.properties").read_text() == "services=frieze\n"


@pytest.mark.parametrize(
    ("password", "said"),
    [
        (None, "not there or not readable"),
        ("", "is empty"),
        ("\n", "is empty"),
        ("changeme", "is a placeholder"),
        ("CHANGE-ME-please-now", "is a placeholder"),
        ("<your password here>", "is a placeholder"),
        ("${BROKER_PASSWORD}", "is a placeholder"),
        ("admin", "is a placeholder"),
        ("short", "shorter than 12 bytes"),
        ("two lines of\nlong enough text", "line break"),
        ("a long and different secret", "are the same"),
    ],
)
def test_bad_password_refuses_to_start_with_one_sentence(tmp_path: Path, password: str | None, said: str) -> None:
    result = render(tmp_path, password)
    assert result.returncode == 78
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_variable_that_is_not_set_is_named(tmp_path: Path) -> None:
    result = render(tmp_path, "plain-and-long-enough", FRIEZE_BROKER_ADMIN_PASSWORD_FILE="")
    assert result.returncode == 78
    assert "FRIEZE_BROKER_ADMIN_PASSWORD_FILE is not set" in result.stderr


def test_rendered_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    assert render(tmp_path, "plain-and-long-enough").returncode == 0
    for path in (tmp_path / "conf").iterdir():
        assert path.stat().st_mode & 0o077 == 0, path
