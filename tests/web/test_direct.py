"""To which store a guest's browser may send bytes itself."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from wall.errors import StoreError
from wall.store import open_store
from wall.store.base import Method, SignedRequest
from web.direct import AGAIN_SECONDS, KEPT_SECONDS, Direct

pytestmark = pytest.mark.anyio


class _Signing:
    """Of a store only what is asked for: a signed address, or trouble."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.broken = False
        self.asked = 0

    async def sign(
        self, method: Method, key: str, lease: timedelta, *, length: int | None = None, media_type: str | None = None
    ) -> SignedRequest:
        self.asked += 1
        if self.broken:
            raise StoreError("The store does not answer.")
        return SignedRequest(method=method, url=self.url, expires=datetime.now(UTC) + lease)


async def test_a_store_that_signs_nothing_is_no_place_to_send_bytes_to(tmp_path: Path) -> None:
    store = await open_store(f"disk:{tmp_path}")
    assert await Direct(store, lambda: 0.0).origins() == ()


async def test_the_origin_is_that_of_a_signed_address_and_asked_for_once_in_a_while() -> None:
    now = [0.0]
    store = _Signing("https://bucket.store.example:9000/abc?signature=x")
    direct = Direct(store, lambda: now[0])
    assert await direct.origins() == ("https://bucket.store.example:9000",)
    assert await direct.origins() == ("https://bucket.store.example:9000",)
    assert store.asked == 1
    now[0] += KEPT_SECONDS
    await direct.origins()
    assert store.asked == 2


async def test_while_the_store_is_away_what_was_known_stays() -> None:
    now = [0.0]
    store = _Signing("https://store.example/abc")
    direct = Direct(store, lambda: now[0])
    store.broken = True
    assert await direct.origins() == ()
    store.broken = False
    assert await direct.origins() == ()
    now[0] += AGAIN_SECONDS
    assert await direct.origins() == ("https://store.example",)
    store.broken = True
    now[0] += KEPT_SECONDS
    assert await direct.origins() == ("https://store.example",)
