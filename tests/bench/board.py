"""The figures of one run: printed as they come, and once more as a table beside their targets."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median


class Failed(Exception):
    """What a server or who loads it did that it must not; its part of the bench ends with this sentence."""


@dataclass(frozen=True, slots=True)
class Figure:
    """`met`: whether the target is; None where there is none. `note`: how many rounds, how they spread."""

    part: str
    name: str
    value: float
    unit: str
    target: str = ""
    met: bool | None = None
    note: str = ""

    def line(self) -> str:
        verdict = {True: "met", False: "MISSED", None: ""}[self.met]
        value = f"{self.value:,.0f}" if abs(self.value) >= 1000 else f"{self.value:.3g}"
        return f"{self.name:58} {value:>8} {self.unit:8} {self.target:22} {verdict:6} {self.note}"


@dataclass(slots=True)
class Board:
    """All figures of a run, by the order they were taken in."""

    figures: list[Figure] = field(default_factory=list[Figure])

    def at_most(self, part: str, name: str, value: float, unit: str, limit: float, note: str = "") -> None:
        self._add(Figure(part, name, value, unit, f"at most {limit:g}", value <= limit, note))

    def at_least(self, part: str, name: str, value: float, unit: str, limit: float, note: str = "") -> None:
        self._add(Figure(part, name, value, unit, f"at least {limit:,g}", value >= limit, note))

    def say(self, part: str, name: str, value: float, unit: str, note: str = "") -> None:
        """A figure without a target."""
        self._add(Figure(part, name, value, unit, note=note))

    def fail(self, part: str, sentence: str) -> None:
        """A part ended because something was wrong that must not be."""
        self._add(Figure(part, f"FAILED: {sentence}", 0, "", "nothing wrong", False))

    def get(self, name: str) -> float | None:
        """The figure of that name, if its part has run."""
        return next((figure.value for figure in self.figures if figure.name == name), None)

    @property
    def sound(self) -> bool:
        """Whether no delivery was missing, repeated or out of order, whatever the figures."""
        return not any(figure.name.startswith("FAILED") for figure in self.figures)

    def table(self) -> str:
        lines: list[str] = []
        part = None
        for figure in self.figures:
            if figure.part != part:
                part = figure.part
                lines.append(f"\n{part}")
            lines.append("  " + figure.line())
        return "\n".join(lines)

    def write(self, path: Path) -> None:
        """Keep the figures, for the plot."""
        path.write_text(json.dumps([asdict(figure) for figure in self.figures], indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> "Board":
        return cls([Figure(**fields) for fields in json.loads(path.read_text())])

    def _add(self, figure: Figure) -> None:
        self.figures.append(figure)
        print(figure.line(), flush=True)


def spread(values: list[float]) -> str:
    """How many rounds there were, and between what they lie."""
    return f"{len(values)} rounds, {min(values):.3g} to {max(values):.3g}"


def middle(values: list[float]) -> float:
    return float(median(values))
