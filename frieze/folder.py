"""The data folder: made with tight rights, or refused in one sentence."""

import os
import secrets
from pathlib import Path

from wall.errors import SettingsError

_PASSWORD = "broker-password"  # noqa: S105 - the file's name


def data_folder(path: Path) -> Path:
    """Make the folder and see that it can be written. Raises SettingsError."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = path / f".probe-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise SettingsError(
            f"The data folder {path} can't be written ({error.strerror}); "
            "choose another one with --data or FRIEZE_DATA."
        ) from error
    return path


def scratch_folder(path: Path) -> Path:
    """An empty folder for pictures on their way; what a crash left in it is thrown away."""
    folder = data_folder(path) / "scratch"
    folder.mkdir(exist_ok=True)
    for left in folder.glob("*/*"):
        left.unlink(missing_ok=True)
    for left in folder.iterdir():
        if left.is_dir():
            left.rmdir()
    return folder


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
