"""One cheap look at the database that tells whether anything an operator sees has changed, and what kind of thing.

Costs a handful of index reads, whatever the size of the wall: what is on it or was taken off counts into the wall's
seq, what operators did into the newest action, and only the posts that still wait for something are counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import func, select

from wall.catalogue import tables as t
from wall.catalogue.catalogue import Catalogue
from wall.catalogue.health import SILENT_AFTER
from wall.catalogue.operators import SESSION_IDLE
from wall.states import State

Kind = Literal["walls", "posts", "searches", "health"]

_WAITING = (State.RECEIVED.value, State.PENDING.value, State.FAILED.value)


@dataclass(frozen=True, slots=True)
class Glance:
    """`prints` has one comparable value per kind; `sessions` the digests of those that are good now."""

    prints: Mapping[Kind, object]
    sessions: frozenset[bytes]

    def differs_from(self, older: "Glance") -> frozenset[Kind]:
        return frozenset(kind for kind, value in self.prints.items() if older.prints.get(kind) != value)


async def glance(catalogue: Catalogue) -> Glance:
    """Look now. Raises CatalogueUnavailable."""
    now = catalogue.now()
    p = t.post.c
    queries = {
        "walls": select(
            t.wall.c.slug, t.wall.c.title, t.wall.c.policy, t.wall.c.retention, t.wall.c.downloads
        ).order_by(t.wall.c.slug),
        "seqs": select(t.wall.c.slug, t.wall.c.epoch, t.wall.c.seq).order_by(t.wall.c.slug),
        "actions": select(func.max(t.action.c.id)),
        "waiting": (
            select(p.wall, p.state, func.count(), func.max(p.changed_at))
            .where(p.state.in_(_WAITING))
            .group_by(p.wall, p.state)
            .order_by(p.wall, p.state)
        ),
        # an author's own removal of a post that was rejected moves nothing else
        "rejected": select(
            t.wall.c.slug,
            select(func.count())
            .where(p.wall == t.wall.c.slug, p.state == State.REJECTED.value)
            .correlate(t.wall)
            .scalar_subquery(),
        ).order_by(t.wall.c.slug),
        "searches": select(
            t.search.c.id,
            t.search.c.enabled,
            t.search.c.note,
            t.search.c.swept_at,
            t.search.c.error,
            t.search.c.error_at,
            t.search.c.failures,
        ).order_by(t.search.c.id),
        "health": (
            select(t.health.c.part, t.health.c.ok, t.health.c.sentence, t.health.c.at < now - SILENT_AFTER).order_by(
                t.health.c.part
            )
        ),
        "sessions": select(t.session.c.digest).where(
            t.session.c.expires_at > now, t.session.c.seen_at > now - SESSION_IDLE
        ),
    }
    async with catalogue.database.reading() as connection:
        rows = {name: tuple(tuple(row) for row in await connection.execute(query)) for name, query in queries.items()}
    posts = (rows["seqs"], rows["actions"], rows["waiting"], rows["rejected"])
    prints: dict[Kind, object] = {
        "walls": rows["walls"],
        "posts": posts,
        "searches": rows["searches"],
        "health": rows["health"],
    }
    return Glance(prints, frozenset(bytes(row[0]) for row in rows["sessions"]))
