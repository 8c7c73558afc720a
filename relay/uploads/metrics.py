"""What uploads count, for Prometheus: read when somebody asks, and only then, as relay/metrics.py does."""

from collections.abc import Callable, Iterator

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from relay.uploads.server import UploadServer

PREFIX = "frieze_uploads_"


class UploadMetrics(Collector):
    """`uploads` gives what guests send to, None until there is one."""

    def __init__(self, uploads: Callable[[], UploadServer | None]) -> None:
        self._uploads = uploads

    def collect(self) -> Iterator[Metric]:
        """All metrics. Call it in the loop's thread, because nothing here is locked."""
        uploads = self._uploads()
        if uploads is None:
            return
        yield _gauge(
            "slots", "Slots taken now, by bytes that come in and by addresses not used yet.", len(uploads.slots)
        )
        yield _gauge("running", "Slots whose bytes are coming in.", uploads.slots.running)
        yield _gauge("slots_limit", "The most there may be.", uploads.settings.slots)
        yield _gauge("direct", "Addresses of the store itself that are good and were given here.", len(uploads.direct))
        yield _gauge("direct_limit", "The most there may be.", uploads.settings.direct_slots)
        yield _counter("leased", "Addresses that were given.", uploads.leased)
        yield _counter("stored", "Uploads that arrived whole.", uploads.stored)
        yield _counter("stored_bytes", "Bytes of these.", uploads.stored_bytes)
        yield _counter("withdrawn", "Times a guest took an upload back.", uploads.withdrawn)
        yield _counter(
            "received_bytes", "Bytes that came through here, also of what was rolled back.", uploads.received_bytes
        )
        yield _counter("lost", "Requests whose connection broke; what they had sent was rolled back.", uploads.lost)
        refused = CounterMetricFamily(PREFIX + "refused", "Requests refused, or rolled back.", labels=["code"])
        for code, count in sorted(uploads.refused.items()):
            refused.add_metric([code], count)
        yield refused


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, help_text, value=float(value))


def _counter(name: str, help_text: str, value: int) -> Metric:
    return CounterMetricFamily(PREFIX + name, help_text, value=value)
