"""Which stored objects the catalogue knows. A table that names store keys belongs in here, or `frieze store reconcile`
takes its objects for left behind."""

from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass

from sqlalchemy import or_, select

from wall.catalogue import tables as t
from wall.catalogue.base import Context
from wall.origins import is_reference, stored_key, stored_origin
from wall.uploads import UploadState

PAGE = 500  # media read at once
_IN_STORE = stored_origin("")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownObject:
    """`length` in bytes and `sha256` where the catalogue holds them; `needed`: something is missing without it.

    Objects of collections are not ours: nothing here names them.
    What a guest is sending just now belongs to no media yet: its ids are empty.
    """

    key: str
    media_id: str
    post_id: str
    length: int | None
    sha256: str | None
    needed: bool


class KnownObjects:
    def __init__(self, context: Context) -> None:
        self._context = context

    async def all(self) -> AsyncGenerator[KnownObject]:
        """Every object that some row names, each key once for each row, page by page."""
        last = ""
        while True:
            found, last = await self._page(last)
            for one in found:
                yield one
            if not last:
                break
        async for one in self._arriving():
            yield one

    async def of(self, media_id: str) -> list[KnownObject]:
        """What the row of one media names now."""
        return (await self._page("", media_id))[0]

    async def keys_of(self, media_ids: Iterable[str]) -> set[str]:
        """The keys that the rows of these media name now: what an error says of a write may not be so."""
        return {known.key for media_id in media_ids for known in await self.of(media_id)}

    async def _arriving(self) -> AsyncGenerator[KnownObject]:
        """What guests' uploads may have in the store before, or beside, the media of their post."""
        u, last = t.upload.c, ""
        unfinished = u.state.in_((UploadState.LEASED.value, UploadState.RECEIVING.value))
        while True:
            query = (
                select(u.id, u.key, u.quarantine)
                .where(u.id > last, or_(unfinished, u.quarantine.is_not(None)))
                .order_by(u.id)
                .limit(PAGE)
            )
            async with self._context.database.reading() as connection:
                rows = (await connection.execute(query)).all()
            for row in rows:
                for key in filter(None, (row.key, row.quarantine)):
                    yield KnownObject(key=key, media_id="", post_id="", length=None, sha256=None, needed=False)
            if len(rows) < PAGE:
                return
            last = rows[-1].id

    async def _page(self, after: str, media_id: str | None = None) -> tuple[list[KnownObject], str]:
        """The objects of the media after `after`, and the last of those media; "" when there are no more."""
        m = t.media.c
        query = (
            select(m.id, m.post_id, m.origin, m.purged, m.sha256, m.error, m.renditions)
            .where(m.id > after, or_(m.renditions.is_not(None), m.origin.startswith(_IN_STORE)))
            .order_by(m.id)
            .limit(PAGE)
        )
        if media_id is not None:
            query = query.where(m.id == media_id)
        async with self._context.database.reading() as connection:
            rows = (await connection.execute(query)).all()
        found: list[KnownObject] = []
        for row in rows:
            for fields in row.renditions or ():
                if is_reference(fields["key"]):
                    continue
                found.append(
                    KnownObject(
                        key=fields["key"],
                        media_id=row.id,
                        post_id=row.post_id,
                        length=fields["bytes"],
                        sha256=row.sha256 if fields["role"] == "original" else None,
                        needed=not row.purged,
                    )
                )
            origin = stored_key(row.origin)
            if origin is not None and not is_reference(origin) and not (row.purged and not row.renditions):
                found.append(
                    KnownObject(
                        key=origin,
                        media_id=row.id,
                        post_id=row.post_id,
                        length=None,
                        sha256=None,
                        # until its renditions are made of it
                        needed=row.renditions is None and row.error is None and not row.purged,
                    )
                )
        return found, rows[-1].id if len(rows) == PAGE else ""
