"""A thumbnail that everybody wants: what a hit costs beside nginx, and 4,000 viewers who ask at the same instant."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import uvloop

from tests.bench.board import Board, Failed, middle, spread
from tests.bench.figures import percentile
from tests.bench.media.place import Origin, Place, RealSwift, at_origin, at_swift
from tests.bench.media.proxies import files
from tests.fakes.waiting import until_blocking

PART = "herd"
RATIO = 3.0  # of nginx with the same file; issue 5 §6
THUMBNAIL = 20 * 1024
VIEWERS = 4_000
RATIO_NAME = "relay against nginx with the same file"
_CONNECTIONS = 32
# What Chromium sends for a picture of its own page.
_REQUEST = (
    "GET {path} HTTP/1.1\r\nHost: wall.example\r\nConnection: keep-alive\r\n"
    'sec-ch-ua-platform: "Linux"\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) '
    'Chrome/142.0.0.0 Safari/537.36\r\nsec-ch-ua: "Chromium";v="142", "Not_A Brand";v="99"\r\nsec-ch-ua-mobile: ?0\r\n'
    "Accept: image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8\r\nSec-Fetch-Site: same-origin\r\n"
    "Sec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\nReferer: http://wall.example/w/main\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-US,en;q=0.9\r\n\r\n"
)


def herd(board: Board, *, quick: bool) -> None:
    """`quick`: fewer requests in fewer rounds; as many viewers."""
    with at_origin() as (place, origin):
        _hits(board, place, origin, requests=5_000 if quick else 20_000, rounds=3 if quick else 5)
    with at_swift() as (place, swift):
        for _ in range(1 if quick else 3):
            _instant(board, place, swift)


def _hits(board: Board, place: Place, origin: Origin, requests: int, rounds: int) -> None:
    key = origin.add(THUMBNAIL)
    path = place.show(key, "thumbnail-320", "image/webp", THUMBNAIL)
    with files(place.folder / "same", origin.files) as nginx:
        contenders: dict[str, tuple[int, str, Callable[[], float]]] = {
            "relay": (place.port, path, place.processor),
            "nginx": (nginx.port, f"/{key}", nginx.processor),
        }
        costs: dict[str, list[float]] = {name: [] for name in contenders}
        for _ in range(rounds):
            for name, (port, address, processor) in contenders.items():
                _ask(port, address, 1_000)  # connections, caches
                before = processor()
                _ask(port, address, requests)
                costs[name].append((processor() - before) / requests * 1e6)
    for name, values in costs.items():
        board.say(PART, f"processor per cached thumbnail of 20 KiB: {name}", middle(values), "µs", spread(values))
    ratios = [ours / theirs for ours, theirs in zip(costs["relay"], costs["nginx"], strict=True)]
    board.at_most(PART, RATIO_NAME, middle(ratios), "", RATIO, spread(ratios))


def _ask(port: int, path: str, requests: int) -> None:
    uvloop.run(_asking(port, path, requests))


async def _asking(port: int, path: str, requests: int) -> None:
    loop = asyncio.get_running_loop()
    viewers = [_Viewer(path, requests // _CONNECTIONS, loop.create_future()) for _ in range(_CONNECTIONS)]
    for viewer in viewers:
        await loop.create_connection(lambda viewer=viewer: viewer, "127.0.0.1", port)
    for viewer in viewers:
        viewer.ask()
    async with asyncio.timeout(120):
        await asyncio.gather(*(viewer.done for viewer in viewers))
    for viewer in viewers:
        viewer.close()
        if viewer.refused:
            raise Failed(f"a hit was answered {viewer.refused[0]}")


@dataclass(eq=False)
class _Viewer(asyncio.Protocol):
    """Asks `left` times, each time when the answer before is complete. `times`: seconds from asking to the end."""

    path: str
    left: int
    done: "asyncio.Future[None]"
    times: list[float] = field(default_factory=list[float])
    refused: list[str] = field(default_factory=list[str])
    _missing: int = -1
    _began: float = 0.0

    def __post_init__(self) -> None:
        self._request = _REQUEST.format(path=self.path).encode()
        self._head = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's own are no subclass of it
        self._transport = cast("asyncio.Transport", transport)

    def ask(self, since: float | None = None) -> None:
        """`since`: when the clock began to run, where that is earlier than now."""
        self._began = time.perf_counter() if since is None else since
        self._missing = -1
        self._head = b""
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if self._missing < 0:
            self._head += data
            head, found, data = self._head.partition(b"\r\n\r\n")
            if not found:
                return
            if not head.startswith(b"HTTP/1.1 200"):
                self.refused.append(head.partition(b"\r\n")[0].decode())
            place = head.lower().index(b"content-length:")
            self._missing = int(head[place + 15 :].split(b"\r\n", 1)[0])
        self._missing -= len(data)
        if self._missing > 0:
            return
        self.times.append(time.perf_counter() - self._began)
        self.left -= 1
        if self.left > 0:
            self.ask()
        elif not self.done.done():
            self.done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(Failed(f"a viewer was cut off: {exc}"))

    def close(self) -> None:
        self._transport.close()


def _instant(board: Board, place: Place, swift: RealSwift) -> None:
    """One picture that nobody has asked for yet."""
    key = swift.add(THUMBNAIL)
    path = place.show(key, "thumbnail-320", "image/webp", THUMBNAIL)
    times, refused = uvloop.run(_at_once(place.port, path, VIEWERS))
    until_blocking(lambda: swift.reads(key), "Swift to write down the read")
    board.at_most(PART, f"reads of Swift when {VIEWERS:,} ask at once", swift.reads(key), "", 1)
    board.at_most(PART, "of them refused", refused, "", 0)
    for share in (50, 99):
        board.say(PART, f"of them answered, p{share}", percentile(times, share / 100) * 1000, "ms")


async def _at_once(port: int, path: str, count: int) -> tuple[list[float], int]:
    loop = asyncio.get_running_loop()
    viewers = [_Viewer(path, 1, loop.create_future()) for _ in range(count)]
    for start in range(0, count, 200):
        await asyncio.gather(
            *(
                loop.create_connection(lambda viewer=viewer: viewer, "127.0.0.1", port)
                for viewer in viewers[start : start + 200]
            )
        )
    began = time.perf_counter()
    for viewer in viewers:
        viewer.ask(began)  # the instant is the first one's: who is asked for last waits as well
    async with asyncio.timeout(120):
        await asyncio.gather(*(viewer.done for viewer in viewers))
    for viewer in viewers:
        viewer.close()
    return [viewer.times[0] for viewer in viewers], sum(len(viewer.refused) for viewer in viewers)
