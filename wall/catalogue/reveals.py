"""Walls that show what guests add later: approved posts wait, and come onto the wall when its time has come."""

from dataclasses import replace

from sqlalchemy import select, update

from wall.catalogue import tables as t
from wall.catalogue.base import Context
from wall.catalogue.posts import POSTS_PER_TRANSACTION
from wall.catalogue.records import approve
from wall.catalogue.walls import lock_wall
from wall.errors import MoveRefused
from wall.states import State
from wall.uploads import NETWORK, UploadRules


class Reveals:
    def __init__(self, context: Context) -> None:
        self._context = context

    async def due(self) -> list[str]:
        """The walls that show now what they have kept back."""
        now = self._context.now()
        kept = (
            select(t.post.c.id)
            .where(
                t.post.c.wall == t.wall.c.slug,
                t.post.c.state == State.APPROVED.value,
                t.post.c.source == NETWORK,
                t.post.c.shown.is_(None),
            )
            .correlate(t.wall)
            .exists()
        )
        query = select(t.wall).where(t.wall.c.uploads.is_not(None), kept).order_by(t.wall.c.slug)
        async with self._context.database.reading() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [row["slug"] for row in rows if not UploadRules.read(row["uploads"]).hides(now)]

    async def reveal(self, slug: str) -> int:
        """Put up to 100 approved posts that were kept back on the wall, the oldest first; how many.

        None where the wall hides them still, or again. Any number of processes may do it.
        """
        now = self._context.now()
        query = (
            select(t.post)
            .where(
                t.post.c.wall == slug,
                t.post.c.state == State.APPROVED.value,
                t.post.c.source == NETWORK,
                t.post.c.shown.is_(None),
            )
            .order_by(t.post.c.id)
            .limit(POSTS_PER_TRANSACTION)
            .with_for_update()
        )
        async with self._context.database.writing() as connection:
            posts = (await connection.execute(query)).mappings().all()
            wall = await lock_wall(connection, slug)
            if wall.uploads.hides(now):
                return 0
            shown = 0
            for post in posts:
                try:
                    await approve(connection, post, replace(wall, seq=wall.seq + shown), now)
                except MoveRefused as error:
                    # its pictures were lost meanwhile: it must not be looked at for ever
                    await connection.execute(
                        update(t.post)
                        .where(t.post.c.id == post["id"])
                        .values(state=State.FAILED.value, reason=str(error), changed_at=now)
                    )
                else:
                    shown += 1
        if posts:
            self._context.changed.fire()
        return shown
