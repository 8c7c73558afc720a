"""`frieze alive`: an open port or a running process is not enough."""

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from frieze.alive import FRESH, alive
from frieze.settings import load
from wall.catalogue import Catalogue
from wall.errors import SettingsError

HOST = socket.gethostname()[:40]


@contextmanager
def _answering(status: int, body: bytes) -> Generator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/readyz" else 404)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("part", ["relay", "web", "store"])
def test_a_part_that_says_it_is_ready_is_alive(part: str) -> None:
    with _answering(200, b"ok") as port:
        assert alive(load(host="0.0.0.0", port=port), part).ok


def test_a_part_that_answers_but_is_not_ready_is_not_alive() -> None:
    with _answering(503, b"not ready") as port:
        life = alive(load(port=port), "relay")
    assert not life.ok
    assert life.sentence == "Answers 503: not ready."


def test_a_part_that_does_not_answer_is_not_alive() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening
        life = alive(load(port=taken.getsockname()[1]), "web")
    assert not life.ok
    assert "Nothing answers" in life.sentence


def test_a_part_that_takes_too_long_is_not_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frieze.alive.ANSWER_SECONDS", 0.05)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()  # the kernel takes the connection, nobody answers
        life = alive(load(port=silent.getsockname()[1]), "web")
    assert not life.ok
    assert life.sentence.startswith("No answer within")


def _report(url: str, *, part: str, ok: bool, age: timedelta) -> None:
    """Let a part report, as long ago as `age`."""

    async def say() -> None:
        catalogue = Catalogue(url, now=lambda: datetime.now(UTC) - age)
        await catalogue.migrate()
        await catalogue.health.say(part, ok=ok, sentence="Sweeping." if ok else "The disk is full.")
        await catalogue.close()

    asyncio.run(say())


def _ingest(url: str) -> tuple[bool, str]:
    life = alive(load(database_url=url), "ingest")
    return life.ok, life.sentence


def test_an_ingest_part_that_reported_just_now_is_alive(database_url: str) -> None:
    _report(database_url, part=f"ingest {HOST}-1-abcd", ok=True, age=timedelta())
    assert _ingest(database_url) == (True, "Sweeping.")


def test_an_ingest_part_that_went_silent_is_not_alive(database_url: str) -> None:
    _report(database_url, part=f"ingest {HOST}-1-abcd", ok=True, age=FRESH + timedelta(seconds=30))
    ok, sentence = _ingest(database_url)
    assert not ok
    assert "last reported" in sentence


def test_an_ingest_part_in_trouble_says_which(database_url: str) -> None:
    _report(database_url, part=f"ingest {HOST}-1-abcd", ok=False, age=timedelta())
    assert _ingest(database_url) == (False, "The disk is full.")


def test_the_trouble_of_the_process_before_a_restart_does_not_count(database_url: str) -> None:
    _report(database_url, part=f"ingest {HOST}-1-abcd", ok=False, age=timedelta(seconds=20))
    _report(database_url, part=f"ingest {HOST}-7-ef01", ok=True, age=timedelta())
    assert _ingest(database_url)[0]


def test_another_hosts_ingest_part_does_not_make_this_one_alive(database_url: str) -> None:
    _report(database_url, part="ingest elsewhere-1-abcd", ok=True, age=timedelta())
    _report(database_url, part=f"publisher {HOST}-1-abcd", ok=True, age=timedelta())
    ok, sentence = _ingest(database_url)
    assert not ok
    assert "has reported yet" in sentence


def test_a_name_that_is_no_part_is_refused() -> None:
    with pytest.raises(SettingsError, match="no part of Frieze"):
        alive(load(), "broker")


def test_the_check_ends_with_a_status_and_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "frieze.alive", "web"],
            env={"FRIEZE_PORT": str(port), "FRIEZE_CONFIG": str(tmp_path / "none.toml")},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert done.stdout.startswith("Nothing answers on port")
    assert not done.stderr
