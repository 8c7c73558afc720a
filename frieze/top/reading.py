"""What one relay said of itself at one moment: the samples of its `/metrics`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

PREFIX = "frieze_relay_"
MEDIA, UPLOADS = "frieze_media_", "frieze_uploads_"
Labels = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Reading:
    """`samples` by name, then by labels; `at` is when they were read, by a clock that never goes back (seconds)."""

    at: float
    samples: Mapping[str, Mapping[Labels, float]] = field(default_factory=dict[str, Mapping[Labels, float]])

    def get(self, name: str) -> float | None:
        """A sample's value, summed over all its labels; None where there is none."""
        values = self.samples.get(name)
        return sum(values.values()) if values else None

    def by(self, name: str, label: str, **only: str) -> dict[str, float]:
        """The values of a metric by one of its labels, of those samples that have the labels `only`."""
        wanted = only.items()
        sums: dict[str, float] = {}
        for labels, value in self.samples.get(name, {}).items():
            if wanted <= labels:
                key = dict(labels).get(label, "")
                sums[key] = sums.get(key, 0.0) + value
        return sums

    def label(self, name: str, label: str) -> str:
        """A label of a metric that has one sample; empty where there is none."""
        return next((dict(labels).get(label, "") for labels in self.samples.get(name, {})), "")

    def growth(self, before: "Reading", name: str, label: str) -> dict[str, float]:
        """By how much a counter grew since `before`. A relay that has started again counts from 0, and so do we."""
        then = before.by(name, label) if self.same_life(before) else {}
        return {key: value - then.get(key, 0.0) for key, value in self.by(name, label).items()}

    def same_life(self, before: "Reading") -> bool:
        """Whether the relay has not started again since `before`."""
        started, then = self.get("process_start_time_seconds"), before.get("process_start_time_seconds")
        return started is None or then is None or abs(started - then) < 1.0


def parse(text: str, at: float) -> Reading:
    """Read the text that Prometheus reads. Raises ValueError when it is not that, or not a relay's."""
    samples: dict[str, dict[Labels, float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
    if PREFIX + "connections" not in samples:
        raise ValueError("these are no metrics of a relay")
    return Reading(at, samples)
