"""The figures of a run as one picture for the docs, legible on light and on dark pages."""

from pathlib import Path

from matplotlib.axes import Axes

from tests.bench.board import Board
from tests.bench.media import herd, renditions, streaming
from tests.bench.picture import BLUE, BROWN, FONT, GREY, INK, calm, picture

_OURS, _THEIRS, _OTHER = BLUE, BROWN, GREY
_HALF = 0.21  # of a lying bar's thickness
_COSTS = (
    ("nginx,\ndefault", streaming.DEFAULT, _OTHER),
    ("Frieze's\nrelay", streaming.RELAY, _OURS),
    ("nginx,\n8 × 128 KiB", streaming.TUNED, _THEIRS),
)
_LINES = (
    ("Frieze's relay", streaming.RELAY, _OURS),
    ("nginx, eight buffers of 128 KiB", streaming.TUNED, _THEIRS),
)
# what it is, the figure's name, the target, whether less is better
_RATIOS = (
    ("a GiB streamed,\nin tuned nginx'", streaming.RATIO_NAME, streaming.RATIO, True),
    ("a cached thumbnail,\nin nginx'", herd.RATIO_NAME, herd.RATIO, True),
    ("320 px a second,\nin vipsthumbnail's", renditions.ratio_name(renditions.OF_PHONES), renditions.SHARE, False),
)


def draw(board: Board, path: Path) -> None:
    """Draw what the board has: cost, memory, ratios. Parts that have not run leave their place empty."""
    with picture(path, (1.5, 2, 2)) as (_, (cost, memory, ratios)):
        _cost(cost, board)
        _memory(memory, board)
        _ratios(ratios, board)


def _cost(axes: Axes, board: Board) -> None:
    values = [board.get(streaming.cost_name(name)) or 0.0 for _, name, _ in _COSTS]
    drawn = axes.bar(range(len(values)), values, 0.55, color=[colour for *_, colour in _COSTS])
    axes.bar_label(drawn, [_short(value) for value in values], padding=1.5, fontsize=FONT - 1)
    axes.set_xticks(range(len(values)), [label for label, *_ in _COSTS])
    axes.set_title("core-seconds per GiB streamed", loc="left")
    calm(axes)


def _memory(axes: Axes, board: Board) -> None:
    """All that is held for so many streams, and what would be a megabyte for each."""
    for label, name, colour in _LINES:
        held = [(crowd, board.get(streaming.memory_name(name, crowd))) for crowd in streaming.CROWDS]
        points = [(crowd, each * crowd) for crowd, each in held if each is not None]
        axes.plot([x for x, _ in points], [y for _, y in points], "o-", color=colour, label=label, markersize=3)
    most = streaming.CROWDS[-1]
    axes.plot([0, most], [0, most * streaming.STREAM_MEGABYTES], "--", color=INK, linewidth=0.8, label="1 MiB each")
    axes.set_xticks(streaming.CROWDS, [str(crowd) for crowd in streaming.CROWDS])
    axes.set_xlabel("streams: a third each fast, throttled, stalled")
    axes.set_title("memory held for them, MiB", loc="left")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)


def _ratios(axes: Axes, board: Board) -> None:
    """Each with its target as a line across."""
    for place, (label, name, target, less) in enumerate(reversed(_RATIOS)):
        value = board.get(name) or 0.0
        axes.barh([place], [value], 2 * _HALF, color=_OURS)
        axes.annotate(_short(value), (0.06, place), va="center", color="white", fontsize=FONT)
        axes.plot([target, target], [place - _HALF - 0.08, place + _HALF + 0.08], color=INK, linewidth=1)
        word = "at most" if less else "at least"
        axes.annotate(f"{word} {target:g}", (target, place + _HALF + 0.12), ha="center", fontsize=FONT - 1)
        axes.annotate(label, (-0.06, place), ha="right", va="center")
    axes.set_xlim(-1.6, 3.6)
    axes.set_title("ratios and their targets", loc="left")
    axes.xaxis.set_visible(False)
    calm(axes)
    axes.spines["bottom"].set_visible(False)


def _short(value: float) -> str:
    return f"{value:.2f}" if value else ""
