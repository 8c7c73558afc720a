"""Posts: stored as sources find them, read as walls and operators see them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from wall.catalogue import tables as t
from wall.catalogue.base import Context, Row
from wall.catalogue.likeness import Similar, similar_posts
from wall.catalogue.records import AVATAR, current_media, post_record, take_down
from wall.catalogue.searches import DueSearch
from wall.catalogue.walls import read_wall
from wall.errors import ClaimLost, NotFound
from wall.events import Snapshot
from wall.posts import MEDIA_PER_POST, Post, SourceMedia, SourcePost, SourceRemoval
from wall.states import State
from wall.wire import decode_post

SNAPSHOT_POSTS = 200  # ARCHITECTURE §4
POSTS_PER_TRANSACTION = 100  # ARCHITECTURE §3

# An edit starts a new revision of a post in one of these; a rejected or removed one stays as it was judged.
_EDITABLE = frozenset({State.RECEIVED, State.PENDING, State.APPROVED, State.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What a page of a sweep changed."""

    new: int = 0
    edited: int = 0
    removed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsolePost:
    """A post as operators see it: its newest revision, its state, and whether something of it is on the wall.

    `similar`: other posts of the wall with a picture that looks the same, nearest first.
    """

    wall: str
    post: Post
    state: State
    reason: str | None
    shown: bool
    changed_at: datetime
    media_errors: tuple[str, ...]
    similar: tuple[Similar, ...]


class Posts:
    def __init__(self, context: Context) -> None:
        self._context = context

    async def store(
        self,
        due: DueSearch,
        lease: timedelta,
        *,
        posts: Sequence[SourcePost],
        removals: Sequence[SourceRemoval],
        checkpoint: Mapping[str, Any],
    ) -> Stored:
        """One page of a sweep: posts, removals and the checkpoint, in one transaction.

        Extends the search's claim by `lease`. Raises ClaimLost when the search is no longer ours, and then nothing
        of the page was stored.
        """
        now = self._context.now()
        by_key = _newest(posts)
        async with self._context.database.writing() as connection:
            await _hold_search(connection, due, now + lease, checkpoint)
            gone = {removal.key for removal in removals}
            known = await _lock_by_key(connection, due.search.wall, sorted(by_key.keys() | gone))
            wanted = {key: (post, now) for key, post in by_key.items() if key not in gone}
            new, edited = await self._take(connection, due.search.wall, due.search.network, wanted, known)
            # also what an operator has removed already: from now on nobody can restore it
            leaving = [row for key, row in known.items() if key in gone and not row["withdrawn"]]
            await take_down(connection, due.search.wall, leaving, now, "The source says it is gone.", withdrawn=True)
        if new or edited or leaving:
            self._context.changed.fire()
        return Stored(new=new, edited=edited, removed=len(leaving))

    async def offer(self, wall: str, source: str, posts: Sequence[SourcePost]) -> Stored:
        """Up to 100 posts that no search found, in one transaction: new ones are added, newer versions are edits.

        They are worked on in the order in which they were created. Raises NotFound when there is no such wall.
        """
        async with self._context.database.writing() as connection:
            stored = await self.offer_in(connection, wall, source, posts)
        if stored.new or stored.edited:
            self._context.changed.fire()
        return stored

    async def offer_in(
        self, connection: AsyncConnection, wall: str, source: str, posts: Sequence[SourcePost]
    ) -> Stored:
        """`offer` within the caller's transaction."""
        now = self._context.now()
        oldest_last = sorted(_newest(posts).values(), key=lambda post: post.created, reverse=True)
        by_key = {post.key: (post, now - timedelta(microseconds=n)) for n, post in enumerate(oldest_last)}
        await read_wall(connection, wall)
        known = await _lock_by_key(connection, wall, sorted(by_key))
        new, edited = await self._take(connection, wall, source, by_key, known)
        return Stored(new=new, edited=edited)

    async def add(self, wall: str, source: str, post: SourcePost) -> str:
        """A post that no search found, such as one from the command line; its id. Known keys give the known post.

        Raises NotFound when there is no such wall.
        """
        async with self._context.database.writing() as connection:
            await read_wall(connection, wall)
            await self._insert(connection, wall, source, post, self._context.now())
            query = select(t.post.c.id).where(t.post.c.wall == wall, t.post.c.key == post.key)
            post_id: str = (await connection.execute(query)).scalar_one()
        self._context.changed.fire()
        return post_id

    async def add_in(self, connection: AsyncConnection, wall: str, source: str, post: SourcePost) -> str | None:
        """`add` within the caller's transaction; None when the wall knows the key already."""
        if not await self._insert(connection, wall, source, post, self._context.now()):
            return None
        query = select(t.post.c.id).where(t.post.c.wall == wall, t.post.c.key == post.key)
        return (await connection.execute(query)).scalar_one()

    async def known(self, wall: str, key: str) -> str | None:
        """The id of the wall's post with this key, or None when it has none."""
        async with self._context.database.reading() as connection:
            return await connection.scalar(select(t.post.c.id).where(t.post.c.wall == wall, t.post.c.key == key))

    async def states(self, wall: str, keys: Sequence[str]) -> dict[str, State]:
        """The state of each of at most some hundred posts, by key; those that the wall does not know are left out."""
        query = select(t.post.c.key, t.post.c.state).where(t.post.c.wall == wall, t.post.c.key.in_(keys))
        async with self._context.database.reading() as connection:
            return {row.key: State(row.state) for row in await connection.execute(query)}

    async def forget_withdrawn(self, after: timedelta) -> int:
        """Drop posts that their source withdrew longer than `after` ago and whose bytes are gone; how many.

        Until then they are remembered, so that nothing older brings them back.
        """
        bytes_left = select(t.media.c.id).where(t.media.c.post_id == t.post.c.id, t.media.c.renditions.is_not(None))
        async with self._context.database.writing() as connection:
            gone = await connection.execute(
                delete(t.post).where(
                    t.post.c.withdrawn,
                    t.post.c.changed_at < self._context.now() - after,
                    ~bytes_left.where(~t.media.c.purged).exists(),
                )
            )
        return gone.rowcount

    async def snapshot(self, slug: str) -> Snapshot:
        """The wall as it is now: the newest posts, newest first, and the cursor they are true for."""
        async with self._context.database.reading() as connection:
            wall = await read_wall(connection, slug)
            rows = await connection.execute(
                select(t.post.c.shown)
                .where(t.post.c.wall == slug, t.post.c.shown.is_not(None))
                .order_by(t.post.c.placed.desc())
                .limit(SNAPSHOT_POSTS)
            )
            return Snapshot(
                cursor=wall.cursor,
                now=self._context.now(),
                wall=wall.view,
                posts=tuple(decode_post(row.shown) for row in rows),
            )

    async def get(self, post_id: str) -> ConsolePost:
        """Raises NotFound."""
        found = await self._console_posts(select(t.post).where(t.post.c.id == post_id))
        if not found:
            raise NotFound("There is no such post.")
        return found[0]

    async def by_state(
        self, wall: str, state: State, *, before: str | None = None, limit: int = 50
    ) -> list[ConsolePost]:
        """Posts of a wall in one state, newest first; `before` is the id of the last one already read."""
        query = select(t.post).where(t.post.c.wall == wall, t.post.c.state == state.value)
        if before is not None:
            query = query.where(t.post.c.id < before)
        return await self._console_posts(query.order_by(t.post.c.id.desc()).limit(limit))

    async def counts(self, wall: str) -> dict[State, int]:
        """How many posts of a wall are in each state."""
        query = select(t.post.c.state, func.count()).where(t.post.c.wall == wall).group_by(t.post.c.state)
        async with self._context.database.reading() as connection:
            found = {State(row[0]): row[1] for row in await connection.execute(query)}
        return {state: found.get(state, 0) for state in State}

    async def _console_posts(self, query: Any) -> list[ConsolePost]:
        async with self._context.database.reading() as connection:
            rows = list((await connection.execute(query)).mappings())
            ids = [row["id"] for row in rows]
            media = await current_media(connection, ids)
            similar = await similar_posts(connection, ids)
        return [_console_post(row, media[row["id"]], similar[row["id"]]) for row in rows]

    async def _take(
        self,
        connection: AsyncConnection,
        wall: str,
        source: str,
        posts: Mapping[str, tuple[SourcePost, datetime]],
        known: Mapping[str, Row],
    ) -> tuple[int, int]:
        """Add posts, or edit those in `known`, whose rows are locked, each at its moment; how many of each."""
        edited = 0
        for key, row in known.items():
            if key in posts:
                edited += await self._edit(connection, row, *posts[key])
        new = 0
        # in the order of their keys: two who add the same posts must not wait for each other
        for key in sorted(posts.keys() - known.keys()):
            new += await self._insert(connection, wall, source, *posts[key])
        return new, edited

    async def _insert(
        self, connection: AsyncConnection, wall: str, source: str, post: SourcePost, now: datetime
    ) -> int:
        post_id = self._context.ulid()
        values: dict[str, Any] = {
            "id": post_id,
            "wall": wall,
            "source": source,
            "key": post.key,
            "revision": 1,
            "received_at": now,
        }
        dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
        # two searches of two processes may find the same post at once: the second one sees it as known next time
        added = await connection.execute(
            dialect.insert(t.post).values(values | _contents(post, now)).on_conflict_do_nothing().returning(t.post.c.id)
        )
        if added.first() is None:
            return 0
        await self._write_media(connection, post_id, _wanted_media(post), {})
        return 1

    async def _edit(self, connection: AsyncConnection, row: Row, post: SourcePost, now: datetime) -> int:
        if post.version <= row["version"] or State(row["state"]) not in _EDITABLE:
            return 0
        values: dict[str, Any] = {"revision": row["revision"] + 1, "holder": None, "token": None}
        await connection.execute(
            update(t.post)
            .where(t.post.c.id == row["id"])
            .values(values | _contents(post, now) | {"claimed_until": None})
        )
        old = {media["key"]: media for media in (await current_media(connection, [row["id"]]))[row["id"]]}
        await self._write_media(connection, row["id"], _wanted_media(post), old)
        return 1

    async def _write_media(
        self,
        connection: AsyncConnection,
        post_id: str,
        wanted: Sequence[tuple[str, SourceMedia]],
        old: Mapping[str, Row],
    ) -> None:
        kept: set[str] = set()
        for position, (kind, media) in enumerate(wanted):
            known = old.get(media.key)
            if known is not None and known["origin"] == media.origin:
                kept.add(known["id"])
                await connection.execute(
                    update(t.media).where(t.media.c.id == known["id"]).values(position=position, alt=media.alt)
                )
                continue
            await connection.execute(
                insert(t.media).values(
                    id=self._context.token(),
                    post_id=post_id,
                    key=media.key,
                    position=position,
                    kind=kind,
                    alt=media.alt,
                    name=media.name,
                    origin=media.origin,
                    fallbacks=list(media.fallbacks),
                    focus=list(media.focus) if media.focus else None,
                    current=True,
                    shown=False,
                )
            )
        outdated = [media["id"] for media in old.values() if media["id"] not in kept]
        if outdated:
            await connection.execute(update(t.media).where(t.media.c.id.in_(outdated)).values(current=False))


def _newest(posts: Sequence[SourcePost]) -> dict[str, SourcePost]:
    """By key the newest version of each."""
    return {post.key: post for post in sorted(posts, key=lambda post: post.version)}


def _contents(post: SourcePost, now: datetime) -> dict[str, Any]:
    """The columns that every edit replaces; the post has work to do again."""
    return {
        "version": post.version,
        "state": State.RECEIVED.value,
        "reason": None,
        "author_name": post.author_name,
        "author_handle": post.author_handle,
        "text": post.text,
        "url": post.url,
        "created_at": post.created,
        "changed_at": now,
        "attempts": 0,
        "work_at": now,
    }


def _wanted_media(post: SourcePost) -> list[tuple[str, SourceMedia]]:
    wanted: list[tuple[str, SourceMedia]] = [(media.kind, media) for media in post.media[:MEDIA_PER_POST]]
    if post.avatar is not None:
        wanted.append((AVATAR, SourceMedia(key=AVATAR, kind="image", origin=post.avatar)))
    return wanted


async def _hold_search(
    connection: AsyncConnection, due: DueSearch, until: datetime, checkpoint: Mapping[str, Any]
) -> None:
    held = await connection.execute(
        update(t.search)
        .where(t.search.c.id == due.search.id, t.search.c.token == due.token, t.search.c.enabled)
        .values(checkpoint=dict(checkpoint), claimed_until=until)
    )
    if held.rowcount != 1:
        raise ClaimLost(f"The search {due.search.query!r} was paused, removed or taken over.")


async def _lock_by_key(connection: AsyncConnection, wall: str, keys: Sequence[str]) -> dict[str, Row]:
    rows = await connection.execute(
        select(t.post).where(t.post.c.wall == wall, t.post.c.key.in_(keys)).order_by(t.post.c.id).with_for_update()
    )
    return {row["key"]: row for row in rows.mappings()}


def _console_post(row: Row, media: Sequence[Row], similar: tuple[Similar, ...]) -> ConsolePost:
    return ConsolePost(
        wall=row["wall"],
        post=post_record(row, media),
        state=State(row["state"]),
        reason=row["reason"],
        shown=row["shown"] is not None,
        changed_at=row["changed_at"],
        media_errors=tuple(m["error"] for m in media if m["error"] and m["kind"] != AVATAR),
        similar=similar,
    )
