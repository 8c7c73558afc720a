"""Readings of several relays, one after another, and what they mean together: sums, rates, quantiles, a minute.

No socket and no clock in here: `Watch.take` is given readings and gives a `Frame` to draw.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from frieze.top.reading import MEDIA, PREFIX, UPLOADS, Reading

HISTORY = 60  # frames: a minute
WINDOW = 10  # frames that the quantiles look back: calm enough to read, quick enough to act on
# what `Frame.counts` has of its own place or what is no count of trouble
_ELSEWHERE = {"delivered", "delivered_bytes", "resumed", "refused", "ended", "received"}


@dataclass(frozen=True, slots=True)
class WallLine:
    """One wall on all relays. `rate` in deliveries a second; `history` of it, oldest first; `kept` in seconds."""

    name: str
    viewers: int
    slow: int
    waiting: int
    rate: float
    history: tuple[float, ...]
    kept: float


@dataclass(frozen=True, slots=True)
class NodeLine:
    """One relay, or one of its workers. `trouble` says why it could not be read. `cpu` in cores, `memory` in bytes,
    ages and lags in seconds; None is unknown. `connected` is None where it is the broker itself."""

    name: str
    trouble: str | None = None
    connections: int = 0
    limit: int = 0
    paused: int = 0
    rate: float = 0.0
    cpu: float | None = None
    memory: float | None = None
    connected: bool | None = None
    heard: float | None = None
    lag: float | None = None
    stopping: bool = False


@dataclass(frozen=True, slots=True)
class MediaLine:
    """Pictures and videos of all relays on their way out and in. `sent` and `received` in bytes a second; `hits`: the
    share of small renditions in the last `WINDOW` frames that memory had, None where nobody asked; `streams`, `uploads`
    and `slots` (the most uploads) now; the rest since the relays started: `kept_out` were answered 503, `lost` and
    `refused` are uploads that did not arrive."""

    sent: float = 0.0
    streams: int = 0
    hits: float | None = None
    store_errors: int = 0
    kept_out: int = 0
    received: float = 0.0
    uploads: int = 0
    slots: int = 0
    stored: int = 0
    lost: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Frame:
    """Everything there is to draw. Rates are by second; `counts`, `resumed`, `refused` and `ended` since the relays
    started; `p50` and `p99` in seconds of the last `WINDOW` frames, None where nothing was delivered; `media` is None
    where no relay tells of any."""

    walls: tuple[WallLine, ...] = ()
    nodes: tuple[NodeLine, ...] = ()
    viewers: int = 0
    slow: int = 0
    rate: float = 0.0
    bytes: float = 0.0
    p50: float | None = None
    p99: float | None = None
    history: tuple[float, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    resumed: Mapping[str, int] = field(default_factory=dict[str, int])
    refused: Mapping[str, int] = field(default_factory=dict[str, int])
    ended: Mapping[str, int] = field(default_factory=dict[str, int])
    media: MediaLine | None = None


@dataclass(slots=True)
class _Growth:
    """What was delivered between two readings: by wall a second, bytes a second, and by upper bound of lag; bytes of
    media a second out and in, and how the memory cache answered. Not `known`: there is only one reading yet."""

    known: bool = False
    walls: dict[str, float] = field(default_factory=dict[str, float])
    bytes: float = 0.0
    lag: dict[str, float] = field(default_factory=dict[str, float])
    sent: float = 0.0
    received: float = 0.0
    cache: dict[str, float] = field(default_factory=dict[str, float])


class Watch:
    """Keeps the last reading of each relay, by name, and the last minute."""

    def __init__(self) -> None:
        self._last: dict[str, Reading] = {}
        self._history: deque[dict[str, float]] = deque(maxlen=HISTORY)
        self._lags: deque[dict[str, float]] = deque(maxlen=WINDOW)
        self._caches: deque[dict[str, float]] = deque(maxlen=WINDOW)

    def take(self, found: Mapping[str, Reading | str]) -> Frame:
        """A frame of what each relay said, or why it said nothing."""
        growths: dict[str, _Growth] = {}
        nodes: list[NodeLine] = []
        for name, reading in found.items():
            if isinstance(reading, str):
                self._last.pop(name, None)
                nodes.append(NodeLine(name, trouble=reading))
                continue
            before = self._last.get(name)
            growths[name] = growth = _between(before, reading)
            nodes.append(_node(name, reading, before, sum(growth.walls.values())))
            if before is None or reading.at > before.at:
                self._last[name] = reading
        walls = _added(growth.walls for growth in growths.values())
        if any(growth.known for growth in growths.values()):
            self._history.append(walls)
            self._lags.append(_added(growth.lag for growth in growths.values()))
            self._caches.append(_added(growth.cache for growth in growths.values()))
        lag = _added(self._lags)
        readings = [reading for reading in found.values() if isinstance(reading, Reading)]
        lines = self._walls(readings, walls)
        return Frame(
            walls=lines,
            nodes=tuple(nodes),
            viewers=sum(wall.viewers for wall in lines),
            slow=sum(node.paused for node in nodes),
            rate=sum(walls.values()),
            bytes=sum(growth.bytes for growth in growths.values()),
            p50=quantile(lag, 0.5),
            p99=quantile(lag, 0.99),
            history=tuple(sum(each.values()) for each in self._history),
            counts=_counts(readings),
            resumed=_whole(reading.by(PREFIX + "resumed_total", "recovered") for reading in readings),
            refused=_whole(reading.by(PREFIX + "refused_total", "reason") for reading in readings),
            ended=_whole(reading.by(PREFIX + "ended_total", "reason") for reading in readings),
            media=_media(readings, list(growths.values()), _added(self._caches)),
        )

    def _walls(self, readings: Sequence[Reading], rates: Mapping[str, float]) -> tuple[WallLine, ...]:
        """The busiest first; `other` last, and only where somebody reads it."""
        stages = {
            stage: _whole(reading.by(PREFIX + "viewers", "wall", stage=stage) for reading in readings)
            for stage in ("live", "behind", "waiting")
        }
        kept: dict[str, float] = {}
        for reading in readings:
            for wall, age in reading.by(PREFIX + "ring_age_seconds", "wall").items():
                kept[wall] = max(kept.get(wall, 0.0), age)
        lines = [
            WallLine(
                name=wall,
                viewers=sum(stages[stage].get(wall, 0) for stage in stages),
                slow=stages["behind"].get(wall, 0),
                waiting=stages["waiting"].get(wall, 0),
                rate=rates.get(wall, 0.0),
                history=tuple(each.get(wall, 0.0) for each in self._history),
                kept=age,
            )
            for wall, age in kept.items()
        ]
        shown = [line for line in lines if line.name != "other" or line.viewers]
        return tuple(sorted(shown, key=lambda line: (line.name == "other", -line.viewers, line.name)))


def quantile(lag: Mapping[str, float], share: float) -> float | None:
    """The age that `share` of all deliveries did not exceed, from Prometheus' cumulative buckets; even within a bucket.

    Above the last bound there is nothing to go by: infinity.
    """
    bounds = sorted((float(bound), count) for bound, count in lag.items())
    if not bounds or bounds[-1][1] <= 0:
        return None
    wanted = share * bounds[-1][1]
    lower, below = 0.0, 0.0
    for bound, count in bounds:
        if count >= wanted:
            if bound == float("inf"):
                return bound
            return lower + (bound - lower) * (wanted - below) / ((count - below) or 1.0)
        lower, below = bound, count
    return float("inf")


def _between(before: Reading | None, now: Reading) -> _Growth:
    if before is None or now.at <= before.at:
        return _Growth()
    seconds = now.at - before.at
    walls = now.growth(before, PREFIX + "delivered_total", "wall")
    size = now.growth(before, PREFIX + "delivered_bytes_total", "wall")
    return _Growth(
        known=True,
        walls={wall: count / seconds for wall, count in walls.items()},
        bytes=sum(size.values()) / seconds,
        lag=now.growth(before, PREFIX + "lag_seconds_bucket", "le"),
        sent=sum(now.growth(before, MEDIA + "sent_bytes_total", "source").values()) / seconds,
        received=sum(now.growth(before, UPLOADS + "received_bytes_total", "").values()) / seconds,
        cache=now.growth(before, MEDIA + "cache_total", "result"),
    )


def _media(readings: Sequence[Reading], growths: Sequence[_Growth], cache: Mapping[str, float]) -> MediaLine | None:
    if all(reading.get(MEDIA + "streams") is None for reading in readings):
        return None
    asked = sum(cache.values())

    def total(name: str) -> int:
        return int(sum(reading.get(name) or 0 for reading in readings))

    return MediaLine(
        sent=sum(growth.sent for growth in growths),
        streams=total(MEDIA + "streams"),
        hits=cache.get("hit", 0.0) / asked if asked else None,
        store_errors=total(MEDIA + "store_errors_total"),
        kept_out=total(MEDIA + "refused_total"),
        received=sum(growth.received for growth in growths),
        uploads=total(UPLOADS + "running"),
        slots=total(UPLOADS + "slots_limit"),
        stored=total(UPLOADS + "stored_total"),
        lost=total(UPLOADS + "lost_total"),
        refused=total(UPLOADS + "refused_total"),
    )


def _node(name: str, now: Reading, before: Reading | None, rate: float) -> NodeLine:
    connected = now.get(PREFIX + "upstream_connected")
    cpu = None
    spent = now.get("process_cpu_seconds_total")
    if spent is not None and before is not None and now.at > before.at and now.same_life(before):
        cpu = (spent - (before.get("process_cpu_seconds_total") or 0.0)) / (now.at - before.at)
    return NodeLine(
        name=name,
        connections=int(now.get(PREFIX + "connections") or 0),
        limit=int(now.get(PREFIX + "connections_limit") or 0),
        paused=int(now.get(PREFIX + "connections_paused") or 0),
        rate=rate,
        cpu=cpu,
        memory=now.get("process_resident_memory_bytes"),
        connected=None if connected is None else bool(connected),
        heard=now.get(PREFIX + "heard_age_seconds"),
        lag=now.get(PREFIX + "upstream_lag_seconds"),
        stopping=bool(now.get(PREFIX + "stopping")),
    )


def _counts(readings: Sequence[Reading]) -> dict[str, int]:
    """What the relays counted and what has no place of its own, by name: also what a newer relay counts."""
    sums: dict[str, int] = {}
    for reading in readings:
        for name in reading.samples:
            short = name.removeprefix(PREFIX).removesuffix("_total")
            if name.startswith(PREFIX) and name.endswith("_total") and short not in _ELSEWHERE:
                sums[short] = sums.get(short, 0) + int(reading.get(name) or 0)
    return sums


def _added(parts: Iterable[Mapping[str, float]]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for part in parts:
        for key, value in part.items():
            sums[key] = sums.get(key, 0.0) + value
    return sums


def _whole(parts: Iterable[Mapping[str, float]]) -> dict[str, int]:
    return {key: int(value) for key, value in _added(parts).items()}
