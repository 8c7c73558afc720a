"""The figures of a run as one picture for the docs, legible on light and on dark pages."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes

from tests.bench.board import Board
from tests.bench.fanout.servers import ACTIVEMQ, FLOOR, RELAY
from tests.bench.picture import BLUE, BROWN, FONT, GREY, calm, picture

_COLOURS = {FLOOR: GREY, RELAY: BLUE, ACTIVEMQ: BROWN}
_NAMES = {FLOOR: "bare writes", RELAY: "Frieze's relay", ACTIVEMQ: "ActiveMQ's ws"}
_BAR = 0.26
_COSTS = (
    ("1,000 viewers\n20/s", "core-s per million at 1,000"),
    ("4,000 viewers\n10/s", "core-s per million at 4,000"),
    ("burst of 200\nto 1,000", "core-s per million in a burst"),
)
_DELAYS = (("p50", "publish to last viewer p50 at 4,000"), ("p99", "publish to last viewer p99 at 4,000"))
_MEMORY = (("4,000\nviewers", "memory of a viewer at 4,000"), ("16,000\nviewers", "memory of a viewer at 16,000"))


def draw(board: Board, path: Path) -> None:
    """Draw what the board has: cost, delay, memory. Parts that have not run leave their place empty."""
    with picture(path, (3, 2, 1.2)) as (sheet, (cost, delay, memory)):
        _bars(cost, board, _COSTS, (FLOOR, RELAY, ACTIVEMQ))
        cost.set_title("core-seconds per million deliveries", loc="left")
        _bars(delay, board, _DELAYS, (FLOOR, RELAY, ACTIVEMQ))
        delay.set_title("publish to last of 4,000 viewers, ms", loc="left")
        _memory(memory, board)
        handles, labels = cost.get_legend_handles_labels()
        sheet.legend(handles, labels, loc="outside lower left", ncols=3, frameon=False)


def _bars(axes: Axes, board: Board, groups: Sequence[tuple[str, str]], servers: Sequence[str]) -> None:
    """For each group a bar of each server, its value above it."""
    for place, server in enumerate(servers):
        values = [board.get(f"{server}, {name}") or 0.0 for _, name in groups]
        at = [number + (place - 1) * (_BAR + 0.03) for number in range(len(groups))]
        drawn = axes.bar(at, values, _BAR, color=_COLOURS[server], label=_NAMES[server])
        axes.bar_label(drawn, [_short(value) if value else "" for value in values], padding=1.5, fontsize=FONT - 1)
    axes.set_xticks(range(len(groups)), [label for label, _ in groups])
    calm(axes)


def _memory(axes: Axes, board: Board) -> None:
    values = [board.get(name) or 0.0 for _, name in _MEMORY]
    drawn = axes.bar(range(len(values)), values, 2 * _BAR, color=_COLOURS[RELAY])
    axes.bar_label(drawn, [_short(value) if value else "" for value in values], padding=1.5, fontsize=FONT - 1)
    axes.set_xticks(range(len(values)), [label for label, _ in _MEMORY])
    axes.set_title("KB for an idle viewer", loc="left")
    calm(axes)


def _short(value: float) -> str:
    if not value:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
