"""The data folder: made with tight rights, or refused in one sentence."""

import fcntl
import os
import secrets
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from shutil import rmtree

from wall.errors import SettingsError

_PASSWORD = "broker-password"  # noqa: S105 - the file's name
_LOCK = ".lock"
# a scratch folder without a lock is no process's of this version; the longest picture is made in minutes
_OLD_SECONDS = 86400.0


def data_folder(path: Path) -> Path:
    """Make the folder and see that it can be written. Raises SettingsError."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = path / f".probe-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise _unusable(path, error) from error
    return path


def _unusable(path: Path, error: OSError) -> SettingsError:
    return SettingsError(
        f"The data folder {path} can't be written ({error.strerror}); choose another one with --data or FRIEZE_DATA."
    )


@contextmanager
def scratch_folder(path: Path, holder: str) -> Generator[Path]:
    """An empty folder of this process alone for pictures on their way, gone afterwards; what processes that died have
    left of theirs is thrown away. `holder` names this process. Raises SettingsError."""
    scratch = data_folder(data_folder(path) / "scratch")
    with ExitStack() as stack:
        with _locked(scratch / _LOCK):  # one at a time, or a folder could be looked at before it is locked
            folder = data_folder(scratch / holder)
            stack.callback(rmtree, folder, ignore_errors=True)
            # kept until the process ends, however it does
            stack.enter_context(_locked(folder / _LOCK))
            for other in scratch.iterdir():
                if other != folder and other.is_dir() and _is_dead(other):
                    rmtree(other, ignore_errors=True)
        yield folder


def _is_dead(folder: Path) -> bool:
    """Whether nobody holds its lock; without one, whether nothing was made there for a day."""
    try:
        if not (folder / _LOCK).exists():
            return time.time() - folder.stat().st_mtime > _OLD_SECONDS
        with (folder / _LOCK).open("rb") as opened:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False  # somebody holds it, or it can't be known
    return True


@contextmanager
def _locked(file: Path) -> Generator[None]:
    """Hold a lock on this file; where the file system knows none, hold nothing."""
    try:
        opened = file.open("ab")
    except OSError as error:
        raise _unusable(file.parent, error) from error
    with opened:
        with suppress(OSError):
            fcntl.flock(opened, fcntl.LOCK_EX)
        yield


def embedded_password(path: Path) -> str:
    """The embedded broker's service password, made once and kept in the data folder."""
    file = data_folder(path) / _PASSWORD
    if file.is_file():
        if known := file.read_text().strip():
            return known
        file.unlink()  # a crash or a full disk left it empty, and then no program could ever sign in
    password = secrets.token_urlsafe(24)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(password + "\n")
    return password
