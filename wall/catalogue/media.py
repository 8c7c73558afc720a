"""Which bytes an address stands for, and who may see them now."""

import hashlib
import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, false, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wall.catalogue import tables as t
from wall.catalogue.base import Context
from wall.catalogue.records import PRIVATE_ROLES, media_address
from wall.catalogue.secrets import SharedKey
from wall.catalogue.work import StoredRendition, rendition_fields
from wall.states import State

_KEY = "media-addresses"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedRendition:
    """Where a rendition's bytes are. `public`: its post shows it on a wall now, to everybody; `removed`: it never will
    again. `name`: what its author called the file, or empty; `ready`: since when it can be shown."""

    key: str
    type: str
    bytes: int
    public: bool
    removed: bool
    name: str = ""
    ready: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedMedia:
    """One media as it may be served now: its renditions by role. `removed`: its post is off every wall for good, and
    there may be no bytes left."""

    renditions: Mapping[str, ServedRendition]
    removed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptOriginal:
    """An original of which renditions can be made. `width`, `height`: its pixels, upright. `kind` as in `Media`.

    `failures`: how often each role was tried in vain, and why.
    """

    key: str
    bytes: int
    width: int
    height: int
    kind: str
    failures: Mapping[str, tuple[int, str]]


class MediaRecords:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._secret = SharedKey(context, _KEY)

    async def find(self, media_id: str, role: str) -> ServedRendition | None:
        """The rendition behind `/media/<media id>/<role>`, or None when there is none."""
        media = (await self.served([media_id])).get(media_id)
        return media.renditions.get(role) if media is not None else None

    async def served(self, media_ids: Collection[str]) -> dict[str, ServedMedia]:
        """What may be served of each of these media; those that are not there are left out. One query for all."""
        m, p, w = t.media.c, t.post.c, t.wall.c
        query = (
            select(m.id, m.renditions, m.purged, m.shown, m.name, p.state, p.ready_at, w.downloads)
            .join(t.post, p.id == m.post_id)
            .join(t.wall, w.slug == p.wall)
            .where(m.id.in_(media_ids))
        )
        async with self._context.database.reading() as connection:
            rows = (await connection.execute(query)).all()
        return {row.id: _served(row) for row in rows}

    async def original(self, media_id: str) -> KeptOriginal | None:
        """The original of a media whose post waits or is on a wall; None where it is not kept, or no longer."""
        query = (
            select(t.media)
            .join(t.post, t.post.c.id == t.media.c.post_id)
            .where(
                t.media.c.id == media_id,
                ~t.media.c.purged,
                or_(t.media.c.shown, t.post.c.state.in_((State.PENDING.value, State.APPROVED.value))),
            )
        )
        async with self._context.database.reading() as connection:
            row = (await connection.execute(query)).mappings().first()
        fields = next((f for f in (row["renditions"] if row else None) or () if f["role"] == "original"), None)
        if row is None or fields is None:
            return None
        return KeptOriginal(
            key=fields["key"],
            bytes=fields["bytes"],
            width=row["width"],
            height=row["height"],
            kind=row["kind"],
            failures={role: (tries, why) for role, (tries, why) in (row["failures"] or {}).items()},
        )

    async def add_renditions(self, media_id: str, made: Sequence[StoredRendition]) -> bool:
        """Add renditions that were made on demand; False, and nothing is added, when the media has lost its bytes or
        has one of these roles already. Then the caller deletes what it stored."""
        async with self._context.database.writing() as connection:
            query = select(t.media.c.renditions).where(t.media.c.id == media_id, ~t.media.c.purged)
            known = (await connection.execute(query.with_for_update())).scalar()
            if not known or {fields["role"] for fields in known} & {one.role for one in made}:
                return False
            renditions = [*known, *(rendition_fields(one) for one in made)]
            await connection.execute(update(t.media).where(t.media.c.id == media_id).values(renditions=renditions))
        return True

    async def record_failure(self, media_id: str, role: str, why: str) -> None:
        """Count that a rendition could not be made, and why."""
        async with self._context.database.writing() as connection:
            query = select(t.media.c.failures).where(t.media.c.id == media_id).with_for_update()
            failures: dict[str, Any] = (await connection.execute(query)).scalar() or {}
            tries, _ = failures.get(role, (0, ""))
            changed = {**failures, role: [tries + 1, why]}
            await connection.execute(update(t.media).where(t.media.c.id == media_id).values(failures=changed))

    async def sign(self, media_id: str, role: str, lease: timedelta) -> str:
        """An address that shows a rendition to whoever has it until `lease` is over, whatever its post's state."""
        until = int((self._context.now() + lease).timestamp())
        path = media_address(media_id, role)
        return f"{path}?until={until}&signature={await self._signature(path, until)}"

    async def signed(self, media_id: str, role: str, until: int, signature: str) -> bool:
        """Whether `sign` made this address and it is still good."""
        # both come from strangers: compared as a number and as bytes, which take anything
        if until < self._context.now().timestamp():
            return False
        expected = await self._signature(media_address(media_id, role), until)
        return hmac.compare_digest(signature.encode(errors="replace"), expected.encode())

    async def purgeable(self, limit: int) -> list[str]:
        """Media whose bytes may go, once they are given up: of posts removed or rejected for longer than their wall
        keeps them, of posts that their source withdrew, and of revisions that an edit replaced; never what stands on a
        wall."""
        async with self._context.database.reading() as connection:
            # what was given up and is still there was left by a crash, or by a store that was away
            left = t.media.c.purged & (cast(t.media.c.renditions, Text) != "[]")
            query = (
                select(t.media.c.id)
                .join(t.post, t.post.c.id == t.media.c.post_id)
                .where(t.media.c.renditions.is_not(None), or_(left, await self._may_go(connection)))
                .order_by(t.media.c.id)
                .limit(limit)
            )
            return list((await connection.execute(query)).scalars())

    async def give_up(self, media_id: str) -> tuple[str, ...] | None:
        """Let no post show this media again, so that its bytes can go: the keys of all there are, to which none is
        added any more. None, and nothing has changed, when its post came back meanwhile."""
        async with self._context.database.writing() as connection:
            query = (
                select(t.media.c.id)
                .join(t.post, t.post.c.id == t.media.c.post_id)
                .where(t.media.c.id == media_id, or_(t.media.c.purged, await self._may_go(connection)))
                .with_for_update(of=t.post)
            )
            if (await connection.execute(query)).first() is None:
                return None
            # read as they are written: somebody may have added one while we waited for the row
            given_up = (
                update(t.media).where(t.media.c.id == media_id).values(purged=True).returning(t.media.c.renditions)
            )
            renditions = (await connection.execute(given_up)).scalar_one()
        return tuple(fields["key"] for fields in renditions or ())

    async def purged(self, media_id: str) -> None:
        """The bytes of this media are gone from the store."""
        async with self._context.database.writing() as connection:
            await connection.execute(update(t.media).where(t.media.c.id == media_id).values(purged=True, renditions=[]))

    async def _may_go(self, connection: AsyncConnection) -> ColumnElement[bool]:
        """Of media joined with their posts, those that nobody may see again."""
        now = self._context.now()
        walls = (await connection.execute(select(t.wall.c.retention, t.wall.c.slug))).all()
        by_retention: dict[int, list[str]] = {}
        for hours, slug in walls:
            by_retention.setdefault(hours, []).append(slug)
        over = or_(
            false(),
            *(
                t.post.c.wall.in_(slugs) & (t.post.c.changed_at < now - timedelta(hours=hours))
                for hours, slugs in by_retention.items()
            ),
        )
        off = t.post.c.state.in_((State.REMOVED.value, State.REJECTED.value)) & over
        gone = or_(off, t.post.c.withdrawn, ~t.media.c.current)
        return ~t.media.c.purged & ~t.media.c.shown & gone

    async def _signature(self, path: str, until: int) -> str:
        return hmac.new(await self._secret.get(), f"{path}?{until}".encode(), hashlib.sha256).hexdigest()


def _served(row: Any) -> ServedMedia:
    removed = row.state == State.REMOVED
    return ServedMedia(
        removed=removed,
        renditions={
            fields["role"]: ServedRendition(
                key=fields["key"],
                type=fields["type"],
                bytes=fields["bytes"],
                public=row.shown and (fields["role"] not in PRIVATE_ROLES or row.downloads),
                removed=removed,
                name=row.name,
                ready=row.ready_at,
            )
            # what was given up is shown to nobody, though the store may not have deleted it yet
            for fields in (() if row.purged else row.renditions or ())
        },
    )
