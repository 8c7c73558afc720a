"""`script/bench media [--quick] [--keep FILE] [PART…]`."""

import argparse
import resource
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from tests.bench.fanout import clock
from tests.bench.fanout.board import Board
from tests.bench.fanout.joining import Failed
from tests.bench.figures import machine
from tests.bench.media.herd import herd
from tests.bench.media.streaming import streaming


class Part(Protocol):
    def __call__(self, board: Board, *, quick: bool) -> None: ...


PARTS: dict[str, tuple[Part, str]] = {
    "streaming": (streaming, "a gigabyte through the relay beside nginx; memory of 1 to 128 streams"),
    "herd": (herd, "a cached thumbnail beside nginx; 4,000 viewers who ask for a new one at once"),
}
DESCRIPTORS = 5_000  # 4,000 viewers, and a process's own


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="script/bench media")
    names = "; ".join(f"{name}: {meaning}" for name, (_, meaning) in PARTS.items())
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"all if none is named. {names}")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="also write the figures as JSON")
    given = parser.parse_args(arguments)
    unknown = [name for name in given.parts if name not in PARTS]
    if unknown:
        parser.error(f"no part {unknown[0]}; there are {', '.join(PARTS)}")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS if hard == resource.RLIM_INFINITY else hard, hard))
    board = Board()
    print(f"machine: {machine()}, {clock.load()}\n")
    for name in given.parts or PARTS:
        try:
            PARTS[name][0](board, quick=given.quick)
        except Failed as failure:
            board.fail(name, str(failure))
    print(f"\nmachine: {machine()}, {clock.load()}")
    print(board.table())
    if given.keep:
        board.write(given.keep)
    if not board.sound:
        raise SystemExit(1)
