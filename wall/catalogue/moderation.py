"""What operators do to posts: each action a compare-and-set on what they saw."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wall.catalogue import tables as t
from wall.catalogue.base import Context, Row
from wall.catalogue.records import approve, take_down
from wall.catalogue.walls import lock_wall
from wall.errors import MoveRefused, NotFound
from wall.states import ACTIONS, ActionKind, State

# The newest; a post that was moved more often than that is an argument, not a story.
ACTIONS_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Action:
    """What an operator did to a post at `revision`, and why (the reason may be empty)."""

    kind: ActionKind
    operator: str
    reason: str
    revision: int
    at: datetime


class Moderation:
    def __init__(self, context: Context) -> None:
        self._context = context

    async def act(
        self,
        post_id: str,
        kind: ActionKind,
        *,
        operator: str,
        state: State,
        revision: int,
        reason: str = "",
    ) -> State:
        """Do `kind` to a post that the operator saw in `state` at `revision`; the state it now has.

        Raises NotFound, or MoveRefused when it is no longer so: somebody was quicker, or the move does not exist.
        """
        now = self._context.now()
        async with self._context.database.writing() as connection:
            query = select(t.post).where(t.post.c.id == post_id).with_for_update()
            post: Row | None = (await connection.execute(query)).mappings().first()
            if post is None:
                raise NotFound("There is no such post.")
            await _must_match(connection, post, kind, state, revision)
            moved = await self._move(connection, post, kind, reason)
            await connection.execute(
                insert(t.action).values(
                    id=self._context.ulid(),
                    post_id=post_id,
                    kind=kind.value,
                    operator=operator,
                    reason=reason,
                    revision=revision,
                    at=now,
                )
            )
        self._context.changed.fire()
        return moved

    async def actions(self, post_id: str) -> list[Action]:
        """The newest `ACTIONS_SHOWN` actions on a post, oldest first."""
        a = t.action.c
        query = select(a.kind, a.operator, a.reason, a.revision, a.at).where(a.post_id == post_id)
        async with self._context.database.reading() as connection:
            rows = (await connection.execute(query.order_by(a.id.desc()).limit(ACTIONS_SHOWN))).all()
        return [Action(ActionKind(kind), *rest) for kind, *rest in reversed(rows)]

    async def _move(self, connection: AsyncConnection, post: Row, kind: ActionKind, reason: str) -> State:
        now = self._context.now()
        target = ACTIONS[kind][1]
        if kind is ActionKind.REMOVE:
            await take_down(connection, post["wall"], [post], now, reason or None)
        elif kind in (ActionKind.APPROVE, ActionKind.RESTORE):
            if kind is ActionKind.RESTORE:
                if post["withdrawn"]:
                    raise MoveRefused(
                        "Its own source says that this post is gone, so it can't be restored.",
                        state=post["state"],
                        revision=post["revision"],
                    )
                # a restored post is a new revision, so that nobody takes it for the one that was removed
                post = {**post, "revision": post["revision"] + 1}
            wall = await lock_wall(connection, post["wall"])
            await approve(connection, post, wall, now)
        else:
            work_at = now if kind is ActionKind.RETRY else None
            await connection.execute(
                update(t.post)
                .where(t.post.c.id == post["id"])
                .values(state=target.value, reason=reason or None, changed_at=now, work_at=work_at, attempts=0)
            )
        return target


async def _must_match(connection: AsyncConnection, post: Row, kind: ActionKind, state: State, revision: int) -> None:
    found = State(post["state"])
    if found is state and post["revision"] == revision:
        if found in ACTIONS[kind][0]:
            return
        raise MoveRefused(f"A post that is {found.value} can't be {_PAST[kind]}.", state=found.value, revision=revision)
    by = await _mover(connection, post)
    who = f" by {by}" if by else ""
    what = f"it is {found.value} now{who}" if found is not state else "its author has edited it since"
    raise MoveRefused(
        f"This post changed while you looked: {what}.",
        state=found.value,
        revision=post["revision"],
        by=by,
    )


async def _mover(connection: AsyncConnection, post: Row) -> str | None:
    """The operator whose action brought the post to where it is; None when a source or a worker moved it since."""
    a = t.action.c
    query = select(a.operator, a.kind, a.revision).where(a.post_id == post["id"]).order_by(a.id.desc()).limit(1)
    last = (await connection.execute(query)).first()
    if last is None or post["withdrawn"]:
        return None
    kind = ActionKind(last.kind)
    revision = last.revision + 1 if kind is ActionKind.RESTORE else last.revision
    return last.operator if (ACTIONS[kind][1], revision) == (State(post["state"]), post["revision"]) else None


_PAST = {
    ActionKind.APPROVE: "approved",
    ActionKind.REJECT: "rejected",
    ActionKind.REMOVE: "removed",
    ActionKind.RESTORE: "restored",
    ActionKind.RETRY: "tried again",
}
