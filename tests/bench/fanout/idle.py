"""Viewers that only wait: their memory and what their heart-beats cost."""

from tests.bench.board import Board
from tests.bench.fanout import wire
from tests.bench.fanout.loader import loading
from tests.bench.fanout.servers import RELAY, serving

CROWDS = (4_000, 16_000)
BEAT = 10.0
KILOBYTES = 4.0
PROCESSOR = 2.0  # % of a core, at the first of the crowds
_FIRST_FEW = 200  # so that what every process needs once is there


def idle(board: Board, *, quick: bool) -> None:
    for viewers in CROWDS[:1] if quick else CROWDS:
        _crowd(board, viewers, seconds=20 if quick else 60)


def _crowd(board: Board, viewers: int, seconds: float) -> None:
    part = f"{viewers:,} idle viewers, heart-beats every {BEAT:g} s both ways"
    with serving(RELAY) as server, loading() as loader, server.publisher() as publisher:
        publisher.burst(wire.FIRST, 1)
        loader.connect(server, _FIRST_FEW, beat=BEAT)
        before = server.resident()
        loader.connect(server, viewers, beat=BEAT)
        loader.idle(BEAT)
        grown = server.resident() - before
        used = server.processor()
        share = loader.idle(seconds)
        used = server.processor() - used
        later = server.resident() - before
    board.at_most(part, f"memory of a viewer at {viewers:,}", grown / viewers / 1024, "KB", KILOBYTES, "resident (PSS)")
    board.say(part, f"the same {seconds:g} s later", later / viewers / 1024, "KB")
    label, value = f"the relay's time at {viewers:,} idle", used / seconds * 100 * viewers / (viewers + _FIRST_FEW)
    if viewers == CROWDS[0]:
        board.at_most(part, label, value, "% core", PROCESSOR)
    else:
        board.say(part, label, value, "% core")
    board.say(part, f"the loader's own time at {viewers:,} idle", share * 100, "% core")
