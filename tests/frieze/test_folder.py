"""The data folder is ours alone, and one that can't be used is refused in one sentence."""

import os
import stat
from collections.abc import Callable
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
    uses: list[Callable[[Path], object]] = [
        data_folder,
        lambda path: scratch_folder(path, "here").__enter__(),
        embedded_password,
    ]
    for use in uses:
        with pytest.raises(SettingsError) as refused:
            use(tmp_path / below)
        assert str(tmp_path / below) in str(refused.value)
        assert "--data or FRIEZE_DATA" in str(refused.value)


def _fill(folder: Path) -> Path:
    (folder / "tmp1").mkdir(parents=True)
    (folder / "tmp1" / "original").write_bytes(b"half a picture")
    return folder


def test_what_a_crash_left_of_pictures_on_their_way_is_thrown_away(tmp_path: Path) -> None:
    (tmp_path / "catalogue.db").write_bytes(b"kept")
    # a process that is killed says nothing, but its lock is gone
    left = _fill(tmp_path / "scratch" / "crashed")
    (left / ".lock").write_bytes(b"")
    with scratch_folder(tmp_path, "here") as scratch:
        assert not left.exists()
        assert [file.name for file in scratch.iterdir()] == [".lock"]
        _fill(scratch)
    assert not scratch.exists()
    assert (tmp_path / "catalogue.db").read_bytes() == b"kept"


def test_processes_that_share_a_data_folder_leave_each_others_pictures_alone(tmp_path: Path) -> None:
    with scratch_folder(tmp_path, "one") as one:
        _fill(one)
        with scratch_folder(tmp_path, "two") as two:
            _fill(two)
            assert (one / "tmp1" / "original").exists()
        assert (one / "tmp1" / "original").exists()
        assert not two.exists()


def test_of_an_earlier_version_what_is_old_is_thrown_away_and_what_is_new_is_not(tmp_path: Path) -> None:
    old, new = [_fill(tmp_path / "scratch" / name) for name in ("old", "new")]
    os.utime(old, (0, 0))
    with scratch_folder(tmp_path, "here"):
        assert (old.exists(), new.exists()) == (False, True)


def test_a_scratch_folder_that_can_not_be_emptied_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = _fill(tmp_path / "scratch" / "left")
    (left / ".lock").write_bytes(b"")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(os, "rmdir", refuse)
        with scratch_folder(tmp_path, "here") as scratch:
            assert scratch.is_dir()
    assert left.exists()


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
