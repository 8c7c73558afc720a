"""How each running part fares, in words an operator understands."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update

from wall.catalogue import tables as t
from wall.catalogue.base import Context, Row

# a part that has not reported for so long no longer runs, and its row is dropped
FORGET_AFTER = timedelta(hours=1)
# parts report when something changes and at least once a minute or so; three of those missed is silence
SILENT_AFTER = timedelta(minutes=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """`since` is when the part took its present state, `at` when it last said so."""

    part: str
    ok: bool
    sentence: str
    since: datetime
    at: datetime


class Health:
    def __init__(self, context: Context) -> None:
        self._context = context

    async def say(self, part: str, *, ok: bool, sentence: str) -> None:
        """Record how `part` fares; `since` moves only when `ok` or the sentence changes."""
        now = self._context.now()
        async with self._context.database.writing() as connection:
            row = (await connection.execute(select(t.health).where(t.health.c.part == part))).first()
            changed = row is None or row.ok != ok or row.sentence != sentence
            if row is None:
                await connection.execute(
                    insert(t.health).values(part=part, ok=ok, sentence=sentence, since=now, at=now)
                )
            else:
                values: dict[str, Any] = {"ok": ok, "sentence": sentence, "at": now}
                if row.ok != ok:
                    values["since"] = now
                await connection.execute(update(t.health).where(t.health.c.part == part).values(values))
            await connection.execute(delete(t.health).where(t.health.c.at < now - FORGET_AFTER))
        if changed:
            self._context.changed.fire()

    async def gone(self, part: str) -> None:
        """`part` was stopped on purpose: nobody is to worry about its silence."""
        async with self._context.database.writing() as connection:
            await connection.execute(delete(t.health).where(t.health.c.part == part))

    async def all(self) -> list[Report]:
        async with self._context.database.reading() as connection:
            rows = await connection.execute(select(t.health).order_by(t.health.c.part))
            return [_report(row) for row in rows.mappings()]


def _report(row: Row) -> Report:
    return Report(part=row["part"], ok=row["ok"], sentence=row["sentence"], since=row["since"], at=row["at"])
