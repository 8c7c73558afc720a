"""Keys that all processes of one installation share, each made by the first that needs it."""

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from wall.catalogue import tables as t
from wall.catalogue.base import Context


class SharedKey:
    """32 random bytes under a name."""

    def __init__(self, context: Context, name: str) -> None:
        self._context = context
        self._name = name
        self._value: bytes | None = None

    async def get(self) -> bytes:
        if self._value is None:
            async with self._context.database.writing() as connection:
                dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
                made = {"name": self._name, "value": self._context.entropy(32)}
                await connection.execute(dialect.insert(t.secret).values(made).on_conflict_do_nothing())
                query = select(t.secret.c.value).where(t.secret.c.name == self._name)
                value: bytes = (await connection.execute(query)).scalar_one()
            self._value = value
        return self._value
