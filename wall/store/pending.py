"""Pending multipart uploads of an S3 store: found and aborted.

obstore aborts what it began when the source breaks off, but not when a last part is refused, nor when its process is
killed; and it can't list what is pending. So these two requests are our own.
"""

import xml.etree.ElementTree as ET
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

import aiohttp
from yarl import URL

from wall.errors import StoreRefused, StoreUnavailable
from wall.store.sigv4 import Signer, path_of

SECONDS = 30.0
LISTING_BYTES = 4 * 1024 * 1024  # a page of at most 1,000 uploads


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingUpload:
    """An upload that nobody has completed: the `path` it would make, its `id`, and when it was begun (UTC)."""

    path: str
    id: str
    begun: datetime


class PendingUploads:
    """Those of one bucket at `endpoint` (path style), with `signer`'s rights."""

    def __init__(self, endpoint: str, bucket: str, signer: Signer, now: Callable[[], datetime]) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._bucket = bucket
        self._signer = signer
        self._now = now
        self._session: aiohttp.ClientSession | None = None

    async def under(self, prefix: str) -> AsyncGenerator[PendingUpload]:
        """All whose path begins with `prefix`; none in a bucket that is not there.

        Raises StoreUnavailable or StoreRefused.
        """
        at = {"key-marker": "", "upload-id-marker": ""}
        while True:
            query = {"uploads": "", "max-uploads": "1000", "prefix": prefix, **{n: v for n, v in at.items() if v}}
            listing = await self._ask("GET", self._endpoint + path_of(self._bucket), query, missing=True)
            if not listing:
                return
            page = _tree(listing)
            for upload in page.findall("{*}Upload"):
                begun = datetime.fromisoformat(_text(upload, "Initiated").replace("Z", "+00:00"))
                yield PendingUpload(path=_text(upload, "Key"), id=_text(upload, "UploadId"), begun=begun)
            if _text(page, "IsTruncated") != "true":
                return
            at = {
                "key-marker": _text(page, "NextKeyMarker"),
                "upload-id-marker": _text(page, "NextUploadIdMarker"),
            }

    async def abort(self, upload: PendingUpload) -> None:
        """Forget an upload and its parts; one that is gone is no error."""
        url = self._endpoint + path_of(self._bucket, upload.path)
        await self._ask("DELETE", url, {"uploadId": upload.id}, missing=True)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _ask(self, method: str, url: str, query: dict[str, str], *, missing: bool = False) -> bytes:
        """The answer's body; with `missing`, nothing where the store has not what was asked for."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS))
        signed, headers = self._signer.request(method, url, query, self._now())
        try:
            async with self._session.request(
                method, URL(signed, encoded=True), headers=headers, allow_redirects=False
            ) as answer:
                body = await answer.content.read(LISTING_BYTES)
                while more := await answer.content.read(LISTING_BYTES):
                    body += more
                    if len(body) > LISTING_BYTES:
                        raise StoreUnavailable("The store's list of pending uploads is too long.")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise StoreUnavailable(f"The store does not answer: {error or type(error).__name__}.") from error
        if answer.status in (HTTPStatus.OK, HTTPStatus.NO_CONTENT):
            return body
        if missing and answer.status == HTTPStatus.NOT_FOUND:
            return b""
        if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise StoreRefused("The store does not let us see or abort pending uploads; see FRIEZE_STORE_USER.")
        raise StoreUnavailable(f"The store answers {answer.status} when asked for pending uploads.")


def _tree(body: bytes) -> ET.Element:
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise StoreUnavailable("The store's list of pending uploads is no plain XML.")
    try:
        return ET.fromstring(body)  # noqa: S314  without a DTD there are no entities to expand
    except ET.ParseError as error:
        raise StoreUnavailable("The store's list of pending uploads is no XML.") from error


def _text(element: ET.Element, name: str) -> str:
    found = element.find(f"{{*}}{name}")
    return (found.text or "") if found is not None else ""
