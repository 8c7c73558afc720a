"""What stands on a wall, page by page, on both databases."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.fakes.clock import Clock
from tests.fakes.posts import LEASE, due_search, finish_all, rendered, source_post, store
from tests.fakes.uploads import open_wall, stored
from wall.catalogue import Catalogue
from wall.catalogue import tables as t
from wall.catalogue.gallery import Place, Wanted
from wall.catalogue.work import MediaResult, StoredRendition
from wall.posts import SourcePost
from wall.states import ActionKind, Policy, State

pytestmark = pytest.mark.anyio


async def _show(catalogue: Catalogue, *posts: SourcePost, kind: str = "image") -> None:
    due = await due_search(catalogue)
    for post in posts:
        await store(catalogue, due, post)
        for work in await catalogue.work.claim(["demo"], "test", LEASE, 1):
            results = [replace(result, kind=kind) for result in rendered(work)]
            await catalogue.work.finish(work, results)


async def _page(
    catalogue: Catalogue, wanted: Wanted | None = None, before: Place | None = None, limit: int = 50
) -> tuple[list[str], Place | None]:
    page = await catalogue.gallery.page("main", wanted or Wanted(), before, limit)
    assert page is not None
    return [fields["text"] for fields in page.posts], page.next


async def _texts(catalogue: Catalogue, wanted: Wanted) -> list[str]:
    return (await _page(catalogue, wanted))[0]


def _named(*texts: str) -> Sequence[SourcePost]:
    return [source_post(text, text=text) for text in texts]


async def _remove(catalogue: Catalogue, text: str) -> str:
    [post] = [post for post in (await catalogue.posts.snapshot("main")).posts if post.text == text]
    await catalogue.moderation.act(
        post.id, ActionKind.REMOVE, operator="eve", state=State.APPROVED, revision=post.revision
    )
    return post.id


async def test_pages_follow_each_other_to_the_end_newest_first(catalogue: Catalogue) -> None:
    await _show(catalogue, *_named("a", "b", "c", "d", "e"))
    assert await _page(catalogue, limit=5) == (["e", "d", "c", "b", "a"], None)
    first, following = await _page(catalogue, limit=2)
    second, last = await _page(catalogue, before=following, limit=2)
    third, end = await _page(catalogue, before=last, limit=2)
    assert (first, second, third, end) == (["e", "d"], ["c", "b"], ["a"], None)


async def test_what_comes_and_goes_between_two_pages_moves_nobody(catalogue: Catalogue) -> None:
    await _show(catalogue, *_named("a", "b", "c", "d"))
    first, following = await _page(catalogue, limit=2)
    await _remove(catalogue, "c")  # the very last of the page that was read
    await _remove(catalogue, "b")
    await _show_more(catalogue, "e")
    rest, end = await _page(catalogue, before=following, limit=2)
    assert (first, rest, end) == (["d", "c"], ["a"], None)


async def _show_more(catalogue: Catalogue, text: str) -> None:
    post = source_post(text, text=text)
    await catalogue.posts.add("main", "demo", post)
    await finish_all(catalogue)


async def test_only_what_stands_on_the_wall_is_listed(catalogue: Catalogue) -> None:
    await _show(catalogue, *_named("a", "b"))
    removed = await _remove(catalogue, "a")
    assert await _texts(catalogue, Wanted()) == ["b"]
    await catalogue.moderation.act(removed, ActionKind.RESTORE, operator="eve", state=State.REMOVED, revision=1)
    assert await _texts(catalogue, Wanted()) == ["a", "b"], "what is restored has a new place"
    await catalogue.walls.change("main", policy=Policy.HOLD)
    await _show_more(catalogue, "held")
    assert await _texts(catalogue, Wanted()) == ["a", "b"]


async def test_an_edit_that_waits_can_neither_be_seen_nor_found(catalogue: Catalogue) -> None:
    await _show(catalogue, source_post("a", text="a harmless thing"))
    await catalogue.walls.change("main", policy=Policy.HOLD)
    await catalogue.posts.offer("main", "demo", [source_post("a", version=2, text="a secret thing")])
    await finish_all(catalogue)
    assert await _texts(catalogue, Wanted(words=("secret",))) == []
    assert await _texts(catalogue, Wanted(words=("harmless",))) == ["a harmless thing"]
    [waiting] = await catalogue.posts.by_state("main", State.PENDING)
    await catalogue.moderation.act(waiting.post.id, ActionKind.APPROVE, operator="eve", state=State.PENDING, revision=2)
    assert await _texts(catalogue, Wanted(words=("secret",))) == ["a secret thing"]
    assert await _texts(catalogue, Wanted(words=("harmless",))) == []


async def test_what_is_revealed_later_is_listed_later(catalogue: Catalogue, clock: Clock) -> None:
    await open_wall(catalogue, reveal_at=(clock() + timedelta(hours=1)).isoformat())
    await stored(catalogue, sha256="0" * 64)
    for work in await catalogue.work.claim(["guest"], "test", LEASE, 1):
        assert await catalogue.work.finish(work, rendered(work)) is State.APPROVED
    assert await _texts(catalogue, Wanted()) == []
    clock.advance(timedelta(hours=1))
    await catalogue.reveals.reveal("main")
    assert len(await _texts(catalogue, Wanted())) == 1


async def test_kinds_are_told_apart(catalogue: Catalogue) -> None:
    await _show(catalogue, source_post("i", text="i"))
    for kind in ("video", "animation"):
        await catalogue.posts.add("main", "demo", source_post(kind, text=kind))
        for work in await catalogue.work.claim(["demo"], "test", LEASE, 1):
            await catalogue.work.finish(work, [replace(one, kind=kind) for one in rendered(work)])
    assert await _texts(catalogue, Wanted(kind="image")) == ["i"]
    assert await _texts(catalogue, Wanted(kind="video")) == ["video"]
    assert await _texts(catalogue, Wanted(kind="animation")) == ["animation"]


async def test_authors_are_found_by_name_or_handle_however_written(catalogue: Catalogue) -> None:
    ada = [source_post(str(n), text=str(n)) for n in range(3)]
    other = replace(source_post("x", text="x"), author_name="ADA", author_handle="@lovelace@example.social")
    nobody = replace(source_post("y", text="y"), author_name="Adam", author_handle="")
    await _show(catalogue, *ada, other, nobody)
    assert await _texts(catalogue, Wanted(author="Ada")) == ["x", "2", "1", "0"]
    assert await _texts(catalogue, Wanted(author="@ada")) == ["x", "2", "1", "0"]
    assert await _texts(catalogue, Wanted(author="lovelace@example.social")) == ["x"]
    first, following = await _page(catalogue, Wanted(author="ada"), limit=3)
    rest, end = await _page(catalogue, Wanted(author="ada"), following, limit=3)
    assert (first, rest, end) == (["x", "2", "1"], ["0"], None)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("wörld",), True),
        (("HELLO", "rld"), True),
        (("100%",), True),
        (("100_",), False),
        (("hello", "mars"), False),
        (("こん",), True),
        (("ｗöｒｌｄ",), True),
        (("ada",), True),
        (("Picture",), True),
        (("'; drop",), False),
    ],
)
async def test_words_are_found_anywhere_without_case_or_wildcards(
    catalogue: Catalogue, words: tuple[str, ...], found: bool
) -> None:
    await _show(catalogue, source_post("a", text="Hello Wörld, 100% こんにちは"))
    assert bool(await _texts(catalogue, Wanted(words=words))) is found


async def test_media_have_addresses_by_role_and_originals_only_where_the_wall_allows_it(catalogue: Catalogue) -> None:
    await due_search(catalogue)
    await catalogue.posts.add("main", "demo", source_post("a"))
    [work] = await catalogue.work.claim(["demo"], "test", LEASE, 1)
    made = [
        StoredRendition(role=role, width=4, height=3, type="image/webp", bytes=7, key=role)
        for role in ("thumbnail-320", "original")
    ]
    await catalogue.work.finish(
        work, [MediaResult(media_id=work.media[0].id, width=4, height=3, renditions=tuple(made))]
    )

    async def roles() -> set[str]:
        page = await catalogue.gallery.page("main", Wanted(), None, 1)
        assert page is not None
        [media] = page.posts[0]["media"]
        assert all(url == f"/media/{media['id']}/{role}" for role, url in media["addresses"].items())
        return set(media["addresses"])

    assert await roles() == {"thumbnail-320", "display-1280", "display-2560"}
    await catalogue.walls.change("main", downloads=True)
    assert await roles() == {"thumbnail-320", "display-1280", "display-2560", "original"}


async def test_a_new_life_of_the_counter_keeps_the_order_and_ends_older_pages(catalogue: Catalogue) -> None:
    await _show(catalogue, *_named("a", "b"))
    _, following = await _page(catalogue, limit=1)
    await catalogue.walls.new_epoch()
    assert await catalogue.gallery.page("main", Wanted(), following, 1) is None
    await _show_more(catalogue, "c")
    assert await _texts(catalogue, Wanted()) == ["c", "b", "a"]


async def test_there_is_a_row_for_each_post_that_is_shown_and_for_no_other(catalogue: Catalogue) -> None:
    await _show(catalogue, *_named("a", "b", "c"))
    await _remove(catalogue, "b")
    await catalogue.walls.new_epoch()
    shown = select(t.post.c.id, t.post.c.wall, t.post.c.placed).where(t.post.c.shown.is_not(None))
    async with catalogue.database.reading() as connection:
        listed = (await connection.execute(select(t.listing.c.post_id, t.listing.c.wall, t.listing.c.placed))).all()
        assert sorted(map(tuple, listed)) == sorted(map(tuple, (await connection.execute(shown)).all()))
    assert len(listed) == 2


@pytest.mark.parametrize("text", ["", "x", "…", "YWJj", "AAAA" * 30, "cTdrYS4xMjM0NTY3ODkwMTIzNDU2Nzg5MDEy"])
def test_what_no_page_said_is_no_place(text: str) -> None:
    with pytest.raises(ValueError, match="not a place"):
        Place.parse(text)


@pytest.mark.parametrize("place", [Place("q7ka", 812), Place("q7ka", -3)])
def test_a_place_is_read_as_it_was_said(place: Place) -> None:
    assert Place.parse(str(place)) == place
