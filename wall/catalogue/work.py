"""Received posts and the claims by which workers share the work on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wall.catalogue import tables as t
from wall.catalogue.base import Context, Row
from wall.catalogue.likeness import remember
from wall.catalogue.records import AVATAR, approve, current_media, usable
from wall.catalogue.walls import lock_wall
from wall.errors import ClaimLost
from wall.states import Policy, State


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaWork:
    """A picture to fetch and render; `origins` in the order to try them."""

    id: str
    kind: str
    origins: tuple[str, ...]

    @property
    def is_avatar(self) -> bool:
        return self.kind == AVATAR


@dataclass(frozen=True, slots=True, kw_only=True)
class PostWork:
    """A received post that this worker holds. `media` lists only what has no renditions yet."""

    post_id: str
    wall: str
    source: str
    key: str
    revision: int
    attempts: int
    media: tuple[MediaWork, ...]
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRendition:
    """A rendition whose bytes are in the store under `key`."""

    role: str
    width: int
    height: int
    type: str
    bytes: int
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaResult:
    """What became of one picture or video: renditions, or the reason why there are none.

    `kind`: what its bytes are (`image`, `animation`, `video`), None to leave what its source said. `duration`:
    seconds. `phash`: to find others that look the same. None of the rest forgets what was known.
    """

    media_id: str
    kind: str | None = None
    width: int | None = None
    height: int | None = None
    thumbhash: str | None = None
    sha256: str | None = None
    duration: float | None = None
    phash: int | None = None
    renditions: tuple[StoredRendition, ...] = ()
    error: str | None = None


class Work:
    def __init__(self, context: Context) -> None:
        self._context = context

    async def claim(self, sources: Sequence[str], holder: str, lease: timedelta, limit: int) -> list[PostWork]:
        """Claim up to `limit` received posts that are due, oldest first."""
        now = self._context.now()
        free = or_(t.post.c.claimed_until.is_(None), t.post.c.claimed_until <= now)
        due = (
            select(t.post)
            .where(
                t.post.c.state == State.RECEIVED.value,
                t.post.c.work_at <= now,
                free,
                t.post.c.source.in_(sources),
            )
            .order_by(t.post.c.work_at, t.post.c.id)
            .limit(limit)
        )
        async with self._context.database.reading() as connection:
            if (await connection.execute(due)).first() is None:
                return []  # looking costs no writer's turn
        async with self._context.database.writing() as connection:
            rows = list((await connection.execute(due.with_for_update(skip_locked=True))).mappings())
            media = await current_media(connection, [row["id"] for row in rows])
            return [await self._hold(connection, row, media[row["id"]], holder, now + lease) for row in rows]

    async def renew(self, work: PostWork, lease: timedelta) -> None:
        """Keep the post longer. Raises ClaimLost."""
        async with self._context.database.writing() as connection:
            kept = await connection.execute(
                update(t.post)
                .where(t.post.c.id == work.post_id, t.post.c.token == work.token)
                .values(claimed_until=self._context.now() + lease)
            )
        if kept.rowcount != 1:
            raise ClaimLost(f"The post {work.key} was edited, removed or taken over.")

    async def finish(self, work: PostWork, results: Sequence[MediaResult]) -> State:
        """Record the pictures and decide: approved, pending, or failed. The state it now has.

        Raises ClaimLost when the post changed meanwhile; then nothing was recorded and the caller deletes what it
        stored.
        """
        now = self._context.now()
        async with self._context.database.writing() as connection:
            post = await _lock_held(connection, work)
            await _record(connection, work.wall, results)
            media = (await current_media(connection, [work.post_id]))[work.post_id]
            if any(usable(row) for row in media):
                state = await self._decide(connection, post, now)
            else:
                state = State.FAILED
                await _settle(connection, post, state, now, _why(media))
        self._context.changed.fire()
        return state

    async def postpone(
        self, work: PostWork, results: Sequence[MediaResult], at: datetime, *, counts: bool = True
    ) -> None:
        """Keep what is done and try the rest again at `at`; `counts`: as one attempt more. Raises ClaimLost."""
        async with self._context.database.writing() as connection:
            await _lock_held(connection, work)
            await _record(connection, work.wall, results)
            await connection.execute(
                update(t.post)
                .where(t.post.c.id == work.post_id)
                .values(work_at=at, attempts=t.post.c.attempts + int(counts), **_RELEASED)
            )

    async def fail(self, work: PostWork, reason: str) -> None:
        """Give the post up: something of it can't be worked on. Raises ClaimLost."""
        async with self._context.database.writing() as connection:
            post = await _lock_held(connection, work)
            await _settle(connection, post, State.FAILED, self._context.now(), reason)
        self._context.changed.fire()

    async def release(self, work: PostWork) -> None:
        """Give the post back untouched, for another worker to take at once."""
        async with self._context.database.writing() as connection:
            await connection.execute(
                update(t.post).where(t.post.c.id == work.post_id, t.post.c.token == work.token).values(_RELEASED)
            )

    async def _hold(
        self, connection: AsyncConnection, row: Row, media: Sequence[Row], holder: str, until: datetime
    ) -> PostWork:
        token = self._context.token()
        await connection.execute(
            update(t.post).where(t.post.c.id == row["id"]).values(holder=holder, token=token, claimed_until=until)
        )
        return PostWork(
            post_id=row["id"],
            wall=row["wall"],
            source=row["source"],
            key=row["key"],
            revision=row["revision"],
            attempts=row["attempts"],
            token=token,
            media=tuple(
                MediaWork(id=m["id"], kind=m["kind"], origins=(m["origin"], *m["fallbacks"]))
                for m in media
                if m["renditions"] is None
            ),
        )

    async def _decide(self, connection: AsyncConnection, post: Row, now: datetime) -> State:
        ready: dict[str, Any] = {**post, "ready_at": now}
        await connection.execute(update(t.post).where(t.post.c.id == post["id"]).values(ready_at=now))
        wall = await lock_wall(connection, post["wall"])
        if wall.policy is Policy.OPEN:
            await approve(connection, ready, wall, now)
            return State.APPROVED
        await _settle(connection, post, State.PENDING, now, None)
        return State.PENDING


_RELEASED: dict[str, Any] = {"holder": None, "token": None, "claimed_until": None}


async def _lock_held(connection: AsyncConnection, work: PostWork) -> Row:
    query = select(t.post).where(t.post.c.id == work.post_id, t.post.c.token == work.token)
    row = (await connection.execute(query.with_for_update())).mappings().first()
    if row is None or row["state"] != State.RECEIVED or row["revision"] != work.revision:
        raise ClaimLost(f"The post {work.key} was edited, removed or taken over.")
    return row


async def _record(connection: AsyncConnection, wall: str, results: Sequence[MediaResult]) -> None:
    for result in results:
        values: dict[str, Any] = {"error": result.error}
        if result.renditions:
            values |= {
                "width": result.width,
                "height": result.height,
                "thumbhash": result.thumbhash,
                "duration": result.duration,
                "phash": result.phash,
                "renditions": [rendition_fields(rendition) for rendition in result.renditions],
            }
            known = {"kind": result.kind, "sha256": result.sha256}
            values |= {name: value for name, value in known.items() if value is not None}
        await connection.execute(update(t.media).where(t.media.c.id == result.media_id).values(values))
        if result.renditions and result.phash is not None:
            await remember(connection, wall, result.media_id, result.phash)


def rendition_fields(rendition: StoredRendition) -> Mapping[str, Any]:
    """A rendition as the column `renditions` keeps it."""
    return {
        "role": rendition.role,
        "width": rendition.width,
        "height": rendition.height,
        "type": rendition.type,
        "bytes": rendition.bytes,
        "key": rendition.key,
    }


async def _settle(connection: AsyncConnection, post: Row, state: State, now: datetime, reason: str | None) -> None:
    await connection.execute(
        update(t.post)
        .where(t.post.c.id == post["id"])
        .values(state=state.value, reason=reason, changed_at=now, work_at=None, **_RELEASED)
    )


def _why(media: Sequence[Row]) -> str:
    errors = dict.fromkeys(row["error"] for row in media if row["error"] and row["kind"] != AVATAR)
    return " ".join(errors) or "The post has no picture."
