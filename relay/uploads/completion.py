"""Files that guests send straight to the store: what came there is checked, and only then made theirs.

The signed address can be written to again until it expires, so what is looked at and hashed is the copy under its final
key, which nobody but us can write. A hash that the guest promised is never believed: it is compared with what is there.
"""

import asyncio
import hashlib
from contextlib import aclosing
from http import HTTPStatus

import structlog

from relay.uploads.gate import Looked, look
from relay.uploads.holding import Holding
from relay.uploads.refusals import STORE, Refusal, busy, refused
from relay.uploads.rollback import delete_surely, roll_back
from relay.uploads.settings import UploadSettings
from wall.catalogue import Catalogue
from wall.catalogue.uploads import Upload
from wall.errors import CatalogueError, ClaimLost, ObjectMissing, StoreError, UploadRefused
from wall.store.base import Store

_log = structlog.get_logger("uploads")


class Completion:
    """`holding` is kept by who runs this; `hashing`: a place for each file that is read back at the same time, of all
    completions."""

    def __init__(
        self, catalogue: Catalogue, store: Store, settings: UploadSettings, holding: Holding, hashing: asyncio.Semaphore
    ) -> None:
        self._catalogue = catalogue
        self._store = store
        self._settings = settings
        self._holding = holding
        self._held = holding.held
        self._hashing = hashing
        self._offered = False  # to the catalogue, to make a post of it

    async def run(self) -> Upload:
        """The stored upload. Raises Refusal: then nothing of it is left, or (503, `missing`) it can be asked again."""
        try:
            return await self._complete()
        except UploadRefused as error:
            refusal = refused(error, self._settings.retry)
        except Refusal as error:
            refusal = error
        except ClaimLost:
            refusal = Refusal(HTTPStatus.CONFLICT, "used", "This upload was withdrawn.")
        except (StoreError, CatalogueError) as error:
            _log.warning("an upload could not be completed", upload=self._held.upload.id, reason=str(error))
            if not self._holding.over:
                return await self._back()
            # somebody may have cleared it away while the store still copied
            refusal = busy(self._settings.retry, STORE, "store")
        if refusal.code == "missing":
            await self._catalogue.uploads.give_back(self._held)
            raise refusal
        stored = await self._roll_back(refusal)
        if stored is not None:
            return stored
        raise refusal

    async def _roll_back(self, refusal: Refusal) -> Upload | None:
        within = self._settings.roll_back
        return await roll_back(self._catalogue, self._store, self._held, refusal.public, within, offered=self._offered)

    async def _complete(self) -> Upload:
        upload = self._held.upload
        assert upload.quarantine is not None
        await self._look(upload.quarantine)
        await self._store.copy(upload.quarantine, upload.key)
        looked = await self._look(upload.key)
        digest = await self._digest()
        if digest is not None and upload.sha256 not in (None, digest):
            raise Refusal(HTTPStatus.BAD_REQUEST, "hash", "Other bytes came than were promised; try again.")
        self._holding.check()
        self._offered = True
        stored = await self._catalogue.uploads.finish(
            self._held, kind=looked.kind, media_type=looked.type, sha256=digest
        )
        try:
            await self._store.delete(upload.quarantine)
        except StoreError as error:
            # it is deleted once more when its signed address is over
            _log.info("a quarantined file is left for a while", upload=upload.id, reason=str(error))
        return stored

    async def _look(self, key: str) -> Looked:
        upload = self._held.upload
        try:
            opened = await self._store.open(key, 0, min(self._settings.head, upload.size))
        except ObjectMissing as error:
            sentence = "The store has nothing yet; send the file first."
            raise Refusal(HTTPStatus.CONFLICT, "missing", sentence) from error
        async with aclosing(opened.chunks) as chunks:
            if opened.info.length != upload.size:
                raise Refusal(
                    HTTPStatus.BAD_REQUEST,
                    "length",
                    f"{opened.info.length} bytes came where {upload.size} were promised.",
                )
            head = b"".join([chunk async for chunk in chunks])
        return look(head, upload.size, self._held.rules)

    async def _digest(self) -> str | None:
        """The SHA-256 of what is under the final key; None where that is too much to read back, or comes too slowly:
        then the upload stands, and is the same as nothing but itself."""
        upload, settings = self._held.upload, self._settings
        if upload.size > settings.hash_most:
            return None
        digest = hashlib.sha256()
        try:
            async with asyncio.timeout(settings.hash_within), self._hashing:
                opened = await self._store.open(upload.key)
                async with aclosing(opened.chunks) as chunks:
                    async for chunk in chunks:
                        digest.update(chunk)
        except TimeoutError:
            _log.info("an upload came back too slowly to be hashed", upload=upload.id, seconds=settings.hash_within)
            return None
        return digest.hexdigest()

    async def _back(self) -> Upload:
        """Leave it as it was, so that it can be asked for again: without a copy, which could not be made twice."""
        uploads = self._catalogue.uploads
        refusal = busy(self._settings.retry, STORE, "store")
        try:
            await uploads.renew(self._held, self._settings.claim_lease)
            await delete_surely(self._store, self._held.upload.key)
            await uploads.give_back(self._held)
        except ClaimLost:
            # a commit that nobody heard of, or our copy is deleted whoever took it over
            stored = await self._roll_back(refusal)
            if stored is not None:
                return stored
        except (StoreError, CatalogueError):
            pass  # its claim expires, and then it is cleared away
        raise refusal
