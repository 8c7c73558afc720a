"""The three servers that are compared, each in a process of its own, new for each round."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.fanout import clock
from tests.bench.fanout.publisher import Publisher
from tests.integration.activemq import boot
from tests.processes import ROOT, environment

FLOOR, RELAY, ACTIVEMQ = "floor", "relay", "activemq"
_PASSCODE = "bench"


@dataclass(frozen=True, slots=True)
class Server:
    """Where viewers and publishers go, and whose time and memory it is."""

    name: str
    pid: int
    viewers: tuple[str, int]
    path: str
    stomp: tuple[str, int]
    login: str
    passcode: str

    def publisher(self) -> Publisher:
        return Publisher(self.stomp, self.login, self.passcode)

    def processor(self) -> float:
        return clock.processors(self.pid)

    def resident(self) -> int:
        return clock.resident(self.pid)


@contextmanager
def serving(name: str) -> Generator[Server]:
    """A running server of that name."""
    with _activemq() if name == ACTIVEMQ else _ours(name) as server:
        yield server


@contextmanager
def _ours(name: str) -> Generator[Server]:
    module = {FLOOR: "bare", RELAY: "alone"}[name]
    process = subprocess.Popen(
        [sys.executable, "-m", f"tests.bench.fanout.{module}"],
        cwd=ROOT,
        env=environment({"FRIEZE_BROKER_PASSWORD": _PASSCODE}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise SystemExit(f"the bench's server {name} did not start")
        ports = json.loads(line)
        yield Server(
            name=name,
            pid=process.pid,
            viewers=("127.0.0.1", ports["viewers"]),
            path="/stomp",
            stomp=("127.0.0.1", ports["stomp"]),
            login="frieze",
            passcode=_PASSCODE,
        )
    finally:
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def _activemq() -> Generator[Server]:
    with tempfile.TemporaryDirectory(prefix="frieze-bench-") as folder:
        broker, end = boot(Path(folder), os.environ.get("FRIEZE_BENCH_ACTIVEMQ", "5.18.3"))
        process = getattr(broker.switch, "process", None)
        if process is None:
            raise SystemExit("ActiveMQ runs in a container here, whose time the bench can't read")
        host, port = broker.ws_url.removeprefix("ws://").split(":")
        try:
            yield Server(
                name=ACTIVEMQ,
                pid=process.pid,
                viewers=(host, int(port)),
                path="/",
                stomp=broker.stomp,
                login=broker.user,
                passcode=broker.password,
            )
        finally:
            end()
