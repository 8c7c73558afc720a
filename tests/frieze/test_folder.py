"""The data folder is ours alone, and one that can't be used is refused in one sentence."""

import stat
from pathlib import Path

import pytest

from frieze.folder import data_folder, embedded_password, scratch_folder
from wall.errors import SettingsError


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_made_for_nobody_else_to_read_and_left_clean(tmp_path: Path) -> None:
    made = data_folder(tmp_path / "a" / "data")
    assert _mode(made) == 0o700
    assert list(made.iterdir()) == []


@pytest.mark.parametrize("below", ["file", "file/data"])
def test_one_that_cant_be_used_is_named_with_what_to_do(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("")
    for use in (data_folder, scratch_folder, embedded_password):
        with pytest.raises(SettingsError) as refused:
            use(tmp_path / below)
        assert str(tmp_path / below) in str(refused.value)
        assert "--data or FRIEZE_DATA" in str(refused.value)


def test_what_a_crash_left_of_pictures_on_their_way_is_thrown_away(tmp_path: Path) -> None:
    scratch = scratch_folder(tmp_path)
    (scratch / "tmp1").mkdir()
    (scratch / "tmp1" / "original").write_bytes(b"half a picture")
    (scratch / "tmp2").mkdir()
    (tmp_path / "catalogue.db").write_bytes(b"kept")
    assert scratch_folder(tmp_path) == scratch
    assert list(scratch.iterdir()) == []
    assert (tmp_path / "catalogue.db").read_bytes() == b"kept"


def test_the_embedded_brokers_password_is_made_once_and_is_for_nobody_else_to_read(tmp_path: Path) -> None:
    password = embedded_password(tmp_path)
    assert len(password) >= 24
    assert embedded_password(tmp_path) == password
    assert _mode(tmp_path / "broker-password") == 0o600
    assert embedded_password(tmp_path / "another") != password


def test_a_password_that_a_crash_left_empty_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "broker-password").write_text("")
    password = embedded_password(tmp_path)
    assert len(password) >= 24
    assert embedded_password(tmp_path) == password
    assert _mode(tmp_path / "broker-password") == 0o600
