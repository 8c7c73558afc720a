"""The relay behind a real ActiveMQ: killed again and again under load, and far away.

The relay is `frieze relay`; the events are written to a catalogue (SQLite) and published as ingest does.
"""

import json
import tempfile
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.board import Board, Failed
from tests.bench.child import Child, child
from tests.bench.fanout.loader import Loader, loading
from tests.bench.figures import percentile
from tests.integration.activemq import SERIES_5, ActiveMQ, boot
from tests.postgres import free_port
from tests.processes import Frieze, frieze

RATE = 20.0
KILLS = 10
_BETWEEN = 3.0  # seconds of peace between a restart and the next kill
_DOWN = 0.5
_CAUGHT_UP_WITHIN = 60.0
FAR_RATE = 200.0
FAR_TRIP = 0.150  # seconds, there and back


@dataclass(frozen=True, slots=True)
class Chain:
    """Catalogue → publisher → ActiveMQ → relay → viewers."""

    broker: ActiveMQ
    relay: Frieze
    port: int
    feed: Child
    loader: Loader
    epoch: str
    seq: int

    def watch(self, viewers: int) -> None:
        """Have viewers join where the wall is now and check every event from here on."""
        self.loader.say(
            "watch",
            host="127.0.0.1",
            port=self.port,
            path="/stomp",
            count=viewers,
            epoch=self.epoch,
            after=self.seq,
            within=_CAUGHT_UP_WITHIN,
        )
        self.loader.hear()

    def finish(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Stop writing; what the publisher and what the viewers have to say when all have all."""
        self.feed.say("stop")
        fed = json.loads(self.feed.hear())
        self.loader.say("until", seq=fed["seq"])
        return fed, self.loader.hear()


@contextmanager
def chain(delay: float = 0.0) -> Generator[Chain]:
    """All of it; `delay`: seconds one way between the broker and both who talk to it."""
    with tempfile.TemporaryDirectory(prefix="frieze-bench-") as root:
        folder = Path(root)
        broker, end = boot(folder / "broker", SERIES_5)
        try:
            host, port = broker.stomp
            with ExitStack() as stack:
                if delay:
                    host, port = "127.0.0.1", int(stack.enter_context(child("far", host, str(port), str(delay))).hear())
                yield stack.enter_context(_behind(folder, broker, f"{host}:{port}"))
        finally:
            end()


@contextmanager
def _behind(folder: Path, broker: ActiveMQ, address: str) -> Generator[Chain]:
    port = free_port()
    settings = {
        "FRIEZE_DATA": str(folder / "data"),
        "FRIEZE_PORT": str(port),
        "FRIEZE_BROKER_URL": f"stomp://{address}",
        "FRIEZE_BROKER_USER": broker.user,
        "FRIEZE_BROKER_PASSWORD": broker.password,
    }
    (folder / "data").mkdir(mode=0o700)
    feeding = {
        "FEED_DATABASE": f"sqlite:{folder / 'data' / 'catalogue.db'}",
        "FEED_BROKER": address,
        "FEED_USER": broker.user,
        "FEED_PASSWORD": broker.password,
    }
    with (
        child("feeding", settings=feeding) as feed,
        frieze("relay", settings=settings, folder=folder) as relay,
        loading() as loader,
    ):
        cursor = json.loads(feed.hear())
        relay.until_ready(f"http://127.0.0.1:{port}", 90)
        try:
            yield Chain(broker, relay, port, feed, loader, cursor["epoch"], cursor["seq"])
        except Failed:
            print(f"the relay's log:\n{relay.log[-4000:]}")
            raise


def restarts(board: Board, *, quick: bool) -> None:
    """The broker is killed under load, ten times; every viewer has every event once, in order."""
    viewers, kills = (1_000, 3) if quick else (4_000, KILLS)
    part = f"upstream killed {kills} times, {viewers:,} viewers, {RATE:g} events a second"
    with chain() as one:
        one.watch(viewers)
        before = _given_up()
        one.feed.say(str(RATE))
        for _ in range(kills):
            time.sleep(_BETWEEN)
            one.broker.kill()
            time.sleep(_DOWN)
            one.broker.start()
        time.sleep(_BETWEEN)
        fed, seen = one.finish()
    board.say(part, "events published", fed["seq"] - one.seq, "")
    board.at_most(part, "gap marks at any viewer", seen["gaps"], "", 0)
    board.at_most(part, "holes and repeats at any viewer", 0, "", 0, "the first one ends this part")
    board.at_most(part, "connections the kernel gave up for lack of time", _given_up() - before, "", 0)
    board.say(part, "slowest event, written to seen, p99", percentile(seen["lags"], 0.99) * 1000, "ms", "broker away")


def _given_up() -> int:
    """How many TCP connections this kernel has ended by itself so far because nothing was confirmed in time."""
    lines = [line.split() for line in Path("/proc/net/netstat").read_text().splitlines()]
    counts = {
        name: int(count)
        for names, values in zip(lines[::2], lines[1::2], strict=True)
        for name, count in zip(names[1:], values[1:], strict=True)
    }
    return counts["TCPAbortOnTimeout"]


def far(board: Board, *, quick: bool) -> None:
    """200 events a second through a broker that is 150 ms away."""
    seconds = 10 if quick else 30
    part = f"upstream {FAR_TRIP * 1000:g} ms away (there and back, by a delaying proxy)"
    with chain(FAR_TRIP / 2) as one:
        one.watch(10)
        one.feed.say(str(FAR_RATE))
        time.sleep(seconds)
        fed, seen = one.finish()
    lags = seen["lags"]
    third = max(len(lags) // 3, 1)
    early, late = percentile(lags[:third], 0.5), percentile(lags[-third:], 0.5)
    board.at_least(part, "events a second at every viewer", fed["rate"], "/s", FAR_RATE * 0.95)
    board.say(part, "written to seen, p50 of the first third", early * 1000, "ms")
    # behind is behind: what waits would grow from third to third
    board.at_most(part, "written to seen, p50 of the last third", late * 1000, "ms", early * 1000 * 1.5 + 100)
    board.say(part, "publisher's window", fed["window"], "events", "unconfirmed at once")
    board.say(part, "most events written and not yet confirmed", fed["widest"], "events")
