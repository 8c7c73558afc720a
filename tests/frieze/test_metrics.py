"""The relay's metrics over HTTP, on a port of their own."""

import socket
import urllib.request
from collections.abc import Generator
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families

from frieze.metrics import bind_metrics, metrics_address
from tests.fakes.waiting import until_blocking
from tests.postgres import free_port
from tests.processes import Frieze, frieze, run, status
from wall.errors import SettingsError


@pytest.mark.parametrize(
    ("setting", "worker", "address"),
    [
        (None, 0, None),
        ("", 3, None),
        ("127.0.0.1:9464", 0, ("127.0.0.1", 9464)),
        ("0.0.0.0:9464", 3, ("0.0.0.0", 9467)),
        ("[::1]:9464", 1, ("::1", 9465)),
        ("relay.internal:9464", 0, ("relay.internal", 9464)),
        ("127.0.0.1:0", 5, ("127.0.0.1", 0)),
    ],
)
def test_each_worker_has_the_port_after_the_one_before_it(
    setting: str | None, worker: int, address: tuple[str, int] | None
) -> None:
    assert metrics_address(setting, worker) == address


@pytest.mark.parametrize(
    ("setting", "worker"), [("9464", 0), (":9464", 0), ("host:", 0), ("host:x", 0), ("h:70000", 0), ("h:65535", 1)]
)
def test_a_setting_that_is_no_address_is_named(setting: str, worker: int) -> None:
    with pytest.raises(SettingsError, match="FRIEZE_METRICS"):
        metrics_address(setting, worker)


def test_a_taken_port_is_named_with_the_setting_that_changes_it() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(SettingsError, match="FRIEZE_METRICS"):
            bind_metrics(f"127.0.0.1:{other.getsockname()[1]}")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {
        "FRIEZE_DATA": str(tmp_path_factory.mktemp("metrics") / "data"),
        "FRIEZE_PORT": str(free_port()),
        "FRIEZE_STOMP_PORT": str(free_port()),
        "FRIEZE_METRICS": f"127.0.0.1:{free_port()}",
    }


@pytest.fixture(scope="module")
def up(settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Generator[Frieze]:
    with frieze("up", "--no-demo", settings=settings, folder=tmp_path_factory.mktemp("log")) as process:
        process.until_ready(f"http://127.0.0.1:{settings['FRIEZE_PORT']}")
        yield process


def _get(url: str, accept: str) -> str:
    with urllib.request.urlopen(urllib.request.Request(url, headers={"accept": accept}), timeout=20) as answer:
        assert answer.headers["cache-control"] == "no-store"
        return answer.read().decode()


def _value(text: str, name: str, **labels: str) -> float:
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def test_a_running_relay_tells_what_it_delivers(up: Frieze, settings: dict[str, str], tmp_path: Path) -> None:
    url = f"http://{settings['FRIEZE_METRICS']}/metrics"
    with frieze("listen", "main", settings=settings, folder=tmp_path) as listener:
        listener.until_log(r'"kind":"head"')
        text = _get(url, "text/plain")
    assert _value(text, "frieze_relay_delivered_total", wall="main") >= 1
    assert _value(text, "frieze_relay_delivered_bytes_total", wall="main") > 100
    assert _value(text, "frieze_relay_viewers", wall="main") >= 1
    assert _value(text, "frieze_relay_lag_seconds_count") >= 1
    assert _value(text, "process_resident_memory_bytes") > 1_000_000
    assert _value(text, "frieze_media_streams_limit") > 0
    assert _value(text, "frieze_uploads_slots_limit") > 0
    gone = "frieze_relay_ended_total"
    until_blocking(lambda: _value(_get(url, "text/plain"), gone) >= 1, "the listener's end to be counted")


def test_it_speaks_openmetrics_as_well(up: Frieze, settings: dict[str, str]) -> None:
    url = f"http://{settings['FRIEZE_METRICS']}/metrics"
    text = _get(url, "application/openmetrics-text; version=1.0.0")
    assert "frieze_relay_delivered" in {family.name for family in open_metrics(text)}


def test_the_public_port_has_no_metrics_and_theirs_has_nothing_else(up: Frieze, settings: dict[str, str]) -> None:
    assert status(f"http://127.0.0.1:{settings['FRIEZE_PORT']}/metrics") == 404
    base = f"http://{settings['FRIEZE_METRICS']}"
    assert [status(base + path) for path in ("/", "/metrics", "/w/main", "/console", "/readyz")] == [
        200,
        200,
        404,
        404,
        404,
    ]


def test_top_prints_one_frame_of_it(up: Frieze, settings: dict[str, str], tmp_path: Path) -> None:
    with frieze("listen", "main", settings=settings, folder=tmp_path) as listener:
        listener.until_log(r'"kind":"head"')
        shown = run("top", "--once", settings=settings).stdout
    assert "1 relay" in shown
    assert settings["FRIEZE_METRICS"] in shown
    assert "the broker itself" in shown
    assert any(line.split()[:1] == ["main"] for line in shown.splitlines())


def test_nothing_is_served_where_the_setting_is_unset(settings: dict[str, str], tmp_path: Path) -> None:
    unset = {**settings, "FRIEZE_DATA": str(tmp_path), "FRIEZE_PORT": str(free_port()), "FRIEZE_METRICS": ""}
    unset["FRIEZE_STOMP_PORT"] = str(free_port())
    with frieze("up", "--no-demo", settings=unset, folder=tmp_path) as process:
        process.until_ready(f"http://127.0.0.1:{unset['FRIEZE_PORT']}")
        assert "metrics are served" not in process.log
