"""What uploads count."""

from dataclasses import replace
from pathlib import Path

import pytest

from relay.uploads.metrics import UploadMetrics
from tests.fakes.signing_store import signing_store
from tests.relay.uploads.place import PATIENT, Place, jpeg, place
from wall.catalogue import Catalogue

pytestmark = pytest.mark.anyio


def _samples(here: Place) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for metric in UploadMetrics(lambda: here.uploads).collect()
        for sample in metric.samples
    }


async def test_what_happened_is_counted(catalogue: Catalogue, tmp_path: Path) -> None:
    async with place(catalogue, tmp_path) as here:
        await here.add(jpeg(5000))
        await here.ask(1000, consent=False)
        await here.ask(1000)
        found = _samples(here)
    assert found == {
        ("frieze_uploads_slots",): 1,
        ("frieze_uploads_running",): 0,
        ("frieze_uploads_slots_limit",): 64,
        ("frieze_uploads_direct",): 0,
        ("frieze_uploads_direct_limit",): 64,
        ("frieze_uploads_leased_total",): 2,
        ("frieze_uploads_stored_total",): 1,
        ("frieze_uploads_stored_bytes_total",): 5000,
        ("frieze_uploads_received_bytes_total",): 5000,
        ("frieze_uploads_withdrawn_total",): 0,
        ("frieze_uploads_lost_total",): 0,
        ("frieze_uploads_refused_total", "consent"): 1,
    }


async def test_addresses_of_the_store_itself_are_counted_beside_the_slots(catalogue: Catalogue, tmp_path: Path) -> None:
    settings = replace(PATIENT, direct=1000, direct_slots=3)
    async with signing_store(tmp_path / "store") as store, place(catalogue, tmp_path, settings, store) as here:
        assert (await here.ask(2000)).fields["mode"] == "direct"
        found = _samples(here)
    names = ("slots", "direct", "direct_limit")
    assert [found[(f"frieze_uploads_{name}",)] for name in names] == [0, 1, 3]


def test_before_there_is_anything_to_count_nothing_is_said() -> None:
    assert list(UploadMetrics(lambda: None).collect()) == []
