"""One upload on its way from a guest to the store.

    body → look at the first 64 KiB → pipe → store.put
             │                         └ SHA-256
             └ nothing of what can't be shown gets further

Either all of it is in the store and the catalogue has a post of it, or nothing is left: `run` gives the upload, or has
rolled back when it raises.
"""

import asyncio
import hashlib
from contextlib import suppress
from http import HTTPStatus

import structlog

from relay.uploads.body import Body
from relay.uploads.gate import Looked, look
from relay.uploads.holding import Holding
from relay.uploads.pipe import Pipe
from relay.uploads.refusals import STOPPING, STORE, Disconnected, Refusal, busy, refused
from relay.uploads.rollback import roll_back
from relay.uploads.settings import UploadSettings
from wall.catalogue import Catalogue
from wall.catalogue.uploads import Upload
from wall.errors import CatalogueError, ClaimLost, StoreError, UploadRefused
from wall.store.base import Store

_log = structlog.get_logger("uploads")
# an adapter that is told that its source has failed gives up at once; one that hangs is cancelled
_GIVE_UP_SECONDS = 5.0


class Stopped(Exception):
    """The relay stops."""


class Reception:
    def __init__(
        self, catalogue: Catalogue, store: Store, settings: UploadSettings, holding: Holding, body: Body
    ) -> None:
        self._catalogue = catalogue
        self._store = store
        self._settings = settings
        self._holding = holding
        self._held = holding.held
        self._body = body
        self._carrying: asyncio.Task[Upload] | None = None
        self._putting: asyncio.Task[None] | None = None
        self._offered = False  # to the catalogue, to make a post of it
        self._why: BaseException | None = None  # why it was cut off by us

    @property
    def received(self) -> int:
        """Bytes that have come."""
        return self._body.count

    @property
    def unsettled(self) -> bool:
        """Whether the store was given up and has not let go yet: then `settle` is to be called when `run` is over."""
        return self._putting is not None and not self._putting.done()

    async def run(self) -> Upload:
        """Raises Refusal, or Disconnected where nobody hears it; by then nothing of it is left, or will be soon."""
        self._carrying = asyncio.create_task(self._carry())
        keeping = asyncio.create_task(self._keep())
        try:
            return await self._carrying
        except asyncio.CancelledError as error:
            self._carrying.cancel()
            await asyncio.wait((self._carrying,))
            cause: BaseException = self._why or error
        except Exception as error:
            cause = error
        finally:
            keeping.cancel()
        refusal = self._refusal(cause)
        stored = await asyncio.shield(self._roll_back(refusal))
        if stored is not None:
            return stored
        raise refusal from (cause if cause is not refusal else None)

    def stop(self, why: BaseException) -> None:
        """Give up now: roll back, and let `run` raise what becomes of `why`."""
        if self._carrying is not None and self._why is None:
            self._why = why
            self._carrying.cancel()

    async def settle(self) -> None:
        """Wait for the end of a write that was given up, and delete what has come of it after all."""
        assert self._putting is not None
        await asyncio.wait((self._putting,), timeout=self._settings.longest)
        if self.unsettled:
            _log.warning("a write to the store does not end", upload=self._held.upload.id, key=self._held.upload.key)
            return
        reason = "The store could not be written to."
        await roll_back(
            self._catalogue, self._store, self._held, reason, self._settings.roll_back, offered=self._offered
        )

    async def _carry(self) -> Upload:
        async with asyncio.timeout(self._settings.whole(self._held.upload.size)):
            head = await self._head()
            looked = look(head, self._held.upload.size, self._held.rules)
            digest = await self._pass_on(head, looked)
            self._holding.check()
            self._offered = True
            return await self._catalogue.uploads.finish(
                self._held, kind=looked.kind, media_type=looked.type, sha256=digest
            )

    async def _head(self) -> bytes:
        head = bytearray()
        while len(head) < min(self._settings.head, self._held.upload.size) and (data := await self._body.read()):
            head += data
        return bytes(head)

    async def _pass_on(self, head: bytes, looked: Looked) -> str:
        """Everything from the guest to the store; the SHA-256 of it once the store has confirmed."""
        pipe = Pipe(self._settings.buffer)
        putting = self._putting = asyncio.create_task(self._put(pipe, looked.type))
        feeding = asyncio.create_task(self._feed(pipe, head))
        try:
            await asyncio.wait((feeding, putting), return_when=asyncio.FIRST_COMPLETED)
            if putting.done():
                await putting  # a store that fails is why the feeding stops, not the other way round
            digest = await feeding
            await self._confirmed(putting)
        except BaseException as error:
            feeding.cancel()
            # no final byte: the store sees its source break, and keeps nothing
            pipe.fail(error)
            await asyncio.shield(_over(feeding, putting))
            raise
        return digest

    async def _put(self, pipe: Pipe, media_type: str) -> None:
        upload = self._held.upload
        info = await self._store.put(upload.key, upload.size, media_type, pipe.pieces())
        if info.length != upload.size:
            raise StoreError(f"The store has {info.length} bytes of {upload.size}.")

    async def _feed(self, pipe: Pipe, head: bytes) -> str:
        """What comes, as long as it comes; the SHA-256 of it. The store sees the last bytes only of what was promised:
        with them it has all that its own length says, whether we end or not."""
        upload, stall = self._held.upload, self._settings.store_stall
        digest = hashlib.sha256()
        count, data = 0, head
        try:
            while data:
                count += len(data)
                digest.update(data)
                if count >= upload.size:
                    self._check(count, digest.hexdigest())
                await pipe.feed(data, stall)
                data = await self._body.read()
            self._check(count, digest.hexdigest())
            pipe.end()
            await pipe.emptied(stall)
        except TimeoutError as error:
            raise StoreError(f"The store of {upload.id} has taken nothing for {stall:g} s.") from error
        return digest.hexdigest()

    def _check(self, count: int, digest: str) -> None:
        upload = self._held.upload
        if count != upload.size:
            raise Refusal(HTTPStatus.BAD_REQUEST, "length", f"{count} bytes came where {upload.size} were promised.")
        if upload.sha256 not in (None, digest):
            raise Refusal(HTTPStatus.BAD_REQUEST, "hash", "Other bytes came than were promised; try again.")

    async def _confirmed(self, putting: asyncio.Task[None]) -> None:
        seconds = self._settings.store_answer
        done, _ = await asyncio.wait((putting,), timeout=seconds)
        if not done:
            raise StoreError(f"The store had everything and did not answer for {seconds:g} s.")
        await putting

    async def _keep(self) -> None:
        """Hold the claim; a guest who withdraws meanwhile takes it away, and so does a database that is away."""
        self.stop(await self._holding.keep())

    async def _roll_back(self, refusal: Refusal | Disconnected) -> Upload | None:
        reason = refusal.public if isinstance(refusal, Refusal) else "The connection broke before all of it was here."
        return await roll_back(
            self._catalogue, self._store, self._held, reason, self._settings.roll_back, offered=self._offered
        )

    def _refusal(self, error: BaseException) -> Refusal | Disconnected:
        """What the guest is told. What is wrong with us stands in the log."""
        retry = self._settings.retry
        match error:
            case Refusal() | Disconnected():
                return error
            case UploadRefused():
                return refused(error, retry)
            case ClaimLost():
                return Refusal(HTTPStatus.CONFLICT, "used", "This upload was withdrawn.")
            case Stopped() | asyncio.CancelledError():
                return busy(retry, STOPPING, "store")
            case TimeoutError():
                return Refusal(HTTPStatus.REQUEST_TIMEOUT, "long", "This took too long; try again where it is faster.")
            case StoreError() | CatalogueError():
                _log.warning("an upload was given up", upload=self._held.upload.id, reason=str(error))
            case _:
                _log.error("an upload failed", upload=self._held.upload.id, exc_info=error)
        return busy(retry, STORE, "store")


async def _over(feeding: asyncio.Task[str], putting: asyncio.Task[None]) -> None:
    """Wait until neither touches anything any more."""
    done, _ = await asyncio.wait((putting,), timeout=_GIVE_UP_SECONDS)
    if not done:
        putting.cancel()
    await asyncio.wait((feeding, putting), timeout=_GIVE_UP_SECONDS)
    for task in (feeding, putting):
        if task.done():
            with suppress(BaseException):
                task.result()
