"""What guests add: from the address that a picture may be sent to, to the post that a wall has of it.

Each move is a compare-and-set on the row. The process that takes the bytes in holds the row by a claim; a transaction
here locks the upload first, then its post, then the wall.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wall.catalogue import tables as t
from wall.catalogue.base import Context, Row
from wall.catalogue.posts import Posts
from wall.catalogue.records import take_down
from wall.catalogue.walls import lock_wall
from wall.errors import ClaimLost, NotFound, UploadRefused
from wall.origins import stored_origin
from wall.posts import SourceMedia, SourcePost
from wall.uploads import NETWORK, Kind, Mode, UploadRules, UploadState, kind_of

# addresses of the store's own that one guest may have, until they are over; those through us are counted by slots
DIRECT_PER_GUEST = 2

USED = "This address was used; see what became of the upload."

_OPEN = (UploadState.LEASED.value, UploadState.RECEIVING.value)
RELEASED: dict[str, Any] = {"holder": None, "token": None, "claimed_until": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a guest wants to add. `guest`: the digest of their token; `type` a plain one (`wall.uploads.plain_type`).
    `direct`: whether their browser may be sent to the store itself."""

    wall: str
    guest: bytes
    size: int
    type: str
    name: str
    author: str = ""
    caption: str = ""
    sha256: str | None = None
    consent: bool = False
    direct: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One picture or video that a guest adds.

    `until`: when the lease, or the claim on it, is over. `signed_until`: when nobody can begin to write into its
    quarantine any more.
    """

    id: str
    wall: str
    guest: bytes
    address: bytes
    state: UploadState
    mode: Mode
    key: str
    quarantine: str | None
    signed_until: datetime | None
    size: int
    type: str
    name: str
    author: str
    caption: str
    sha256: str | None
    error: str | None
    post_id: str | None
    created_at: datetime
    changed_at: datetime
    until: datetime | None

    @property
    def keys(self) -> tuple[str, ...]:
        """Where in the store something of it may be."""
        return (self.key,) if self.quarantine is None else (self.quarantine, self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An upload that this process takes in, or clears away; `token` proves the claim. `rules`: those of its wall."""

    upload: Upload
    token: str
    rules: UploadRules


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """What has to leave the store: `keys`, and what was made of them: that of `media`, once these are given up."""

    upload: Upload
    keys: tuple[str, ...]
    media: tuple[str, ...]


class Uploads:
    def __init__(self, context: Context, posts: Posts) -> None:
        self._context = context
        self._posts = posts

    async def lease(
        self, asked: Asked, *, holder: str, lease: timedelta, key: str, quarantine: str | None = None
    ) -> tuple[Upload, str]:
        """Write down that `asked` may be sent within `lease`; the upload, and the secret of its one-time address.

        `quarantine`: where the guest sends it directly. Raises NotFound, and UploadRefused where the wall's rules, its
        room or what is there already say no.
        """
        now = self._context.now()
        secret = self._context.token()
        async with self._context.database.writing() as connection:
            # one at a time from here, or two could both take the last room there is
            wall = await lock_wall(connection, asked.wall)
            refuse(wall.uploads, asked, now)
            if asked.sha256 is not None:
                await _refuse_known(connection, asked.wall, f"sha256:{asked.sha256}", asked.guest)
            await _refuse_full(connection, wall.uploads, asked, now, direct=quarantine is not None)
            values: dict[str, Any] = {
                "id": self._context.ulid(),
                "wall": asked.wall,
                "guest": asked.guest,
                "address": digest(secret),
                "state": UploadState.LEASED.value,
                "mode": "relay" if quarantine is None else "direct",
                "key": key,
                "quarantine": quarantine,
                "signed_until": None if quarantine is None else now + lease,
                "size": asked.size,
                "type": asked.type,
                "name": asked.name,
                "author": asked.author,
                "caption": asked.caption,
                "consent": wall.uploads.consent,
                "sha256": asked.sha256,
                "error": None,
                "post_id": None,
                "created_at": now,
                "changed_at": now,
                "cleaned": False,
                "holder": holder,
                "token": None,
                "claimed_until": now + lease,
            }
            await connection.execute(insert(t.upload).values(values))
        return upload_record(values), secret

    async def get(self, upload_id: str) -> Upload:
        """Raises NotFound."""
        async with self._context.database.reading() as connection:
            row = (await connection.execute(select(t.upload).where(t.upload.c.id == upload_id))).mappings().first()
        if row is None:
            raise NotFound("There is no such upload.")
        return upload_record(row)

    async def still_leased(self, upload_ids: list[str]) -> set[str]:
        """Those of these whose address has not been used, nor is over."""
        query = select(t.upload.c.id).where(
            t.upload.c.id.in_(upload_ids),
            t.upload.c.state == UploadState.LEASED.value,
            t.upload.c.claimed_until > self._context.now(),
        )
        async with self._context.database.reading() as connection:
            return set((await connection.execute(query)).scalars())

    async def arrived(self, upload_ids: list[str]) -> set[str]:
        """Those of these of which a wall has, or had, a post."""
        query = select(t.upload.c.id).where(t.upload.c.id.in_(upload_ids), t.upload.c.post_id.is_not(None))
        async with self._context.database.reading() as connection:
            return set((await connection.execute(query)).scalars())

    async def begin(self, upload: Upload, *, holder: str, lease: timedelta) -> Held:
        """Use the address up: from now on it is this process that takes the bytes in.

        Raises UploadRefused: `used` and `lease`, so of two that come at once exactly one is let in; `off` where guests
        may no longer add anything, and, of what they sent to the store itself, `over` and `early` as well: an address
        through us that was given in time is over in a moment anyway. Then nothing has changed.
        """
        now, token = self._context.now(), self._context.token()
        async with self._context.database.writing() as connection:
            begun = await connection.execute(
                update(t.upload)
                .where(
                    t.upload.c.id == upload.id,
                    t.upload.c.state == UploadState.LEASED.value,
                    t.upload.c.claimed_until > now,
                )
                .values(
                    state=UploadState.RECEIVING.value,
                    holder=holder,
                    token=token,
                    claimed_until=now + lease,
                    changed_at=now,
                )
            )
            if begun.rowcount != 1:
                state = await connection.scalar(select(t.upload.c.state).where(t.upload.c.id == upload.id))
                if state == UploadState.LEASED.value:
                    raise UploadRefused("lease", "This address is no longer good; ask for a new one.")
                raise UploadRefused("used", USED)
            query = select(t.wall.c.uploads).where(t.wall.c.slug == upload.wall)
            rules = UploadRules.read(await connection.scalar(query))
            closed = rules.closed(now)
            if closed is not None and (upload.mode == "direct" or not rules.enabled):
                raise UploadRefused(*closed)
        return Held(upload=upload, token=token, rules=rules)

    async def renew(self, held: Held, lease: timedelta) -> None:
        """Keep the claim. Raises ClaimLost when the guest withdrew meanwhile, or somebody took it for dead."""
        async with self._context.database.writing() as connection:
            kept = await connection.execute(
                update(t.upload).where(*_mine(held)).values(claimed_until=self._context.now() + lease)
            )
        if kept.rowcount != 1:
            raise _lost()

    async def finish(self, held: Held, *, kind: Kind, media_type: str, sha256: str | None) -> Upload:
        """The store has all of it: the upload is stored and the wall has a post of it, both or neither.

        Raises ClaimLost, and UploadRefused (`already`) when the wall has the same bytes by now; then the caller deletes
        what it stored.
        """
        upload, now = held.upload, self._context.now()
        async with self._context.database.writing() as connection:
            moved = await connection.execute(
                update(t.upload)
                .where(*_mine(held))
                .values(
                    {"state": UploadState.STORED.value, "type": media_type, "sha256": sha256, "changed_at": now}
                    | RELEASED
                )
            )
            if moved.rowcount != 1:
                raise _lost()
            post = _post(upload, kind=kind, sha256=sha256, now=now)
            post_id = await self._posts.add_in(connection, upload.wall, NETWORK, post)
            if post_id is None:
                await _refuse_known(connection, upload.wall, post.key, upload.guest)
                raise UploadRefused("already", "The same picture was on this wall until a moment ago.")
            await connection.execute(update(t.upload).where(t.upload.c.id == upload.id).values(post_id=post_id))
        self._context.changed.fire()
        return replace(
            upload, state=UploadState.STORED, type=media_type, sha256=sha256, post_id=post_id, changed_at=now
        )

    async def abort(self, held: Held, reason: str) -> None:
        """It came to nothing, and nothing of it is left in the store; `reason` is a sentence for the guest."""
        await self._move(held, {"state": UploadState.ABORTED.value, "error": reason} | RELEASED)

    async def let_go(self, held: Held, reason: str) -> bool:
        """It came to nothing, but something may be left: whoever looks for dead claims takes it from here. Whether the
        claim was still ours."""
        return await self._move(held, {"error": reason, "claimed_until": self._context.now()})

    async def give_back(self, held: Held) -> None:
        """Its completion could not be checked: it may be asked for again, as if nothing had been."""
        values = {"state": UploadState.LEASED.value, "token": None, "claimed_until": held.upload.signed_until}
        await self._move(held, values)

    async def cancel(self, upload: Upload, reason: str) -> bool:
        """End a lease, if nobody has used it; whether that was so."""
        async with self._context.database.writing() as connection:
            ended = await connection.execute(
                update(t.upload)
                .where(t.upload.c.id == upload.id, t.upload.c.state == UploadState.LEASED.value)
                .values(
                    {
                        "state": UploadState.ABORTED.value,
                        "error": reason,
                        "changed_at": self._context.now(),
                        "cleaned": upload.quarantine is None,
                    }
                    | RELEASED
                )
            )
        return ended.rowcount == 1

    async def withdraw(self, upload_id: str) -> Withdrawn:
        """The guest takes it back: it leaves every screen, nobody can restore it, and its bytes may go at once.

        Any number of times. Raises NotFound.
        """
        now = self._context.now()
        async with self._context.database.writing() as connection:
            query = select(t.upload).where(t.upload.c.id == upload_id).with_for_update()
            row = (await connection.execute(query)).mappings().first()
            if row is None:
                raise NotFound("There is no such upload.")
            if row["state"] != UploadState.WITHDRAWN:
                # whoever takes its bytes in now finds its claim gone, and rolls back
                # nothing ever came to an address of ours that nobody has used
                unused = row["state"] == UploadState.LEASED and row["mode"] == "relay"
                values = {"state": UploadState.WITHDRAWN.value, "error": None, "changed_at": now, "cleaned": unused}
                await connection.execute(update(t.upload).where(t.upload.c.id == upload_id).values(values | RELEASED))
            media = await self._take_post_down(connection, row["post_id"], now)
        self._context.changed.fire()
        upload = replace(upload_record(row), state=UploadState.WITHDRAWN, error=None)
        return Withdrawn(upload=upload, keys=upload.keys, media=media)

    async def _take_post_down(self, connection: AsyncConnection, post_id: str | None, now: datetime) -> tuple[str, ...]:
        """Its media."""
        query = select(t.post).where(t.post.c.id == post_id).with_for_update()
        post = (await connection.execute(query)).mappings().first()
        if post is None:
            return ()
        if not post["withdrawn"]:
            await take_down(connection, post["wall"], [post], now, "The guest withdrew it.", withdrawn=True)
        return tuple((await connection.execute(select(t.media.c.id).where(t.media.c.post_id == post_id))).scalars())

    async def _move(self, held: Held, values: Mapping[str, Any]) -> bool:
        """Nothing happens when the claim is no longer ours; whether it was."""
        async with self._context.database.writing() as connection:
            moved = await connection.execute(
                update(t.upload).where(*_mine(held)).values({"changed_at": self._context.now()} | dict(values))
            )
        return moved.rowcount == 1


def digest(secret: str) -> bytes:
    """What is kept of a guest's token, or of an address."""
    return hashlib.sha256(secret.encode(errors="replace")).digest()


def refuse(rules: UploadRules, asked: Asked, now: datetime) -> None:
    """Raise UploadRefused where the wall's rules say no."""
    closed = rules.closed(now)
    if closed is not None:
        raise UploadRefused(*closed)
    if not asked.consent:
        raise UploadRefused("consent", "Nothing is added without your consent.")
    if rules.name_required and not asked.author:
        raise UploadRefused("name", "This wall wants to know who adds something: give your name.")
    try:
        kind = kind_of(asked.type)
    except ValueError as error:
        raise UploadRefused("type", f"This can't be shown. {rules.shown()}") from error
    refuse_kind(rules, kind, asked.size)


def refuse_kind(rules: UploadRules, kind: Kind | None, size: int) -> None:
    """Raise UploadRefused where this wall takes no videos, or none so large."""
    if kind == "video" and not rules.video:
        raise UploadRefused("type", f"This is a video. {rules.shown()}")
    limit = rules.limit(kind)
    if size > limit:
        what = {"image": "A picture", "video": "A video", None: "It"}[kind]
        raise UploadRefused("size", f"{what} may have {_amount(limit)} here; this has {_amount(size)}.", limit=limit)


async def _refuse_known(connection: AsyncConnection, wall: str, key: str, guest: bytes) -> None:
    known = select(t.post.c.id, t.post.c.withdrawn).where(t.post.c.wall == wall, t.post.c.key == key)
    post = (await connection.execute(known)).first()
    if post is None:
        return
    own = await connection.scalar(select(t.upload.c.id).where(t.upload.c.post_id == post.id, t.upload.c.guest == guest))
    sentence = "This picture has been added to this wall already."
    if post.withdrawn:
        sentence = "This picture was withdrawn from this wall; it can come back after some days."
    raise UploadRefused("already", sentence, upload=own)


async def _refuse_full(
    connection: AsyncConnection, rules: UploadRules, asked: Asked, now: datetime, *, direct: bool
) -> None:
    u = t.upload.c
    own = u.guest == asked.guest
    counted = or_((u.state == UploadState.STORED.value) & ~u.cleaned, u.state.in_(_OPEN) & (u.claimed_until > now))
    # whatever became of it: as long as its address is good, bytes can come
    writable = u.quarantine.is_not(None) & (u.signed_until > now)
    # What has arrived counts as what it is, and makes room for the next one.
    waits = writable & (u.state != UploadState.STORED.value)
    query = select(
        func.sum(case((counted, 1), else_=0)).label("posts"),
        func.sum(u.size).label("bytes"),
        func.sum(case((own & counted, 1), else_=0)).label("own_posts"),
        func.sum(case((own, u.size), else_=0)).label("own_bytes"),
        func.sum(case((own & waits, 1), else_=0)).label("pending"),
    ).where(u.wall == asked.wall, or_(counted, writable))
    found = (await connection.execute(query)).one()
    # PostgreSQL sums large numbers up as decimals, and nothing as NULL
    if int(found.posts or 0) + 1 > rules.wall_posts or int(found.bytes or 0) + asked.size > rules.wall_bytes:
        raise UploadRefused("quota", "This wall is full: it takes no more pictures.")
    if int(found.own_posts or 0) + 1 > rules.guest_posts:
        raise UploadRefused("quota", f"Each guest may add {rules.guest_posts} pictures and videos here, not more.")
    if int(found.own_bytes or 0) + asked.size > rules.guest_bytes:
        raise UploadRefused("quota", f"Each guest may add {_amount(rules.guest_bytes)} here, not more.")
    if direct and int(found.pending or 0) >= DIRECT_PER_GUEST:
        raise UploadRefused("busy", "Let the files before this one arrive first.")


def _amount(size: int) -> str:
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "KB")):
        if size >= unit:
            return f"{size / unit:.3g} {name}"
    return f"{size} bytes"


def _post(upload: Upload, *, kind: Kind, sha256: str | None, now: datetime) -> SourcePost:
    """As a source would have found it. What no hash is known of is only ever the same as itself."""
    return SourcePost(
        key=f"sha256:{sha256}" if sha256 is not None else f"upload:{upload.id}",
        version=1,
        author_name=upload.author,
        author_handle="",
        avatar=None,
        text=upload.caption,
        url=None,
        created=now,
        media=(SourceMedia(key=sha256 or upload.id, kind=kind, origin=stored_origin(upload.key), name=upload.name),),
    )


def _mine(held: Held) -> tuple[Any, ...]:
    return (
        t.upload.c.id == held.upload.id,
        t.upload.c.token == held.token,
        t.upload.c.state == UploadState.RECEIVING.value,
    )


def _lost() -> ClaimLost:
    return ClaimLost("This upload was withdrawn, or another process took it for dead.")


def upload_record(row: Row) -> Upload:
    return Upload(
        id=row["id"],
        wall=row["wall"],
        guest=bytes(row["guest"]),
        address=bytes(row["address"]),
        state=UploadState(row["state"]),
        mode=row["mode"],
        key=row["key"],
        quarantine=row["quarantine"],
        signed_until=row["signed_until"],
        size=row["size"],
        type=row["type"],
        name=row["name"],
        author=row["author"],
        caption=row["caption"],
        sha256=row["sha256"],
        error=row["error"],
        post_id=row["post_id"],
        created_at=row["created_at"],
        changed_at=row["changed_at"],
        until=row["claimed_until"],
    )
