"""Media on a real port: a catalogue, a store that can be told to fail, and the server in front of them."""

import asyncio
import socket
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from relay.media import MediaServer
from relay.settings import MediaSettings
from tests.fakes.posts import LEASE, due_search, source_post
from tests.fakes.serving import served
from wall.catalogue import Catalogue
from wall.catalogue.searches import DueSearch
from wall.catalogue.work import MediaResult, StoredRendition
from wall.errors import StoreUnavailable
from wall.states import ActionKind, State
from wall.store.base import OpenObject
from wall.store.disk import DiskStore
from wall.store.keys import new_key


@dataclass(frozen=True, slots=True)
class Opening:
    """How the store was asked for an object."""

    key: str
    start: int
    length: int | None
    etag: str | None


class FaultyStore(DiskStore):
    """A real store on disk that breaks off, waits or is away as told, and remembers what was asked of it."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.opened: list[Opening] = []
        self.given = 0  # bytes
        self.reading = 0  # objects that are open now
        self.break_after: list[int] = []  # bytes, of one opening after the other
        self.wait_for: asyncio.Event | None = None  # before an object is opened
        self.hold_after: int | None = None  # bytes; from then on nothing comes
        self.away = False

    async def open(self, key: str, start: int = 0, length: int | None = None, *, etag: str | None = None) -> OpenObject:
        self.opened.append(Opening(key, start, length, etag))
        if self.wait_for is not None:
            await self.wait_for.wait()
        if self.away:
            raise StoreUnavailable("The store is away.")
        opened = await super().open(key, start, length, etag=etag)
        limit = self.break_after.pop(0) if self.break_after else None
        return OpenObject(info=opened.info, chunks=self._chunks(opened.chunks, limit))

    async def _chunks(self, chunks: AsyncGenerator[bytes], limit: int | None) -> AsyncGenerator[bytes]:
        given = 0
        self.reading += 1
        try:
            async for chunk in chunks:
                if limit is not None and given + len(chunk) > limit:
                    yield chunk[: limit - given]
                    raise StoreUnavailable("The store hung up.")
                given += len(chunk)
                self.given += len(chunk)
                yield chunk
                if self.hold_after is not None and given >= self.hold_after:
                    await asyncio.Event().wait()
        finally:
            self.reading -= 1
            await chunks.aclose()


@dataclass(frozen=True, slots=True)
class Shown:
    post_id: str
    media_id: str
    path: str
    key: str


@dataclass
class Serving:
    """`show` puts bytes on the wall `main`; `base` is where they are served."""

    catalogue: Catalogue
    store: FaultyStore
    media: MediaServer
    port: int
    _due: DueSearch | None = None
    _shown: list[Shown] = field(default_factory=list[Shown])

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def show(
        self, data: bytes, *, role: str = "thumbnail-320", media_type: str = "image/webp", name: str = ""
    ) -> Shown:
        """A post whose one picture has one rendition, and what became of it."""
        if self._due is None:
            self._due = await due_search(self.catalogue)
        found = source_post(str(len(self._shown)))
        found = replace(found, media=(replace(found.media[0], name=name),))
        await self.catalogue.posts.store(self._due, LEASE, posts=[found], removals=(), checkpoint={})
        [work] = await self.catalogue.work.claim(["demo"], "test", LEASE, 1)
        key = new_key()
        await self.store.put(key, len(data), media_type, _once(data))
        renditions = [StoredRendition(role=role, width=320, height=240, type=media_type, bytes=len(data), key=key)]
        result = MediaResult(media_id=work.media[0].id, width=320, height=240, renditions=tuple(renditions))
        await self.catalogue.work.finish(work, [result])
        shown = Shown(work.post_id, work.media[0].id, f"/media/{work.media[0].id}/{role}", key)
        self._shown.append(shown)
        return shown

    async def remove(self, shown: Shown) -> None:
        await self.catalogue.moderation.act(
            shown.post_id, ActionKind.REMOVE, operator="eve", state=State.APPROVED, revision=1
        )


async def _once(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 1 << 20):
        yield data[start : start + (1 << 20)]


@asynccontextmanager
async def serving(
    catalogue: Catalogue,
    folder: Path,
    settings: MediaSettings,
    proxies: tuple[str, ...] = (),
    clock: Callable[[], float] = time.monotonic,
) -> AsyncGenerator[Serving]:
    store = FaultyStore(folder / "store")
    await store.start()
    media = MediaServer(catalogue, store, replace(settings, trusted_proxies=proxies), clock)
    async with served(media, proxies, media.ready) as port:
        try:
            yield Serving(catalogue, store, media, port)
        finally:
            media.streams.stop()


class RawClient:
    """A browser that reads only when told, with a small window, and sees how its connection ends."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        self._socket.settimeout(30)
        self._socket.connect(("127.0.0.1", port))

    async def ask(self, path: str, *lines: str) -> tuple[int, dict[str, str]]:
        """Send a GET; the status and headers of its answer."""
        head = "\r\n".join((f"GET {path} HTTP/1.1", "host: wall", *lines, "", ""))
        first, *rest = (await asyncio.to_thread(self._ask, head.encode())).decode().strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
        return int(first.split()[1]), headers

    async def read(self, length: int) -> bytes:
        """So many bytes, or fewer where the connection ends before."""
        return await asyncio.to_thread(self._read, length)

    def _ask(self, head: bytes) -> bytes:
        self._socket.sendall(head)
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            data = self._socket.recv(1)
            assert data, answer
            answer += data
        return answer

    def _read(self, length: int) -> bytes:
        data = bytearray()
        while len(data) < length:
            try:
                more = self._socket.recv(min(65536, length - len(data)))
            except ConnectionResetError:
                break
            if not more:
                break
            data += more
        return bytes(data)

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> "RawClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
