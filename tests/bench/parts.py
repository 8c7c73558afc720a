"""A bench of several parts: `script/bench NAME [--quick] [--keep FILE] [--draw FILE] [--from FILE] [PART…]`."""

import argparse
import resource
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.bench import clock
from tests.bench.board import Board, Failed
from tests.bench.figures import machine
from wall.errors import FriezeError


class Part(Protocol):
    def __call__(self, board: Board, *, quick: bool) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """`parts` by name, each with what it measures, in the order they run. `descriptors`: open files that the bench and
    the servers it starts need at most."""

    name: str
    parts: Mapping[str, tuple[Part, str]]
    draw: Callable[[Board, Path], None]
    descriptors: int

    def main(self, arguments: Sequence[str]) -> None:
        """Run what was asked for. Ends with status 1 where a part found something wrong; a missed target is none."""
        given = self._parse(arguments)
        if given.kept:
            board = Board.read(given.kept)
            print(board.table())
        else:
            board = self._run(given.parts or list(self.parts), quick=given.quick)
        if given.keep:
            board.write(given.keep)
        if given.draw:
            self.draw(board, given.draw)
        if not board.sound:
            raise SystemExit(1)

    def _parse(self, arguments: Sequence[str]) -> argparse.Namespace:
        parser = argparse.ArgumentParser(prog=f"script/bench {self.name}")
        names = "; ".join(f"{name}: {meaning}" for name, (_, meaning) in self.parts.items())
        parser.add_argument("parts", nargs="*", metavar="PART", help=f"all if none is named. {names}")
        parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
        parser.add_argument("--keep", type=Path, metavar="FILE", help="also write the figures as JSON")
        parser.add_argument("--draw", type=Path, metavar="FILE", help="also draw them, as SVG or PNG by its name")
        parser.add_argument("--from", dest="kept", type=Path, metavar="FILE", help="draw what an earlier run kept")
        given = parser.parse_args(arguments)
        unknown = [name for name in given.parts if name not in self.parts]
        if unknown:
            parser.error(f"no part {unknown[0]}; there are {', '.join(self.parts)}")
        return given

    def _run(self, names: Sequence[str], *, quick: bool) -> Board:
        self._allow_descriptors()
        board = Board()
        print(f"machine: {machine()}, {clock.load()}\n")
        for name in names:
            try:
                self.parts[name][0](board, quick=quick)
            except (Failed, FriezeError, AssertionError) as failure:
                # the other parts have their say all the same
                board.fail(name, str(failure))
        print(f"\nmachine: {machine()}, {clock.load()}")
        print(board.table())
        return board

    def _allow_descriptors(self) -> None:
        """For the bench and its servers, which inherit it."""
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if hard != resource.RLIM_INFINITY and hard < self.descriptors:
            raise SystemExit(f"this bench needs {self.descriptors:,} descriptors; raise `ulimit -Hn` from {hard}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (self.descriptors if hard == resource.RLIM_INFINITY else hard, hard))
