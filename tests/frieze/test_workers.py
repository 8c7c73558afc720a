"""`frieze relay --workers`: what can't work is said at once, and what dies is started again without haste."""

import os
import signal
import socket
from pathlib import Path

import pytest

from tests.fakes.waiting import until_blocking
from tests.postgres import free_port
from tests.processes import Frieze, frieze, run, status


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    """A relay whose broker is away, which is no reason not to run."""
    return {
        "FRIEZE_DATA": str(tmp_path / "data"),
        "FRIEZE_PORT": str(free_port()),
        "FRIEZE_BROKER_URL": f"stomp://127.0.0.1:{free_port()}",
        "FRIEZE_BROKER_PASSWORD": "correct horse",
    }


def workers(relay: Frieze) -> set[int]:
    children = Path(f"/proc/{relay.process.pid}/task").glob("*/children")
    return {int(child) for file in children for child in file.read_text().split()}


def said(*arguments: str, settings: dict[str, str]) -> str:
    """The one sentence with which it ends."""
    ended = run("relay", *arguments, settings=settings, check=False)
    assert ended.returncode == 1
    return [line for line in ended.stderr.splitlines() if line.startswith("frieze: ")][-1]


@pytest.mark.parametrize("number", ["2", "auto", "0"])
def test_the_embedded_broker_is_one_process_and_says_so(settings: dict[str, str], number: str) -> None:
    del settings["FRIEZE_BROKER_URL"]
    assert "Several workers need a broker" in said("--workers", number, settings=settings)


@pytest.mark.parametrize("number", ["many", "-1", "65"])
def test_a_number_of_workers_that_can_not_be_is_named(settings: dict[str, str], number: str) -> None:
    assert "FRIEZE_RELAY_WORKERS" in said(settings={**settings, "FRIEZE_RELAY_WORKERS": number})
    assert f"--workers is '{number}'" in said("--workers", number, settings=settings)


def test_a_taken_port_is_said_at_once(settings: dict[str, str]) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", int(settings["FRIEZE_PORT"])))
        other.listen()
        assert "is taken by another program" in said("--workers", "2", settings=settings)


def test_workers_that_can_not_even_start_end_the_relay(settings: dict[str, str]) -> None:
    run("migrate", settings=settings)
    settings["FRIEZE_STORE_URL"] = "disk:/proc/nowhere"
    assert "workers can't start" in said("--workers", "2", settings=settings)


def test_a_crash_loop_is_said_once_and_never_spins_and_a_stop_ends_all(
    settings: dict[str, str], tmp_path: Path
) -> None:
    run("migrate", settings=settings)
    base = f"http://127.0.0.1:{settings['FRIEZE_PORT']}"
    with frieze("relay", "--workers", "2", settings=settings, folder=tmp_path) as relay:
        # alive, and not ready: no worker hears the broker
        until_blocking(lambda: status(f"{base}/livez") == 200, "a worker to answer", 60)
        assert status(f"{base}/readyz") == 503
        seen: set[int] = set()

        def kill_another() -> bool:
            for pid in workers(relay):
                seen.add(pid)
                os.kill(pid, signal.SIGKILL)
            return len(seen) >= 8

        until_blocking(kill_another, "eight workers to have been started", 90)
        assert relay.log.count("keeps ending") == 1
        assert relay.log.count("is started again") <= 2
        assert relay.stop(30) == 0
        assert not any(Path(f"/proc/{pid}").exists() for pid in seen)
