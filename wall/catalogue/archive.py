"""What stands on a wall with all that is needed to put it on another one: for `frieze export`."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from wall.catalogue import tables as t
from wall.catalogue.base import Context, Row
from wall.catalogue.records import AVATAR
from wall.catalogue.walls import read_wall
from wall.catalogue.work import StoredRendition
from wall.posts import MediaKind
from wall.states import State
from wall.wire import decode_post

PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedMedia:
    """One attachment, or the author's picture, with its best bytes: the original where that is kept, otherwise the
    largest form there is. `sha256`: of these bytes, where the catalogue knows it."""

    id: str
    key: str
    kind: MediaKind
    alt: str
    name: str
    focus: tuple[float, float] | None
    sha256: str | None
    best: StoredRendition


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedPost:
    """A post as it is shown; `key` and `version` as its source gave them."""

    key: str
    version: int
    source: str
    author_name: str
    author_handle: str
    text: str
    url: str | None
    created: datetime
    received: datetime
    avatar: ArchivedMedia | None
    media: tuple[ArchivedMedia, ...]


class Archive:
    def __init__(self, context: Context) -> None:
        self._context = context

    async def count(self, slug: str) -> int:
        """How many posts stand on the wall. Raises NotFound."""
        async with self._context.database.reading() as connection:
            await read_wall(connection, slug)
            query = select(func.count()).select_from(t.listing).where(t.listing.c.wall == slug)
            return (await connection.execute(query)).scalar_one()

    async def pages(self, slug: str) -> AsyncGenerator[Sequence[ArchivedPost]]:
        """Everything that stands on the wall, in the order in which it came there, page by page."""
        last: int | None = None
        while True:
            found, last = await self._page(slug, last)
            if found:
                yield found
            if last is None:
                return

    async def _page(self, slug: str, after: int | None) -> tuple[Sequence[ArchivedPost], int | None]:
        x, p = t.listing.c, t.post.c
        query = (
            select(x.placed, t.post).join(t.post, p.id == x.post_id).where(x.wall == slug).order_by(x.placed)
        ).limit(PAGE)
        if after is not None:
            query = query.where(x.placed > after)
        async with self._context.database.reading() as connection:
            posts = (await connection.execute(query)).mappings().all()
            m = t.media.c
            of_these = m.post_id.in_([post["id"] for post in posts])
            found = await connection.execute(select(t.media).where(of_these, m.shown).order_by(m.post_id, m.position))
            media: dict[str, list[Row]] = {post["id"]: [] for post in posts}
            for row in found.mappings():
                media[row["post_id"]].append(row)
        last = posts[-1]["placed"] if len(posts) == PAGE else None
        return [_archived(post, media[post["id"]]) for post in posts], last


def _archived(post: Row, media: Sequence[Row]) -> ArchivedPost:
    shown = decode_post(post["shown"])
    rows = {row["id"]: row for row in media if row["renditions"] and not row["purged"]}
    avatar = next((row for row in rows.values() if row["kind"] == AVATAR), None)
    return ArchivedPost(
        key=post["key"],
        # while an edit waits, its version is not that of what is shown: whatever the source says next is newer
        version=post["version"] if post["state"] == State.APPROVED else 0,
        source=post["source"],
        author_name=shown.author.name,
        author_handle=shown.author.handle,
        text=shown.text,
        url=shown.url,
        created=shown.created,
        received=shown.received,
        avatar=_media(avatar, "image") if avatar is not None else None,
        media=tuple(_media(rows[one.id], one.kind) for one in shown.media if one.id in rows),
    )


def _media(row: Row, kind: MediaKind) -> ArchivedMedia:
    best = max(row["renditions"], key=_worth)
    return ArchivedMedia(
        id=row["id"],
        key=row["key"],
        kind=kind,
        alt=row["alt"],
        name=row["name"],
        focus=tuple(row["focus"]) if row["focus"] else None,
        sha256=row["sha256"] if best["role"] == "original" else None,
        best=StoredRendition(**best),
    )


def _worth(fields: Mapping[str, Any]) -> tuple[bool, bool, bool, int]:
    """The original before all others; what moves before a still; then the larger one."""
    role = fields["role"]
    return role == "original", role == "video", role == "animated-640", fields["width"] * fields["height"]
