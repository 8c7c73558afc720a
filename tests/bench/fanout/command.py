"""`script/bench fanout [--quick] [--draw FILE] [PART…]`."""

from collections.abc import Sequence

from tests.bench.fanout.coming import coming
from tests.bench.fanout.deliveries import costs
from tests.bench.fanout.idle import idle
from tests.bench.fanout.plot import draw
from tests.bench.fanout.stalled import stalled
from tests.bench.fanout.storm import storm
from tests.bench.fanout.upstream import far, restarts
from tests.bench.parts import Bench

_BENCH = Bench(
    name="fanout",
    parts={
        "costs": (costs, "core-seconds per million deliveries and delays: floor, relay, ActiveMQ; single and burst"),
        "stalled": (stalled, "one viewer in twenty never reads"),
        "idle": (idle, "memory and heart-beats of viewers that wait, at 4,000 and 16,000"),
        "coming": (coming, "connections a second"),
        "storm": (storm, "everybody cut every 3 s for a minute"),
        "restarts": (restarts, "the broker killed ten times under load"),
        "far": (far, "the broker 150 ms away"),
    },
    draw=draw,
    descriptors=17_000,  # 16,000 viewers, and a process's own
)


def main(arguments: Sequence[str]) -> None:
    _BENCH.main(arguments)
