"""Where a part of the bench takes place: an origin with files, and the relay in front of it."""

import json
import secrets
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.fanout import clock
from tests.bench.fanout.child import Child, child
from tests.bench.media.proxies import Nginx, files
from wall.ids import random_id


@dataclass
class Place:
    """`origin` serves the files of `files`; the relay reads them there. `folder` is for others that join."""

    folder: Path
    files: Path
    origin: Nginx
    port: int
    _relay: Child

    @property
    def relay(self) -> int:
        return self._relay.pid

    def processor(self) -> float:
        return clock.processors(self._relay.pid)

    def resident(self) -> int:
        return clock.resident(self._relay.pid)

    def add(self, length: int) -> str:
        """A file of so many bytes; its key."""
        key = random_id(secrets.token_bytes(16))
        with (self.files / key).open("wb") as file:
            block = secrets.token_bytes(min(length, 1 << 20))
            for _ in range(length // len(block)):
                file.write(block)
            file.write(block[: length % len(block)])
        return key

    def show(self, key: str, role: str, media_type: str) -> str:
        """Put it on the wall; its path at the relay."""
        return self._ask(f"show {role} {media_type} {key}")

    def reads(self) -> int:
        return int(self._ask("reads"))

    def streams(self) -> int:
        return int(self._ask("streams"))

    def _ask(self, line: str) -> str:
        self._relay.say(line)
        return self._relay.hear().strip()


@contextmanager
def place() -> Generator[Place]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="frieze-bench-")))
        stored = folder / "files"
        stored.mkdir()
        origin = stack.enter_context(files(folder / "origin", stored))
        relay = stack.enter_context(
            child("alone", f"http://127.0.0.1:{origin.port}", str(stored), package="tests.bench.media")
        )
        port = int(json.loads(relay.hear())["port"])
        yield Place(folder, stored, origin, port, relay)
