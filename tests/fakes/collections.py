"""Places of other people where pictures lie, each of them real: a folder, a container of Swift, a bucket of its S3, and
with `script/test --stores` a bucket of Google's and a container of Azure's."""

import asyncio
import os
import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.fakes.google_xml import google_xml
from tests.fakes.store_service import TOKEN, served
from tests.integration.swift import PASSWORD, USER, Swift
from tests.integration.vendors import (
    VendorStore,
    ask_azure,
    ask_gcs,
    azure_names,
    gcs_names,
    make_container,
    make_gcs_bucket,
    service_account,
)
from tests.wall.store.swift.fixtures import new_container
from wall.store.collections import open_collection
from wall.store.collections.base import Collection
from wall.store.collections.remote import RemoteCollection, hash_of
from wall.store.disk import DiskStore
from wall.store.remote import RemoteStore

_VENDORS = ("google", "azure")  # the head of each run says whether these run
# `service`: a container of Swift that only a store service has the password for
KINDS = ("folder", "swift", "s3", "service", *(_VENDORS if os.environ.get("FRIEZE_TEST_STORES") else ()))


@dataclass(frozen=True, slots=True)
class Place:
    """`put` and `delete` are what its owner does; `names` all that lies there. `service`: where the one is that reads
    it for others."""

    url: str
    user: str | None
    password: str | None
    write: Callable[[str, bytes], object]
    remove: Callable[[str], object]
    listed: Callable[[], list[str]]
    service: str | None = None

    def opened(self) -> Collection:
        """The collection as our parts read it; the caller closes it."""
        if self.service is not None:
            return RemoteCollection(RemoteStore(self.service, TOKEN), self.url)
        return open_collection(self.url, self.user, self.password)

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


@asynccontextmanager
async def new_place(kind: str, request: pytest.FixtureRequest, folder: Path) -> AsyncGenerator[Place]:
    """An empty place of one of `KINDS`."""
    if kind == "folder":
        yield folder_place(folder)
    elif kind == "service":
        behind = await asyncio.to_thread(swift_place, request.getfixturevalue("swift"), s3=False)
        collection = open_collection(behind.url, behind.user, behind.password)
        async with served(DiskStore(folder), collections={hash_of(behind.url): collection}) as url:
            yield replace(behind, service=url)
        await collection.close()
    elif kind == "google":
        gcs: VendorStore = request.getfixturevalue("gcs")
        async with google_xml(f"{gcs.host}:{gcs.port}") as endpoint:
            yield await asyncio.to_thread(google_place, gcs, endpoint)
    elif kind == "azure":
        azurite: VendorStore = request.getfixturevalue("azurite")
        yield await asyncio.to_thread(azure_place, azurite)
    else:
        swift: Swift = request.getfixturevalue("swift")
        yield await asyncio.to_thread(swift_place, swift, s3=kind == "s3")


def google_place(gcs: VendorStore, endpoint: str) -> Place:
    """`endpoint` is where its XML API is."""
    bucket = f"wall-{secrets.token_hex(6)}"
    make_gcs_bucket(gcs, bucket)
    return Place(
        f"gs://{bucket}?endpoint={endpoint}",
        None,
        service_account(endpoint),
        lambda name, data: ask_gcs(
            gcs, "POST", f"/upload/storage/v1/b/{bucket}/o?uploadType=media&name={quoted(name)}", data
        ),
        lambda name: ask_gcs(gcs, "DELETE", f"/storage/v1/b/{bucket}/o/{quoted(name)}"),
        lambda: gcs_names(gcs, bucket),
    )


def azure_place(azurite: VendorStore) -> Place:
    container = f"wall-{secrets.token_hex(6)}"
    assert make_container(azurite, container) == 201
    return Place(
        f"az://{container}?endpoint={azurite.endpoint}/{azurite.user}",
        azurite.user,
        azurite.password,
        lambda name, data: ask_azure(azurite, "PUT", f"{container}/{quoted(name)}", data),
        lambda name: ask_azure(azurite, "DELETE", f"{container}/{quoted(name)}"),
        lambda: azure_names(azurite, container),
    )


def quoted(name: str) -> str:
    return quote(name, safe="")
