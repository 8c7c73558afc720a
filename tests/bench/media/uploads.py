"""What guests cost on their way in: processor, memory, and the wait for the answer. To disk, and to a real Swift."""

import hashlib
import secrets
import time

from tests.bench.board import Board, middle, spread
from tests.bench.figures import percentile
from tests.bench.media.guests import PIECE, Group, Pacing, Sending, picture
from tests.bench.media.place import Place, at_disk, at_swift
from tests.bench.media.readers import settled
from tests.fakes.waiting import until_blocking

PART = "uploads"
MEBIBYTE = 1 << 20
GUESTS = 64  # at once: as many as the relay has slots
_FILE = 64 * MEBIBYTE  # below what would go straight to a store that signs
_SMALL = 19_000_000  # below what three quarters of the slots are for
_WAITED_FOR = 4 * MEBIBYTE  # a phone's photograph
_LAST = 1024  # bytes that come after all others
_FAST, _SLOW = 2 << 20, 64 << 10  # bytes a second
# docs/limits.md: a mebibyte between guest and store, and 320 KiB that the HTTP server reads at once
_EACH = 1 + 320 / 1024
_LOOKS = 12  # at the memory, half a second apart
# What each store has hashed on the way: the wall's own hash, and the one the store confirms with.
_DISK, _SWIFT = ("sha256", "sha256"), ("sha256", "md5")


def uploads(board: Board, *, quick: bool) -> None:
    """`quick`: a quarter of the bytes, and fewer rounds."""
    total = (256 if quick else 1024) * MEBIBYTE
    rounds = 10 if quick else 60
    with at_disk() as place:
        _wait(board, "disk", place, rounds)
        _cost(board, "disk", place, total, _DISK)
    with at_disk() as place:
        _warm(place)
        _memory(board, f"{GUESTS} at once to disk", place)
    with at_swift() as (place, _):
        _wait(board, "Swift", place, rounds)
        _cost(board, "Swift", place, total, _SWIFT)
    with at_swift() as (place, _):
        _warm(place)
        _memory(board, f"{GUESTS} at once to Swift", place)
        _over(place)
    with at_swift() as (place, real):
        _warm(place)
        real.swift.stop("proxy")
        try:
            _memory(board, f"{GUESTS} at once to a Swift that stands still", place)
        finally:
            real.swift.go_on("proxy")
        _over(place)


def _wait(board: Board, store: str, place: Place, rounds: int) -> None:
    times: list[float] = []
    for _ in range(rounds):
        sending = Sending(place.port, picture(_WAITED_FOR))
        sending.send(but=_LAST)
        settled(place.processor, every=0.05)  # what came before the last byte is in the store
        began = time.perf_counter()
        sending.send()
        sending.stored()
        times.append((time.perf_counter() - began) * 1000)
        sending.close()
    note = f"{rounds} files of {_WAITED_FOR // MEBIBYTE} MiB"
    board.say(PART, f"last byte to 201, {store}, p50", percentile(times, 0.5), "ms", note)
    board.say(PART, f"last byte to 201, {store}, p95", percentile(times, 0.95), "ms", f"{max(times):.3g} at most")


def _cost(board: Board, store: str, place: Place, total: int, hashes: tuple[str, ...]) -> None:
    costs: list[float] = []
    data = bytearray(picture(_FILE))
    for _ in range(total // _FILE):
        data[-16:] = secrets.token_bytes(16)  # another file
        before = place.processor()
        sending = Sending(place.port, bytes(data))
        sending.send()
        sending.stored()
        sending.close()
        costs.append((place.processor() - before) * 1024 * MEBIBYTE / _FILE)
    board.say(PART, f"processor per GiB to {store}", middle(costs), "s", spread(costs))
    hashing = sum(_hashing(name) for name in hashes)
    note = f"{' and '.join(hashes)}, {hashing:.2f} s by themselves"
    board.say(PART, f"of that hashing, {store}", hashing / middle(costs) * 100, "%", note)


def _hashing(name: str) -> float:
    """Seconds of processor for a GiB, in the pieces that it comes in."""
    piece, count = secrets.token_bytes(PIECE), 128 * MEBIBYTE // PIECE
    digest = hashlib.new(name, usedforsecurity=False)
    before = time.process_time()
    for _ in range(count):
        digest.update(piece)
    return (time.process_time() - before) * 1024 * MEBIBYTE / (count * PIECE)


def _memory(board: Board, what: str, place: Place) -> None:
    """A third as fast as two megabytes a second, a third throttled, a third stopped after a megabyte."""
    before = most = place.resident()
    data = picture(_SMALL)
    files = [Sending(place.port, data) for _ in range(GUESTS)]
    groups = (Group(files[0::3], _SLOW, _SMALL), Group(files[1::3], _FAST, _SMALL), Group(files[2::3], _FAST, MEBIBYTE))
    pacing = Pacing(groups)
    pacing.start()
    running = 0
    try:
        for _ in range(_LOOKS):
            settled(place.processor, 0.5)
            most = max(most, place.resident())
            running = max(running, place.uploads())
    finally:
        pacing.end()
        for sending in files:
            sending.close()
    note = f"{running} running, {before / MEBIBYTE:.0f} MiB without any, {most / MEBIBYTE:.0f} at most"
    board.at_most(PART, f"memory of each of {what}", (most - before) / MEBIBYTE / GUESTS, "MiB", _EACH, note)


def _over(place: Place) -> None:
    """Those that were broken off are rolled back, and then nobody misses this relay and its store."""
    until_blocking(lambda: not place.uploads(), "the relay to roll back what was broken off", 60)


def _warm(place: Place) -> None:
    sending = Sending(place.port, picture(_SMALL))
    sending.send()
    sending.stored()
    sending.close()
