"""From rows to the records of `wall.posts`, and the steps that several transactions share.

Each function here expects its rows to be locked by the caller: posts in id order first, the wall last.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wall.catalogue import tables as t
from wall.catalogue.base import Row
from wall.catalogue.listing import enter, leave
from wall.catalogue.walls import Wall, append_event, lock_wall
from wall.errors import MoveRefused
from wall.events import Event
from wall.posts import Author, Media, Post, Rendition
from wall.states import State
from wall.uploads import NETWORK as GUEST
from wall.wire import post_fields

AVATAR = "avatar"
# originals carry the guest's metadata: they are in no event, and public only where a wall allows downloads
PRIVATE_ROLES = frozenset({"original"})


def media_address(media_id: str, role: str) -> str:
    """Where a rendition is served on this installation."""
    return f"/media/{media_id}/{role}"


def post_record(post: Row, media: Sequence[Row]) -> Post:
    """The newest revision of a post with those of its pictures that can be shown."""
    avatar = next(
        (row["id"] for row in media if row["kind"] == AVATAR and row["renditions"] and not row["purged"]), None
    )
    return Post(
        id=post["id"],
        revision=post["revision"],
        source=post["source"],
        url=post["url"],
        author=Author(
            name=post["author_name"],
            handle=post["author_handle"],
            avatar=media_address(avatar, AVATAR) if avatar else None,
        ),
        text=post["text"],
        created=post["created_at"],
        received=post["received_at"],
        ready=post["ready_at"],
        media=tuple(media_record(row) for row in media if usable(row)),
    )


def usable(media: Row) -> bool:
    """Whether a media is a picture that viewers can be shown."""
    return media["kind"] != AVATAR and _has_bytes(media)


def _has_bytes(media: Row) -> bool:
    return bool(media["renditions"]) and not media["purged"]


async def current_media(connection: AsyncConnection, post_ids: Sequence[str]) -> dict[str, list[Row]]:
    """The media of each post's newest revision, in order."""
    found: dict[str, list[Row]] = {post_id: [] for post_id in post_ids}
    rows = await connection.execute(
        select(t.media)
        .where(t.media.c.post_id.in_(post_ids), t.media.c.current)
        .order_by(t.media.c.post_id, t.media.c.position)
    )
    for row in rows.mappings():
        found[row["post_id"]].append(row)
    return found


async def approve(connection: AsyncConnection, post: Row, wall: Wall, now: datetime) -> None:
    """Put the post's newest revision on its wall: state, event and what is shown, in the caller's transaction.

    What a guest added is approved without being shown until the wall reveals it (`Uploads.reveal`).
    Raises MoveRefused when it has no picture that can be shown.
    """
    media = (await current_media(connection, [post["id"]]))[post["id"]]
    record = post_record(post, media)
    if not record.media:
        sentence = "This post has no picture that can be shown; try to fetch it again first."
        if any(row["purged"] for row in media):
            sentence = (
                f"Its pictures are gone: the wall {wall.slug} keeps what was taken off it for {wall.retention} hours, "
                "and then deletes it."
            )
        raise MoveRefused(sentence, state=post["state"], revision=post["revision"])
    published = post["shown"] is None
    approved: dict[str, Any] = {
        "state": State.APPROVED.value,
        "reason": None,
        "revision": post["revision"],
        "changed_at": now,
        "work_at": None,
        "holder": None,
        "token": None,
        "claimed_until": None,
    }
    if published and post["source"] == GUEST and wall.uploads.hides(now):
        await connection.execute(update(t.post).where(t.post.c.id == post["id"]).values(approved))
        return
    seq = wall.seq + 1
    await append_event(
        connection,
        Event(
            wall=wall.slug,
            epoch=wall.epoch,
            seq=seq,
            kind="published" if published else "updated",
            at=now,
            post=record,
        ),
    )
    await connection.execute(update(t.media).where(t.media.c.post_id == post["id"]).values(shown=t.media.c.current))
    fields, placed = post_fields(record), seq if published else post["placed"]
    await connection.execute(
        update(t.post)
        .where(t.post.c.id == post["id"])
        .values(approved | {"shown": fields, "placed": placed, "seq": seq})
    )
    await enter(connection, wall.slug, placed, fields)


async def take_down(
    connection: AsyncConnection,
    slug: str,
    posts: Sequence[Row],
    now: datetime,
    reason: str | None,
    *,
    withdrawn: bool = False,
) -> None:
    """Move locked posts of one wall to `removed`; viewers hear of those that were shown, in one event.

    `withdrawn`: their own source says so.
    """
    ids = [post["id"] for post in posts]
    if not ids:
        return
    shown = tuple(post["id"] for post in posts if post["shown"] is not None)
    values: dict[str, Any] = {
        "state": State.REMOVED.value,
        "reason": reason,
        "withdrawn": withdrawn,
        "shown": None,
        "changed_at": now,
        "work_at": None,
        "holder": None,
        "token": None,
        "claimed_until": None,
    }
    await connection.execute(update(t.post).where(t.post.c.id.in_(ids)).values(values))
    await connection.execute(update(t.media).where(t.media.c.post_id.in_(ids)).values(shown=False))
    if not shown:
        return
    await leave(connection, shown)
    wall = await lock_wall(connection, slug)
    seq = wall.seq + 1
    await append_event(
        connection,
        Event(wall=slug, epoch=wall.epoch, seq=seq, kind="removed", at=now, post_ids=shown),
    )
    await connection.execute(update(t.post).where(t.post.c.id.in_(shown)).values(seq=seq))


def media_record(row: Row) -> Media:
    """A picture that is `usable`, with those of its renditions that viewers may have."""
    return Media(
        id=row["id"],
        kind=row["kind"],
        alt=row["alt"],
        width=row["width"],
        height=row["height"],
        focus=tuple(row["focus"]) if row["focus"] else None,
        thumbhash=row["thumbhash"],
        duration=row["duration"],
        sha256=row["sha256"],
        renditions=tuple(
            Rendition(
                role=fields["role"],
                width=fields["width"],
                height=fields["height"],
                type=fields["type"],
                bytes=fields["bytes"],
                url=media_address(row["id"], fields["role"]),
            )
            for fields in row["renditions"]
            if fields["role"] not in PRIVATE_ROLES
        ),
    )
