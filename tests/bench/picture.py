"""What the pictures of figures share: three plots beside each other, legible on light and on dark pages."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet

# Each of these has at least 3:1 against white and against GitHub's dark ground.
INK = "#7d8590"
GREY, BLUE, BROWN = "#8b949e", "#2f81f7", "#c4703a"
FONT = 7.5  # points
_INCHES = (9.0, 2.9)


@contextmanager
def picture(path: Path, widths: Sequence[float]) -> Generator[tuple[Sheet, Sequence[Axes]]]:
    """A sheet with a plot for each of `widths`, their shares of it; written to `path` in the end, as its name says."""
    style: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": "frieze",
        "font.size": FONT,
        "font.family": "sans-serif",
    }
    style |= dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK)
    with mpl.rc_context(style):
        sheet = Sheet(figsize=_INCHES, layout="constrained")
        yield sheet, sheet.subplots(1, len(widths), width_ratios=widths)
        sheet.savefig(path, transparent=True, metadata={"Date": None})


def calm(axes: Axes) -> None:
    """No lines but the ground: values stand beside what they are of."""
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(length=0)
    axes.yaxis.set_visible(False)
    axes.margins(y=0.15)
