"""What an export is made of, on both databases."""

import pytest

from tests.fakes.posts import LEASE, due_search, finish_all, source_post, store
from wall.catalogue import Catalogue
from wall.catalogue import archive as archives
from wall.catalogue.archive import ArchivedPost
from wall.catalogue.work import MediaResult, StoredRendition
from wall.errors import NotFound
from wall.states import ActionKind, Policy, State

pytestmark = pytest.mark.anyio


async def _archived(catalogue: Catalogue) -> list[ArchivedPost]:
    return [post async for page in catalogue.archive.pages("main") for post in page]


async def test_everything_that_stands_on_the_wall_is_archived_once_in_its_order(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "PAGE", 3)
    due = await due_search(catalogue)
    for number in range(7):
        await store(catalogue, due, source_post(str(number), avatar=True))
        await finish_all(catalogue)
    shown = (await catalogue.posts.snapshot("main")).posts
    await catalogue.moderation.act(shown[3].id, ActionKind.REMOVE, operator="eve", state=State.APPROVED, revision=1)
    assert await catalogue.archive.count("main") == 6
    found = await _archived(catalogue)
    assert [post.key for post in found] == ["0", "1", "2", "4", "5", "6"]
    assert all(post.avatar is not None and len(post.media) == 1 for post in found)
    with pytest.raises(NotFound):
        await catalogue.archive.count("nowhere")


async def test_what_is_shown_is_archived_and_not_the_edit_that_waits(catalogue: Catalogue) -> None:
    await store(catalogue, await due_search(catalogue), source_post("a", version=5, text="Shown"))
    await finish_all(catalogue)
    [post] = await _archived(catalogue)
    assert (post.text, post.version) == ("Shown", 5)
    await catalogue.walls.change("main", policy=Policy.HOLD)
    await catalogue.posts.offer("main", "demo", [source_post("a", version=6, pictures=2, text="Waits")])
    await finish_all(catalogue)
    [post] = await _archived(catalogue)
    # so that whatever its source says next is newer than what was imported
    assert (post.text, post.version, len(post.media)) == ("Shown", 0, 1)


@pytest.mark.parametrize(
    ("roles", "best"),
    [
        (("thumbnail-320", "original", "display-2560"), "original"),
        (("thumbnail-320", "thumbnail-640"), "thumbnail-640"),
        (("poster", "video", "thumbnail-640"), "video"),
        (("thumbnail-640", "animated-640"), "animated-640"),
    ],
)
async def test_the_best_bytes_are_archived(catalogue: Catalogue, roles: tuple[str, ...], best: str) -> None:
    await catalogue.posts.offer("main", "demo", [source_post("a")])
    [work] = await catalogue.work.claim(["demo"], "test", LEASE, 1)
    made = [
        StoredRendition(role=role, width=number, height=1, type="image/webp", bytes=7, key=role)
        for number, role in enumerate(roles, 1)
    ]
    result = MediaResult(media_id=work.media[0].id, width=1, height=1, sha256="ab", renditions=tuple(made))
    await catalogue.work.finish(work, [result])
    [post] = await _archived(catalogue)
    assert post.media[0].best.role == best
    # the catalogue knows the hash of originals only
    assert post.media[0].sha256 == ("ab" if best == "original" else None)
