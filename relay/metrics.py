"""What the relay counts, for Prometheus: read when somebody asks, and only then.

Counting itself is plain integers where things happen (`Counts`, `Lag`, `Connections`, `Audience`). Each field of
`Counts` is a metric here; its help text stands in `COUNTS`. Of a relay's walls at most `NAMED_WALLS` have a label of
their own; the others, and all topics that are no walls, are summed up as `other`.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Protocol

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from relay.connections import ENDINGS
from relay.ring import Message
from relay.seats import Counts
from relay.server import Relay
from relay.topic import Topic

PREFIX = "frieze_relay_"
OTHER = "other"
# Ten series for each wall; an installation has a handful of walls, a label without bound is what kills a Prometheus.
NAMED_WALLS = 50
# An older head says nothing about the way here any more: its wall is gone, or nothing comes (`heard_age_seconds`).
HEAD_FRESH = 60.0

COUNTS = {
    "received": "Messages that came from upstream or by SEND.",
    "repeated": "Messages that came a second time and were dropped.",
    "stale": "Messages of an older epoch, dropped.",
    "delivered": "Messages written to viewers, each as often as it was written; the sum of all walls has them all.",
    "delivered_bytes": "Bytes of these, with STOMP and WebSocket framing.",
    "filled": "Messages that upstream had lost, taken from the catalogue's log.",
    "gaps": "Gap marks: places where what upstream had lost could not be filled.",
    "conflated": "Messages left out for slow viewers, as later ones supersede them; counted once for all who share it.",
    "recovered": "Subscriptions that resumed with all they had missed.",
    "unrecovered": "Subscriptions whose cursor could not be resumed from; they take a snapshot.",
    "left_behind": "Subscriptions ended because what they had not read is gone.",
}
_BY_WALL = ("delivered", "delivered_bytes")
_RESUMED = {"recovered": "true", "unrecovered": "false"}


class Source(Protocol):
    """Where the relay's messages come from, if it listens to a broker."""

    def ready(self) -> bool:
        """Whether it is heard now."""
        ...


@dataclass(slots=True)
class _Wall:
    """What one label `wall` sums up."""

    delivered: int = 0
    delivered_bytes: int = 0
    live: int = 0
    behind: int = 0
    waiting: int = 0
    messages: int = 0
    bytes: int = 0
    since: float | None = None


class RelayMetrics(Collector):
    """One relay. `source` is None where it is the broker itself; it is worker number `worker` (from 0) of `workers`."""

    def __init__(
        self, relay: Relay, source: Source | None = None, *, version: str = "", worker: int = 0, workers: int = 1
    ) -> None:
        self._relay = relay
        self._source = source
        self._about = {"version": version, "worker": str(worker), "workers": str(workers)}
        self._since = relay.now()
        self._named: set[str] = set()  # once named, always: a counter that moved to `other` would count twice

    def collect(self) -> Iterator[Metric]:
        """All metrics. Call it in the loop's thread, because nothing here is locked."""
        now = self._relay.now()
        yield InfoMetricFamily(PREFIX.rstrip("_"), "Which relay this is.", self._about)
        walls = self._walls()
        yield from _counters(self._relay.hub.counts, walls)
        lag = self._relay.hub.lag
        yield HistogramMetricFamily(
            PREFIX + "lag_seconds",
            "Age of messages since they came here, when the last viewer of a write had them; slow viewers left out.",
            buckets=lag.buckets(),
            sum_value=lag.seconds,
        )
        yield from _of_walls(walls, now)
        yield _gauge("topics", "Topics now.", len(self._relay.hub.topics))
        yield from self._connections()
        yield from self._upstream(now)

    # ── walls ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _walls(self) -> dict[str, _Wall]:
        """Sums by label."""
        sums: dict[str, _Wall] = {OTHER: _Wall()}
        for topic in self._relay.hub.topics.values():
            label = self._label(topic)
            _add(sums.setdefault(label, _Wall()), topic)
        return sums

    def _label(self, topic: Topic) -> str:
        # Anybody may subscribe to a wall that is none; only the publisher can give one an end.
        if topic.wall is None or topic.ring.end is None:
            return OTHER
        if topic.wall not in self._named and len(self._named) < NAMED_WALLS and topic.wall != OTHER:
            self._named.add(topic.wall)
        return topic.wall if topic.wall in self._named else OTHER

    # ── connections and upstream ─────────────────────────────────────────────────────────────────────────────────

    def _connections(self) -> Iterator[Metric]:
        connections = self._relay.connections
        yield _gauge("connections", "Connections now.", len(connections))
        yield _gauge("connections_limit", "The most there may be.", self._relay.settings.connections)
        yield _gauge(
            "connections_paused",
            "Connections whose socket is full now: slow viewers.",
            sum(connection.paused for connection in connections.all),
        )
        yield _gauge("stopping", "1 while the relay lets nobody in because it stops.", connections.stopping)
        yield _counter("admitted", "Connections that were let in.", connections.admitted)
        refused = CounterMetricFamily(PREFIX + "refused", "Connections that were not let in.", labels=["reason"])
        for reason, count in connections.refusals.items():
            refused.add_metric([reason], count)
        yield refused
        ended = CounterMetricFamily(PREFIX + "ended", "Connections that ended.", labels=["code", "reason"])
        for code, count in sorted(connections.endings.items()):
            ended.add_metric([str(code), ENDINGS[code]], count)
        yield ended

    def _upstream(self, now: float) -> Iterator[Metric]:
        hub = self._relay.hub
        if self._source is not None:
            yield _gauge("upstream_connected", "1 while the broker is heard.", self._source.ready())
        yield _gauge(
            "heard_age_seconds",
            "Time since the last message came, or since the start; the publisher's heads keep it below 5 s.",
            now - (self._since if hub.heard is None else hub.heard),
        )
        heads = [topic.last_head for topic in hub.topics.values() if topic.last_head is not None]
        lags = [lag for head in heads if now - head.at < HEAD_FRESH and (lag := _lag(head, now)) is not None]
        if lags:
            yield _gauge(
                "upstream_lag_seconds",
                "From the publisher's clock to here: age of the newest heads when they came, the largest of all walls.",
                max(lags),
            )


def _lag(head: Message, now: float) -> float | None:
    """How old a head was when it came, by the publisher's clock and ours."""
    try:
        sent = datetime.fromisoformat(json.loads(head.body)["at"]).timestamp()
    except (ValueError, KeyError, TypeError):
        return None
    return max(0.0, time.time() - (now - head.at) - sent)


def _add(wall: _Wall, topic: Topic) -> None:
    audience, ring = topic.audience, topic.ring
    seated = audience.seated
    wall.delivered += audience.delivered
    wall.delivered_bytes += audience.delivered_bytes
    wall.live += seated.live
    wall.behind += seated.behind
    wall.waiting += seated.waiting
    wall.messages += len(ring)
    wall.bytes += ring.bytes
    if ring.since is not None:
        wall.since = ring.since if wall.since is None else min(wall.since, ring.since)


def _counters(counts: Counts, walls: dict[str, _Wall]) -> Iterator[Metric]:
    """Every field of `Counts`."""
    resumed = CounterMetricFamily(
        PREFIX + "resumed",
        "Subscriptions that came back with a cursor: with all they had missed, or not.",
        labels=["recovered"],
    )
    for field in fields(Counts):
        count = getattr(counts, field.name)
        if field.name in _RESUMED:
            resumed.add_metric([_RESUMED[field.name]], count)
        elif field.name in _BY_WALL:
            yield _by_wall(field.name, walls, count)
        else:
            yield _counter(field.name, COUNTS[field.name], count)
    yield resumed


def _by_wall(name: str, walls: dict[str, _Wall], total: int) -> Metric:
    """`other` is the rest of the total, so that it also has what forgotten topics had and never goes back."""
    family = CounterMetricFamily(PREFIX + name, COUNTS[name], labels=["wall"])
    for label, wall in walls.items():
        if label != OTHER:
            family.add_metric([label], getattr(wall, name))
            total -= getattr(wall, name)
    family.add_metric([OTHER], total)
    return family


def _of_walls(walls: dict[str, _Wall], now: float) -> Iterator[Metric]:
    viewers = GaugeMetricFamily(
        PREFIX + "viewers",
        "Subscriptions now: live, behind (socket full) or waiting for the catalogue.",
        labels=["wall", "stage"],
    )
    messages = GaugeMetricFamily(PREFIX + "ring_messages", "Messages kept for who resumes.", labels=["wall"])
    size = GaugeMetricFamily(PREFIX + "ring_bytes", "Bytes of these.", labels=["wall"])
    age = GaugeMetricFamily(PREFIX + "ring_age_seconds", "Age of the oldest of these.", labels=["wall"])
    for label, wall in walls.items():
        for stage in ("live", "behind", "waiting"):
            viewers.add_metric([label, stage], getattr(wall, stage))
        messages.add_metric([label], wall.messages)
        size.add_metric([label], wall.bytes)
        age.add_metric([label], 0.0 if wall.since is None else now - wall.since)
    yield from (viewers, messages, size, age)


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, help_text, value=float(value))


def _counter(name: str, help_text: str, value: int) -> Metric:
    return CounterMetricFamily(PREFIX + name, help_text, value=value)
