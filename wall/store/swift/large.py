"""Objects above what one PUT may carry: segments in a container of their own, and a manifest under the key (SLO).

    CONTAINER/KEY                             the manifest; reads as one object
    CONTAINER_segments/KEY/WRITE/00000…       its bytes; WRITE is the id that stands in the manifest's metadata

Segments of a write whose manifest never came lie where no reader looks, and `tidy` finds them by that id.
"""

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from wall.errors import StoreError, StoreUnavailable
from wall.store.keys import is_key
from wall.store.swift.body import Body, Source
from wall.store.swift.objects import LARGE, WRITE, SwiftObjects, missing
from wall.store.swift.requests import Answer, SwiftRequests

_TYPE = "application/octet-stream"  # of a segment; the manifest has that of the object
MOST_SEGMENTS = 1000  # Swift's own limit, `max_manifest_segments`


@dataclass(frozen=True, slots=True)
class _Write:
    """The segments of one write, found in the listing; `newest` is when its last one was written."""

    key: str
    write: str
    names: list[str]
    newest: datetime


class LargeObjects:
    def __init__(self, requests: SwiftRequests, objects: SwiftObjects, segment_bytes: int) -> None:
        self._requests = requests
        self._objects = objects
        self._container = requests.address.container
        self._segments = requests.address.segments
        self._segment_bytes = segment_bytes
        self._made = False

    async def write(self, key: str, source: Source, length: int, media_type: str, write: str) -> Answer:
        """Segments, then the manifest. What a failure leaves is the caller's to take back."""
        size = max(self._segment_bytes, -(-length // MOST_SEGMENTS))
        parts: list[dict[str, Any]] = []
        for number, start in enumerate(range(0, length, size)):
            name = _segment(key, write, number)
            body = Body(source, min(size, length - start), self._requests.limits)
            try:
                await self._objects.write(self._segments, name, {WRITE: write}, body)
            finally:
                await body.rest()
            parts.append({"path": f"/{self._segments}/{name}", "etag": body.etag, "size_bytes": body.length})
        return await self._manifest(key, parts, media_type, write)

    async def copy(self, source: str, target: str, media_type: str, write: str) -> None:
        """Each segment is copied: a manifest alone would die with the source."""
        await self.make_container()
        answer = await self._requests.ask(
            "GET", self._container, source, query={"multipart-manifest": "get", "format": "raw"}
        )
        if answer.status == 404:
            raise missing()
        if not answer.ok:
            raise self._requests.refused(answer.status, "read its objects")
        parts: list[dict[str, Any]] = []
        for number, part in enumerate(self._requests.read_json(answer)):
            container, _, name = str(part["path"]).lstrip("/").partition("/")
            copy = _segment(target, write, number)
            await self._objects.copy((container, name), (self._segments, copy), int(part["size_bytes"]), _TYPE, write)
            parts.append({**part, "path": f"/{self._segments}/{copy}"})
        made = await self._manifest(target, parts, media_type, write)
        if made.status == 412:
            raise StoreError("There is an object under this key already; objects never change.")

    async def delete(self, key: str) -> None:
        """The segments first, then the manifest, so that a failure leaves something that can be deleted again."""
        answer = await self._requests.ask(
            "DELETE",
            self._container,
            key,
            query={"multipart-manifest": "delete"},
            headers={"Accept": "application/json"},
            seconds=self._requests.limits.answer,
        )
        if not answer.ok:
            raise self._requests.refused(answer.status, "delete its objects")
        said = self._requests.read_json(answer)
        if not str(said.get("Response Status", "")).startswith("2"):
            raise StoreUnavailable(
                f"The store at {self._requests.address.host} deleted only a part of a large object: "
                f"{said.get('Response Status')}."
            )

    async def take_back(self, key: str, write: str) -> None:
        """Delete the segments of a write, whether or not a listing knows them yet."""
        listed = [found.name async for found in self._requests.listing(self._segments, f"{key}/{write}/")]
        # one more may be on its way into the listing: the one that was being written
        for name in {*listed, _segment(key, write, len(listed))}:
            await self._objects.take_back(self._segments, name, write)

    async def tidy(self, older: timedelta) -> int:
        """Delete the segments of writes that have no manifest and got no segment for `older`; how many writes."""
        tidied = 0
        async for found in self._writes():
            if datetime.now(UTC) - found.newest < older:
                continue
            manifest = await self._objects.look(self._container, found.key) if is_key(found.key) else None
            if manifest is not None and LARGE in manifest.headers and manifest.headers.get(WRITE) == found.write:
                continue
            for name in found.names:
                await self._objects.delete(self._segments, name)
            tidied += 1
        return tidied

    async def _writes(self) -> AsyncGenerator[_Write]:
        """One after another, as the listing is sorted by name."""
        current: _Write | None = None
        async for found in self._requests.listing(self._segments):
            key, _, rest = found.name.partition("/")
            write = rest.partition("/")[0]
            if current is not None and (current.key, current.write) == (key, write):
                current = _Write(key, write, [*current.names, found.name], max(current.newest, found.written))
                continue
            if current is not None:
                yield current
            current = _Write(key, write, [found.name], found.written)
        if current is not None:
            yield current

    async def _manifest(self, key: str, parts: list[dict[str, Any]], media_type: str, write: str) -> Answer:
        answer = await self._requests.ask(
            "PUT",
            self._container,
            key,
            query={"multipart-manifest": "put"},
            headers={"Content-Type": media_type, "If-None-Match": "*", WRITE: write},
            body=json.dumps(parts).encode(),
            seconds=self._requests.limits.answer,
        )
        if not answer.ok and answer.status != 412:
            raise self._requests.refused(answer.status, "write")
        return answer

    async def make_container(self) -> None:
        """The one for segments; once is enough."""
        if self._made:
            return
        answer = await self._requests.ask("PUT", self._segments)
        # a user without the right to make containers may find it made
        if not answer.ok and answer.status != 403:
            raise self._requests.refused(answer.status, "make a container", self._segments)
        self._made = True


def _segment(key: str, write: str, number: int) -> str:
    return f"{key}/{write}/{number:05d}"
