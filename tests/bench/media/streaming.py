"""What a gigabyte costs through the relay, beside nginx in front of the same origin; and what streams hold."""

from collections.abc import Callable

from tests.bench.board import Board, middle, spread
from tests.bench.media.place import at_origin
from tests.bench.media.proxies import proxy
from tests.bench.media.readers import Reader, Throttled, settled

PART = "streaming"
RELAY, TUNED, DEFAULT = "relay", "nginx, eight buffers of 128 KiB", "nginx, its default buffers"
RATIO = 1.6  # of the well-tuned nginx; issue 5 §6
STREAM_MEGABYTES = 1.0
MEBIBYTE = 1 << 20
CROWDS = (1, 16, 64, 128)
RATIO_NAME = "relay against the well-tuned nginx"
_PACE = 1 << 20  # bytes a second of a throttled reader
_WINDOW = 64 * 1024  # of readers that are slow: what is held is held by the server
_LONG, _SHORT = 256 * MEBIBYTE, 16 * MEBIBYTE  # more than a reader takes in that time; enough to warm up
_LOOKS = 10  # at the memory, half a second apart


def cost_name(contender: str) -> str:
    return f"processor per GiB: {contender}"


def memory_name(contender: str, streams: int) -> str:
    return f"memory of each of {streams} streams: {contender}"


def streaming(board: Board, *, quick: bool) -> None:
    """`quick`: a quarter of the bytes in fewer rounds, and without 16 and 64 streams."""
    _costs(board, (256 if quick else 1024) * MEBIBYTE, rounds=3 if quick else 5)
    for streams in CROWDS if not quick else (CROWDS[0], CROWDS[-1]):
        _memory(board, streams)


def _costs(board: Board, length: int, rounds: int) -> None:
    with at_origin() as (place, origin):
        key = origin.add(length)
        path = place.show(key, "video", "video/mp4", length)
        folder, port = place.folder, origin.nginx.port
        with proxy(folder / "tuned", port, tuned=True) as tuned, proxy(folder / "default", port, tuned=False) as plain:
            contenders: dict[str, tuple[int, str, Callable[[], float]]] = {
                RELAY: (place.port, path, place.processor),
                TUNED: (tuned.port, origin.path(key), tuned.processor),
                DEFAULT: (plain.port, origin.path(key), plain.processor),
            }
            seconds: dict[str, list[float]] = {name: [] for name in contenders}
            for _ in range(rounds):
                # each in turn, so that what else the machine does meets all of them
                for name, (at, address, processor) in contenders.items():
                    before = processor()
                    _read(at, address)
                    seconds[name].append((processor() - before) * 1024 * MEBIBYTE / length)
    for name, values in seconds.items():
        board.say(PART, cost_name(name), middle(values), "s", spread(values))
    ratios = [ours / theirs for ours, theirs in zip(seconds[RELAY], seconds[TUNED], strict=True)]
    board.at_most(PART, RATIO_NAME, middle(ratios), "", RATIO, spread(ratios))


def _memory(board: Board, streams: int) -> None:
    """Relay and nginx as new processes, whose memory nobody has used before."""
    with at_origin() as (place, origin), proxy(place.folder / "tuned", origin.nginx.port, tuned=True) as nginx:
        key, warm = origin.add(_LONG), origin.add(_SHORT)
        path = place.show(key, "video", "video/mp4", _LONG)
        _read(place.port, place.show(warm, "video", "video/mp4", _SHORT))
        before, most, running = _held(place.port, path, streams, place.processor, place.resident, place.streams)
        note = f"{running} running, {before:.0f} MiB without any, {most:.0f} at most"
        board.at_most(PART, memory_name(RELAY, streams), (most - before) / streams, "MiB", STREAM_MEGABYTES, note)
        _read(nginx.port, origin.path(warm))
        held = _held(nginx.port, origin.path(key), streams, nginx.processor, nginx.resident, lambda: streams)
        before, most, _ = held
        note = f"{before:.0f} MiB without any, {most:.0f} at most"
        board.say(PART, memory_name(TUNED, streams), (most - before) / streams, "MiB", note)


def _held(
    port: int,
    path: str,
    streams: int,
    processor: Callable[[], float],
    resident: Callable[[], int],
    running: Callable[[], int],
) -> tuple[float, float, int]:
    """MiB before and at most while there are streams, and how many ran at the end: a third throttled, a third as fast
    as one reader takes in turn, a third stalled."""
    before = most = resident()
    readers = [Reader(port, path, _WINDOW) for _ in range(streams)]
    throttled = Throttled(readers[0::3], _PACE)
    fast = Throttled(readers[1::3], _PACE * 8)
    throttled.start()
    fast.start()
    try:
        for _ in range(_LOOKS):
            settled(processor, 0.5)
            most = max(most, resident())
        count = running()
    finally:
        throttled.end()
        fast.end()
        for reader in readers:
            reader.close()
    return before / MEBIBYTE, most / MEBIBYTE, count


def _read(port: int, path: str) -> None:
    reader = Reader(port, path)
    reader.finish()
    reader.close()
