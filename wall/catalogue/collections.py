"""Other people's containers, buckets and folders whose objects stand on our walls (wall/store/collections/).

A *showing* is that a wall shows a collection. Forgetting ends it: nothing more is put on the wall for it, whoever still
watches, and `take_down` takes what stands there off it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from wall.catalogue import tables as t
from wall.catalogue.base import Context
from wall.catalogue.posts import Posts, Stored
from wall.catalogue.records import take_down
from wall.catalogue.walls import read_wall
from wall.errors import NotFound
from wall.origins import origin_within
from wall.posts import SourcePost


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCollection:
    """`url` is where it is, without anything secret."""

    id: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """That `wall` shows `collection`, from `since` on. Imported again after it was forgotten, it is another one."""

    id: str
    collection: KnownCollection
    wall: str
    since: datetime


class Collections:
    def __init__(self, context: Context, posts: Posts) -> None:
        self._context = context
        self._posts = posts

    async def show(self, url: str, wall: str) -> Showing:
        """Have `wall` show the collection at `url`; the showing stays the same until it is forgotten. Raises NotFound
        when there is no such wall."""
        async with self._context.database.writing() as connection:
            await read_wall(connection, wall)
            dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
            now = self._context.now()
            values = {"id": self._context.token(), "url": url, "created_at": now}
            # one that is known is held until the end: who forgets its last showing meanwhile must not drop it
            known = (
                dialect.insert(t.collection)
                .values(values)
                .on_conflict_do_update(index_elements=["url"], set_={"url": url})
            )
            collection = (await connection.execute(known.returning(t.collection.c.id))).scalar_one()
            values = {"id": self._context.token(), "collection": collection, "wall": wall, "created_at": now}
            await connection.execute(dialect.insert(t.showing).values(values).on_conflict_do_nothing())
            [showing] = await _showings(connection, t.showing.c.collection == collection, t.showing.c.wall == wall)
        return showing

    async def showings(self) -> Sequence[Showing]:
        """All of them, by wall and URL."""
        async with self._context.database.reading() as connection:
            return await _showings(connection)

    async def standing(self, showing: Showing) -> int:
        """How many of its posts stand on the wall."""
        theirs = _posts_of(showing.collection.id, showing.wall)
        query = select(func.count()).select_from(t.post).where(theirs, t.post.c.shown.is_not(None))
        async with self._context.database.reading() as connection:
            return (await connection.execute(query)).scalar_one()

    async def check_shown(self, showing: Showing) -> None:
        """Raises NotFound when it was forgotten."""
        async with self._context.database.reading() as connection:
            if (await connection.execute(_one(showing))).first() is None:
                raise _forgotten(showing)

    async def offer(self, showing: Showing, source: str, posts: Sequence[SourcePost]) -> Stored:
        """`Posts.offer` for a showing. Raises NotFound when it was forgotten, and then nothing was stored."""
        async with self._context.database.writing() as connection:
            # it also stays so until the end of the transaction
            if (await connection.execute(_one(showing).with_for_update(read=True))).first() is None:
                raise _forgotten(showing)
            stored = await self._posts.offer_in(connection, showing.wall, source, posts)
        if stored.new or stored.edited:
            self._context.changed.fire()
        return stored

    async def end(self, url: str, wall: str) -> tuple[KnownCollection, Sequence[str]]:
        """End the showing: from here on nothing of the collection is put on this wall. The collection, and the posts
        that the wall has of it. One that has ended already is no error: an interrupted forgetting goes on.

        Raises NotFound for a collection that nobody knows.
        """
        p = t.post.c
        async with self._context.database.writing() as connection:
            known = await connection.scalar(select(t.collection.c.id).where(t.collection.c.url == url))
            if known is None:
                raise NotFound(f"No wall shows the collection {url}; `frieze store collections` lists those there are.")
            await connection.execute(delete(t.showing).where(t.showing.c.collection == known, t.showing.c.wall == wall))
            # whoever was about to add one has done so, or is refused
            query = select(p.id).where(_posts_of(known, wall), ~p.withdrawn).order_by(p.id)
            post_ids = (await connection.execute(query)).scalars().all()
        return KnownCollection(id=known, url=url), post_ids

    async def take_down(self, wall: str, post_ids: Sequence[str]) -> None:
        """Take up to 100 posts of what was forgotten off the wall, as gone from their source: nobody can restore them,
        and what Frieze made of them is deleted."""
        query = (
            select(t.post).where(t.post.c.id.in_(post_ids), ~t.post.c.withdrawn).order_by(t.post.c.id).with_for_update()
        )
        async with self._context.database.writing() as connection:
            posts = list((await connection.execute(query)).mappings())
            reason = "Its collection was forgotten."
            await take_down(connection, wall, posts, self._context.now(), reason, withdrawn=True)
        self._context.changed.fire()

    async def drop(self, collection: KnownCollection) -> bool:
        """Forget where the collection is, unless a wall shows it; whether that was done."""
        async with self._context.database.writing() as connection:
            await connection.execute(
                select(t.collection.c.id).where(t.collection.c.id == collection.id).with_for_update()
            )
            shown = select(t.showing.c.id).where(t.showing.c.collection == collection.id)
            gone = await connection.execute(
                delete(t.collection).where(t.collection.c.id == collection.id, ~shown.exists())
            )
        return bool(gone.rowcount)

    async def url(self, collection_id: str) -> str | None:
        """Where the collection is; None when there is none."""
        async with self._context.database.reading() as connection:
            return await connection.scalar(select(t.collection.c.url).where(t.collection.c.id == collection_id))

    async def all(self) -> Sequence[KnownCollection]:
        async with self._context.database.reading() as connection:
            rows = (await connection.execute(select(t.collection).order_by(t.collection.c.url))).all()
        return [KnownCollection(id=row.id, url=row.url) for row in rows]


async def _showings(connection: AsyncConnection, *which: ColumnElement[bool]) -> list[Showing]:
    c, s = t.collection.c, t.showing.c
    query = (
        select(s.id, s.collection, s.wall, s.created_at, c.url)
        .join(t.collection, c.id == s.collection)
        .where(*which)
        .order_by(s.wall, c.url)
    )
    return [
        Showing(
            id=row.id,
            collection=KnownCollection(id=row.collection, url=row.url),
            wall=row.wall,
            since=row.created_at,
        )
        for row in await connection.execute(query)
    ]


def _one(showing: Showing) -> Select[str]:
    return select(t.showing.c.id).where(t.showing.c.id == showing.id, t.showing.c.wall == showing.wall)


def _forgotten(showing: Showing) -> NotFound:
    return NotFound(f"The wall {showing.wall} was told to forget {showing.collection.url}.")


def _posts_of(collection_id: str, wall: str) -> ColumnElement[bool]:
    theirs = select(t.media.c.id).where(
        t.media.c.post_id == t.post.c.id, t.media.c.origin.startswith(origin_within(collection_id))
    )
    return (t.post.c.wall == wall) & theirs.exists()
