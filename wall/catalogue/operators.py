"""Operators, their one-time sign-in links and their sessions. Tokens are kept as digests only."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from wall.catalogue import tables as t
from wall.catalogue.base import Context
from wall.errors import CatalogueError

LINK_LEASE = timedelta(hours=24)
SESSION_IDLE = timedelta(days=7)
SESSION_LIFE = timedelta(days=30)
_SEEN_EVERY = timedelta(minutes=1)  # how exact `seen_at` is, so that reading does not always write
NAME_CHARACTERS = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A signed-in operator."""

    operator: str
    expires_at: datetime


class Operators:
    def __init__(self, context: Context) -> None:
        self._context = context

    async def link(self, name: str) -> str:
        """A token that signs `name` in once, within 24 hours; adds the operator when new. Raises CatalogueError."""
        name = name.strip()
        if not 1 <= len(name) <= NAME_CHARACTERS or not name.isprintable():
            raise CatalogueError(f"An operator's name has 1 to {NAME_CHARACTERS} printable characters.")
        now = self._context.now()
        token = self._token()
        async with self._context.database.writing() as connection:
            dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
            known = dialect.insert(t.operator).values(name=name, created_at=now).on_conflict_do_nothing()
            await connection.execute(known)
            await connection.execute(delete(t.sign_in).where(t.sign_in.c.expires_at <= now))
            await connection.execute(
                insert(t.sign_in).values(digest=_digest(token), operator=name, expires_at=now + LINK_LEASE)
            )
        return token

    async def sign_in(self, token: str) -> str | None:
        """Use a link up: the new session's token, or None when the link is unknown, used or too old."""
        now = self._context.now()
        session_token = self._token()
        async with self._context.database.writing() as connection:
            used = await connection.execute(
                delete(t.sign_in)
                .where(t.sign_in.c.digest == _digest(token), t.sign_in.c.expires_at > now)
                .returning(t.sign_in.c.operator)
            )
            operator = used.scalar()
            if operator is None:
                return None
            over = or_(t.session.c.expires_at <= now, t.session.c.seen_at <= now - SESSION_IDLE)
            await connection.execute(delete(t.session).where(over))
            await connection.execute(
                insert(t.session).values(
                    digest=_digest(session_token),
                    operator=operator,
                    created_at=now,
                    seen_at=now,
                    expires_at=now + SESSION_LIFE,
                )
            )
        return session_token

    async def session(self, token: str) -> Session | None:
        """The session behind a token, or None when it is unknown, ended, idle for too long or too old."""
        now = self._context.now()
        async with self._context.database.reading() as connection:
            query = select(t.session).where(t.session.c.digest == _digest(token))
            row = (await connection.execute(query)).first()
        if row is None or row.expires_at <= now or row.seen_at <= now - SESSION_IDLE:
            return None
        if row.seen_at <= now - _SEEN_EVERY:
            async with self._context.database.writing() as connection:
                await connection.execute(update(t.session).where(t.session.c.digest == row.digest).values(seen_at=now))
        return Session(operator=row.operator, expires_at=row.expires_at)

    async def sign_out(self, token: str) -> None:
        async with self._context.database.writing() as connection:
            await connection.execute(delete(t.session).where(t.session.c.digest == _digest(token)))

    def _token(self) -> str:
        return base64.urlsafe_b64encode(self._context.entropy(32)).rstrip(b"=").decode()


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
