"""The handle of the loader: a process that is many viewers (viewers.py)."""

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.bench.fanout.servers import Server
from tests.processes import ROOT

# Above this share of one core the loader, not the server, would set the pace.
SATURATED = 0.85


@dataclass(frozen=True, slots=True)
class Arrived:
    """`last`: when the last viewer had each event (monotonic nanoseconds). `share`: the loader's own, of one core."""

    last: list[int]
    share: float


class Loader:
    """Commands go in as lines of JSON, one answer comes for each."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def connect(self, server: Server, count: int, **more: Any) -> dict[str, Any]:
        """Connect `count` viewers and wait until all have their RECEIPT; see `viewers.Viewers.connect`."""
        host, port = server.viewers
        return self._ask("connect", host=host, port=port, path=server.path, count=count, **more)

    def expect(self, count: int, first: int, within: float) -> None:
        """Begin to read; `arrived` tells the end of it."""
        self._say("expect", count=count, first=first, within=within)

    def arrived(self) -> Arrived:
        """Wait until every viewer has every event. Ends the bench when one is missing, repeated or out of order."""
        answer = self._hear()
        return Arrived(answer["last"], answer["share"])

    def idle(self, seconds: float) -> float:
        """Only beat, and read beats; the loader's share of a core."""
        return self._ask("idle", seconds=seconds)["share"]

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        return self._ask(command, **arguments)

    def say(self, command: str, **arguments: Any) -> None:
        self._say(command, **arguments)

    def hear(self) -> dict[str, Any]:
        return self._hear()

    def _ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        self._say(command, **arguments)
        return self._hear()

    def _say(self, command: str, **arguments: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"command": command, **arguments}) + "\n")
        self._process.stdin.flush()

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("the loader ended")
        answer = json.loads(line)
        if "failed" in answer:
            raise SystemExit(f"FAILED: {answer['failed']}")
        return answer


@contextmanager
def loading() -> Generator[Loader]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.fanout.viewers"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Loader(process)
    finally:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
