"""One object or segment at a time: written whole or not at all, and taken back when nobody knows how it ended.

Each write carries a random id in `X-Object-Meta-Frieze-Write`. Only an object with the id of the write that failed is
taken back: another one was there before, and is not ours to delete. DELETE is sent even where nothing is found, since
Swift remembers it with its time: what a cut connection still commits afterwards is older, and loses.
"""

import asyncio
from collections.abc import Mapping
from urllib.parse import quote

from wall.errors import ObjectMissing, StoreError, StoreUnavailable
from wall.store.base import ObjectInfo
from wall.store.swift.body import Body
from wall.store.swift.requests import Answer, SwiftRequests

WRITE = "X-Object-Meta-Frieze-Write"
LARGE = "X-Static-Large-Object"
_PAUSE = 0.5  # seconds between two tries to take a write back
_COPY_RATE = 8 * 1024 * 1024  # bytes a second; a copy that is slower has failed


class SwiftObjects:
    """Objects of any container of the account."""

    def __init__(self, requests: SwiftRequests) -> None:
        self._requests = requests
        self._limits = requests.limits

    async def write(self, container: str, name: str, headers: Mapping[str, str], body: Body | bytes) -> Answer:
        """PUT, confirmed with the etag of what was sent. 412 is handed back, as is any success.

        When it raises, the object may be there all the same: the caller takes it back.
        """
        answer = await self._requests.ask("PUT", container, name, headers=headers, body=body)
        if answer.status == 412:
            return answer
        if not answer.ok:
            raise self._requests.refused(answer.status, "write", container)
        if isinstance(body, Body) and (not body.complete or plain_etag(answer.headers) != body.etag):
            raise StoreUnavailable(
                f"The store at {self._requests.address.host} confirmed other bytes than it was sent."
            )
        return answer

    async def copy(
        self, source: tuple[str, str], target: tuple[str, str], length: int, media_type: str, write: str
    ) -> None:
        """Let the store copy; it can't be told not to replace what is there. Without a type the copy gets another."""
        answer = await self._requests.ask(
            "PUT",
            *target,
            headers={"X-Copy-From": quote(f"/{source[0]}/{source[1]}"), "Content-Type": media_type, WRITE: write},
            body=b"",
            seconds=self._limits.answer + length / _COPY_RATE,
        )
        if answer.status == 404:
            raise missing()
        if not answer.ok:
            raise self._requests.refused(answer.status, "copy its objects", target[0])

    async def look(self, container: str, name: str) -> Answer | None:
        """Its headers, or None where it is not there."""
        answer = await self._requests.ask("HEAD", container, name)
        if answer.status == 404:
            return None
        if not answer.ok:
            raise self._requests.refused(answer.status, "read its objects", container)
        return answer

    async def delete(self, container: str, name: str) -> None:
        answer = await self._requests.ask("DELETE", container, name)
        if not answer.ok and answer.status != 404:
            raise self._requests.refused(answer.status, "delete its objects", container)

    async def take_back(self, container: str, name: str, write: str) -> None:
        """Make sure that nothing of this write is under the name; try for as long as the limit allows."""
        try:
            async with asyncio.timeout(self._limits.roll_back):
                while True:
                    if await self._is_taken_back(container, name, write):
                        return
                    await asyncio.sleep(_PAUSE)
        except TimeoutError as error:
            raise StoreUnavailable(
                f"The store at {self._requests.address.host} could not be asked to take back what was written."
            ) from error

    async def _is_taken_back(self, container: str, name: str, write: str) -> bool:
        try:
            found = await self.look(container, name)
            if found is not None and found.headers.get(WRITE) != write:
                return True
            await self.delete(container, name)
            return await self.look(container, name) is None
        except StoreUnavailable:
            return False


def plain_etag(headers: Mapping[str, str]) -> str:
    """Swift quotes the etags of large objects and no others."""
    return headers.get("Etag", "").strip('"')


def info_of(headers: Mapping[str, str], length: int | None = None) -> ObjectInfo:
    """What the headers of HEAD or GET say. Raises StoreUnavailable where something in between has lost them."""
    try:
        return ObjectInfo(
            length=int(headers["Content-Length"]) if length is None else length,
            type=headers["Content-Type"],
            etag=f'"{plain_etag(headers)}"',
        )
    except (KeyError, ValueError) as error:
        raise StoreUnavailable(f"The store's answer has no {error}; does a proxy in between take it out?") from error


def missing() -> StoreError:
    return ObjectMissing("The store has no object under this key.")
