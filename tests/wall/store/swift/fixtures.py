"""What the tests of the Swift store share."""

import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from tests.integration.swift import PASSWORD, USER, Swift
from tests.wall.store.networked import LIMITS
from wall.store.limits import StoreLimits
from wall.store.swift.address import parse_address
from wall.store.swift.store import LARGE_BYTES, SEGMENT_BYTES, SwiftStore


def new_container() -> str:
    return f"wall-{secrets.token_hex(6)}"


@asynccontextmanager
async def swift_store(
    swift: Swift,
    container: str,
    *,
    port: int | None = None,
    user: str = USER,
    password: str = PASSWORD,
    limits: StoreLimits = LIMITS,
    large_bytes: int = LARGE_BYTES,
    segment_bytes: int = SEGMENT_BYTES,
    more: str = "",
) -> AsyncGenerator[SwiftStore]:
    """A started store; `port` where a network stands in between, `more` what else its URL says."""
    address = parse_address(swift.url(container, port) + more)
    store = SwiftStore(address, user, password, limits=limits, large_bytes=large_bytes, segment_bytes=segment_bytes)
    try:
        await store.start()
        yield store
    finally:
        await store.close()
