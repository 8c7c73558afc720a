"""A relay's upload part on a real port, with its catalogue and store, and guests on plain sockets."""

import asyncio
import io
import json
import os
import socket
import struct
from collections.abc import AsyncGenerator, AsyncIterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from PIL import Image

from relay.uploads.server import UploadServer
from relay.uploads.settings import UploadSettings
from tests.fakes.serving import served
from tests.fakes.uploads import open_wall
from wall.catalogue import Catalogue
from wall.errors import StoreUnavailable
from wall.states import State
from wall.store.base import ObjectInfo
from wall.store.disk import DiskStore

TOKEN = "guest-of-these-tests-0123456789"
MIB = 1024 * 1024
# a busy machine takes its time, and no test waits for these to pass but those that change them
PATIENT = UploadSettings(retry=(1.0, 1.0))


def jpeg(size: int = 300_000) -> bytes:
    """A picture of so many bytes that is not the same as any other; what follows its end mark is noise."""
    target = io.BytesIO()
    Image.new("RGB", (64, 48), tuple(os.urandom(3))).save(target, "JPEG")
    head = target.getvalue()
    return head + os.urandom(size - len(head))


class WatchedStore(DiskStore):
    """A folder that counts its writes, can be held up, and can fail."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.puts = 0
        self.fail_after: int | None = None  # bytes
        self.fail_at_the_end = False
        self.fail_deletes = False
        self.undeletable: set[str] = set()
        self.flowing = asyncio.Event()  # cleared: takes nothing
        self.confirming = asyncio.Event()  # cleared: has everything and does not say so
        self.flowing.set()
        self.confirming.set()

    async def put(self, key: str, length: int | None, media_type: str, chunks: AsyncIterable[bytes]) -> ObjectInfo:
        self.puts += 1

        async def watched() -> AsyncGenerator[bytes]:
            count = 0
            await self.flowing.wait()
            async for chunk in chunks:
                count += len(chunk)
                if self.fail_after is not None and count > self.fail_after:
                    raise StoreUnavailable("The store broke.")
                yield chunk
                await self.flowing.wait()
            if self.fail_at_the_end:
                raise StoreUnavailable("The store broke at the end.")

        info = await super().put(key, length, media_type, watched())
        await self.confirming.wait()
        return info

    async def delete(self, key: str) -> None:
        if self.fail_deletes or key in self.undeletable:
            raise StoreUnavailable("The store is away.")
        await super().delete(key)

    def files(self) -> list[str]:
        """Everything in the folder, whole or half."""
        return sorted(path.name for path in self.root.rglob("*") if path.is_file())


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    fields: dict[str, Any]

    @property
    def code(self) -> str:
        return str(self.fields["error"]["code"])


class Wire:
    """One connection of a guest."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def begin(self, path: str, length: int | None, *more: str, method: str = "PUT") -> None:
        lines = [f"{method} {path} HTTP/1.1", "Host: wall.example", *more]
        if length is not None:
            lines.append(f"Content-Length: {length}")
        await self.send(("\r\n".join(lines) + "\r\n\r\n").encode())

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> Answer:
        async with asyncio.timeout(30):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:]) if value}
            body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        return Answer(int(head[0].split()[1]), headers, json.loads(body) if body else {})

    def reset(self) -> None:
        """Be gone without a word."""
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.close()

    def close(self) -> None:
        self.writer.close()


@dataclass
class Place:
    catalogue: Catalogue
    store: WatchedStore
    uploads: UploadServer
    port: int
    client: aiohttp.ClientSession = field(repr=False)

    async def call(
        self, method: str, path: str, fields: Any = None, *, guest: str | None = TOKEN, **headers: str
    ) -> Answer:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if guest is not None:
            given["X-Frieze-Guest"] = guest
        url = f"http://127.0.0.1:{self.port}{path}"
        async with self.client.request(method, url, json=fields, headers=given) as answer:
            body = await answer.read()
            found = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(answer.status, found, json.loads(body) if body else {})

    async def ask(self, size: int, wall: str = "main", *, guest: str | None = TOKEN, **fields: Any) -> Answer:
        asked: Mapping[str, Any] = {"size": size, "type": "image/jpeg", "name": "a.jpg", "consent": True} | fields
        return await self.call("POST", f"/api/walls/{wall}/uploads", asked, guest=guest)

    async def address(self, size: int, **fields: Any) -> tuple[str, str]:
        """An upload's id and its one-time address."""
        answer = await self.ask(size, **fields)
        assert answer.status == 201, answer
        return answer.fields["id"], answer.fields["url"]

    async def wire(self) -> Wire:
        return Wire(*await asyncio.open_connection("127.0.0.1", self.port))

    async def put(self, url: str, data: bytes) -> Answer:
        wire = await self.wire()
        await wire.begin(url, len(data))
        with suppress(ConnectionError):
            await wire.send(data)
        answer = await wire.answer()
        wire.close()
        return answer

    async def add(self, data: bytes, **fields: Any) -> Answer:
        """Both steps."""
        asked = await self.ask(len(data), **fields)
        assert asked.status == 201, asked
        return await self.put(asked.fields["url"], data)

    async def show(self, upload_id: str, guest: str = TOKEN) -> dict[str, Any]:
        return (await self.call("GET", f"/api/uploads/{upload_id}", guest=guest)).fields

    async def posts(self) -> int:
        counts = await self.catalogue.posts.counts("main")
        return counts[State.RECEIVED]

    async def left(self) -> object:
        """None once nothing of any upload is left anywhere."""
        found = (self.store.files(), await self.posts(), len(self.uploads.slots))
        return None if found == ([], 0, 0) else found

    async def until_final(self, upload_id: str) -> dict[str, Any]:
        """The upload once nothing changes by itself any more."""
        shown: dict[str, Any] = {}
        for _ in range(600):
            shown = await self.show(upload_id)
            if shown["final"]:
                return shown
            await asyncio.sleep(0.05)
        raise AssertionError(f"it never ends: {shown}")

    async def until_nothing_is_left(self, upload_id: str) -> dict[str, Any]:
        """The upload as its guest sees it then."""
        shown: dict[str, Any] = {}
        for _ in range(600):
            shown = await self.show(upload_id)
            if shown["final"] and await self.left() is None:
                return shown
            await asyncio.sleep(0.05)
        raise AssertionError(f"something is left: {await self.left()} of {shown}")


@asynccontextmanager
async def place(
    catalogue: Catalogue, folder: Path, settings: UploadSettings = PATIENT, store: WatchedStore | None = None
) -> AsyncGenerator[Place]:
    await open_wall(catalogue)
    kept = store or WatchedStore(folder / "store")
    await kept.start()
    uploads = UploadServer(catalogue, kept, settings, holder="test")
    async with served(uploads) as port:
        try:
            async with aiohttp.ClientSession() as client:
                yield Place(catalogue, kept, uploads, port, client)
        finally:
            kept.flowing.set()
            kept.confirming.set()
            await uploads.close(0, 10)
