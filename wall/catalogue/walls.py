"""Walls: their titles, policies and settings, and the counter that gives each event its seq."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from wall import ids
from wall.catalogue import tables as t
from wall.catalogue.base import Context, Row
from wall.destinations import private_topic, valid_slug, wall_topic
from wall.errors import CatalogueError, NotFound
from wall.events import Cursor, Event, WallView
from wall.states import Policy
from wall.uploads import UploadRules
from wall.wire import encode_event

RETENTION_MOST = 24 * 366  # hours: a year; what nobody has restored by then nobody will


@dataclass(frozen=True, slots=True, kw_only=True)
class Wall:
    """A wall. `seq` is the last one given out, `confirmed` the last one the broker has.

    `link` numbers its secret link, the only way in; None: the wall is public. That never changes. `uploads`: what
    guests may add. `retention`: hours for which the bytes of a post that was removed or rejected are kept, so that it
    can come back. `downloads`: viewers may have the originals of what is on it.
    """

    slug: str
    title: str
    policy: Policy
    settings: Mapping[str, Any]
    epoch: str
    seq: int
    confirmed: int
    link: int | None = None
    uploads: UploadRules = field(default_factory=UploadRules)
    retention: int = 24
    downloads: bool = False

    @property
    def secret(self) -> bool:
        return self.link is not None

    @property
    def topic(self) -> str:
        """Where its events go."""
        return private_topic(self.slug) if self.secret else wall_topic(self.slug)

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.epoch, self.seq)

    @property
    def view(self) -> WallView:
        # that pages ask anew what guests may add, whenever that changes
        times = {"opens": self.uploads.values()["opens"], "closes": self.uploads.values()["closes"]}
        adding: dict[str, object] = {"guests": times} if self.uploads.enabled else {}
        # that pages may offer originals; named only where it is so, since most walls keep them private
        allowed: dict[str, object] = {"downloads": True} if self.downloads else {}
        return WallView(slug=self.slug, title=self.title, settings={**self.settings, **adding, **allowed})


class Walls:
    def __init__(self, context: Context) -> None:
        self._context = context

    async def all(self) -> list[Wall]:
        async with self._context.database.reading() as connection:
            rows = await connection.execute(select(t.wall).order_by(t.wall.c.created_at, t.wall.c.slug))
            return [_wall(row) for row in rows.mappings()]

    async def get(self, slug: str) -> Wall:
        """Raises NotFound."""
        async with self._context.database.reading() as connection:
            return await read_wall(connection, slug)

    async def add(self, slug: str, title: str, policy: Policy = Policy.OPEN, *, secret: bool = False) -> Wall:
        """Raises CatalogueError when the slug is taken or is none."""
        if not valid_slug(slug):
            raise CatalogueError(f"{slug!r} can't name a wall: use 1 to 40 lower-case letters, digits and hyphens.")
        now = self._context.now()
        async with self._context.database.writing() as connection:
            dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
            # of two processes that add it at once the second one waits here, and then finds it taken
            added = await connection.execute(
                dialect.insert(t.wall)
                .values(
                    slug=slug,
                    title=title,
                    policy=policy.value,
                    settings={},
                    epoch=ids.epoch(now),
                    seq=0,
                    confirmed=0,
                    created_at=now,
                    link=link_number(now) if secret else None,
                )
                .on_conflict_do_nothing()
                .returning(t.wall.c.slug)
            )
            if added.first() is None:
                raise CatalogueError(f"There is a wall named {slug} already.")
            wall = await read_wall(connection, slug)
        self._context.changed.fire()
        return wall

    async def ensure(self, slug: str, title: str) -> None:
        """Add the wall unless it is there."""
        async with self._context.database.reading() as connection:
            found = await connection.scalar(select(t.wall.c.slug).where(t.wall.c.slug == slug))
        if found is not None:
            return
        try:
            await self.add(slug, title)
        except CatalogueError:
            # another process was quicker
            await self.get(slug)

    async def new_epoch(self) -> list[Wall]:
        """Begin a new life of every wall's counter: viewers take a new snapshot. After a restore from a backup."""
        async with self._context.database.writing() as connection:
            if not self._context.database.is_sqlite:
                # everybody else locks posts before walls: let them finish, and nobody begin
                await connection.execute(text("LOCK TABLE post IN EXCLUSIVE MODE"))
            rows = (await connection.execute(select(t.wall).order_by(t.wall.c.slug).with_for_update())).mappings().all()
            for row in rows:
                epoch = ids.epoch(self._context.now(), row["epoch"])
                await connection.execute(
                    update(t.wall).where(t.wall.c.slug == row["slug"]).values(epoch=epoch, seq=0, confirmed=0)
                )
                # the places of what is shown must stay below those of what comes
                await connection.execute(
                    update(t.post)
                    .where(t.post.c.wall == row["slug"], t.post.c.placed.is_not(None))
                    .values(placed=t.post.c.placed - row["seq"], seq=None)
                )
                await connection.execute(
                    update(t.listing)
                    .where(t.listing.c.wall == row["slug"])
                    .values(placed=t.listing.c.placed - row["seq"])
                )
        self._context.changed.fire()
        return await self.all()

    async def change(
        self,
        slug: str,
        *,
        title: str | None = None,
        policy: Policy | None = None,
        settings: Mapping[str, Any] | None = None,
        uploads: Mapping[str, Any] | None = None,
        retention: int | None = None,
        downloads: bool | None = None,
    ) -> Wall:
        """Change what is given, of `uploads` what is named; viewers hear of a new title, new settings, and whether they
        may have originals.

        Raises NotFound, and CatalogueError for rules of uploads or a retention that make no sense.
        """
        if retention is not None and not 0 <= retention <= RETENTION_MOST:
            raise CatalogueError(f"Bytes are kept for 0 to {RETENTION_MOST:,} hours, not for {retention:,}.")
        async with self._context.database.writing() as connection:
            wall = await lock_wall(connection, slug)
            changed = replace(
                wall,
                title=wall.title if title is None else title,
                policy=wall.policy if policy is None else policy,
                settings=wall.settings if settings is None else settings,
                uploads=_changed_uploads(wall, uploads or {}),
                retention=wall.retention if retention is None else retention,
                downloads=wall.downloads if downloads is None else downloads,
            )
            await connection.execute(
                update(t.wall)
                .where(t.wall.c.slug == slug)
                .values(
                    title=changed.title,
                    policy=changed.policy.value,
                    settings=dict(changed.settings),
                    uploads=changed.uploads.values(),
                    retention=changed.retention,
                    downloads=changed.downloads,
                )
            )
            if changed.view != wall.view:
                await append_event(
                    connection,
                    Event(
                        wall=slug,
                        epoch=wall.epoch,
                        seq=wall.seq + 1,
                        kind="wall",
                        at=self._context.now(),
                        view=changed.view,
                    ),
                )
        self._context.changed.fire()
        return await self.get(slug)


def link_number(now: datetime) -> int:
    """What a secret link made now is numbered: seconds since 1970."""
    return int(now.timestamp())


async def read_wall(connection: AsyncConnection, slug: str) -> Wall:
    """Raises NotFound."""
    row = (await connection.execute(select(t.wall).where(t.wall.c.slug == slug))).mappings().first()
    if row is None:
        raise NotFound(f"There is no wall named {slug}.")
    return _wall(row)


async def lock_wall(connection: AsyncConnection, slug: str) -> Wall:
    """The wall, its row locked until the transaction ends; always the last lock a transaction takes.

    The lock lets others go on adding posts: on PostgreSQL each row that refers to a wall holds a share of the wall's
    row, and two transactions that have added posts and now want the whole of it would wait for each other.
    """
    query = select(t.wall).where(t.wall.c.slug == slug).with_for_update(key_share=True)
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        raise NotFound(f"There is no wall named {slug}.")
    return _wall(row)


async def append_event(connection: AsyncConnection, event: Event) -> None:
    """Write an event under the wall's lock; its seq must be the wall's next."""
    counted = await connection.execute(
        update(t.wall)
        .where(t.wall.c.slug == event.wall, t.wall.c.epoch == event.epoch, t.wall.c.seq == event.seq - 1)
        .values(seq=event.seq)
    )
    if counted.rowcount != 1:
        raise CatalogueError(f"The wall {event.wall} was not locked while {event.cursor} was written.")
    await connection.execute(
        insert(t.event).values(
            wall=event.wall,
            epoch=event.epoch,
            seq=event.seq,
            kind=event.kind,
            post_id=event.post.id if event.post else next(iter(event.post_ids), None),
            at=event.at,
            body=encode_event(event),
        )
    )


def _changed_uploads(wall: Wall, values: Mapping[str, Any]) -> UploadRules:
    try:
        rules = wall.uploads.changed(values)
    except ValueError as error:
        raise CatalogueError(str(error), public=str(error)) from error
    if rules.only and not wall.secret:
        sentence = "Only a secret wall can take pictures of guests who may not see it; this one is public."
        raise CatalogueError(sentence, public=sentence)
    return rules


def _wall(row: Row) -> Wall:
    return Wall(
        slug=row["slug"],
        title=row["title"],
        policy=Policy(row["policy"]),
        settings=row["settings"] or {},
        epoch=row["epoch"],
        seq=row["seq"],
        confirmed=row["confirmed"],
        link=row["link"],
        uploads=UploadRules.read(row["uploads"]),
        retention=row["retention"],
        downloads=row["downloads"],
    )
