"""A folder of photographs on this machine: what is put into it appears, what is taken out of it goes.

A file counts once its size and time stayed the same over two looks, so that half-copied ones wait. Its post is named
by its content: copies are one post, a renamed file stays the same post, and the post goes when the last copy has been
gone for two looks. Links are not followed, so nothing outside of the folder is ever shown.
"""

import asyncio
import base64
import hashlib
import os
import re
import stat
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from ingest.sources.base import Checkpoint, Page
from wall.errors import FetchRefused, FetchUnavailable, SourceRefused, SourceUnavailable
from wall.posts import SourceMedia, SourcePost, SourceRemoval

NETWORK = "folder"
MAX_FILES = 5_000  # of one folder; the checkpoint keeps 60 bytes of each
MAX_DEPTH = 16  # folders inside of folders
MAX_ENTRIES = 50_000  # of all kinds, looked at in one sweep
MAX_BYTES = 100 * 1024 * 1024  # of one file; reference: docs/limits.md, the same as for uploads
POSTS_PER_PAGE = 50
PAUSE = 2.0  # seconds between two looks
_BLOCK = 1 << 20

# What people take for pictures. Others than ours are handed on too: their post fails with the reason for operators.
_SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".gif", ".webp", ".avif"),
    *(".heic", ".heif", ".tif", ".tiff", ".bmp", ".svg", ".jxl", ".jp2", ".mp4", ".mov", ".webm", ".m4v"),
)
_UNFINISHED = (".part", ".tmp", ".crdownload", ".partial")
# names that cameras and phones give, and that say nothing: IMG_1234, DSC01234, PXL_20240101_120000, a hash
_CAMERA_NAME = re.compile(
    r"(img|dsc[fn]?|dscf|pxl|mvi|p|gopr|photo|image|screenshot|whatsapp image|signal)?[\s_-]*[\d\s_.()~-]*"
    r"(wa\d+|mp|edited|hdr)?|[0-9a-f]{16,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Found:
    """A file as one look saw it. `mark` stands for its name, size and time."""

    path: Path
    modified: float
    mark: str


@dataclass(slots=True)
class _Memory:
    """What this process remembers of one folder between two looks."""

    seen: set[str] = field(default_factory=set[str])  # marks of the look before
    missing: set[str] = field(default_factory=set[str])  # hashes that the look before did not find
    unreadable: dict[str, str] = field(default_factory=dict[str, str])  # mark → why


class FolderSource:
    """`pause`: seconds between two looks. A search's query is the folder's path."""

    network = NETWORK
    keeps_originals = True

    def __init__(self, *, pause: float = PAUSE, clock: Callable[[], float] = time.monotonic) -> None:
        self._pause = pause
        self._clock = clock
        self._memories: dict[str, _Memory] = {}

    def check_query(self, query: str) -> None:
        if not query.strip() or "\0" in query:
            raise SourceRefused("Give the path of a folder, for example /home/ada/Pictures.")
        if not Path(query).is_absolute():
            raise SourceRefused(f"Give the folder's whole path, beginning with a slash, instead of {query[:80]!r}.")

    async def sweep(self, query: str, checkpoint: Checkpoint) -> AsyncGenerator[Page]:
        self.check_query(query)
        memory = self._memories.setdefault(query, _Memory())
        known: dict[str, str] = dict(checkpoint.get("files", {}))
        began = self._clock()
        look = await asyncio.to_thread(_look, Path(query))
        spent = self._clock() - began
        present = {one.mark: one for one in look.files}
        # what is new, and the same as at the look before
        new = [one for mark, one in present.items() if mark not in known and mark in memory.seen]
        waiting = sum(mark not in known and mark not in memory.seen for mark in present)
        memory.seen = set(present)
        memory.unreadable = {mark: why for mark, why in memory.unreadable.items() if mark in present}
        posts: list[SourcePost] = []
        contents = set(known.values())
        taken = 0
        room = MAX_FILES - len(known)
        for one in sorted(new, key=lambda found: found.modified)[: max(0, room)]:
            if one.mark in memory.unreadable:
                continue
            try:
                digest = await asyncio.to_thread(_hash, one.path)
            except OSError as error:
                memory.unreadable[one.mark] = f"{one.path.name}: {error.strerror or error}"
                continue
            if digest not in contents:
                posts.append(_post(Path(query), one, digest))
                taken += 1
            known[one.mark] = digest
            contents.add(digest)
            if len(posts) == POSTS_PER_PAGE:
                yield Page(posts=tuple(posts), checkpoint={"files": dict(known)}, next_in=0, note=f"{taken} new")
                posts.clear()
        gone = self._gone(memory, known, present, look.complete)
        note = _note(taken, waiting, len(gone), memory, full=room < len(new), complete=look.complete)
        yield Page(
            posts=tuple(posts),
            removals=tuple(SourceRemoval(key=_key(digest)) for digest in sorted(gone)),
            checkpoint={"files": known},
            # a large or slow folder is looked at less often: at most a twentieth of the time
            next_in=max(self._pause, 20 * spent),
            note=note,
        )

    async def fetch(self, origin: str, target: Path) -> None:
        scheme, _, rest = origin.partition(":")
        digest, _, name = rest.partition(":")
        if scheme != NETWORK or len(digest) != 64 or not name.startswith("/"):
            raise FetchRefused(f"{origin[:120]!r} is not a file of a folder.")
        try:
            same = await asyncio.to_thread(_copy, Path(name), target, digest)
        except FileNotFoundError as error:
            raise FetchRefused(f"The file {name} is no longer there.") from error
        except OSError as error:
            raise FetchUnavailable(f"The file {name} can't be read: {error.strerror or error}.") from error
        if not same:
            raise FetchRefused(f"The file {name} has changed since it was found.")

    async def close(self) -> None:
        self._memories.clear()

    def _gone(self, memory: _Memory, known: dict[str, str], present: dict[str, _Found], complete: bool) -> set[str]:
        """Hashes whose last file is missing for the second time; they and their marks are forgotten."""
        if not complete:
            return set()  # a folder that could not be read proves nothing
        there = {digest for mark, digest in known.items() if mark in present}
        missing = set(known.values()) - there
        gone = missing & memory.missing
        memory.missing = missing - gone
        for mark in [mark for mark, digest in known.items() if mark not in present and digest not in memory.missing]:
            del known[mark]  # gone for good, or a copy of something that is still there
        return gone


@dataclass(frozen=True, slots=True)
class _Look:
    files: list[_Found]
    complete: bool  # every folder could be read, and no limit cut the look short


def _look(root: Path) -> _Look:
    try:
        root = root.resolve(strict=True)
        with os.scandir(root):
            pass
    except FileNotFoundError as error:
        raise SourceUnavailable(f"There is no folder {root}. Make it, or mount its disk.") from error
    except NotADirectoryError as error:
        raise SourceRefused(f"{root} is a file. Give the path of the folder that it is in.") from error
    except OSError as error:
        raise SourceUnavailable(f"The folder {root} can't be read: {error.strerror or error}.") from error
    files: list[_Found] = []
    failed: list[OSError] = []
    for entry in _walk(root, failed):
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:
            continue  # gone in between
        fingerprint = hashlib.sha256(f"{entry.path}\0{status.st_size}\0{status.st_mtime_ns}".encode())
        mark = base64.urlsafe_b64encode(fingerprint.digest()[:9]).decode()
        files.append(_Found(path=Path(entry.path), modified=status.st_mtime, mark=mark))
    return _Look(files=files, complete=not failed)


def _walk(root: Path, failed: list[OSError]) -> Iterator[os.DirEntry[str]]:
    """The picture files under `root`, in no order. What could not be looked at is added to `failed`.

    Names that are no text are left out: they can't be stored, nor told to anybody.
    """
    folders = [(str(root), 0)]
    entries = 0
    while folders:
        folder, depth = folders.pop()
        try:
            with os.scandir(folder) as found:
                for entry in found:
                    entries += 1
                    if entries > MAX_ENTRIES:
                        failed.append(OSError("too many files"))
                        return
                    if entry.name.startswith(".") or not entry.name.isprintable() or entry.is_symlink():
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        if depth < MAX_DEPTH:
                            folders.append((entry.path, depth + 1))
                    elif entry.is_file(follow_symlinks=False) and is_candidate(entry.name):
                        yield entry
        except OSError as error:
            failed.append(error)


def is_candidate(name: str) -> bool:
    """Whether a file of this name is taken for a picture or video, and whole."""
    lower = name.lower()
    return not lower.endswith(_UNFINISHED) and Path(lower).suffix in _SUFFIXES


def _open(path: Path) -> BinaryIO:
    """Never follows a link, never waits for a pipe. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    file = os.fdopen(descriptor, "rb")
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        file.close()
        raise OSError("it is not an ordinary file")
    return file


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with _open(path) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _copy(path: Path, target: Path, expected: str) -> bool:
    """Copy, and say whether the bytes are the expected ones; a copy of others does not stay."""
    digest = hashlib.sha256()
    same = False
    try:
        with _open(path) as file, target.open("wb") as copy:
            if os.fstat(file.fileno()).st_size > MAX_BYTES:
                raise FetchRefused(f"The file {path} is larger than {MAX_BYTES // 2**20} MiB.")
            while block := file.read(_BLOCK):
                digest.update(block)
                copy.write(block)
        same = digest.hexdigest() == expected
        return same
    finally:
        if not same:
            with suppress(OSError):
                target.unlink(missing_ok=True)


def _key(digest: str) -> str:
    return f"sha256:{digest}"


def _post(root: Path, found: _Found, digest: str) -> SourcePost:
    text = title(found.path.stem)
    return SourcePost(
        key=_key(digest),
        version=1,
        author_name=found.path.parent.name or root.name or "Folder",
        author_handle="folder",
        avatar=None,
        text=text,
        url=None,
        created=datetime.fromtimestamp(max(0.0, found.modified), UTC),
        media=(
            SourceMedia(
                key=digest,
                kind="image",
                origin=f"{NETWORK}:{digest}:{found.path}",
                alt=text,
                name=found.path.name,
            ),
        ),
    )


def title(stem: str) -> str:
    """What a file's name says, in words; nothing where only a camera speaks."""
    if _CAMERA_NAME.fullmatch(stem):
        return ""
    words = re.sub(r"[\s_]+|(?<=[^\W\d_])-(?=[^\W\d_])", " ", stem).strip()
    return words[:200]


def _note(taken: int, waiting: int, gone: int, memory: _Memory, *, full: bool, complete: bool) -> str:
    parts = [f"{taken} new"]
    if gone:
        parts.append(f"{gone} gone")
    if waiting:
        parts.append(f"{waiting} still being written")
    if memory.unreadable:
        parts.append(f"{len(memory.unreadable)} can't be read ({next(iter(memory.unreadable.values()))[:120]})")
    if full:
        parts.append(f"more than {MAX_FILES} files: the rest is left out")
    if not complete:
        parts.append("a part of the folder can't be looked at")
    return ", ".join(parts)
