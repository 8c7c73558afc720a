"""The handle of the loader: a process that is many viewers (viewers.py)."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.bench.board import Failed
from tests.bench.child import Child, child
from tests.bench.fanout.servers import Server

# Above this share of one core the loader, not the server, would set the pace.
SATURATED = 0.85


@dataclass(frozen=True, slots=True)
class Arrived:
    """`last`: when the last viewer had each event (monotonic nanoseconds). `share`: the loader's own, of one core."""

    last: list[int]
    share: float


class Loader:
    """Commands go in as lines of JSON, one answer comes for each."""

    def __init__(self, process: Child) -> None:
        self._process = process

    def connect(self, server: Server, count: int, **more: Any) -> dict[str, Any]:
        """Connect `count` viewers and wait until all have their RECEIPT; see `viewers.Viewers.connect`."""
        host, port = server.viewers
        return self.ask("connect", host=host, port=port, path=server.path, count=count, **more)

    def expect(self, count: int, first: int, within: float) -> None:
        """Begin to read; `arrived` tells the end of it."""
        self.say("expect", count=count, first=first, within=within)

    def arrived(self) -> Arrived:
        """Wait until every viewer has every event. Raises Failed when one is missing, repeated or out of order."""
        answer = self.hear()
        return Arrived(answer["last"], answer["share"])

    def idle(self, seconds: float) -> float:
        """Only beat, and read beats; the loader's share of a core."""
        return self.ask("idle", seconds=seconds)["share"]

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        self.say(command, **arguments)
        return self.hear()

    def say(self, command: str, **arguments: Any) -> None:
        self._process.say(json.dumps({"command": command, **arguments}))

    def hear(self) -> dict[str, Any]:
        """The answer to the oldest command not yet answered. Raises Failed."""
        answer = json.loads(self._process.hear())
        if "failed" in answer:
            raise Failed(answer["failed"])
        return answer


@contextmanager
def loading() -> Generator[Loader]:
    with child("viewers") as process:
        yield Loader(process)
