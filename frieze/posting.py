"""`frieze post`: pictures from the command line, waiting until they are on the wall or it is clear why not."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path

from ingest.sources.command import NETWORK, stored_origin
from wall.catalogue import Catalogue
from wall.errors import NotFound, PictureError, SettingsError
from wall.posts import MEDIA_PER_POST, SourceMedia, SourcePost
from wall.states import State
from wall.store.base import CHUNK, Store
from wall.store.keys import new_key

WAIT_SECONDS = 60.0
FILE_BYTES = 40 * 1024 * 1024  # as much as the fetcher takes from a network


async def post_files(
    catalogue: Catalogue,
    opened: AbstractAsyncContextManager[Store],
    files: Sequence[Path],
    *,
    wall: str,
    text: str,
    author: str,
    say: Callable[[str], None],
) -> None:
    """Store the files, add the post, and say what became of it; `opened` is entered when it is needed.

    Raises FriezeError.
    """
    if len(files) > MEDIA_PER_POST:
        raise SettingsError(f"A post has at most {MEDIA_PER_POST} pictures; give fewer files.")
    await catalogue.walls.get(wall)
    contents = [await asyncio.to_thread(_read, file) for file in files]
    hashes = [hashlib.sha256(content).hexdigest() for content in contents]
    key = "sha256:" + hashlib.sha256("".join(hashes).encode()).hexdigest()
    post_id = await catalogue.posts.known(wall, key)
    if post_id is None:
        async with opened as store:
            origins = await _hand_over(store, contents)
        post = SourcePost(
            key=key,
            version=1,
            author_name=author,
            author_handle="",
            avatar=None,
            text=text,
            url=None,
            created=datetime.now(UTC),
            media=tuple(
                SourceMedia(key=digest, kind="image", origin=origin, name=file.name)
                for digest, origin, file in zip(hashes, origins, files, strict=True)
            ),
        )
        post_id = await catalogue.posts.add(wall, NETWORK, post)
    await _watch(catalogue, post_id, wall, say)


async def _hand_over(store: Store, contents: Sequence[bytes]) -> list[str]:
    """Put the pictures where an ingest part finds them; their origins."""
    origins: list[str] = []
    for content in contents:
        key = new_key()
        await store.put(key, len(content), "application/octet-stream", _chunks(content))
        origins.append(stored_origin(key))
    return origins


async def _watch(catalogue: Catalogue, post_id: str, wall: str, say: Callable[[str], None]) -> None:
    end = asyncio.get_running_loop().time() + WAIT_SECONDS
    while asyncio.get_running_loop().time() < end:
        found = await catalogue.posts.get(post_id)
        if found.state is State.APPROVED:
            say(f"On the wall: /w/{wall}")
            return
        if found.state is State.PENDING:
            say("Waiting for an operator: the wall holds new posts.")
            return
        if found.state in (State.FAILED, State.REJECTED, State.REMOVED):
            raise PictureError(found.reason or f"The post was {found.state.value}.", code=found.state.value)
        await asyncio.sleep(0.1)
    raise NotFound("The post is stored and waits, but nobody has made its thumbnails yet: is Frieze running?")


def _read(file: Path) -> bytes:
    try:
        if file.stat().st_size > FILE_BYTES:
            raise SettingsError(f"{file} is larger than {FILE_BYTES // 2**20} MB.")
        return file.read_bytes()
    except OSError as error:
        raise SettingsError(f"{file} can't be read: {error.strerror}.") from error


async def _chunks(content: bytes) -> AsyncGenerator[bytes]:
    for start in range(0, len(content), CHUNK):
        yield content[start : start + CHUNK]
