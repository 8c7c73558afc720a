"""Other people's containers, buckets and folders whose objects stand on our walls (wall/store/collections/)."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from wall.catalogue import tables as t
from wall.catalogue.base import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCollection:
    """`url` is where it is, without anything secret."""

    id: str
    url: str


class Collections:
    def __init__(self, context: Context) -> None:
        self._context = context

    async def ensure(self, url: str) -> KnownCollection:
        """The collection at `url`; its id stays the same."""
        async with self._context.database.writing() as connection:
            dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
            values = {"id": self._context.token(), "url": url, "created_at": self._context.now()}
            await connection.execute(dialect.insert(t.collection).values(values).on_conflict_do_nothing())
            known = await connection.scalar(select(t.collection.c.id).where(t.collection.c.url == url))
        assert known is not None
        return KnownCollection(id=known, url=url)

    async def url(self, collection_id: str) -> str | None:
        """Where the collection is; None when there is none."""
        async with self._context.database.reading() as connection:
            return await connection.scalar(select(t.collection.c.url).where(t.collection.c.id == collection_id))

    async def all(self) -> Sequence[KnownCollection]:
        async with self._context.database.reading() as connection:
            rows = (await connection.execute(select(t.collection).order_by(t.collection.c.url))).all()
        return [KnownCollection(id=row.id, url=row.url) for row in rows]
