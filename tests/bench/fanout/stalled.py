"""One viewer in twenty never reads: what that costs the others."""

from tests.bench import clock
from tests.bench.board import Board, middle, spread
from tests.bench.fanout.deliveries import wall
from tests.bench.fanout.servers import RELAY
from tests.bench.figures import percentile

VIEWERS, STALLED = 3_800, 200
RATE = 10.0
SLOWER = 25.0  # %
PAIRS = 5
# What a stalled viewer may hold beside the kernel: one write that has not gone out (RelaySettings.batch_bytes).
STALLED_KILOBYTES = 256.0


def stalled(board: Board, *, quick: bool) -> None:
    seconds = 5 if quick else 20
    count = round(RATE * seconds)
    part = f"{VIEWERS:,} healthy viewers, with and without {STALLED} that never read, {RATE:g} events a second"
    without: list[float] = []
    beside: list[float] = []
    slower: list[float] = []
    grown: list[float] = []
    queues: list[int] = []
    with wall(RELAY, VIEWERS) as one:
        for _ in range(3 if quick else PAIRS):
            without.append(percentile(one.paced(count, RATE), 0.99))
            one.loader.connect(one.server, STALLED, stalled=STALLED)
            before = one.server.resident()
            beside.append(percentile(one.paced(count, RATE), 0.99))
            queues = sorted(clock.unsent(one.server.viewers[1]))[-STALLED:]
            grown.append((one.server.resident() - before) / STALLED / 1024)
            one.loader.ask("disconnect", stalled=True)
            slower.append((beside[-1] / without[-1] - 1) * 100)
    board.say(part, "publish to last healthy viewer p99 without", middle(without), "ms", spread(without))
    board.say(part, "publish to last healthy viewer p99 with", middle(beside), "ms", spread(beside))
    full = sum(queue > 0 for queue in queues)
    board.at_least(part, "viewers that really were stalled", full, "", STALLED, "unsent bytes in the kernel")
    board.say(part, "the kernel's memory for each, p50", percentile(queues, 0.5) / 1024, "KB")
    board.at_most(part, "slower by", middle(slower), "%", SLOWER, spread(slower))
    board.at_most(part, "memory grown for each stalled viewer", middle(grown), "KB", STALLED_KILOBYTES, spread(grown))
