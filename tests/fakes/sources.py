"""A network in memory: its sweeps follow a script, its pictures come from a table."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ingest.sources.base import Checkpoint, Page
from wall.errors import FetchRefused, SourceError

# what a sweep does next: give a page, fail, or wait until the test lets it go on
Step = Page | Exception | asyncio.Event


@dataclass
class ScriptedNetwork:
    """`script` has the coming sweeps of each query; one that has none finds nothing, and is due again in an hour.

    `swept` are the queries and the checkpoints they began with, `open` counts sweeps under way. `pictures` has bytes
    and errors by origin; one with a gate breaks off in the middle until its gate is opened.
    """

    network: str = "scripted"
    keeps_originals: bool = True
    script: dict[str, list[Sequence[Step]]] = field(default_factory=lambda: defaultdict(list))
    refusals: dict[str, SourceError] = field(default_factory=dict[str, SourceError])
    pictures: dict[str, bytes | Exception] = field(default_factory=dict[str, bytes | Exception])
    gates: dict[str, asyncio.Event] = field(default_factory=dict[str, asyncio.Event])
    swept: list[tuple[str, Checkpoint]] = field(default_factory=list[tuple[str, Checkpoint]])
    fetched: list[str] = field(default_factory=list[str])
    open: int = 0

    def check_query(self, query: str) -> None:
        if query in self.refusals:
            raise self.refusals[query]

    async def sweep(self, query: str, checkpoint: Checkpoint) -> AsyncGenerator[Page]:
        self.swept.append((query, checkpoint))
        self.open += 1
        try:
            steps = self.script[query].pop(0) if self.script[query] else (Page(checkpoint=checkpoint, next_in=3600),)
            for step in steps:
                if isinstance(step, asyncio.Event):
                    await step.wait()
                elif isinstance(step, Page):
                    yield step
                else:
                    raise step
        finally:
            self.open -= 1

    async def fetch(self, origin: str, target: Path) -> None:
        self.fetched.append(origin)
        if origin in self.gates:
            # a host that has begun to deliver
            await asyncio.to_thread(target.write_bytes, b"half of it")
            await self.gates[origin].wait()
        found = self.pictures.get(origin, FetchRefused("There is no such picture."))
        if isinstance(found, Exception):
            raise found
        await asyncio.to_thread(target.write_bytes, found)

    async def close(self) -> None:
        return
