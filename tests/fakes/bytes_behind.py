"""Posts on the wall `main` whose renditions and originals really lie in a store."""

import hashlib
import secrets
from collections.abc import AsyncGenerator

from tests.fakes.posts import LEASE, due_search, source_post
from tests.fakes.posts import store as store_posts
from wall.catalogue import Catalogue
from wall.catalogue.work import MediaResult, StoredRendition
from wall.store.base import Store
from wall.store.keys import new_key

SIZE = 3000


async def show_posts(catalogue: Catalogue, store: Store, count: int) -> list[str]:
    """`count` posts with one picture each; the keys of their objects, two for each."""
    keys: list[str] = []
    names = [secrets.token_hex(4) for _ in range(count)]
    await store_posts(catalogue, await due_search(catalogue), *(source_post(name) for name in names))
    for work in await catalogue.work.claim(["demo"], "test", LEASE, 100):
        results: list[MediaResult] = []
        for media in work.media:
            original, digest = await _stored(store, "original")
            thumbnail, _ = await _stored(store, "thumbnail-320")
            keys += [original.key, thumbnail.key]
            results.append(
                MediaResult(
                    media_id=media.id,
                    width=4,
                    height=3,
                    sha256=digest,
                    thumbhash="",
                    renditions=(thumbnail, original),
                )
            )
        await catalogue.work.finish(work, results)
    return keys


async def _stored(store: Store, role: str) -> tuple[StoredRendition, str]:
    key, data = new_key(), secrets.token_bytes(SIZE)

    async def once() -> AsyncGenerator[bytes]:
        yield data

    await store.put(key, SIZE, "image/webp", once())
    rendition = StoredRendition(role=role, width=4, height=3, type="image/webp", bytes=SIZE, key=key)
    return rendition, hashlib.sha256(data).hexdigest()
