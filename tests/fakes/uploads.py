"""Uploads as guests would ask for them, for tests that need some."""

from datetime import timedelta
from typing import Any

from wall.catalogue import Catalogue
from wall.catalogue.uploads import Asked, Held, Upload, digest
from wall.store.keys import new_key

GUEST = "g" * 26
LEASE = timedelta(seconds=30)
SHA = "ab" * 32


async def open_wall(catalogue: Catalogue, wall: str = "main", **rules: Any) -> None:
    """Guests may add to this wall from now on."""
    await catalogue.walls.change(wall, uploads={"enabled": True, **rules})


def asked(wall: str = "main", **fields: Any) -> Asked:
    given: dict[str, Any] = {
        "wall": wall,
        "guest": digest(GUEST),
        "size": 1000,
        "type": "image/jpeg",
        "name": "a.jpg",
        "author": "Ada",
        "caption": "At last!",
        "consent": True,
    }
    return Asked(**given | fields)


async def lease(catalogue: Catalogue, wall: str = "main", *, quarantine: str | None = None, **fields: Any) -> Upload:
    upload, _ = await catalogue.uploads.lease(
        asked(wall, **fields), holder="test", lease=LEASE, key=new_key(), quarantine=quarantine
    )
    return upload


async def begun(catalogue: Catalogue, **fields: Any) -> Held:
    return await catalogue.uploads.begin(await lease(catalogue, **fields), holder="test", lease=LEASE)


async def stored(catalogue: Catalogue, sha256: str = SHA, **fields: Any) -> Upload:
    held = await begun(catalogue, **fields)
    return await catalogue.uploads.finish(held, kind="image", media_type="image/jpeg", sha256=sha256)
