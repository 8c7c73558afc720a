"""deploy/alerts.yml and deploy/dashboard.json name metrics, labels and values that the relay has."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from relay.connections import REASONS
from relay.media import MediaServer
from relay.media_metrics import MediaMetrics
from relay.metrics import RelayMetrics
from relay.server import Relay
from relay.settings import RelaySettings
from relay.uploads.metrics import UploadMetrics
from relay.uploads.server import UploadServer
from relay.uploads.settings import UploadSettings
from tests.relay.running import FakeLog
from wall.catalogue import Catalogue
from wall.store.disk import DiskStore

DEPLOY = Path(__file__).parents[2] / "deploy"
ALERTS: list[dict[str, Any]] = yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"][0]["rules"]
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "dashboard.json").read_text())
# Prometheus' own: whether a scrape succeeded, and which one it was
SYNTHETIC = {"up": {"job", "instance"}}


class Heard:
    def ready(self) -> bool:
        return True


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Every sample's name with its labels' names, of a relay where everything has happened once."""
    folder = tmp_path_factory.mktemp("media")
    catalogue, store = Catalogue(f"sqlite:{folder / 'catalogue.db'}"), DiskStore(folder)
    media = MediaServer(catalogue, store)
    uploads = UploadServer(catalogue, store, UploadSettings(), holder="test")
    uploads.refused["size"] += 1
    relay = Relay(log=FakeLog(), settings=RelaySettings())
    relay.connections.endings[1000] += 1
    head = b'{"at":"2026-11-21T10:00:00.000Z"}'
    relay.hub.receive("/topic/wall.main", {"epoch": "aaaa", "seq": "1", "kind": "head"}, head, relay.now())
    registry = CollectorRegistry()
    registry.register(RelayMetrics(relay, Heard()))
    registry.register(MediaMetrics(lambda: media))
    registry.register(UploadMetrics(lambda: uploads))
    ProcessCollector(registry=registry)
    found = dict(SYNTHETIC)
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {"job", "instance"}).update(sample.labels)
    return found


def _expressions() -> list[str]:
    panels: list[str] = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    queries: list[str] = [v["query"]["query"] for v in DASHBOARD["templating"]["list"] if v["type"] == "query"]
    return [*panels, *queries, *(str(rule["expr"]) for rule in ALERTS)]


@pytest.mark.parametrize("expression", _expressions())
def test_every_metric_and_label_of_an_expression_is_there(expression: str, metrics: dict[str, set[str]]) -> None:
    names = set(re.findall(r"\b(?:frieze|process|python)_\w+|\bup\b", expression))
    assert names, expression
    assert names <= set(metrics)
    labels = set[str]().union(*(metrics[name] for name in names))
    used = {label for group in re.findall(r"\{([^}]*)\}", expression) for label in re.findall(r"(\w+)\s*[=!]~?", group)}
    used.update(word.strip() for group in re.findall(r"by \(([^)]*)\)", expression) for word in group.split(","))
    assert used <= labels, expression


@pytest.mark.parametrize("kind", ["relay", "media", "uploads"])
def test_every_metric_is_in_the_documents_and_no_other(metrics: dict[str, set[str]], kind: str) -> None:
    text = (DEPLOY.parent / "docs" / "operations.md").read_text()
    [table] = re.findall(rf"^\| `frieze_{kind}_…` \|.*?\n\n", text, re.MULTILINE | re.DOTALL)
    named = {name for row in table.strip().splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    there = {name.removeprefix(f"frieze_{kind}_") for name in metrics if name.startswith(f"frieze_{kind}_")}
    assert named == {re.sub(r"_(bucket|sum|count)$", "", name) for name in there}


def test_every_alert_is_in_the_documents() -> None:
    text = (DEPLOY.parent / "docs" / "operations.md").read_text()
    assert set(re.findall(r"`(Frieze[A-Z]\w+)`", text)) == {rule["alert"] for rule in ALERTS}


def test_rates_are_of_counters_and_nothing_else() -> None:
    for expression in _expressions():
        for name in re.findall(r"(?:rate|increase)\((\w+)", expression):
            assert name.endswith(("_total", "_bucket")), expression


def test_every_alert_says_what_happened_and_what_to_do() -> None:
    assert len({rule["alert"] for rule in ALERTS}) == len(ALERTS) >= 6
    for rule in ALERTS:
        assert set(rule["annotations"]) == {"summary", "do"}
        assert rule["labels"]["severity"] in ("page", "warn")


def test_the_reasons_an_alert_looks_for_are_reasons() -> None:
    [asked] = [m for rule in ALERTS for m in re.findall(r'reason=~"([^"]*)"', str(rule["expr"]))]
    assert set(asked.split("|")) < set(REASONS)


def test_the_labels_a_text_shows_are_left_by_its_expression() -> None:
    for rule in ALERTS:
        shown = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
        kept = re.findall(r"by \(([^)]*)\)", str(rule["expr"]))
        assert not kept or shown <= {word.strip() for word in kept[0].split(",")}, rule["alert"]


def test_panels_do_not_overlap_and_have_numbers_of_their_own() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(numbers)) == len(numbers)
