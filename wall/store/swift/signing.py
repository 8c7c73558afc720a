"""TempURLs: requests a browser may make at Swift itself (swift/common/middleware/tempurl.py).

The key lies at the container: the one that an operator has set there, or else one of ours, made from the password so
that all processes set the same. Whether it works is tried out, since nothing says which middlewares a cluster has.
"""

import asyncio
import hashlib
import hmac
import math
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from wall.store.base import Method
from wall.store.keys import new_key
from wall.store.swift.access import Access
from wall.store.swift.requests import Answer, SwiftRequests

_KEYS = ("X-Container-Meta-Temp-URL-Key", "X-Container-Meta-Temp-URL-Key-2")
_ORIGINS = "X-Container-Meta-Access-Control-Allow-Origin"
# an operator may change the key, or allow us to set one, while we run
_KNOWN_SECONDS = 300.0
_UNKNOWN_SECONDS = 30.0


class TempUrls:
    def __init__(self, requests: SwiftRequests, password: str) -> None:
        self._requests = requests
        self._container = requests.address.container
        seed = f"Frieze TempURL {self._container}".encode()
        self._own = hmac.new(password.encode(), seed, hashlib.sha256).hexdigest()
        self._key: str | None = None
        self._until = -math.inf
        self._looking = asyncio.Lock()

    async def sign(self, method: Method, name: str, lease: timedelta) -> tuple[str, datetime] | None:
        """The URL and when it ends; None where this store takes no signed requests."""
        key = await self._usable_key()
        if key is None:
            return None
        expires = datetime.now(UTC) + lease
        access = await self._requests.access()
        return self._url(access, access.public, method, name, math.ceil(expires.timestamp()), key), expires

    async def _usable_key(self) -> str | None:
        async with self._looking:
            if time.monotonic() >= self._until:
                self._key = await self._find()
                self._until = time.monotonic() + (_KNOWN_SECONDS if self._key else _UNKNOWN_SECONDS)
            return self._key

    async def _find(self) -> str | None:
        found = await self._requests.ask("HEAD", self._container)
        if not found.ok:
            return None
        keys = _keys(found)
        if not keys and not await self._set(found):
            return None
        for key in keys or [self._own]:
            if await self._works(key):
                return key
        return None

    async def _set(self, container: Answer) -> bool:
        # who has a signed address may use it from any page: the address is the right
        headers = {_KEYS[0]: self._own} | ({} if container.headers.get(_ORIGINS) else {_ORIGINS: "*"})
        return (await self._requests.ask("POST", self._container, headers=headers)).ok

    async def _works(self, key: str) -> bool:
        """Whether the store answers a signed request for nothing that there is nothing (404), and not: who are you?"""
        access = await self._requests.access()
        url = self._url(access, access.storage, "GET", new_key(), int(time.time()) + 60, key)
        return await self._requests.status_of(url) == 404

    def _url(self, access: Access, base: str, method: Method, name: str, expires: int, key: str) -> str:
        path = f"{urlsplit(access.storage).path}/{self._container}/{name}"
        signed = hmac.new(key.encode(), f"{method}\n{expires}\n{path}".encode(), hashlib.sha256).hexdigest()
        # without `inline` Swift tells browsers to save the bytes as a file
        inline = "&inline" if method == "GET" else ""
        return f"{base}/{self._container}/{name}?temp_url_sig={signed}&temp_url_expires={expires}{inline}"


def _keys(container: Answer) -> list[str]:
    return [key for key in (container.headers.get(name) for name in _KEYS) if key]
