"""Posts as a source would find them, for tests that need some."""

from datetime import UTC, datetime, timedelta

from wall.catalogue import Catalogue
from wall.catalogue.searches import DueSearch
from wall.catalogue.work import MediaResult, PostWork, StoredRendition
from wall.posts import SourceMedia, SourcePost
from wall.states import State

LEASE = timedelta(seconds=30)


def source_post(
    key: str, *, version: int = 1, pictures: int = 1, text: str = "Hello", avatar: bool = False
) -> SourcePost:
    return SourcePost(
        key=key,
        version=version,
        author_name="Ada",
        author_handle="@ada",
        avatar=f"demo-avatar:{key}" if avatar else None,
        text=text,
        url=f"https://x.com/ada/status/{key}",
        created=datetime(2026, 11, 21, 10, tzinfo=UTC),
        media=tuple(
            SourceMedia(key=f"m{n}", kind="image", origin=f"demo:{key}-{n}", alt=f"Picture {n}")
            for n in range(pictures)
        ),
    )


async def due_search(catalogue: Catalogue, wall: str = "main", network: str = "demo") -> DueSearch:
    """A search of this wall, claimed."""
    await catalogue.searches.add(wall, network, "anything")
    [due] = await catalogue.searches.claim_due([network], "test", LEASE, 1)
    return due


async def store(catalogue: Catalogue, due: DueSearch, *posts: SourcePost) -> None:
    await catalogue.posts.store(due, LEASE, posts=posts, removals=(), checkpoint={})


def rendered(work: PostWork, error: str | None = None) -> list[MediaResult]:
    """What a worker would report of each of the post's pictures."""
    if error is not None:
        return [MediaResult(media_id=media.id, error=error) for media in work.media]
    rendition = StoredRendition(role="thumbnail-320", width=320, height=240, type="image/webp", bytes=9000, key="k")
    return [
        MediaResult(media_id=media.id, width=1600, height=1200, sha256="00", thumbhash="AA==", renditions=(rendition,))
        for media in work.media
    ]


async def finish_all(catalogue: Catalogue) -> list[State]:
    """Do all the work there is."""
    works = await catalogue.work.claim(["demo", "x", "folder"], "test", LEASE, 100)
    return [await catalogue.work.finish(work, rendered(work)) for work in works]
