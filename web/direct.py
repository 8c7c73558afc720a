"""Where a guest's browser may send bytes with an address that the store has signed: a part of the pages' policy."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol
from urllib.parse import urlsplit

from wall.errors import StoreError
from wall.store.base import Method, SignedRequest
from wall.store.keys import new_key

KEPT_SECONDS = 600.0  # a store's address changes with its settings, so with a start
AGAIN_SECONDS = 5.0  # where it could not be told
SIGN_SECONDS = 5.0  # for a store that signs in first


class Signs(Protocol):
    """The one verb of a store that is needed here."""

    async def sign(
        self, method: Method, key: str, lease: timedelta, *, length: int | None = None, media_type: str | None = None
    ) -> SignedRequest | None: ...


class Direct:
    """`now` is a clock in seconds that never goes back."""

    def __init__(self, store: Signs, now: Callable[[], float]) -> None:
        self._store = store
        self._now = now
        self._origins: tuple[str, ...] = ()
        self._until = float("-inf")

    async def origins(self) -> tuple[str, ...]:
        """As a Content-Security-Policy names them; none where the store signs nothing, or does not answer."""
        if self._now() < self._until:
            return self._origins
        # the others take what was known until this one knows better
        self._until = self._now() + AGAIN_SECONDS
        try:
            async with asyncio.timeout(SIGN_SECONDS):
                signed = await self._store.sign(
                    "PUT", new_key(), timedelta(minutes=1), length=1, media_type="image/jpeg"
                )
        except (StoreError, TimeoutError):
            return self._origins
        place = urlsplit(signed.url) if signed is not None else None
        self._origins = (f"{place.scheme}://{place.netloc}",) if place is not None and place.netloc else ()
        self._until = self._now() + KEPT_SECONDS
        return self._origins
