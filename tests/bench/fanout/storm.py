"""Everybody cut at once, and again every 3 s for a minute, while events are published."""

import threading
import time

from tests.bench.board import Board
from tests.bench.fanout import wire
from tests.bench.fanout.loader import loading
from tests.bench.fanout.servers import RELAY, serving

RATE = 20.0
EVERY = 3.0
BACK_WITHIN = 10.0
# Seconds after the last cut: a machine that others keep busy is slow, but must not be wrong.
_GIVEN_UP = 180.0


def storm(board: Board, *, quick: bool) -> None:
    viewers, cuts = (1_000, 5) if quick else (4_000, 20)
    part = f"storm: {viewers:,} viewers cut {cuts} times, every {EVERY:g} s, {RATE:g} events a second"
    with serving(RELAY) as server, loading() as loader, server.publisher() as publisher:
        publisher.burst(wire.FIRST, 1)
        host, port = server.viewers
        loader.say(
            "watch",
            host=host,
            port=port,
            path=server.path,
            count=viewers,
            epoch=wire.EPOCH,
            after=wire.FIRST,
            cuts=cuts,
            every=EVERY,
            within=_GIVEN_UP,
        )
        loader.hear()
        before, began = server.processor(), time.monotonic()
        count = round(RATE * (EVERY * (cuts + 1) + 2))
        publishing = threading.Thread(target=publisher.pace, args=(wire.FIRST + 1, count, RATE))
        publishing.start()
        loader.say("until", seq=wire.FIRST + count)
        seen = loader.hear()
        publishing.join()
        used, wall = server.processor() - before, time.monotonic() - began
    board.say(part, "connections", seen["joined"], "")
    board.at_most(part, "all back after the last cut", seen["back"], "s", BACK_WITHIN)
    board.at_least(part, "resumed with all they had missed", seen["recovered"], "", seen["joined"])
    board.at_most(part, "told that they could not resume", seen["unrecovered"], "", 0)
    board.at_most(part, "gap marks", seen["gaps"], "", 0)
    board.at_most(part, "gaps, repeats and false `recovered`", 0, "", 0, "the first one ends this part")
    board.say(part, "the relay's time meanwhile", used / wall * 100, "% core")
    board.say(part, "the loader's own time meanwhile", seen["share"] * 100, "% core")
