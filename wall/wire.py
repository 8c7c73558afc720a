"""Events and snapshots as JSON; the only module that knows the wire's field names (docs/wire.md).

One event is one JSON text of at most 32 KiB in UTF-8. What is too long is trimmed in this order, until it fits:
texts to 2,000 characters and alt texts to 1,000; alt texts to 300; texts to 300 and the first 20 pictures; alt texts to
100 and the first four pictures. The whole post is always in the snapshot.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from wall.events import Cursor, Event, EventKind, Snapshot, WallView
from wall.posts import Author, Media, MediaKind, Post, Rendition, Role

VERSION = 1
# ActiveMQ's ws transport and small browsers both stay comfortable well below this; ARCHITECTURE §4.
MAX_EVENT_BYTES = 32 * 1024

_TRIMS: tuple[tuple[int, int, int], ...] = (
    # text characters, alt characters, pictures
    (100_000, 10_000, 100),
    (2_000, 1_000, 100),
    (2_000, 300, 100),
    (300, 300, 20),
    (300, 100, 4),
)


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, as in `2026-11-21T10:00:01.204Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def encode_event(event: Event) -> str:
    """The event's JSON, at most `MAX_EVENT_BYTES` bytes in UTF-8.

    Raises ValueError when even the shortest form does not fit, which only happens to records that no source of
    ours can make (a name of many thousand characters).
    """
    for text, alt, pictures in _TRIMS:
        body = _dump(_event_fields(event, text, alt, pictures))
        if len(body.encode()) <= MAX_EVENT_BYTES:
            return body
    raise ValueError(f"event {event.wall} {event.cursor} does not fit into {MAX_EVENT_BYTES} bytes")


def encode_snapshot(snapshot: Snapshot) -> str:
    """The snapshot's JSON: `{v, cursor, now, wall, posts}`."""
    return _dump(
        {
            "v": VERSION,
            "cursor": str(snapshot.cursor),
            "now": timestamp(snapshot.now),
            "wall": _view_fields(snapshot.wall),
            "posts": [post_fields(post) for post in snapshot.posts],
        }
    )


def headers(epoch: str, seq: int, kind: str, key: str | None = None) -> dict[str, str]:
    """The STOMP headers that travel beside an event; `key` is its post's id, where it has one post.

    Never a `content-length`: ActiveMQ would make bytes of it.
    """
    fields = {
        "content-type": "application/json",
        "persistent": "true",
        "epoch": epoch,
        "seq": str(seq),
        "kind": kind,
    }
    if key is not None:
        fields["key"] = key
    return fields


def decode_event(body: str | bytes) -> Event:
    """Read an event. Unknown fields are ignored. Raises ValueError when it is none, or of another version."""
    try:
        wire = _WireEvent.model_validate_json(body)
    except ValidationError as error:
        raise ValueError(f"not an event: {error.error_count()} fields are wrong") from error
    if wire.v != VERSION:
        raise ValueError(f"event version {wire.v} is not {VERSION}")
    return wire.to_event()


def decode_post(fields: Mapping[str, Any]) -> Post:
    """Read a post from the fields `post_fields` gave, as the catalogue keeps it."""
    return _WirePost.model_validate(fields).to_post()


def post_fields(post: Post, text: int = 100_000, alt: int = 10_000, pictures: int = 100) -> dict[str, Any]:
    """A post as the fields of its JSON object, its texts cut to so many characters."""
    return {
        "id": post.id,
        "revision": post.revision,
        "source": post.source,
        "url": post.url,
        "author": {"name": post.author.name, "handle": post.author.handle, "avatar": post.author.avatar},
        "text": _cut(post.text, text),
        "created": timestamp(post.created),
        "received": timestamp(post.received),
        "ready": timestamp(post.ready) if post.ready else None,
        "media": [_media_fields(media, alt) for media in post.media[:pictures]],
    }


def _event_fields(event: Event, text: int, alt: int, pictures: int) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "v": VERSION,
        "wall": event.wall,
        "epoch": event.epoch,
        "seq": event.seq,
        "kind": event.kind,
        "at": timestamp(event.at),
    }
    if event.post is not None:
        fields["post"] = post_fields(event.post, text, alt, pictures)
    if event.post_ids:
        fields["post_ids"] = list(event.post_ids)
    if event.view is not None:
        fields["settings"] = _view_fields(event.view)
    return fields


def _view_fields(view: WallView) -> dict[str, Any]:
    return {"slug": view.slug, "title": view.title, "settings": view.settings}


def _media_fields(media: Media, alt: int) -> dict[str, Any]:
    return {
        "id": media.id,
        "kind": media.kind,
        "alt": _cut(media.alt, alt),
        "width": media.width,
        "height": media.height,
        "focus": list(media.focus) if media.focus else None,
        "thumbhash": media.thumbhash,
        "duration": media.duration,
        "renditions": [
            {
                "role": rendition.role,
                "width": rendition.width,
                "height": rendition.height,
                "type": rendition.type,
                "bytes": rendition.bytes,
                "url": rendition.url,
            }
            for rendition in media.renditions
        ],
    }


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def _dump(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _WireAuthor(_Wire):
    name: str
    handle: str
    avatar: str | None = None


class _WireRendition(_Wire):
    role: Role
    width: int
    height: int
    type: str
    bytes: int = 0
    url: str


class _WireMedia(_Wire):
    id: str
    kind: MediaKind
    alt: str = ""
    width: int
    height: int
    focus: tuple[float, float] | None = None
    thumbhash: str | None = None
    duration: float | None = None
    renditions: tuple[_WireRendition, ...] = ()

    def to_media(self) -> Media:
        fields = self.model_dump(exclude={"renditions"})
        return Media(**fields, renditions=tuple(Rendition(**r.model_dump()) for r in self.renditions))


class _WirePost(_Wire):
    id: str
    revision: int
    source: str
    url: str | None = None
    author: _WireAuthor
    text: str = ""
    created: AwareDatetime
    received: AwareDatetime
    ready: AwareDatetime | None = None
    media: tuple[_WireMedia, ...] = ()

    def to_post(self) -> Post:
        fields = self.model_dump(exclude={"author", "media"})
        return Post(
            **fields,
            author=Author(**self.author.model_dump()),
            media=tuple(media.to_media() for media in self.media),
        )


class _WireView(_Wire):
    slug: str
    title: str
    settings: dict[str, Any] = {}


class _WireEvent(_Wire):
    v: int
    wall: str = Field(min_length=1)
    epoch: str = Field(min_length=1)
    seq: int = Field(ge=0)
    kind: EventKind
    at: AwareDatetime
    post: _WirePost | None = None
    post_ids: tuple[str, ...] = ()
    settings: _WireView | None = None

    def to_event(self) -> Event:
        return Event(
            wall=self.wall,
            epoch=self.epoch,
            seq=self.seq,
            kind=self.kind,
            at=self.at,
            post=self.post.to_post() if self.post else None,
            post_ids=self.post_ids,
            view=WallView(**self.settings.model_dump()) if self.settings else None,
        )


class _WireSnapshot(_Wire):
    v: int
    cursor: str
    now: AwareDatetime
    wall: _WireView
    posts: tuple[_WirePost, ...]


def decode_snapshot(body: str | bytes) -> Snapshot:
    """Read a snapshot. Raises ValueError when it is none, or of another version."""
    try:
        wire = _WireSnapshot.model_validate_json(body)
    except ValidationError as error:
        raise ValueError(f"not a snapshot: {error.error_count()} fields are wrong") from error
    if wire.v != VERSION:
        raise ValueError(f"snapshot version {wire.v} is not {VERSION}")
    return Snapshot(
        cursor=Cursor.parse(wire.cursor),
        now=wire.now,
        wall=WallView(**wire.wall.model_dump()),
        posts=tuple(post.to_post() for post in wire.posts),
    )
