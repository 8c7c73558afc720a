"""Writes events to a catalogue as ingest does, and publishes them with the product's own publisher: a process.

Reads from stdin: a line with the number of events a second starts it, the next line stops it, and the end of the input
ends it. Prints the wall's cursor at both ends as JSON, the second time when the broker has confirmed everything. What
it needs to know stands in the environment, as it holds a password.
"""

import asyncio
import json
import os
import sys
from datetime import datetime

import structlog
import uvloop

from tests.bench.fanout import wire
from wall.broker.address import BrokerAddress
from wall.broker.publisher import WINDOW, Publisher
from wall.catalogue import Catalogue
from wall.catalogue.walls import append_event, lock_wall
from wall.events import Event
from wall.posts import Author, Post

_TRANSACTIONS = 20.0  # a second
_CONFIRMED_WITHIN = 60.0


async def main() -> None:
    catalogue = Catalogue(os.environ["FEED_DATABASE"])
    host, _, port = os.environ["FEED_BROKER"].rpartition(":")
    address = BrokerAddress(
        hosts=((host, int(port)),), user=os.environ["FEED_USER"], password=os.environ["FEED_PASSWORD"]
    )
    await catalogue.migrate()
    await catalogue.walls.add(wire.WALL, "Bench")
    publishing = asyncio.create_task(Publisher(catalogue, address, "bench").run())
    await _say(catalogue)
    loop = asyncio.get_running_loop()
    rate = float(await loop.run_in_executor(None, sys.stdin.readline))
    stop = loop.run_in_executor(None, sys.stdin.readline)
    began, written, widest = loop.time(), 0, 0
    while not stop.done():
        count = int((loop.time() - began) * rate) - written
        if count > 0:
            await _append(catalogue, count)
            written += count
            wall = await catalogue.walls.get(wire.WALL)
            widest = max(widest, wall.seq - wall.confirmed)
        await asyncio.sleep(1 / _TRANSACTIONS)
    reached = written / (loop.time() - began)
    with catalogue.changed.listen() as listener:
        async with asyncio.timeout(_CONFIRMED_WITHIN):
            while (wall := await catalogue.walls.get(wire.WALL)).confirmed < wall.seq:
                await listener.wait(1 / _TRANSACTIONS)
    await _say(catalogue, rate=reached, widest=widest, window=WINDOW)
    # the publisher's heads go on: by them a relay that was away learns what it has missed
    await loop.run_in_executor(None, sys.stdin.read)
    publishing.cancel()
    await asyncio.gather(publishing, return_exceptions=True)
    await catalogue.close()


async def _append(catalogue: Catalogue, count: int) -> None:
    """Events of 1 KB in one transaction, as a search's finds are written."""
    async with catalogue.database.writing() as connection:
        for _ in range(count):
            wall = await lock_wall(connection, wire.WALL)
            # each of a post of its own: no later one supersedes it, so the slowest viewer is owed all of them
            at, seq = catalogue.now(), wall.seq + 1
            post = _post(f"post-{seq}", at)
            await append_event(
                connection,
                Event(wall=wire.WALL, epoch=wall.epoch, seq=seq, kind="published", at=at, post=post),
            )
    catalogue.changed.fire()


def _post(name: str, at: datetime) -> Post:
    """One whose event is of about 1 KB."""
    return Post(
        id=name,
        revision=1,
        source="bench",
        url=None,
        author=Author(name="Bench", handle="bench"),
        text="x" * 666,
        created=at,
        received=at,
        ready=at,
        media=(),
    )


async def _say(catalogue: Catalogue, **more: float) -> None:
    wall = await catalogue.walls.get(wire.WALL)
    print(json.dumps({"epoch": wall.epoch, "seq": wall.seq, **more}), flush=True)


if __name__ == "__main__":
    # troubles of the broker are what it is here for; standard output belongs to the answers
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
