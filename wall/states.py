"""The states of a post and the only moves between them (docs/architecture.md §3).

    received → pending → approved → removed         received → approved   (policy open)
               pending → rejected → approved        received → failed     (no usable picture; says why)
    any state → removed                             removed → approved    (an operator restores it)
    failed → received (tried again)                 approved → rejected is spelled `remove`

A post's state is the state of its newest revision. What is on the wall is kept beside it (`shown` in the
catalogue): on a wall that holds, an edited post is pending while its approved revision stays up.
"""

from enum import StrEnum


class State(StrEnum):
    RECEIVED = "received"
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    REMOVED = "removed"
    FAILED = "failed"


class Policy(StrEnum):
    """What a wall does with a new post: show it at once, or hold it for an operator."""

    OPEN = "open"
    HOLD = "hold"


class ActionKind(StrEnum):
    """What an operator, a guest, a source or a rule did to a post."""

    APPROVE = "approve"
    REJECT = "reject"
    REMOVE = "remove"
    RESTORE = "restore"
    RETRY = "retry"


MOVES: frozenset[tuple[State, State]] = frozenset(
    {
        (State.RECEIVED, State.PENDING),
        (State.RECEIVED, State.APPROVED),
        (State.RECEIVED, State.FAILED),
        (State.PENDING, State.APPROVED),
        (State.PENDING, State.REJECTED),
        (State.REJECTED, State.APPROVED),
        (State.REMOVED, State.APPROVED),
        (State.FAILED, State.RECEIVED),
    }
    | {(state, State.REMOVED) for state in State if state is not State.REMOVED}
)

# Where each action leads, and from which states an operator may ask for it.
ACTIONS: dict[ActionKind, tuple[frozenset[State], State]] = {
    ActionKind.APPROVE: (frozenset({State.PENDING, State.REJECTED}), State.APPROVED),
    ActionKind.REJECT: (frozenset({State.PENDING}), State.REJECTED),
    ActionKind.REMOVE: (frozenset(State) - {State.REMOVED}, State.REMOVED),
    ActionKind.RESTORE: (frozenset({State.REMOVED}), State.APPROVED),
    ActionKind.RETRY: (frozenset({State.FAILED}), State.RECEIVED),
}


def may_move(old: State, new: State) -> bool:
    """Whether a post may go from `old` to `new`."""
    return (old, new) in MOVES
