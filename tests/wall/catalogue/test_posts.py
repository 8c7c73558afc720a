"""From a source's page to the snapshot, on both databases."""

import json
from datetime import timedelta

import pytest

from tests.fakes.posts import LEASE, due_search, finish_all, rendered, source_post, store
from wall.catalogue import Catalogue
from wall.errors import ClaimLost, MoveRefused
from wall.events import Cursor
from wall.posts import SourceRemoval
from wall.states import ActionKind, Policy, State

pytestmark = pytest.mark.anyio


async def test_a_post_on_an_open_wall_is_shown_when_its_pictures_are_ready(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    await store(catalogue, due, source_post("a", pictures=2, avatar=True))
    assert (await catalogue.posts.snapshot("main")).posts == ()
    assert await finish_all(catalogue) == [State.APPROVED]
    snapshot = await catalogue.posts.snapshot("main")
    [post] = snapshot.posts
    assert [media.alt for media in post.media] == ["Picture 0", "Picture 1"]
    assert post.author.avatar is not None
    assert snapshot.cursor.seq == 1


async def test_seeing_a_post_twice_changes_nothing(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    for _ in range(2):
        await store(catalogue, due, source_post("a"), source_post("a"))
        await finish_all(catalogue)
    assert (await catalogue.posts.snapshot("main")).cursor.seq == 1


async def test_events_have_seqs_from_one_without_holes_and_stand_in_the_log(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    await store(catalogue, due, *(source_post(f"p{n}") for n in range(5)))
    await finish_all(catalogue)
    head = await catalogue.log.head("main")
    assert head is not None
    events = await catalogue.log.after("main", Cursor(head.epoch, 0))
    assert events is not None
    assert [event.seq for event in events] == [1, 2, 3, 4, 5]
    assert json.loads(events[0].body)["post"]["author"]["handle"] == "@ada"


async def test_a_cursor_of_another_epoch_or_above_the_head_gets_no_answer(catalogue: Catalogue) -> None:
    head = await catalogue.log.head("main")
    assert head is not None
    assert await catalogue.log.after("main", head) == []
    assert await catalogue.log.after("main", Cursor("00000000", 0)) is None
    assert await catalogue.log.after("main", Cursor(head.epoch, 7)) is None


async def test_a_held_post_waits_for_an_operator(catalogue: Catalogue) -> None:
    await catalogue.walls.change("main", policy=Policy.HOLD)
    due = await due_search(catalogue)
    await store(catalogue, due, source_post("a"))
    assert await finish_all(catalogue) == [State.PENDING]
    assert (await catalogue.posts.snapshot("main")).posts == ()
    [pending] = await catalogue.posts.by_state("main", State.PENDING)
    await catalogue.moderation.act(pending.post.id, ActionKind.APPROVE, operator="eve", state=State.PENDING, revision=1)
    assert len((await catalogue.posts.snapshot("main")).posts) == 1


async def test_of_two_operators_exactly_one_wins_and_the_other_hears_who(catalogue: Catalogue) -> None:
    await catalogue.walls.change("main", policy=Policy.HOLD)
    due = await due_search(catalogue)
    await store(catalogue, due, source_post("a"))
    await finish_all(catalogue)
    [pending] = await catalogue.posts.by_state("main", State.PENDING)
    await catalogue.moderation.act(pending.post.id, ActionKind.REJECT, operator="eve", state=State.PENDING, revision=1)
    with pytest.raises(MoveRefused, match="rejected now by eve") as refused:
        await catalogue.moderation.act(
            pending.post.id, ActionKind.APPROVE, operator="bob", state=State.PENDING, revision=1
        )
    assert refused.value.by == "eve"


async def test_an_edit_on_an_open_wall_updates_in_place_and_keeps_pictures(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    await store(catalogue, due, source_post("a"))
    await finish_all(catalogue)
    before = (await catalogue.posts.snapshot("main")).posts[0]
    await store(catalogue, due, source_post("a", version=2, text="Edited"))
    [work] = await catalogue.work.claim(["demo"], "test", LEASE, 10)
    assert work.media == ()
    await catalogue.work.finish(work, [])
    [after] = (await catalogue.posts.snapshot("main")).posts
    assert (after.text, after.revision) == ("Edited", 2)
    assert after.media[0].id == before.media[0].id


async def test_on_a_wall_that_holds_an_edit_waits_while_the_approved_revision_stays(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    await store(catalogue, due, source_post("a"))
    await finish_all(catalogue)
    await catalogue.walls.change("main", policy=Policy.HOLD)
    await store(catalogue, due, source_post("a", version=2, text="Edited"))
    assert await finish_all(catalogue) == [State.PENDING]
    [shown] = (await catalogue.posts.snapshot("main")).posts
    assert shown.text == "Hello"
    old_picture = await catalogue.media.find(shown.media[0].id, "thumbnail-320")
    assert old_picture is not None
    assert old_picture.public


async def test_a_removal_by_the_source_takes_the_post_down_for_good(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    await store(catalogue, due, source_post("a"))
    await finish_all(catalogue)
    media_id = (await catalogue.posts.snapshot("main")).posts[0].media[0].id
    await catalogue.posts.store(due, LEASE, posts=(), removals=[SourceRemoval(key="a")], checkpoint={})
    await store(catalogue, due, source_post("a", version=9))
    assert await finish_all(catalogue) == []
    assert (await catalogue.posts.snapshot("main")).posts == ()
    served = await catalogue.media.find(media_id, "thumbnail-320")
    assert served is not None
    assert (served.public, served.removed) == (False, True)
    head = await catalogue.log.head("main")
    assert head is not None
    events = await catalogue.log.after("main", Cursor(head.epoch, 1))
    assert events is not None
    assert [event.kind for event in events] == ["removed"]


async def test_a_restored_post_has_a_new_revision_and_a_higher_seq(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    await store(catalogue, due, source_post("a"))
    await finish_all(catalogue)
    post_id = (await catalogue.posts.snapshot("main")).posts[0].id
    for kind, state in ((ActionKind.REMOVE, State.APPROVED), (ActionKind.RESTORE, State.REMOVED)):
        await catalogue.moderation.act(post_id, kind, operator="eve", state=state, revision=1)
    snapshot = await catalogue.posts.snapshot("main")
    assert (snapshot.posts[0].revision, snapshot.cursor.seq) == (2, 3)


async def test_a_post_without_a_usable_picture_fails_with_the_reason_and_can_be_tried_again(
    catalogue: Catalogue,
) -> None:
    due = await due_search(catalogue)
    await store(catalogue, due, source_post("a", pictures=2))
    [work] = await catalogue.work.claim(["demo"], "test", LEASE, 10)
    assert await catalogue.work.finish(work, rendered(work, error="This is a PDF.")) is State.FAILED
    [failed] = await catalogue.posts.by_state("main", State.FAILED)
    assert failed.reason == "This is a PDF."
    await catalogue.moderation.act(failed.post.id, ActionKind.RETRY, operator="eve", state=State.FAILED, revision=1)
    assert await finish_all(catalogue) == [State.APPROVED]


async def test_work_on_a_post_that_was_edited_meanwhile_is_thrown_away(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    await store(catalogue, due, source_post("a"))
    [work] = await catalogue.work.claim(["demo"], "test", LEASE, 10)
    await store(catalogue, due, source_post("a", version=2, text="Edited"))
    with pytest.raises(ClaimLost):
        await catalogue.work.finish(work, rendered(work))
    assert (await catalogue.posts.snapshot("main")).posts == ()


async def test_a_page_of_a_search_that_was_paused_is_not_stored(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    await catalogue.searches.enable(due.search.id, enabled=False)
    with pytest.raises(ClaimLost):
        await store(catalogue, due, source_post("a"))
    assert (await catalogue.posts.counts("main"))[State.RECEIVED] == 0


async def test_two_workers_never_get_the_same_post(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    await store(catalogue, due, *(source_post(f"p{n}") for n in range(10)))
    first = await catalogue.work.claim(["demo"], "one", LEASE, 6)
    second = await catalogue.work.claim(["demo"], "two", LEASE, 6)
    assert len(first) == 6
    assert len(second) == 4
    assert not {work.post_id for work in first} & {work.post_id for work in second}


async def test_what_the_source_withdrew_cant_be_restored_and_its_bytes_may_go_at_once(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    await store(catalogue, due, source_post("a"), source_post("b"))
    await finish_all(catalogue)
    assert len((await catalogue.posts.snapshot("main")).posts) == 2
    await catalogue.posts.store(due, LEASE, posts=(), removals=[SourceRemoval(key="a")], checkpoint={})
    [removed] = await catalogue.posts.by_state("main", State.REMOVED)
    with pytest.raises(MoveRefused, match="can't be restored"):
        await catalogue.moderation.act(
            removed.post.id, ActionKind.RESTORE, operator="eve", state=State.REMOVED, revision=1
        )
    [(media_id, keys)] = await catalogue.media.purgeable(timedelta(hours=24), 10)
    assert keys == ["k"]
    assert await catalogue.posts.forget_withdrawn(timedelta(0)) == 0
    await catalogue.media.purged(media_id)
    assert await catalogue.media.purgeable(timedelta(hours=24), 10) == []
    assert await catalogue.posts.forget_withdrawn(timedelta(0)) == 1
    assert (await catalogue.posts.counts("main"))[State.REMOVED] == 0


async def test_an_operators_removal_keeps_the_bytes_for_a_while(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    await store(catalogue, due, source_post("a"))
    await finish_all(catalogue)
    post_id = (await catalogue.posts.snapshot("main")).posts[0].id
    await catalogue.moderation.act(post_id, ActionKind.REMOVE, operator="eve", state=State.APPROVED, revision=1)
    assert await catalogue.media.purgeable(timedelta(hours=24), 10) == []
    assert len(await catalogue.media.purgeable(timedelta(seconds=-1), 10)) == 1
