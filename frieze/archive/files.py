"""Reading the files of an exported wall, whoever put them there."""

import errno
import hashlib
import os
import stat
from io import BufferedReader
from pathlib import Path


def opened(path: Path) -> BufferedReader:
    """A regular file, to be read. Raises OSError where there is none: a link leads out of the folder, and a pipe or a
    device never ends."""
    try:
        # a pipe that nobody writes into would hold us up for ever
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "it is a link") from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no file")
    return os.fdopen(descriptor, "rb")


def digest_of(path: Path, length: int) -> str | None:
    """SHA-256 of a file, None where it has another length. Raises OSError."""
    with opened(path) as file:
        if os.fstat(file.fileno()).st_size != length:
            return None
        return hashlib.file_digest(file, "sha256").hexdigest()
