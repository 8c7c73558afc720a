"""What bytes on their way out count, for Prometheus: read when somebody asks for it, as relay/metrics.py does."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from relay.media import MediaServer
from relay.streams import BROKEN, ENDINGS

PREFIX = "frieze_media_"


class MediaMetrics(Collector):
    """`media` gives what serves pictures and videos, None until there is one."""

    def __init__(self, media: Callable[[], MediaServer | None]) -> None:
        self._media = media

    def collect(self) -> Iterator[Metric]:
        """All metrics. Call it in the loop's thread, because nothing here is locked."""
        media = self._media()
        if media is None:
            return
        herd, streams = media.herd, media.streams
        yield _counters(
            "sent_bytes",
            "Bytes of pictures and videos given to browsers, from the memory cache or streamed from the store.",
            "source",
            {"memory": herd.given, "store": streams.sent},
        )
        yield _gauge("streams", "Streams running now.", len(streams))
        yield _gauge("streams_limit", "The most there may be.", streams.limit)
        yield _counters(
            "streams_ended",
            "Streams that did not come to their end, by how they ended.",
            "reason",
            {ending: streams.endings[ending] for ending in ENDINGS},
        )
        yield _counter("streams_resumed", "Streams whose store broke off and was asked for the rest.", streams.resumed)
        yield _counters(
            "cache",
            "Requests for small renditions: answered from memory (hit), waiting for a read that was under way "
            "(coalesced), or read from the store (miss).",
            "result",
            {"hit": herd.hits, "coalesced": herd.coalesced, "miss": herd.reads},
        )
        yield _gauge("cache_bytes", "Bytes the memory cache holds, with what each entry costs.", herd.bytes)
        yield _gauge("cache_objects", "Renditions the memory cache holds.", len(herd.kept))
        yield _counters(
            "store_errors",
            "Requests that the store failed: it did not answer, had no such object, or broke off twice.",
            "reason",
            {"away": media.refused["store"], "missing": media.missing, "broken": streams.endings[BROKEN]},
        )
        yield _gauge("waiting", "Requests that wait for the catalogue or the store.", media.waiting)
        yield _counters("refused", "Requests answered 503.", "reason", media.refused)


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, help_text, value=float(value))


def _counter(name: str, help_text: str, value: int) -> Metric:
    return CounterMetricFamily(PREFIX + name, help_text, value=value)


def _counters(name: str, help_text: str, label: str, values: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(PREFIX + name, help_text, labels=[label])
    for key, value in sorted(values.items()):
        family.add_metric([key], value)
    return family
