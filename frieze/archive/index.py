"""`index.json` of an exported wall (docs/export.md): its format, written line by line and read whole.

{"v": 1, "kind": "frieze-export", "wall": …, "title": …, "exported": …, "posts": [
{…a post a line, in the order in which they came onto the wall…}
]}
"""

import json
import os
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TextIO

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from frieze.archive.files import opened
from wall.errors import SettingsError
from wall.posts import MEDIA_PER_POST, MediaKind
from wall.uploads import NAME_CHARACTERS
from wall.wire import timestamp

VERSION = 1
KIND = "frieze-export"
NAME, MEDIA = "index.json", "media"  # of the index, and of the folder beside it


def _storable(text: str) -> str:
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("it holds a NUL or half a character, which no database keeps")
    return text


_Storable = AfterValidator(_storable)
# as long as what sources find, or longer (ingest/sources/x_posts.py): an event has to hold it
_Name = Annotated[str, StringConstraints(max_length=200), _Storable]
_Key = Annotated[str, StringConstraints(min_length=1, max_length=400), _Storable]
_Text = Annotated[str, StringConstraints(max_length=25_000), _Storable]
_Alt = Annotated[str, StringConstraints(max_length=1_000), _Storable]
_ImageName = Annotated[str, StringConstraints(max_length=NAME_CHARACTERS), _Storable]
# pages make links of it
_Url = Annotated[str, StringConstraints(max_length=2_000, pattern=r"^https?://"), _Storable]
_Version = Annotated[int, Field(ge=-(2**63), lt=2**63)]  # a column of 64 bits
_Side = Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)]
# so that it is a time in every time zone
_Time = Annotated[AwareDatetime, Field(ge=datetime(2, 1, 1, tzinfo=UTC), lt=datetime(9999, 1, 1, tzinfo=UTC))]
_Count = Annotated[int, Field(ge=0, lt=2**63)]
_FileName = Annotated[str, StringConstraints(pattern=r"^media/[a-z2-7]{26}\.[a-z0-9]{1,5}$")]
_Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """A file of the export: `file` as its path in there, `role` which form of the picture it is (docs/wire.md)."""

    file: _FileName
    role: _Name
    type: _Name
    bytes: _Count
    sha256: _Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaEntry:
    key: _Key
    kind: MediaKind
    alt: _Alt
    name: _ImageName
    focus: tuple[_Side, _Side] | None
    width: _Count
    height: _Count
    file: FileEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class PostEntry:
    key: _Key
    version: _Version
    source: _Name
    author: _Name
    handle: _Name
    avatar: FileEntry | None
    text: _Text
    url: _Url | None
    created: _Time
    received: _Time
    media: Annotated[tuple[MediaEntry, ...], Field(max_length=MEDIA_PER_POST)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    v: int
    kind: str
    wall: str
    title: str
    exported: AwareDatetime
    posts: tuple[PostEntry, ...]


_INDEX = TypeAdapter(Index)


class IndexWriter:
    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._first = True

    def add(self, posts: Iterable[PostEntry]) -> None:
        for post in posts:
            fields = asdict(post) | {"created": timestamp(post.created), "received": timestamp(post.received)}
            self._file.write(("" if self._first else ",\n") + _dump(fields))
            self._first = False


@contextmanager
def new_index(folder: Path, wall: str, title: str, exported: datetime) -> Generator[IndexWriter]:
    """Write an index that takes the place of the one that is there when the block ends well, and not before."""
    part = folder / f".{NAME}.part"
    try:
        with part.open("w", encoding="utf-8") as file:
            head = {"v": VERSION, "kind": KIND, "wall": wall, "title": title, "exported": timestamp(exported)}
            file.write(_dump(head)[:-1] + ',"posts":[\n')
            yield IndexWriter(file)
            file.write("\n]}\n")
            file.flush()
            os.fsync(file.fileno())
        part.replace(folder / NAME)
    finally:
        part.unlink(missing_ok=True)


def read_index(folder: Path) -> Index:
    """Raises SettingsError in a sentence that says what is wrong with it."""
    path = folder / NAME
    try:
        fields = json.loads(_read(path))
    except FileNotFoundError as error:
        raise SettingsError(f"{folder} holds no finished export: there is no {NAME} in it.") from error
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{path} is no JSON: {error}.") from error
    if not isinstance(fields, dict) or fields.get("kind") != KIND:
        raise SettingsError(f"{path} is no index of a `frieze export`.")
    if fields.get("v") != VERSION:
        raise SettingsError(f"{path} is of version {str(fields.get('v'))[:20]}, and this Frieze reads {VERSION}.")
    try:
        return _INDEX.validate_python(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise SettingsError(f"{path} is damaged: {where}: {first['msg'].lower()}.") from error


def _read(path: Path) -> bytes:
    with opened(path) as file:
        return file.read()


def _dump(fields: dict[str, Any]) -> str:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
