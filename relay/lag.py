"""How old messages are when they have been written, as a histogram: one observation for each write to a group."""

from bisect import bisect_left

# Upper bounds in seconds. 45 ms is what a wall of 4,000 viewers is built for (issue 4 §6), 2 s is what an open hole in
# seq may cost (`RelaySettings.fill_within`) and what the alert in deploy/alerts.yml is about.
BOUNDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.045, 0.07, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class Lag:
    """`deliveries[i]` were at most `BOUNDS[i]` seconds old and older than the bound before; the last were older than
    all. `seconds` is the sum of all ages."""

    __slots__ = ("deliveries", "seconds")

    def __init__(self) -> None:
        self.deliveries = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0

    def observe(self, age: float, deliveries: int) -> None:
        """`deliveries` messages, the oldest of them `age` seconds old."""
        self.deliveries[bisect_left(BOUNDS, age)] += deliveries
        self.seconds += age * deliveries

    def buckets(self) -> list[tuple[str, float]]:
        """As Prometheus writes them: each bound with all that were not older, then `+Inf` with all."""
        total = 0
        pairs: list[tuple[str, float]] = []
        for bound, count in zip((*map(str, BOUNDS), "+Inf"), self.deliveries, strict=True):
            total += count
            pairs.append((bound, total))
        return pairs
