"""What uploads leave behind when somebody dies over them, and what nobody needs any more."""

from datetime import timedelta
from typing import Any

from sqlalchemy import and_, delete, or_, select, update

from wall.catalogue import tables as t
from wall.catalogue.base import Context
from wall.catalogue.uploads import RELEASED, Held, Upload, upload_record
from wall.states import State
from wall.uploads import UploadRules, UploadState

# A write whose last byte was sent may still be confirmed so long after it was given up: reference: media.md §5.3.
LATE = timedelta(seconds=60)
# A signed address is asked for its time when a write begins, and one that began in time may go on: 5 GiB at the slowest
# pace an upload may have take 23 hours (relay/uploads/settings.py). What a guest drags out for longer is left to
# `frieze store reconcile`.
STRAGGLERS = timedelta(hours=24)
# a post that can't be shown may be tried again so long; as ingest/housekeeping.py keeps what was removed
KEEP_FAILED = timedelta(hours=24)
# as long as what sources withdrew is remembered (ingest/housekeeping.py)
REMEMBER = timedelta(days=8)
# what never became a post: its guest has read why by then, and anybody can have any number of them
REMEMBER_NOTHING = timedelta(hours=1)

NOTHING_CAME = "Nothing came in time."
_DONE = (State.FAILED.value, State.REMOVED.value, State.REJECTED.value)


class Leftovers:
    def __init__(self, context: Context) -> None:
        self._context = context

    async def dead(self, holder: str, lease: timedelta, limit: int) -> list[Held]:
        """Claim up to `limit` uploads whose process has died, or that nobody completed, to roll them back.

        Addresses of ours that nobody used are over at once: nothing was written for them.
        """
        now = self._context.now()
        u = t.upload.c
        over = u.claimed_until <= now
        unused = and_(u.state == UploadState.LEASED.value, u.mode == "relay", over)
        dead = or_(
            u.state == UploadState.RECEIVING.value, and_(u.state == UploadState.LEASED.value, u.mode == "direct")
        )
        query = select(t.upload).where(dead, over).order_by(u.claimed_until).limit(limit)
        async with self._context.database.reading() as connection:
            if (await connection.execute(select(u.id).where(or_(unused, and_(dead, over))).limit(1))).first() is None:
                return []  # looking costs no writer's turn
        async with self._context.database.writing() as connection:
            values: dict[str, Any] = {"state": UploadState.ABORTED.value, "error": NOTHING_CAME, "cleaned": True}
            await connection.execute(update(t.upload).where(unused).values(values | {"changed_at": now} | RELEASED))
            rows = (await connection.execute(query.with_for_update(skip_locked=True))).mappings().all()
            held: list[Held] = []
            for row in rows:
                token = self._context.token()
                claim = {"holder": holder, "token": token, "claimed_until": now + lease}
                await connection.execute(
                    update(t.upload).where(u.id == row["id"]).values({"state": UploadState.RECEIVING.value} | claim)
                )
                held.append(Held(upload=upload_record(row), token=token, rules=UploadRules()))
        return held

    async def left(self, limit: int, after: str = "") -> list[Upload]:
        """Uploads of which something may still be in the store that nobody needs, though it was deleted once: aborted
        and withdrawn ones, and those whose post can't be shown or is gone. In the order of their ids, after `after`."""
        now = self._context.now()
        u, p, m = t.upload.c, t.post.c, t.media.c
        unsigned = or_(u.signed_until.is_(None), u.signed_until < now - LATE)
        ended = and_(
            u.state.in_((UploadState.ABORTED.value, UploadState.WITHDRAWN.value)), u.changed_at < now - LATE, unsigned
        )
        kept = (
            select(m.id)
            .where(m.post_id == u.post_id, m.renditions.is_not(None), ~m.purged)
            .correlate(t.upload)
            .exists()
        )
        done = or_(p.id.is_(None), and_(p.state.in_(_DONE), p.changed_at < now - KEEP_FAILED))
        useless = and_(u.state == UploadState.STORED.value, done, ~kept)
        query = (
            select(t.upload)
            .outerjoin(t.post, p.id == u.post_id)
            .where(~u.cleaned, or_(ended, useless), u.id > after)
            .order_by(u.id)
            .limit(limit)
        )
        async with self._context.database.reading() as connection:
            return [upload_record(row) for row in (await connection.execute(query)).mappings()]

    async def clean(self, upload: Upload) -> None:
        """Nothing of it is in the store."""
        async with self._context.database.writing() as connection:
            await connection.execute(
                update(t.upload)
                .where(t.upload.c.id == upload.id, t.upload.c.state == upload.state.value)
                .values(cleaned=True)
            )

    async def look_again(self, upload: Upload) -> None:
        """Something of it may be in the store after all, though it has ended and was cleared away."""
        u = t.upload.c
        ended = u.state.in_((UploadState.ABORTED.value, UploadState.WITHDRAWN.value))
        async with self._context.database.writing() as connection:
            await connection.execute(update(t.upload).where(u.id == upload.id, ended).values(cleaned=False))

    async def quarantined(self, limit: int, after: str = "") -> list[Upload]:
        """Uploads whose quarantine is to be looked at, in the order of their ids, after `after`: once when its address
        is over, where `left` does not do that, and of all that have ended once more when the last write that began in
        time must have ended."""
        now = self._context.now()
        u = t.upload.c
        is_stored = u.state == UploadState.STORED.value
        over = is_stored & u.looked_at.is_(None) & (u.signed_until < now - LATE)
        ended = or_(is_stored, u.state.in_((UploadState.ABORTED.value, UploadState.WITHDRAWN.value)) & u.cleaned)
        last = ended & (u.signed_until < now - STRAGGLERS)
        query = (
            select(t.upload).where(u.quarantine.is_not(None), or_(over, last), u.id > after).order_by(u.id).limit(limit)
        )
        async with self._context.database.reading() as connection:
            return [upload_record(row) for row in (await connection.execute(query)).mappings()]

    async def released(self, upload: Upload) -> None:
        """Its quarantine is empty; after the last look it stays so, and nobody needs its key."""
        now = self._context.now()
        values: dict[str, Any] = {"looked_at": now}
        if upload.signed_until is None or upload.signed_until < now - STRAGGLERS:
            values["quarantine"] = None
        async with self._context.database.writing() as connection:
            await connection.execute(update(t.upload).where(t.upload.c.id == upload.id).values(values))

    async def forget(self) -> int:
        """Drop uploads that came to nothing and are no longer asked for; how many. A row whose quarantine waits for its
        last look stays: nothing else knows that key."""
        u = t.upload.c
        post = select(t.post.c.id).where(t.post.c.id == u.post_id).correlate(t.upload).exists()
        now = self._context.now()
        nothing = u.post_id.is_(None) & u.state.in_((UploadState.ABORTED.value, UploadState.WITHDRAWN.value))
        over = or_(u.changed_at < now - REMEMBER, nothing & (u.changed_at < now - REMEMBER_NOTHING))
        async with self._context.database.writing() as connection:
            gone = await connection.execute(delete(t.upload).where(u.cleaned, u.quarantine.is_(None), ~post, over))
        return gone.rowcount
