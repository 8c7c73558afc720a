"""Places of other people where pictures lie, each of them real: a folder, a container of Swift, a bucket of its S3."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tests.integration.swift import PASSWORD, USER, Swift
from tests.wall.store.swift.fixtures import new_container

KINDS = ("folder", "swift", "s3")


@dataclass(frozen=True, slots=True)
class Place:
    """`put` and `delete` are what its owner does; `names` all that lies there."""

    url: str
    user: str | None
    password: str | None
    write: Callable[[str, bytes], None]
    remove: Callable[[str], None]
    listed: Callable[[], list[str]]

    async def put(self, name: str, data: bytes) -> None:
        await asyncio.to_thread(self.write, name, data)

    async def delete(self, name: str) -> None:
        await asyncio.to_thread(self.remove, name)

    async def names(self) -> list[str]:
        return sorted(await asyncio.to_thread(self.listed))


def folder_place(root: Path) -> Place:
    root.mkdir()

    def write(name: str, data: bytes) -> None:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(data)

    def names() -> list[str]:
        return [path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()]

    return Place(f"disk:{root}", None, None, write, lambda name: (root / name).unlink(), names)


def swift_place(swift: Swift, *, s3: bool) -> Place:
    container = new_container()
    assert swift.ask("PUT", container)[0] == 201

    def ask(method: str, name: str, data: bytes | None = None) -> None:
        status, body = swift.ask(method, f"{container}/{quote(name)}", data=data)
        assert status < 300, body

    url = f"s3://{container}?endpoint={swift.s3_url}" if s3 else swift.url(container)
    return Place(
        url,
        USER,
        PASSWORD,
        lambda name, data: ask("PUT", name, data),
        lambda name: ask("DELETE", name),
        lambda: swift.names(container),
    )
