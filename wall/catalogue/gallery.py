"""What stands on a wall, listed page by page: `GET /api/walls/<slug>/posts` (docs/wire.md)."""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, func, select, true, union
from sqlalchemy.ext.asyncio import AsyncConnection

from wall.catalogue import tables as t
from wall.catalogue.base import Context
from wall.catalogue.listing import plain, plain_name
from wall.catalogue.records import PRIVATE_ROLES, media_address
from wall.catalogue.walls import Wall, read_wall

Kind = Literal["image", "animation", "video"]
# sizes that are made of an original when somebody first asks for them (relay/ondemand.py)
_ON_DEMAND = ("display-1280", "display-2560")
_Query = Select[Any, Any]  # of two columns
_BEFORE = re.compile(r"([a-z0-9]{1,16})\.(-?[0-9]{1,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """A post's place on its wall, in one life of the wall's counter: where the next page goes on."""

    epoch: str
    placed: int

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(f"{self.epoch}.{self.placed}".encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> "Place":
        """Raises ValueError for what `str` never gave."""
        try:
            decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
        except (ValueError, binascii.Error) as error:
            raise ValueError("not a place in this list") from error
        match = _BEFORE.fullmatch(decoded)
        if match is None:
            raise ValueError("not a place in this list")
        return cls(match[1], int(match[2]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Posts with a media of `kind`, whose author has the name or handle `author`, and that say all `words`."""

    kind: Kind | None = None
    author: str | None = None
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryPage:
    """Posts as the wire shows them, newest first, each media with its `addresses`; `next`: where older ones are."""

    posts: Sequence[Mapping[str, Any]]
    next: Place | None


class Gallery:
    def __init__(self, context: Context) -> None:
        self._context = context

    async def page(self, slug: str, wanted: Wanted, before: Place | None, limit: int) -> GalleryPage | None:
        """Up to `limit` posts that stand on the wall now, below `before`; None when the wall's counter has begun a new
        life since that place was given out.

        A post keeps its place for as long as it is shown, so whatever comes and goes between two pages, none is left
        out and none comes twice; one that was taken off and restored has a new place. Raises NotFound.
        """
        async with self._context.database.reading() as connection:
            wall = await read_wall(connection, slug)
            if before is not None and before.epoch != wall.epoch:
                return None
            rows = (await connection.execute(_query(slug, wanted, before, limit, self._contains))).all()
            shown = [row.shown for row in rows[:limit]]
            addresses = await _addresses(connection, wall, shown)
        return GalleryPage(
            posts=[_with_addresses(fields, addresses) for fields in shown],
            next=Place(wall.epoch, rows[limit - 1].placed) if len(rows) > limit else None,
        )

    def _contains(self, word: str) -> ColumnElement[bool]:
        # not LIKE: a word may hold its wildcards, and this is twice as fast on SQLite
        find = func.instr if self._context.database.is_sqlite else func.strpos
        return find(t.listing.c.words, plain(word)) > 0


def _query(slug: str, wanted: Wanted, before: Place | None, limit: int, contains: Any) -> _Query:
    """One post more than asked for, which tells whether there is another page."""
    x = t.listing.c
    listed = select(x.post_id, x.placed).where(x.wall == slug, *map(contains, wanted.words))
    if wanted.kind is not None:
        listed = listed.where({"image": x.image, "animation": x.animation, "video": x.video}[wanted.kind] == true())
    if before is not None:
        listed = listed.where(x.placed < before.placed)
    found = _first(listed, limit + 1)
    if wanted.author is not None:
        # each half reads its own index from the newest on, which one OR could not
        name = plain_name(wanted.author)
        halves = [_first(listed.where(column == name), limit + 1) for column in (x.author, x.handle)]
        found = union(*(select(half.subquery()) for half in halves))
    page = found.subquery()
    return (
        select(page.c.placed, t.post.c.shown)
        .join(t.post, t.post.c.id == page.c.post_id)
        .order_by(page.c.placed.desc())
        .limit(limit + 1)
    )


def _first(query: _Query, count: int) -> _Query:
    return query.order_by(t.listing.c.placed.desc()).limit(count)


async def _addresses(
    connection: AsyncConnection, wall: Wall, shown: Sequence[Mapping[str, Any]]
) -> dict[str, dict[str, str]]:
    """Where each media's bytes are, by role; also the sizes that were made since it was shown, or can be."""
    ids = [media["id"] for fields in shown for media in fields["media"]]
    m = t.media.c
    rows = (await connection.execute(select(m.id, m.kind, m.renditions).where(m.id.in_(ids)))).all()
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        roles = dict.fromkeys(one["role"] for one in row.renditions or ())
        if "original" in roles and row.kind != "video":
            roles |= dict.fromkeys(_ON_DEMAND)
        found[row.id] = {
            role: media_address(row.id, role) for role in roles if wall.downloads or role not in PRIVATE_ROLES
        }
    return found


def _with_addresses(fields: Mapping[str, Any], addresses: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    media = [{**one, "addresses": addresses.get(one["id"], {})} for one in fields["media"]]
    return {**fields, "media": media}
