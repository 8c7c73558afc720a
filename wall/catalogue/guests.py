"""What guests see of what they have added."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from wall.catalogue import tables as t
from wall.catalogue.base import Context
from wall.catalogue.uploads import Upload, upload_record
from wall.errors import NotFound
from wall.posts import Role
from wall.states import State
from wall.uploads import UploadRules

UPLOADS_SHOWN = 200  # of one guest on one wall
_SMALL: tuple[Role, ...] = ("thumbnail-320", "thumbnail-640", "poster")


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestUpload:
    """An upload and what became of its post.

    `post`: its state, None where there is none (any more). `shown`: it is on the wall; `shown_from`: when it will be.
    `thumbnail`: media and role of a small picture of it.
    """

    upload: Upload
    post: State | None
    reason: str | None
    shown: bool
    shown_from: datetime | None
    thumbnail: tuple[str, Role] | None


class Guests:
    def __init__(self, context: Context) -> None:
        self._context = context

    async def upload(self, upload_id: str) -> GuestUpload:
        """Raises NotFound."""
        found = await self._find(_QUERY.where(t.upload.c.id == upload_id))
        if not found:
            raise NotFound("There is no such upload.")
        return found[0]

    async def uploads(self, wall: str, guest: bytes) -> list[GuestUpload]:
        """The newest of a guest on a wall, newest first."""
        query = _QUERY.where(t.upload.c.wall == wall, t.upload.c.guest == guest)
        return await self._find(query.order_by(t.upload.c.id.desc()).limit(UPLOADS_SHOWN))

    async def _find(self, query: Select[Any]) -> list[GuestUpload]:
        now = self._context.now()
        async with self._context.database.reading() as connection:
            rows = (await connection.execute(query)).mappings().all()
            media = (
                await connection.execute(
                    select(t.media.c.post_id, t.media.c.id, t.media.c.renditions).where(
                        t.media.c.post_id.in_([row["post_id"] for row in rows if row["post_id"] is not None]),
                        t.media.c.current,
                        ~t.media.c.purged,
                        t.media.c.renditions.is_not(None),
                    )
                )
            ).all()
        small: dict[str, tuple[str, Role]] = {}
        for row in media:
            role = _smallest(row.renditions)
            if role is not None:
                small[row.post_id] = (row.id, role)
        found: list[GuestUpload] = []
        for row in rows:
            state = State(row["post_state"]) if row["post_state"] is not None else None
            shown = row["post_shown"] is not None
            rules = UploadRules.read(row["wall_uploads"])
            later = state is State.APPROVED and not shown and rules.hides(now)
            found.append(
                GuestUpload(
                    upload=upload_record(row),
                    post=state,
                    reason=row["post_reason"],
                    shown=shown,
                    shown_from=rules.reveal_at if later else None,
                    thumbnail=small.get(row["post_id"]),
                )
            )
        return found


def _smallest(renditions: Sequence[Any]) -> Role | None:
    roles = {fields["role"] for fields in renditions}
    return next((role for role in _SMALL if role in roles), None)


_QUERY = (
    select(
        t.upload,
        t.post.c.state.label("post_state"),
        t.post.c.reason.label("post_reason"),
        t.post.c.shown.label("post_shown"),
        t.wall.c.uploads.label("wall_uploads"),
    )
    .join(t.wall, t.wall.c.slug == t.upload.c.wall)
    .outerjoin(t.post, t.post.c.id == t.upload.c.post_id)
)
