"""Where a part of the bench takes place: a store, and the relay in front of it."""

import json
import secrets
import tempfile
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench import clock
from tests.bench.child import Child, child
from tests.bench.media.proxies import Nginx, origin
from tests.integration.swift import PASSWORD, USER, Swift, running_swift
from wall.ids import random_id

_CONTAINER = "wall"
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Place:
    """A relay in front of a store. `folder` is for others that join."""

    folder: Path
    port: int
    _relay: Child

    def processor(self) -> float:
        """Seconds of processor the relay has used."""
        return clock.processors(self._relay.pid)

    def resident(self) -> int:
        """Bytes of memory it holds."""
        return clock.resident(self._relay.pid)

    def show(self, key: str, role: str, media_type: str, length: int) -> str:
        """Put an object of the store on the wall; its path at the relay."""
        return self._ask(f"show {role} {media_type} {key} {length}")

    def streams(self) -> int:
        """How many run now."""
        return int(json.loads(self._ask("running"))["streams"])

    def uploads(self) -> int:
        """How many come in now."""
        return int(json.loads(self._ask("running"))["uploads"])

    def _ask(self, line: str) -> str:
        self._relay.say(line)
        return self._relay.hear().strip()


@dataclass(frozen=True, slots=True)
class Origin:
    """nginx that answers reads as Swift does: the relay has its adapter for Swift in front of it, and nginx as a proxy
    the same origin."""

    nginx: Nginx
    files: Path

    def add(self, length: int) -> str:
        """A new object of so many bytes; its key."""
        key = _key()
        with (self.files / key).open("wb") as file:
            block = secrets.token_bytes(min(length, _BLOCK))
            for _ in range(length // len(block)):
                file.write(block)
            file.write(block[: length % len(block)])
        return key

    def path(self, key: str) -> str:
        """Where a proxy finds it."""
        return f"/v1/AUTH_bench/{_CONTAINER}/{key}"


@dataclass(frozen=True, slots=True)
class RealSwift:
    """Swift itself, past the relay."""

    swift: Swift

    def add(self, length: int) -> str:
        """A new object of so many bytes; its key."""
        key = _key()
        status, _ = self.swift.ask("PUT", f"{_CONTAINER}/{key}", data=secrets.token_bytes(length))
        assert status == 201, status
        return key

    def reads(self, key: str) -> int:
        """How often the object was read, by the log of Swift's object server."""
        lines = (self.swift.folder / "object.log").read_text(errors="replace").splitlines()
        return sum(f"/{_CONTAINER}/{key}" in line and '"GET ' in line for line in lines)


@contextmanager
def at_origin() -> Generator[tuple[Place, Origin]]:
    with _folder() as folder, ExitStack() as stack:
        files = folder / "files"
        files.mkdir()
        nginx = stack.enter_context(origin(folder / "origin", files, _CONTAINER))
        place = stack.enter_context(_relay(folder, _in_swift(nginx.port)))
        yield place, Origin(nginx, files)


@contextmanager
def at_swift() -> Generator[tuple[Place, RealSwift]]:
    with _folder() as folder, running_swift(folder) as swift, _relay(folder, _in_swift(swift.port)) as place:
        yield place, RealSwift(swift)


@contextmanager
def at_disk() -> Generator[Place]:
    with _folder() as folder, _relay(folder, {"FRIEZE_STORE_URL": f"disk:{folder / 'store'}"}) as place:
        yield place


@contextmanager
def _folder() -> Generator[Path]:
    with tempfile.TemporaryDirectory(prefix="frieze-bench-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@contextmanager
def _relay(folder: Path, settings: Mapping[str, str]) -> Generator[Place]:
    with child("alone", settings=settings, package="tests.bench.media") as relay:
        yield Place(folder, int(json.loads(relay.hear())["port"]), relay)


def _in_swift(port: int) -> dict[str, str]:
    return {
        "FRIEZE_STORE_URL": f"swift://127.0.0.1:{port}/{_CONTAINER}?auth=v1&tls=no",
        "FRIEZE_STORE_USER": USER,
        "FRIEZE_STORE_PASSWORD": PASSWORD,
    }


def _key() -> str:
    return random_id(secrets.token_bytes(16))
