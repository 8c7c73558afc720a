"""Waiting for the ingest parts: until what was handed over is on its wall, or it is clear why not."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

from wall.catalogue import Catalogue
from wall.states import State

AT_ONCE = 500  # keys asked for at once
LOOK_SECONDS = 0.5
PATIENCE_SECONDS = 60.0  # without any being done: nobody works on them

_SAID = {
    State.APPROVED: "on the wall",
    State.PENDING: "waiting for an operator",
    State.FAILED: "can't be shown (the console says why)",
    State.REJECTED: "rejected",
    State.REMOVED: "removed",
}


async def until_made(
    catalogue: Catalogue,
    wall: str,
    keys: Sequence[str],
    step: Callable[[], None],
    *,
    patience: float | None = None,
) -> Counter[State]:
    """How many of these posts are in which state, once none is in work or nothing has moved for `patience` seconds.

    `step` hears of each that is done. What is still received then is counted as that. Raises CatalogueError.
    """
    patience = PATIENCE_SECONDS if patience is None else patience
    done: Counter[State] = Counter()
    waiting = list(dict.fromkeys(keys))
    loop = asyncio.get_running_loop()
    end = loop.time() + patience
    while waiting:
        # the first in line are worked on first
        some, rest = waiting[:AT_ONCE], waiting[AT_ONCE:]
        states = await catalogue.posts.states(wall, some)
        still = [key for key in some if states.get(key) is State.RECEIVED]
        for key in some:
            state = states.get(key, State.REMOVED)  # a withdrawn post may be forgotten meanwhile
            if state is not State.RECEIVED:
                done[state] += 1
                step()
        if len(still) < len(some):
            end = loop.time() + patience
        elif loop.time() > end:
            break
        waiting = still + rest
        if still:
            await asyncio.sleep(LOOK_SECONDS)
    done[State.RECEIVED] = len(waiting)
    return done


def sentences(states: Counter[State]) -> list[str]:
    """What became of them, in an operator's words."""
    said = [f"{states[state]} {what}" for state, what in _SAID.items() if states[state]]
    found = [f"Of these posts, {', '.join(said)}."] if said else []
    if states[State.RECEIVED]:
        found.append(
            f"{states[State.RECEIVED]} wait and nobody has made their thumbnails: is Frieze running? They stay in line."
        )
    return found
