"""`script/bench fanout [--quick] [--draw FILE] [PART…]`."""

import argparse
import resource
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from tests.bench.fanout import clock
from tests.bench.fanout.board import Board
from tests.bench.fanout.coming import coming
from tests.bench.fanout.deliveries import costs
from tests.bench.fanout.idle import idle
from tests.bench.fanout.joining import Failed
from tests.bench.fanout.plot import draw
from tests.bench.fanout.stalled import stalled
from tests.bench.fanout.storm import storm
from tests.bench.fanout.upstream import far, restarts
from tests.bench.figures import machine


class Part(Protocol):
    def __call__(self, board: Board, *, quick: bool) -> None: ...


PARTS: dict[str, tuple[Part, str]] = {
    "costs": (costs, "core-seconds per million deliveries and delays: floor, relay, ActiveMQ; single and burst"),
    "stalled": (stalled, "one viewer in twenty never reads"),
    "idle": (idle, "memory and heart-beats of viewers that wait, at 4,000 and 16,000"),
    "coming": (coming, "connections a second"),
    "storm": (storm, "everybody cut every 3 s for a minute"),
    "restarts": (restarts, "the broker killed ten times under load"),
    "far": (far, "the broker 150 ms away"),
}
DESCRIPTORS = 17_000  # 16,000 viewers, and a process's own


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="script/bench fanout")
    names = "; ".join(f"{name}: {meaning}" for name, (_, meaning) in PARTS.items())
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"all if none is named. {names}")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="also write the figures as JSON")
    parser.add_argument("--draw", type=Path, metavar="FILE", help="also draw them, as SVG or PNG by its name")
    parser.add_argument("--from", dest="kept", type=Path, metavar="FILE", help="draw what an earlier run kept")
    given = parser.parse_args(arguments)
    unknown = [name for name in given.parts if name not in PARTS]
    if unknown:
        parser.error(f"no part {unknown[0]}; there are {', '.join(PARTS)}")
    if given.kept:
        board = Board.read(given.kept)
        print(board.table())
    else:
        board = _run(given.parts or list(PARTS), quick=given.quick)
    if given.keep:
        board.write(given.keep)
    if given.draw:
        draw(board, given.draw)
    if not board.sound:
        raise SystemExit(1)


def _run(names: Sequence[str], *, quick: bool) -> Board:
    _allow_descriptors()
    board = Board()
    print(f"machine: {machine()}, {clock.load()}\n")
    for name in names:
        try:
            PARTS[name][0](board, quick=quick)
        except Failed as failure:
            board.fail(name, str(failure))
    print(f"\nmachine: {machine()}, {clock.load()}")
    print(board.table())
    return board


def _allow_descriptors() -> None:
    """For the loader and the servers, which inherit it."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < DESCRIPTORS:
        raise SystemExit(f"16,000 viewers need {DESCRIPTORS} descriptors; raise `ulimit -Hn` from {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS if hard == resource.RLIM_INFINITY else hard, hard))
