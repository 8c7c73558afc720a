"""What a gigabyte costs through the relay, beside nginx in front of the same origin; and what streams hold."""

from collections.abc import Callable

from tests.bench.fanout.board import Board, middle, spread
from tests.bench.media.place import Place, place
from tests.bench.media.proxies import Nginx, proxy
from tests.bench.media.readers import Reader, Throttled, settled

PART = "streaming"
RATIO = 1.6  # of the well-tuned nginx; issue 5 §6
STREAM_MEGABYTES = 1.0
MEBIBYTE = 1 << 20
_PACE = 1 << 20  # bytes a second of a throttled reader
_WINDOW = 64 * 1024  # of readers that are slow: what is held is held by the server


def streaming(board: Board, *, quick: bool) -> None:
    with place() as found:
        length = (256 if quick else 1024) * MEBIBYTE
        key = found.add(length)
        path = found.show(key, "video", "video/mp4")
        _costs(board, found, key, path, length, rounds=3 if quick else 5)
    for streams in (1, 16) if quick else (1, 16, 64, 128):
        _memory(board, streams)


def _costs(board: Board, found: Place, key: str, path: str, length: int, rounds: int) -> None:
    with (
        proxy(found.folder / "tuned", found.origin.port, tuned=True) as tuned,
        proxy(found.folder / "default", found.origin.port, tuned=False) as default,
    ):
        contenders: dict[str, tuple[int, str, Callable[[], float]]] = {
            "relay": (found.port, path, found.processor),
            "nginx, eight buffers of 128 KiB": _nginx(tuned, key),
            "nginx, its default buffers": _nginx(default, key),
        }
        seconds: dict[str, list[float]] = {name: [] for name in contenders}
        for _ in range(rounds):
            # each in turn, so that what else the machine does meets all of them
            for name, (port, address, processor) in contenders.items():
                before = processor()
                reader = Reader(port, address)
                reader.finish()
                reader.close()
                seconds[name].append((processor() - before) * 1024 * MEBIBYTE / length)
    for name, values in seconds.items():
        board.say(PART, f"processor per GiB: {name}", middle(values), "s", spread(values))
    ratios = [ours / theirs for ours, theirs in zip(seconds["relay"], seconds[_TUNED], strict=True)]
    board.at_most(PART, "relay against the well-tuned nginx", middle(ratios), "", RATIO, spread(ratios))


_TUNED = "nginx, eight buffers of 128 KiB"


def _nginx(nginx: Nginx, key: str) -> tuple[int, str, Callable[[], float]]:
    return nginx.port, f"/{key}", nginx.processor


def _memory(board: Board, streams: int) -> None:
    """A third of them stalled, a third throttled, a third as fast as one reader takes in turn; in a new process, whose
    memory nobody has used before."""
    with place() as found:
        path = found.show(found.add(1024 * MEBIBYTE), "video", "video/mp4")
        warm = Reader(found.port, found.show(found.add(16 * MEBIBYTE), "video", "video/mp4"))
        warm.finish()
        warm.close()
        before = found.resident()
        readers = [Reader(found.port, path, _WINDOW) for _ in range(streams)]
        throttled = Throttled(readers[0::3], _PACE)
        fast = Throttled(readers[1::3], _PACE * 8)
        throttled.start()
        fast.start()
        try:
            most = before
            for _ in range(10):
                settled(found.processor, 0.5)
                most = max(most, found.resident())
            running = found.streams()
        finally:
            throttled.end()
            fast.end()
            for reader in readers:
                reader.close()
        note = f"{running} running, {before / MEBIBYTE:.0f} MiB without any, {most / MEBIBYTE:.0f} at most"
        each = (most - before) / MEBIBYTE / streams
        board.at_most(PART, f"memory of each of {streams} streams", each, "MiB", STREAM_MEGABYTES, note)
