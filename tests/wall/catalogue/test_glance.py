"""One look tells what kind of thing has changed for operators, and nothing when nothing has."""

from datetime import timedelta

import pytest

from tests.fakes.clock import Clock
from tests.fakes.posts import due_search, finish_all, source_post, store
from wall.catalogue import Catalogue
from wall.catalogue.glance import glance
from wall.catalogue.health import SILENT_AFTER
from wall.catalogue.operators import SESSION_IDLE
from wall.states import ActionKind, Policy, State

pytestmark = pytest.mark.anyio


async def test_each_change_shows_as_its_kind_and_no_change_as_none(catalogue: Catalogue, clock: Clock) -> None:
    older = await glance(catalogue)

    async def changed() -> set[str]:
        nonlocal older
        newer = await glance(catalogue)
        kinds, older = {str(kind) for kind in newer.differs_from(older)}, newer
        return kinds

    assert await changed() == set()
    await catalogue.walls.change("main", policy=Policy.HOLD)
    assert await changed() == {"walls"}
    due = await due_search(catalogue)
    assert await changed() == {"searches"}
    await store(catalogue, due, source_post("a"))
    assert await changed() == {"posts"}
    await finish_all(catalogue)
    assert await changed() == {"posts"}
    [post] = await catalogue.posts.by_state("main", State.PENDING)
    await catalogue.moderation.act(post.post.id, ActionKind.REJECT, operator="eve", state=State.PENDING, revision=1)
    assert await changed() == {"posts"}
    await catalogue.health.say("publisher", ok=True, sentence="Runs.")
    assert await changed() == {"health"}
    clock.advance(SILENT_AFTER * 2)
    assert await changed() == {"health"}
    assert await changed() == set()


async def test_a_look_knows_the_sessions_that_are_good_now(catalogue: Catalogue, clock: Clock) -> None:
    token = await catalogue.operators.sign_in(await catalogue.operators.link("eve"))
    assert token is not None
    assert len((await glance(catalogue)).sessions) == 1
    clock.advance(SESSION_IDLE + timedelta(minutes=1))
    assert (await glance(catalogue)).sessions == frozenset()
