"""Pictures that look the same: suggested to moderators, never decided.

A perceptual hash of 63 bits (wall/pictures/phash.py) is kept in seven bands of nine. Two hashes that differ in at most
six bits have at least one band in common, so that looking into seven drawers finds everybody who is near; each drawer
holds a 512th of a wall's pictures.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from wall.catalogue import tables as t
from wall.catalogue.base import Row
from wall.catalogue.records import media_record, usable
from wall.posts import Media
from wall.states import State

NEAR = 6  # bits; reference/media.md §5.5 (6 to 8)
BANDS = NEAR + 1
BAND_BITS = 63 // BANDS
# compared at most for one picture: at 100,000 pictures seven drawers hold some 1,400
CANDIDATES = 5_000
KEPT = 10  # nearest pictures remembered of each
SHOWN = 5  # posts told to a moderator


@dataclass(frozen=True, slots=True, kw_only=True)
class Similar:
    """Another post of the same wall with a picture that looks the same. `distance` in bits: 0 is as good as equal.

    `author`: their name, or the handle of who has none. `picture`: the one that looks the same; None once its bytes
    are gone.
    """

    post_id: str
    author: str
    source: str
    state: State
    received: datetime
    distance: int
    picture: Media | None


def distance(one: int, other: int) -> int:
    """In how many bits two hashes differ."""
    return (one ^ other).bit_count()


def bands(phash: int) -> list[int]:
    """The seven drawers of a hash, each numbered by its place and its bits."""
    size = 1 << BAND_BITS
    return [place * size + (phash >> place * BAND_BITS) % size for place in range(BANDS)]


async def remember(connection: AsyncConnection, wall: str, media_id: str, phash: int) -> None:
    """Note a picture's hash, and who is near it, in the caller's transaction. Doing it again changes nothing."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    drawers = bands(phash)
    band = t.phash_band.c
    found = await connection.execute(
        select(band.media_id, band.phash)
        .where(band.wall == wall, band.band.in_(drawers), band.media_id != media_id)
        .limit(CANDIDATES)
    )
    near = sorted(
        (bits, other) for other, value in {tuple(row) for row in found} if (bits := distance(phash, value)) <= NEAR
    )
    pairs = [
        {"media_id": one, "other_id": other, "distance": bits}
        for bits, neighbour in near[:KEPT]
        for one, other in ((media_id, neighbour), (neighbour, media_id))
    ]
    if pairs:
        await connection.execute(dialect.insert(t.likeness).on_conflict_do_nothing(), pairs)
    await connection.execute(
        dialect.insert(t.phash_band).on_conflict_do_nothing(),
        [{"wall": wall, "band": number, "media_id": media_id, "phash": phash} for number in drawers],
    )


async def similar_posts(connection: AsyncConnection, post_ids: Sequence[str]) -> dict[str, tuple[Similar, ...]]:
    """Of each post, the others whose pictures look like one of its own, nearest first."""
    mine, theirs = t.media.alias("mine"), t.media.alias("theirs")
    query = (
        select(mine.c.post_id, theirs.c.id, t.post.c.id, t.likeness.c.distance)
        .select_from(mine)
        .join(t.likeness, t.likeness.c.media_id == mine.c.id)
        .join(theirs, theirs.c.id == t.likeness.c.other_id)
        .join(t.post, t.post.c.id == theirs.c.post_id)
        .where(mine.c.post_id.in_(post_ids), mine.c.current, theirs.c.current, t.post.c.id != mine.c.post_id)
        .order_by(t.likeness.c.distance, t.post.c.id.desc())
    )
    nearest: dict[str, dict[str, tuple[str, int]]] = {post_id: {} for post_id in post_ids}
    for post_id, picture, other, bits in await connection.execute(query):
        known = nearest[post_id]
        if other not in known and len(known) < SHOWN:
            known[other] = (picture, bits)
    told = await _told(connection, {picture for known in nearest.values() for picture, _ in known.values()})
    return {
        post_id: tuple(_similar(told[picture], bits) for picture, bits in known.values())
        for post_id, known in nearest.items()
    }


async def _told(connection: AsyncConnection, media_ids: Collection[str]) -> dict[str, Row]:
    """These media, each with what is told of its post. Only of those that are shown: a picture that a thousand sent
    is near a thousand others."""
    if not media_ids:
        return {}
    query = (
        select(t.media, t.post.c.author_name, t.post.c.author_handle, t.post.c.source, t.post.c.received_at)
        .add_columns(t.post.c.state.label("post_state"))
        .join(t.post, t.post.c.id == t.media.c.post_id)
        .where(t.media.c.id.in_(media_ids))
    )
    return {row["id"]: row for row in (await connection.execute(query)).mappings()}


def _similar(row: Row, bits: int) -> Similar:
    return Similar(
        post_id=row["post_id"],
        author=row["author_name"] or row["author_handle"],
        source=row["source"],
        state=State(row["post_state"]),
        received=row["received_at"],
        distance=bits,
        picture=media_record(row) if usable(row) else None,
    )
