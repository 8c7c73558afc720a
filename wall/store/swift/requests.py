"""Requests to Swift: with a token, with limits on every wait, and with one new login where the token is refused."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from wall.errors import StoreError, StoreRefused, StoreUnavailable
from wall.store.limits import StoreLimits
from wall.store.pouring import READ_AHEAD, store_socket
from wall.store.swift.access import Access, Login
from wall.store.swift.address import SwiftAddress
from wall.store.swift.body import Body
from wall.store.swift.signin import SignIn
from wall.store.swift.trouble import in_words, refused

CONNECTIONS = 512  # at once; a process streams to 256 viewers and takes 64 uploads (reference: docs/limits.md)
PAGE = 1000  # names of a listing at once
_ANSWER_BYTES = 16 * 1024 * 1024  # of an answer that is read whole: a manifest of 1,000 segments, a page of names


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Listed:
    name: str
    length: int
    written: datetime


class SwiftRequests:
    """`container` and `name` are names as they are; they are quoted here."""

    def __init__(self, address: SwiftAddress, user: str, password: str, limits: StoreLimits) -> None:
        self.address = address
        self.limits = limits
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS, socket_factory=store_socket),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=limits.connect, sock_read=limits.idle),
            headers={"Accept-Encoding": "identity"},
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            read_bufsize=READ_AHEAD,
            raise_for_status=False,
        )
        self._login = Login(SignIn(self._session, address, user, password, limits))

    async def close(self) -> None:
        await self._login.close()
        await self._session.close()

    async def access(self) -> Access:
        return await self._login.access()

    async def ask(
        self,
        method: str,
        container: str,
        name: str = "",
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Body | bytes | None = None,
        seconds: float | None = None,
    ) -> Answer:
        """A request and its whole answer, whatever its status. `seconds`: for the first byte, where that takes long."""
        async with self.open(
            method, container, name, query=query, headers=headers, body=body, seconds=seconds
        ) as response:
            try:
                async with asyncio.timeout(self.limits.idle):
                    content = bytearray()
                    async for chunk in response.content.iter_any():
                        content += chunk
                        if len(content) > _ANSWER_BYTES:
                            raise StoreUnavailable(f"The store at {self.address.host} answers without end.")
            except (TimeoutError, aiohttp.ClientError) as error:
                raise in_words(error, self.address.host) from error
            return Answer(response.status, response.headers, bytes(content))

    @asynccontextmanager
    async def open(
        self,
        method: str,
        container: str,
        name: str = "",
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Body | bytes | None = None,
        seconds: float | None = None,
    ) -> AsyncGenerator[aiohttp.ClientResponse]:
        """The answer with its body still to be read.

        Raises StoreUnavailable or StoreRefused where there is none, and what the body's source raises.
        """
        path = "/".join(quote(part, safe="/") for part in (container, name) if part)
        target = f"{path}?{urlencode(query)}" if query else path
        access = await self._login.access()
        response = await self._once(method, access, target, headers or {}, body, seconds)
        if response.status == 401:
            response.close()
            renewed = await self._login.access(refused=access)
            if isinstance(body, Body) and body.begun:
                raise StoreUnavailable(
                    f"The store at {self.address.host} took our token back during an upload; the next has a new one."
                )
            response = await self._once(method, renewed, target, headers or {}, body, seconds)
        try:
            yield response
        finally:
            # an answer that was read to its end has given its connection back already
            response.close()

    async def status_of(self, url: str) -> int:
        """What HEAD of a signed URL is answered, without our token."""
        try:
            async with (
                asyncio.timeout(self.limits.connect + self.limits.first_byte),
                self._session.head(URL(url, encoded=True), allow_redirects=False) as response,
            ):
                return response.status
        except (TimeoutError, aiohttp.ClientError) as error:
            raise in_words(error, self.address.host) from error

    async def listing(self, container: str, prefix: str = "") -> AsyncGenerator[Listed]:
        """All names, in their order, page by page. A container that is not there has none."""
        marker = ""
        while True:
            query = {"format": "json", "limit": str(PAGE), "marker": marker, "prefix": prefix}
            answer = await self.ask("GET", container, query=query)
            if answer.status == 404:
                return
            if not answer.ok:
                raise self.refused(answer.status, "list its objects", container)
            page = self.read_json(answer)
            for entry in page:
                if "name" in entry:
                    written = datetime.fromisoformat(entry["last_modified"]).replace(tzinfo=UTC)
                    yield Listed(entry["name"], int(entry["bytes"]), written)
                    marker = entry["name"]
            if not page:
                return

    def read_json(self, answer: Answer) -> Any:
        try:
            return json.loads(answer.body)
        except ValueError as error:
            raise StoreRefused(f"{self.address.host} does not answer like Swift; look at FRIEZE_STORE_URL.") from error

    def refused(self, status: int, what: str, container: str | None = None) -> StoreError:
        return refused(status, self.address.host, what, container or self.address.container)

    async def _once(
        self,
        method: str,
        access: Access,
        target: str,
        headers: Mapping[str, str],
        body: Body | bytes | None,
        seconds: float | None,
    ) -> aiohttp.ClientResponse:
        sent = {**headers, "X-Auth-Token": access.token}
        streamed = body if isinstance(body, Body) else None
        # with a body it is the body that keeps the time; aiohttp's would begin when the store asks for it
        limits = aiohttp.ClientTimeout(
            total=None, sock_connect=self.limits.connect, sock_read=None if streamed or seconds else self.limits.idle
        )
        if streamed is not None:
            if streamed.length is not None:
                sent["Content-Length"] = str(streamed.length)
            # the store refuses before it has cost us the source: a token, an object that is there, a quota
            sent["Expect"] = "100-continue"
        try:
            async with asyncio.timeout(self.limits.connect + (seconds or self.limits.first_byte)) as limit:
                if streamed is not None:
                    streamed.timed_by(limit)
                return await self._session.request(
                    method,
                    URL(f"{access.storage}/{target}", encoded=True),
                    headers=sent,
                    data=body,
                    timeout=limits,
                    allow_redirects=False,
                )
        except (TimeoutError, aiohttp.ClientError) as error:
            if streamed is not None and streamed.broke is not None:
                raise streamed.broke from None
            raise in_words(error, self.address.host) from error
        finally:
            if streamed is not None:
                streamed.timed_by(None)
