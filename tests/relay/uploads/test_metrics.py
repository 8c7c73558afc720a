"""What uploads count."""

from pathlib import Path

import pytest

from relay.uploads.metrics import UploadMetrics
from tests.relay.uploads.place import jpeg, place
from wall.catalogue import Catalogue

pytestmark = pytest.mark.anyio


async def test_what_happened_is_counted(catalogue: Catalogue, tmp_path: Path) -> None:
    async with place(catalogue, tmp_path) as here:
        await here.add(jpeg(5000))
        await here.ask(1000, consent=False)
        await here.ask(1000)
        found = {
            (sample.name, *sample.labels.values()): sample.value
            for metric in UploadMetrics(lambda: here.uploads).collect()
            for sample in metric.samples
        }
    assert found == {
        ("frieze_uploads_slots",): 1,
        ("frieze_uploads_running",): 0,
        ("frieze_uploads_slots_limit",): 64,
        ("frieze_uploads_leased_total",): 2,
        ("frieze_uploads_stored_total",): 1,
        ("frieze_uploads_stored_bytes_total",): 5000,
        ("frieze_uploads_received_bytes_total",): 5000,
        ("frieze_uploads_withdrawn_total",): 0,
        ("frieze_uploads_lost_total",): 0,
        ("frieze_uploads_refused_total", "consent"): 1,
    }


def test_before_there_is_anything_to_count_nothing_is_said() -> None:
    assert list(UploadMetrics(lambda: None).collect()) == []
