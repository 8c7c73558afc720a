"""Exclusive, expiring holds on things that have no row of their own, such as publishing a wall."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from wall.catalogue import tables as t
from wall.catalogue.base import Context, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """`token` proves the hold; whoever shows another one has lost it."""

    item: str
    holder: str
    token: str
    expires_at: datetime


class Claims:
    def __init__(self, context: Context) -> None:
        self._context = context

    async def take(self, item: str, holder: str, lease: timedelta) -> Claim | None:
        """Claim `item` for `lease`, if nobody holds it now."""
        now = self._context.now()
        claim = Claim(item=item, holder=holder, token=self._context.token(), expires_at=now + lease)
        values = {"holder": holder, "token": claim.token, "expires_at": claim.expires_at}
        try:
            async with self._context.database.writing() as connection:
                taken = await connection.execute(
                    update(t.claim).where(t.claim.c.item == item, t.claim.c.expires_at <= now).values(values)
                )
                if taken.rowcount == 1:
                    return claim
                held = await connection.scalar(select(t.claim.c.item).where(t.claim.c.item == item))
                if held is not None:
                    return None
                await connection.execute(insert(t.claim).values(item=item, **values))
        except IntegrityError:
            return None  # two inserted at once, the other one won
        return claim

    async def renew(self, claim: Claim, lease: timedelta) -> Claim | None:
        """The claim with a new end, or None when somebody else has it."""
        now = self._context.now()
        renewed = Claim(item=claim.item, holder=claim.holder, token=claim.token, expires_at=now + lease)
        async with self._context.database.writing() as connection:
            kept = await connection.execute(update(t.claim).where(*_mine(claim)).values(expires_at=renewed.expires_at))
        return renewed if kept.rowcount == 1 else None

    async def release(self, claim: Claim) -> None:
        """Let go; nothing happens when it is no longer ours."""
        async with self._context.database.writing() as connection:
            await connection.execute(delete(t.claim).where(*_mine(claim)))

    async def held(self, prefix: str) -> list[Claim]:
        """The claims in force whose item starts with `prefix`."""
        now = self._context.now()
        async with self._context.database.reading() as connection:
            rows = await connection.execute(
                select(t.claim)
                .where(t.claim.c.item.startswith(prefix, autoescape=True), t.claim.c.expires_at > now)
                .order_by(t.claim.c.item)
            )
            return [_claim(row) for row in rows.mappings()]


def _mine(claim: Claim) -> tuple[Any, ...]:
    return (t.claim.c.item == claim.item, t.claim.c.token == claim.token)


def _claim(row: Row) -> Claim:
    return Claim(item=row["item"], holder=row["holder"], token=row["token"], expires_at=row["expires_at"])
