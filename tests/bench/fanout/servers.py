"""The three servers that are compared, each in a process of its own, new for each round."""

import json
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench import clock
from tests.bench.child import child
from tests.bench.fanout.publisher import Publisher
from tests.integration.activemq import SERIES_5, boot

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
    with child(module, settings={"FRIEZE_BROKER_PASSWORD": _PASSCODE}) as process:
        ports = json.loads(process.hear())
        yield Server(
            name=name,
            pid=process.pid,
            viewers=("127.0.0.1", ports["viewers"]),
            path="/stomp",
            stomp=("127.0.0.1", ports["stomp"]),
            login="frieze",
            passcode=_PASSCODE,
        )


@contextmanager
def _activemq() -> Generator[Server]:
    with tempfile.TemporaryDirectory(prefix="frieze-bench-") as folder:
        # the JVM as docker-compose.yml has it, compiling all it can
        broker, end = boot(Path(folder), SERIES_5, "-Xms256m -Xmx1g")
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
