"""Of any number of operators exactly one moves a post, along the moves there are; the others are told."""

import asyncio
from datetime import timedelta

import pytest

from tests.fakes.clock import Clock
from tests.fakes.posts import LEASE, due_search, finish_all, rendered, source_post, store
from wall.catalogue import Catalogue
from wall.catalogue.posts import ConsolePost
from wall.catalogue.searches import DueSearch
from wall.errors import MoveRefused, NotFound
from wall.events import Cursor
from wall.posts import SourceRemoval
from wall.states import ACTIONS, ActionKind, Policy, State, may_move

pytestmark = pytest.mark.anyio


async def _act(catalogue: Catalogue, post: ConsolePost, kind: ActionKind, operator: str = "eve") -> State:
    return await catalogue.moderation.act(
        post.post.id, kind, operator=operator, state=post.state, revision=post.post.revision
    )


async def _withdraw(catalogue: Catalogue, due: DueSearch, key: str = "a") -> None:
    await catalogue.posts.store(due, LEASE, posts=(), removals=[SourceRemoval(key=key)], checkpoint={})


async def _pending(catalogue: Catalogue) -> ConsolePost:
    [post] = await _posts_in(catalogue, State.PENDING, "a")
    return post


async def _posts_in(catalogue: Catalogue, state: State, *keys: str) -> list[ConsolePost]:
    """Posts that came into `state` by the usual ways, the newest first."""
    if state not in (State.RECEIVED, State.FAILED):
        await catalogue.walls.change("main", policy=Policy.HOLD)
    due = await due_search(catalogue)
    await store(catalogue, due, *(source_post(key) for key in keys))
    await catalogue.searches.remove(due.search.id)
    if state is State.FAILED:
        for work in await catalogue.work.claim(["demo"], "test", LEASE, 100):
            await catalogue.work.finish(work, rendered(work, error="This is a PDF."))
    elif state is not State.RECEIVED:
        await finish_all(catalogue)
    ways = {State.APPROVED: ActionKind.APPROVE, State.REJECTED: ActionKind.REJECT, State.REMOVED: ActionKind.REMOVE}
    if state in ways:
        for post in await catalogue.posts.by_state("main", State.PENDING):
            await _act(catalogue, post, ways[state], "first")
    return await catalogue.posts.by_state("main", state)


@pytest.mark.parametrize("state", State)
async def test_an_action_does_what_the_table_of_moves_says_and_nothing_else(catalogue: Catalogue, state: State) -> None:
    for kind, post in zip(ActionKind, await _posts_in(catalogue, state, *ActionKind), strict=True):
        before = await catalogue.moderation.actions(post.post.id)
        allowed, target = ACTIONS[kind]
        if state not in allowed:
            with pytest.raises(MoveRefused, match=f"A post that is {state.value} can't be"):
                await _act(catalogue, post, kind)
            assert await catalogue.posts.get(post.post.id) == post
            assert await catalogue.moderation.actions(post.post.id) == before
            continue
        assert may_move(state, target)
        assert await _act(catalogue, post, kind) is target
        found = await catalogue.posts.get(post.post.id)
        assert found.state is target
        assert found.shown == (target is State.APPROVED)
        assert [action.kind for action in await catalogue.moderation.actions(post.post.id)][len(before) :] == [kind]


async def test_a_held_post_waits_for_an_operator(catalogue: Catalogue) -> None:
    pending = await _pending(catalogue)
    assert (await catalogue.posts.snapshot("main")).posts == ()
    await _act(catalogue, pending, ActionKind.APPROVE)
    assert len((await catalogue.posts.snapshot("main")).posts) == 1


async def test_of_two_operators_exactly_one_wins_and_the_other_hears_who(catalogue: Catalogue) -> None:
    pending = await _pending(catalogue)
    await _act(catalogue, pending, ActionKind.REJECT, "eve")
    with pytest.raises(MoveRefused, match="rejected now by eve") as refused:
        await _act(catalogue, pending, ActionKind.APPROVE, "bob")
    assert (refused.value.by, refused.value.state, refused.value.revision) == ("eve", "rejected", 1)


async def test_of_many_operators_at_once_exactly_one_wins_and_all_others_hear_who(catalogue: Catalogue) -> None:
    pending = await _pending(catalogue)
    kinds = [ActionKind.APPROVE, ActionKind.REJECT, ActionKind.REMOVE] * 4
    results = await asyncio.gather(
        *(_act(catalogue, pending, kind, f"operator {n}") for n, kind in enumerate(kinds)), return_exceptions=True
    )
    [winner] = [n for n, result in enumerate(results) if isinstance(result, State)]
    refusals = [result for result in results if isinstance(result, MoveRefused)]
    assert len(refusals) == len(kinds) - 1
    assert {refused.by for refused in refusals} == {f"operator {winner}"}
    assert (await catalogue.posts.get(pending.post.id)).state is ACTIONS[kinds[winner]][1]
    assert [action.operator for action in await catalogue.moderation.actions(pending.post.id)] == [f"operator {winner}"]
    assert (await catalogue.walls.get("main")).seq == (1 if kinds[winner] is ActionKind.APPROVE else 0)


async def test_what_the_source_did_is_not_said_to_be_an_operators_doing(catalogue: Catalogue) -> None:
    [approved] = await _posts_in(catalogue, State.APPROVED, "a")
    await _withdraw(catalogue, await due_search(catalogue))
    with pytest.raises(MoveRefused, match="removed now") as refused:
        await _act(catalogue, approved, ActionKind.REMOVE, "bob")
    assert refused.value.by is None
    assert "first" not in str(refused.value)


async def test_an_edit_after_an_approval_is_not_said_to_be_an_operators_doing(catalogue: Catalogue) -> None:
    [approved] = await _posts_in(catalogue, State.APPROVED, "a")
    await store(catalogue, await due_search(catalogue), source_post("a", version=2))
    await finish_all(catalogue)
    with pytest.raises(MoveRefused, match="pending now") as refused:
        await _act(catalogue, approved, ActionKind.REMOVE, "bob")
    assert refused.value.by is None


async def test_an_operator_who_saw_an_older_revision_approves_nothing(catalogue: Catalogue) -> None:
    pending = await _pending(catalogue)
    await store(catalogue, await due_search(catalogue), source_post("a", version=2, text="Something else"))
    await finish_all(catalogue)
    with pytest.raises(MoveRefused, match="its author has edited it since") as refused:
        await _act(catalogue, pending, ActionKind.APPROVE)
    assert refused.value.revision == 2
    assert (await catalogue.posts.snapshot("main")).posts == ()


async def test_a_restored_post_has_a_new_revision_and_a_higher_seq(catalogue: Catalogue) -> None:
    [approved] = await _posts_in(catalogue, State.APPROVED, "a")
    await _act(catalogue, approved, ActionKind.REMOVE)
    await _act(catalogue, await catalogue.posts.get(approved.post.id), ActionKind.RESTORE, "bob")
    snapshot = await catalogue.posts.snapshot("main")
    assert (snapshot.posts[0].revision, snapshot.cursor.seq) == (2, 3)
    events = await catalogue.log.after("main", Cursor(snapshot.cursor.epoch, 0))
    assert events is not None
    assert [event.kind for event in events] == ["published", "removed", "published"]
    with pytest.raises(MoveRefused, match=r"approved now|edited") as refused:
        await _act(catalogue, approved, ActionKind.REMOVE)
    assert refused.value.revision == 2


async def test_what_the_source_withdrew_cant_be_restored(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    await store(catalogue, due, source_post("a"))
    await finish_all(catalogue)
    await _withdraw(catalogue, due)
    [removed] = await catalogue.posts.by_state("main", State.REMOVED)
    with pytest.raises(MoveRefused, match="can't be restored"):
        await _act(catalogue, removed, ActionKind.RESTORE)


async def test_what_an_operator_removed_and_its_source_withdrew_later_cant_be_restored(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    await store(catalogue, due, source_post("a"))
    await finish_all(catalogue)
    [post] = await catalogue.posts.by_state("main", State.APPROVED)
    await _act(catalogue, post, ActionKind.REMOVE)
    await _withdraw(catalogue, due)
    [removed] = await catalogue.posts.by_state("main", State.REMOVED)
    with pytest.raises(MoveRefused, match="can't be restored"):
        await _act(catalogue, removed, ActionKind.RESTORE)
    assert (await catalogue.walls.get("main")).seq == 2
    assert len(await catalogue.media.purgeable(10)) == 1
    await _withdraw(catalogue, due)
    assert await catalogue.posts.get(post.post.id) == removed


async def test_a_rejected_edit_leaves_the_approved_revision_on_the_wall(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    await store(catalogue, due, source_post("a"))
    await finish_all(catalogue)
    await catalogue.walls.change("main", policy=Policy.HOLD)
    await store(catalogue, due, source_post("a", version=2, text="Edited"))
    await finish_all(catalogue)
    [edited] = await catalogue.posts.by_state("main", State.PENDING)
    await _act(catalogue, edited, ActionKind.REJECT)
    rejected = await catalogue.posts.get(edited.post.id)
    assert (rejected.state, rejected.shown) == (State.REJECTED, True)
    [shown] = (await catalogue.posts.snapshot("main")).posts
    assert shown.text == "Hello"
    await _act(catalogue, rejected, ActionKind.REMOVE)
    assert (await catalogue.posts.snapshot("main")).posts == ()


async def test_a_post_that_lost_its_pictures_bytes_cant_be_approved(catalogue: Catalogue, clock: Clock) -> None:
    [rejected] = await _posts_in(catalogue, State.REJECTED, "a")
    clock.advance(timedelta(hours=25))
    [media_id] = await catalogue.media.purgeable(10)
    await catalogue.media.purged(media_id)
    with pytest.raises(
        MoveRefused, match="Its pictures are gone: the wall main keeps what was taken off it for 24 hours"
    ):
        await _act(catalogue, await catalogue.posts.get(rejected.post.id), ActionKind.APPROVE)
    assert (await catalogue.walls.get("main")).seq == 0


async def test_actions_are_told_in_order_with_operator_reason_and_revision(catalogue: Catalogue) -> None:
    pending = await _pending(catalogue)
    await catalogue.moderation.act(
        pending.post.id, ActionKind.REJECT, operator="eve", state=State.PENDING, revision=1, reason="Blurred."
    )
    assert (await catalogue.posts.get(pending.post.id)).reason == "Blurred."
    await _act(catalogue, await catalogue.posts.get(pending.post.id), ActionKind.APPROVE, "bob")
    told = [(a.kind, a.operator, a.reason, a.revision) for a in await catalogue.moderation.actions(pending.post.id)]
    assert told == [(ActionKind.REJECT, "eve", "Blurred.", 1), (ActionKind.APPROVE, "bob", "", 1)]


async def test_a_post_that_is_not_there_is_said_so(catalogue: Catalogue) -> None:
    with pytest.raises(NotFound):
        await catalogue.moderation.act("0" * 26, ActionKind.REMOVE, operator="eve", state=State.PENDING, revision=1)


async def test_an_action_wakes_those_who_wait_and_a_refused_one_does_not(catalogue: Catalogue) -> None:
    pending = await _pending(catalogue)
    with catalogue.changed.listen() as listener:
        await _act(catalogue, pending, ActionKind.APPROVE)
        assert await listener.wait(0)
        with pytest.raises(MoveRefused):
            await _act(catalogue, pending, ActionKind.APPROVE)
        assert not await listener.wait(0)
