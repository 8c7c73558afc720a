"""Pictures that look the same: suggested to moderators, never decided.

A perceptual hash of 63 bits (wall/pictures/phash.py) is kept in seven bands of nine. Two hashes that differ in at most
six bits have at least one band in common, so that looking into seven drawers finds everybody who is near; each drawer
holds a 512th of a wall's pictures.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from wall.catalogue import tables as t
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
    """Another post of the same wall with a picture that looks the same. `distance` in bits: 0 is as good as equal."""

    post_id: str
    author: str
    state: State
    distance: int


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
        select(mine.c.post_id, t.post.c.id, t.post.c.author_name, t.post.c.state, t.likeness.c.distance)
        .select_from(mine)
        .join(t.likeness, t.likeness.c.media_id == mine.c.id)
        .join(theirs, theirs.c.id == t.likeness.c.other_id)
        .join(t.post, t.post.c.id == theirs.c.post_id)
        .where(mine.c.post_id.in_(post_ids), mine.c.current, theirs.c.current, t.post.c.id != mine.c.post_id)
        .order_by(t.likeness.c.distance, t.post.c.id.desc())
    )
    found: dict[str, dict[str, Similar]] = {post_id: {} for post_id in post_ids}
    for post_id, other, author, state, bits in await connection.execute(query):
        known = found[post_id]
        if other not in known and len(known) < SHOWN:
            known[other] = Similar(post_id=other, author=author, state=State(state), distance=bits)
    return {post_id: tuple(known.values()) for post_id, known in found.items()}
