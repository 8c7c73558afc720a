"""Numbers as people read them at a glance: few digits, one unit, always in the same width."""

import math
from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"
_EIGHTHS = " " + _BARS


def count(number: float) -> str:
    """`4,012`; from ten million on `12.3 M`."""
    return f"{number:,.0f}" if abs(number) < 10_000_000 else f"{number / 1e6:,.1f} M"


def rate(number: float) -> str:
    """As `count`, with one decimal where that says more."""
    return f"{number:.1f}" if 0 < number < 9.95 else count(number)


def size(number: float | None) -> str:
    """Bytes in steps of 1,000: `92.1 MB`."""
    if number is None:
        return "–"
    for unit in ("B", "kB", "MB", "GB"):
        if abs(number) < 999.5 or unit == "GB":
            break
        number /= 1000
    return f"{number:.0f} {unit}" if unit == "B" or number >= 99.95 else f"{number:.1f} {unit}"


def short(seconds: float | None) -> str:
    """A lag: `0.4 ms`, `38 ms`, `1.2 s`."""
    if seconds is None:
        return "–"
    if math.isinf(seconds):
        return "> 30 s"
    if seconds < 0.00995:
        return f"{seconds * 1000:.1f} ms"
    return f"{seconds * 1000:.0f} ms" if seconds < 0.9995 else f"{seconds:.1f} s"


def age(seconds: float | None) -> str:
    """A time span: `4 s`, `9 m 58 s`, `3 h 20 m`."""
    if seconds is None:
        return "–"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} m {whole % 60:02} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60:02} m"


def sparkline(history: Sequence[float], width: int, length: int) -> str:
    """One row of `width` bars for `length` values, the newest at the right; several share a bar where there is no room.

    What was not seen is blank, nothing is the lowest bar, and the highest value is the highest bar.
    """
    values = _columns(history, width, length)
    top = max((value for value in values if value is not None), default=0.0) or 1.0
    return "".join(" " if value is None else _BARS[round(value / top * (len(_BARS) - 1))] for value in values)


def chart(history: Sequence[float], width: int, length: int, rows: int) -> list[str]:
    """The same over several rows, the highest first."""
    values = _columns(history, width, length)
    top = max((value for value in values if value is not None), default=0.0) or 1.0
    steps = [None if value is None else max(1, round(value / top * rows * 8)) for value in values]
    return [
        "".join(" " if step is None else _EIGHTHS[min(8, max(0, step - 8 * row))] for step in steps)
        for row in reversed(range(rows))
    ]


def _columns(history: Sequence[float], width: int, length: int) -> list[float | None]:
    """`length` values, the missing ones first, as means of equal shares."""
    width = min(width, length)
    known = list(history)[-length:]
    padded: list[float | None] = [None] * (length - len(known)) + known
    columns: list[float | None] = []
    for column in range(width):
        share = [v for v in padded[column * length // width : (column + 1) * length // width] if v is not None]
        columns.append(sum(share) / len(share) if share else None)
    return columns
