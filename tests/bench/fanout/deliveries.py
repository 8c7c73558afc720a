"""What a delivery costs and how long it takes: floor, relay and ActiveMQ's ws, round about, in one run."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from tests.bench.board import Board, Failed, middle, spread
from tests.bench.fanout import wire
from tests.bench.fanout.loader import SATURATED, Arrived, Loader, loading
from tests.bench.fanout.publisher import Publisher
from tests.bench.fanout.servers import ACTIVEMQ, FLOOR, RELAY, Server, serving
from tests.bench.figures import percentile

# viewers, events a second; what the relay may cost in floors; how much less than ActiveMQ
LOADS = ((1_000, 20.0), (4_000, 10.0))
SINGLE_FLOORS, SINGLE_ACTIVEMQ = 1.15, 4.0
BURST, BURST_CORE_SECONDS, BURST_ACTIVEMQ = 200, 0.9, 35.0
P99_MS = 45.0
OVERTAKEN = 2.0  # %
ACTIVEMQ_ROUNDS = 2
_WITHIN = 120.0  # seconds for what was published to arrive everywhere; ActiveMQ needs some of them
# ActiveMQ gets its events so much more seldom: at the full rate it needs more than this machine has, and falls behind.
ACTIVEMQ_SLOWER = 4
_WARM = 40  # events before the first figure
_WARM_JVM = 100  # a JVM compiles meanwhile
# As the page does: seconds between beats, for ActiveMQ's ws cuts who says nothing for 30 s; and seconds before CONNECT,
# for one that comes while it still makes the connection leaves its login timer running, which cuts it after 30 s.
_AS_ACTIVEMQ_NEEDS = {"beat": 10.0, "pause": 0.5}


@dataclass(slots=True)
class Wall:
    """A server with its viewers, and where its events stand."""

    server: Server
    loader: Loader
    publisher: Publisher
    viewers: int
    seq: int = wire.FIRST
    singles: list[float] = field(default_factory=list[float])  # core-seconds per million deliveries
    bursts: list[float] = field(default_factory=list[float])
    delays: list[float] = field(default_factory=list[float])  # publish to last viewer, ms
    shares: list[float] = field(default_factory=list[float])  # the loader's, of a core
    overtaken: int = 0  # events published before everybody had the one before; a busy relay writes such together

    def paced(self, count: int, rate: float, *, keep: bool = True) -> list[float]:
        """Publish at a rate; each event's way to its last viewer in ms."""
        self.loader.expect(count, self.seq, count / rate + _WITHIN)
        before = self.server.processor()
        sent = self.publisher.pace(self.seq, count, rate)
        arrived = self._arrived()
        used = self.server.processor() - before
        self.seq += count
        delays = [(last - at) / 1e6 for last, at in zip(arrived.last, sent, strict=True)]
        if keep:
            self.singles.append(used / (count * self.viewers) * 1e6)
            self.shares.append(arrived.share)
            self.delays.extend(delays)
            self.overtaken += sum(delay > 1000 / rate for delay in delays)
        return delays

    def burst(self) -> None:
        """Publish many at once; reading as fast as it can, the loader takes what it takes."""
        self.loader.expect(BURST, self.seq, _WITHIN)
        before = self.server.processor()
        self.publisher.burst(self.seq, BURST)
        self._arrived()
        self.bursts.append((self.server.processor() - before) / (BURST * self.viewers) * 1e6)
        self.seq += BURST

    def _arrived(self) -> Arrived:
        try:
            return self.loader.arrived()
        except Failed as failure:
            raise Failed(f"{self.server.name}: {failure}") from failure


@contextmanager
def wall(name: str, viewers: int, **more: float) -> Generator[Wall]:
    """A server of its own with `viewers` viewers, warm."""
    with serving(name) as server, loading() as loader, server.publisher() as publisher:
        publisher.burst(wire.FIRST, 1)  # at ActiveMQ only a service makes a topic
        loader.connect(server, viewers, **(_AS_ACTIVEMQ_NEEDS if name == ACTIVEMQ else {}), **more)
        made = Wall(server, loader, publisher, viewers, seq=wire.FIRST + 1)
        if name == ACTIVEMQ:
            made.paced(_WARM_JVM, 10_000 / viewers, keep=False)
        else:
            made.paced(_WARM, 20.0, keep=False)
        yield made


def costs(board: Board, *, quick: bool) -> None:
    """Every load, with floor and relay in turns, and ActiveMQ after them."""
    for viewers, rate in LOADS:
        _cost(board, viewers, rate, rounds=8 if quick else 5, seconds=2 if quick else 20)


def _cost(board: Board, viewers: int, rate: float, *, rounds: int, seconds: int) -> None:
    part = f"{viewers:,} viewers, {rate:g} events of 1 KB a second"
    bursts = viewers == LOADS[0][0]
    with ExitStack() as stack:
        walls = {name: stack.enter_context(wall(name, viewers)) for name in (FLOOR, RELAY)}
        # each goes first as often as second
        turns = [list(walls.values())[:: -1 if turn % 2 else 1] for turn in range(rounds)]
        for turn in turns:
            for one in turn:
                one.paced(round(rate * seconds), rate)
            # between the rounds, so that what a burst leaves behind is paid for by the single deliveries after it
            for one in turn if bursts else ():
                one.burst()
    try:
        with wall(ACTIVEMQ, viewers) as one:
            walls[ACTIVEMQ] = one
            for _ in range(ACTIVEMQ_ROUNDS):
                one.paced(round(rate * seconds / ACTIVEMQ_SLOWER), rate / ACTIVEMQ_SLOWER)
            for _ in range(ACTIVEMQ_ROUNDS if bursts else 0):
                one.burst()
    except Failed as failure:
        # it cuts whom it finds slow (activemq.xml); what it did until then counts, and the floor's and the relay's
        board.fail(part, str(failure))
        if ACTIVEMQ in walls and not (walls[ACTIVEMQ].singles and (walls[ACTIVEMQ].bursts or not bursts)):
            del walls[ACTIVEMQ]
    _say_singles(board, part, walls)
    if bursts:
        _say_bursts(board, f"burst of {BURST} to {viewers:,} viewers", walls)


def _say_singles(board: Board, part: str, walls: dict[str, Wall]) -> None:
    floor, relay, activemq = walls[FLOOR], walls[RELAY], walls.get(ACTIVEMQ)
    size = f"{relay.viewers:,}"
    for name, one in walls.items():
        board.say(part, f"{name}, core-s per million at {size}", middle(one.singles), "core-s", spread(one.singles))
    ratios = [a / b for a, b in zip(relay.singles, floor.singles, strict=True)]
    board.at_most(part, f"relay, in floors at {size}", middle(ratios), "times", SINGLE_FLOORS, spread(ratios))
    overtaken = relay.overtaken / len(relay.delays) * 100
    busy = "BUSY MACHINE: the relay wrote several at once, which flatters it" if overtaken > OVERTAKEN else ""
    board.say(part, f"relay, events that found one still under way at {size}", overtaken, "%", busy)
    if activemq is not None:
        better = middle(activemq.singles) / middle(relay.singles)
        board.at_least(part, f"ActiveMQ's cost, in relays at {size}", better, "times", SINGLE_ACTIVEMQ)
    for name, one in walls.items():
        board.say(part, f"{name}, publish to last viewer p50 at {size}", percentile(one.delays, 0.5), "ms")
        label, p99 = f"{name}, publish to last viewer p99 at {size}", percentile(one.delays, 0.99)
        if name == RELAY and relay.viewers == LOADS[-1][0]:
            board.at_most(part, label, p99, "ms", P99_MS)
        else:
            board.say(part, label, p99, "ms")
        share = max(one.shares)
        full = "SATURATED: the loader sets the pace, not the server" if share > SATURATED else ""
        board.say(part, f"{name}, the loader's own time at {size}", share * 100, "% core", full)


def _say_bursts(board: Board, part: str, walls: dict[str, Wall]) -> None:
    floor, relay, activemq = walls[FLOOR], walls[RELAY], walls.get(ACTIVEMQ)
    board.say(part, "floor, core-s per million in a burst", middle(floor.bursts), "core-s", spread(floor.bursts))
    cost = middle(relay.bursts)
    name = "relay, core-s per million in a burst"
    board.at_most(part, name, cost, "core-s", BURST_CORE_SECONDS, spread(relay.bursts))
    if activemq is None:
        return
    name = "activemq, core-s per million in a burst"
    board.say(part, name, middle(activemq.bursts), "core-s", spread(activemq.bursts))
    better = middle(activemq.bursts) / cost
    board.at_least(part, "ActiveMQ's cost, in relays in a burst", better, "times", BURST_ACTIVEMQ)
