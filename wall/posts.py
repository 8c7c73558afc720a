"""A post as a wall shows it, and as a source finds it.

Two families of records. `Post`, `Media`, `Rendition` are ours: they travel on the wire and stand in the catalogue.
`SourcePost`, `SourceMedia` are what a source module makes of a network's answer, once, at the border.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

MediaKind = Literal["image", "animation", "video"]
# `animated-640`: a light animation; `poster`: a video's still; `video`: what a browser can play
Role = Literal[
    "thumbnail-320",
    "thumbnail-640",
    "display-1280",
    "display-2560",
    "animated-640",
    "poster",
    "video",
    "avatar",
    "original",
]

# A post with more pictures than this keeps the first ones: X allows 4, Bluesky 20, an album mail may hold hundreds.
MEDIA_PER_POST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who wrote a post, as shown. `avatar` is an address on this installation, or None."""

    name: str
    handle: str
    avatar: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendition:
    """A derived form of a media: `width` and `height` in pixels after orientation, `bytes` its length.

    `url` is an address on this installation (`/media/<media id>/<role>`), never the network's own.
    """

    role: Role
    width: int
    height: int
    type: str
    bytes: int
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """One attachment of a post.

    `id` is random, 26 characters of lower-case base32 (128 bits), and changes with the content. `width`, `height`:
    pixels of the original after orientation. `focus`: (x, y) in -1..1 with y up, as Mastodon defines it, or None.
    `thumbhash`: base64 of the hash, or None. `duration`: seconds of a video, None where its file does not say.
    `sha256`: hex of the original's bytes; not sent to viewers.
    """

    id: str
    kind: MediaKind
    alt: str
    width: int
    height: int
    focus: tuple[float, float] | None = None
    thumbhash: str | None = None
    duration: float | None = None
    sha256: str | None = None
    renditions: tuple[Rendition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One item by one author, in the shape a wall shows.

    `id` is a ULID. `created` is the author's time, `received` when a source handed it to us, `ready` when its
    renditions were made; all UTC. `revision` counts the author's edits from 1.
    """

    id: str
    revision: int
    source: str
    url: str | None
    author: Author
    text: str
    created: datetime
    received: datetime
    ready: datetime | None
    media: tuple[Media, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceMedia:
    """One attachment as a source found it.

    `origin` says where its bytes are, in a form the same source can open again later and on another machine
    (`https://…`, `folder:…`, `demo:…`); `fallbacks` are tried after it, in order. `key` is stable for this
    attachment within its post, so that an edit of the text does not fetch the picture again. `name` is what its author
    called the file, for whoever saves it; empty where the network does not say.
    """

    key: str
    kind: MediaKind
    origin: str
    fallbacks: tuple[str, ...] = ()
    alt: str = ""
    focus: tuple[float, float] | None = None
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePost:
    """A post as a source found it, already in our words.

    `key` is the network's own identity for it (`x:<first edit id>`, `sha256:…`), unique per wall, the same for all
    edits. `version` orders edits of one key: higher is newer, equal is the same.
    """

    key: str
    version: int
    author_name: str
    author_handle: str
    avatar: str | None
    text: str
    url: str | None
    created: datetime
    media: tuple[SourceMedia, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRemoval:
    """The source says that a post is gone: deleted, withdrawn or withheld."""

    key: str
