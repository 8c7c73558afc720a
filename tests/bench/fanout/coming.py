"""What it costs to let a viewer in: WebSocket handshake, CONNECT, SUBSCRIBE that resumes."""

from tests.bench.board import Board, middle, spread
from tests.bench.fanout import wire
from tests.bench.fanout.loader import SATURATED, loading
from tests.bench.fanout.servers import RELAY, serving

A_SECOND = 1_500.0
VIEWERS = 4_000
_MISSED = 10  # events each viewer has missed and gets at once


def coming(board: Board, *, quick: bool) -> None:
    part = f"{VIEWERS:,} viewers come and resume {_MISSED} events behind"
    costs: list[float] = []
    shares: list[float] = []
    with serving(RELAY) as server, loading() as loader, server.publisher() as publisher:
        publisher.burst(wire.FIRST, 100)
        cursor = f"{wire.EPOCH}-{wire.FIRST + 99 - _MISSED}"
        loader.connect(server, 100)
        loader.ask("disconnect")
        for _ in range(3 if quick else 5):
            before = server.processor()
            came = loader.connect(server, VIEWERS, cursor=cursor, replayed=_MISSED)
            costs.append((server.processor() - before) / VIEWERS)
            shares.append(came["share"])
            loader.ask("disconnect")
    cost = middle(costs)
    board.say(part, "the relay's time for each", cost * 1e6, "µs", spread([one * 1e6 for one in costs]))
    board.at_least(part, "connections a second on one core", 1 / cost, "/s", A_SECOND)
    full = "SATURATED" if max(shares) > SATURATED else ""
    board.say(part, "the loader's own time while they come", max(shares) * 100, "% core", full)
