"""`s3:`, `gs:` and `az:`: the stores that obstore speaks to. How each is named and signed: `wall/store/vendors.py`.

An object is `<prefix>/<key>`. What fits into one part goes up in one request that creates it or is refused; what is
larger goes up in parts and appears when they are completed. Two traps of obstore shape this module
(reference: media.md §4.3): a `put` that is cancelled leaves its upload pending, so it never is: its source raises, and
we wait; and a part that is refused while the upload is being finished leaves it pending as well, so after every failure
we look for what is pending under this path ourselves.

Each object carries the name of the attempt that wrote it. When an answer is lost, that tells ours from another's.
"""

import asyncio
import re
import secrets
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import obstore
from obstore import exceptions as oe

from wall.errors import FriezeError, ObjectChanged, ObjectMissing, StoreError, StoreRefused, StoreUnavailable
from wall.store.base import CHUNK, Method, ObjectInfo, OpenObject, SignedRequest, StoredObject
from wall.store.exactly import exactly
from wall.store.finishing import to_the_end
from wall.store.keys import check_key, is_key
from wall.store.remote import check_type
from wall.store.round_trip import round_trip

PART = 8 * 1024 * 1024  # bytes; with 10,000 parts, as S3 allows, 78 GiB
CONCURRENCY = (
    1  # parts on their way at once; each costs PART of memory, and a video comes no faster than its guest sends
)
PIECE = 1024 * 1024  # bytes handed to obstore at once
STALL_SECONDS = 1200.0  # the store takes no further piece; its own requests have shorter limits
AGAIN_SECONDS = 60.0  # after which a write of unknown outcome is looked at once more: stores may commit late
LATER = 1000  # such looks that may wait at once
if TYPE_CHECKING:
    from obstore import GetOptions

_STATUS = re.compile(r"Server returned non-2xx status code: (\d{3})")
_ATTEMPT = "friezeattempt"  # Azure allows no dash in a name

T = TypeVar("T")


class Vendor(Protocol):
    """What differs from store to store."""

    place: str  # in an operator's words
    reading: Any  # obstore's store for requests whose answer comes soon, and may then take hours to be read
    writing: Any  # and for those that take their time and must be over in minutes

    async def sign(
        self, method: Method, path: str, lease: timedelta, length: int | None, media_type: str | None
    ) -> SignedRequest | None: ...

    async def abort(self, prefix: str, before: datetime | None) -> int:
        """Abort uploads that are pending under `prefix`, begun before a moment or at any time; how many."""
        ...

    async def close(self) -> None: ...


class ObjectStore:
    """A `Store` in somebody's bucket or container, under `prefix`."""

    def __init__(
        self,
        vendor: Vendor,
        prefix: str,
        *,
        roll_back: float,
        in_one: int = PART,
        check: Callable[[str], str] = check_key,
        who: str = "FRIEZE_STORE_USER and FRIEZE_STORE_PASSWORD",
    ) -> None:
        self._check = check  # which names it reads
        self._who = who  # the settings that say who we are there
        self._vendor = vendor
        self._prefix = prefix
        self._roll_back = roll_back
        self._in_one_bytes = in_one
        self._later: set[asyncio.Task[None]] = set()

    async def open(self, key: str, start: int = 0, length: int | None = None, *, etag: str | None = None) -> OpenObject:
        path = self._path(key)
        if start < 0 or (length is not None and length < 0):
            raise StoreError(f"No object has {length} bytes from {start} on.")
        if length == 0:
            return _empty(await self.head(key), start, etag)
        options: GetOptions = {}
        if length is not None:
            options["range"] = (start, start + length)
        elif start:
            options["range"] = {"offset": start}
        try:
            result = await self._do(obstore.get_async(self._vendor.reading, path, options=options))
        except StoreUnavailable:
            if not options:
                raise
            info = await self.head(key)
            if start < info.length:
                raise
            return _empty(info, start, etag)  # obstore has no word for a range that begins at the end or after it
        info = _info(result)
        # the answer itself says which object it is of, so nothing can change in between
        if etag is not None and etag != info.etag:
            raise ObjectChanged(f"The object {key} is not the one that was asked for.")
        first, end = result.range
        if first != start or end != (info.length if length is None else min(info.length, start + length)):
            raise StoreUnavailable(f"{self._vendor.place} sent other bytes than were asked for.")
        return OpenObject(info=info, chunks=self._read(result, end - first))

    async def put(self, key: str, length: int | None, media_type: str, chunks: AsyncIterable[bytes]) -> ObjectInfo:
        path = self._path(key)
        attributes = {"Content-Type": check_type(media_type), _ATTEMPT: secrets.token_hex(16)}
        async with aclosing(exactly(chunks, length)) as exact, aclosing(_pieces(exact)) as pieces:
            head: list[bytes] = []
            count = 0
            async for piece in pieces:
                head.append(piece)
                count += len(piece)
                if count > self._in_one_bytes:
                    return await self._in_parts(path, head, pieces, attributes)
            return await self._in_one(path, b"".join(head), attributes)

    async def head(self, key: str) -> ObjectInfo:
        return _info(await self._look(self._path(key)))

    async def delete(self, key: str) -> None:
        path = self._path(key)
        await self._delete(path)
        # what a process that was killed had begun to write here in parts; who may not look has a rule of the bucket
        with suppress(StoreRefused):
            await self._vendor.abort(path, None)

    async def copy(self, source: str, target: str) -> ObjectInfo:
        from_, to = self._path(source), self._path(target)
        if await self._known(to) is not None:
            raise StoreError("There is an object under this key already; objects never change.")
        try:
            await self._do(obstore.copy_async(self._vendor.writing, from_, to, overwrite=True))
            return await self.head(target)
        except BaseException as error:
            await to_the_end(self._settle(to, None, error))
            raise

    async def sign(
        self, method: Method, key: str, lease: timedelta, *, length: int | None = None, media_type: str | None = None
    ) -> SignedRequest | None:
        path = self._path(key)
        try:
            return await self._vendor.sign(method, path, lease, length, media_type)
        except (oe.BaseError, ValueError) as error:
            raise StoreRefused(f"{self._vendor.place} can't sign addresses: {_words(error)}.") from error

    async def objects(self) -> AsyncGenerator[StoredObject]:
        async with aclosing(self.listing("")) as listing:
            async for found in listing:
                if is_key(found.key):
                    yield found

    async def listing(self, prefix: str) -> AsyncGenerator[StoredObject]:
        """All objects below ours whose name there begins with `prefix`, whoever named them.

        Raises StoreRefused where there is no such bucket, and for a name that obstore can't read.
        """
        base = f"{self._prefix}/" if self._prefix else ""
        folder = (base + prefix).rpartition("/")[0]  # obstore lists whole folders
        pages = aiter(obstore.list(self._vendor.reading, folder or None, chunk_size=1000))
        while True:
            try:
                page = await self._do(anext(pages))
            except StopAsyncIteration:
                return
            except ObjectMissing as error:
                raise StoreRefused(f"{self._vendor.place} is not there, or is not ours to list.") from error
            for found in page:
                name = found["path"].removeprefix(base)
                if found["path"].startswith(base + prefix):
                    yield StoredObject(key=name, length=found["size"], written=found["last_modified"].astimezone(UTC))

    async def tidy(self, older: timedelta) -> int:
        before = datetime.now(UTC) - older
        return await self._vendor.abort(f"{self._prefix}/" if self._prefix else "", before)

    async def check(self) -> None:
        await round_trip(self, self._vendor.place)

    async def close(self) -> None:
        for task in self._later:
            task.cancel()
        await asyncio.gather(*self._later, return_exceptions=True)
        await self._vendor.close()

    async def _in_one(self, path: str, data: bytes, attributes: dict[str, str]) -> ObjectInfo:
        """Create the object with one request; nobody's object is replaced, whoever is quicker."""
        try:
            etag = await self._written(_created(self._vendor.writing, path, data, attributes))
        except BaseException as error:
            # obstore may have asked twice, and the first request may have done it
            found = await to_the_end(self._ours(path, attributes[_ATTEMPT], error))
            if found is not None:
                return found
            await to_the_end(self._settle(path, attributes[_ATTEMPT], error))
            raise
        return ObjectInfo(length=len(data), type=attributes["Content-Type"], etag=_quoted(etag))

    async def _in_parts(
        self, path: str, head: list[bytes], pieces: AsyncIterator[bytes], attributes: dict[str, str]
    ) -> ObjectInfo:
        """Create the object in parts. Two who do so for one key at the same instant are not told apart by S3."""
        if await self._known(path) is not None:
            raise StoreError("There is an object under this key already; objects never change.")
        pipe = _Pipe()
        put = asyncio.ensure_future(
            obstore.put_async(
                self._vendor.writing,
                path,
                pipe.pieces(),
                attributes=attributes,
                use_multipart=True,
                chunk_size=PART,
                max_concurrency=CONCURRENCY,
            )
        )
        count = 0
        try:
            while head:
                count += len(head[0])
                await self._give(pipe, head.pop(0), put)
            async for piece in pieces:
                count += len(piece)
                await self._give(pipe, piece, put)
            await self._give(pipe, None, put)
            done = await self._written(asyncio.shield(put))
        except BaseException as error:
            pipe.break_off()
            await to_the_end(_ended(put))
            await to_the_end(self._settle(path, attributes[_ATTEMPT], error))
            raise
        return ObjectInfo(length=count, type=attributes["Content-Type"], etag=_quoted(done["e_tag"]))

    async def _give(self, pipe: "_Pipe", piece: bytes | None, put: "asyncio.Future[Any]") -> None:
        """Raises what obstore gave up for, or StoreUnavailable when it takes nothing."""
        if await pipe.give(piece, put):
            return
        if put.done():
            await self._written(put)
        raise StoreUnavailable(f"{self._vendor.place} took no byte for {STALL_SECONDS:g} s.")

    async def _ours(self, path: str, attempt: str, error: BaseException) -> ObjectInfo | None:
        """The object, when it was refused as being there already and this very attempt had made it."""
        if type(error) is not StoreError:
            return None
        with suppress(StoreError):
            found = await self._known(path)
            if found is not None and found.attributes.get(_ATTEMPT) == attempt:
                return _info(found)
        return None

    async def _settle(self, path: str, attempt: str | None, error: BaseException) -> None:
        """Let nothing of a failed write be left.

        A store that is in trouble may commit what it has received later on, so then we look once more.
        """
        if not await self._clear(path, attempt):
            error.add_note(f"{self._vendor.place} did not confirm that nothing was left: `frieze store reconcile`.")
        # A copy has no mark of its own: what lies there a minute later may be that of a next try, which succeeded.
        late = attempt is not None and isinstance(error, StoreUnavailable | asyncio.CancelledError)
        if late and len(self._later) < LATER:
            task = asyncio.create_task(self._clear_later(path, attempt, datetime.now(UTC)))
            self._later.add(task)
            task.add_done_callback(self._later.discard)

    async def _clear_later(self, path: str, attempt: str | None, failed: datetime) -> None:
        await asyncio.sleep(AGAIN_SECONDS)
        await self._clear(path, attempt, failed)

    async def _clear(self, path: str, attempt: str | None, before: datetime | None = None) -> bool:
        """Delete the object if `attempt` (None: anybody) wrote it, abort what is pending since `before` (None: at all);
        whether that is confirmed."""
        loop = asyncio.get_running_loop()
        end, pause = loop.time() + self._roll_back, 0.2
        while True:
            try:
                found = await self._known(path)
                if found is not None and attempt in (None, found.attributes.get(_ATTEMPT)):
                    await self._delete(path)
                await self._vendor.abort(path, before)
            except StoreError as error:
                if not error.temporary or loop.time() + pause > end:
                    return False
            else:
                return True
            await asyncio.sleep(pause)
            pause = min(2 * pause, 5.0)

    async def _known(self, path: str) -> Any | None:
        try:
            return await self._look(path)
        except ObjectMissing:
            return None

    async def _look(self, path: str) -> Any:
        """What the store says of an object; not `obstore.head`, which leaves the type out."""
        return await self._do(obstore.get_async(self._vendor.reading, path, options={"head": True}))

    async def _delete(self, path: str) -> None:
        with suppress(ObjectMissing):
            await self._do(obstore.delete_async(self._vendor.reading, path))

    async def _read(self, result: Any, expected: int) -> AsyncGenerator[bytes]:
        stream = aiter(result.stream(min_chunk_size=CHUNK))
        left = expected
        while left > 0:
            try:
                data = memoryview(await self._do(anext(stream)))
            except StopAsyncIteration:
                raise StoreUnavailable(f"{self._vendor.place} broke off {left} bytes before the end.") from None
            if len(data) > left:
                raise StoreUnavailable(f"{self._vendor.place} sent more bytes than were asked for.")
            left -= len(data)
            for at in range(0, len(data), CHUNK):
                yield bytes(data[at : at + CHUNK])

    async def _written(self, work: Awaitable[T]) -> T:
        """`_do` for a write, where nothing can be missing but the place to write to."""
        try:
            return await self._do(work)
        except ObjectMissing as error:
            raise StoreRefused(f"{self._vendor.place} is not there; make it, or look at FRIEZE_STORE_URL.") from error

    async def _do(self, work: Awaitable[T]) -> T:
        """What obstore answers, its errors in our words."""
        try:
            return await work
        except FileNotFoundError as error:
            raise ObjectMissing("The store has no object under this key.") from error
        except oe.PreconditionError as error:
            raise ObjectChanged("The object is not the one that was asked for.") from error
        except oe.AlreadyExistsError as error:
            raise StoreError("There is an object under this key already; objects never change.") from error
        except (oe.PermissionDeniedError, oe.UnauthenticatedError) as error:
            raise self._refused(error) from error
        except oe.InvalidPathError as error:
            # obstore knows no such names, and shows nothing of a page of a listing that has one
            raise StoreRefused(
                f"{self._vendor.place} has an object whose name Frieze can't read; give it one with single slashes, "
                f"without `.`, `..` and line breaks as steps, or leave it out by a prefix. It says: {_words(error)}."
            ) from error
        except (oe.BaseError, OSError, TimeoutError, ValueError) as error:
            # of a listing obstore tells what is wrong only in words
            said = _STATUS.search(str(error))
            if said and said[1] in ("401", "403"):
                raise self._refused(error) from error
            if said and said[1] == "404":
                raise ObjectMissing("The store has no object under this key.") from error
            raise StoreUnavailable(f"{self._vendor.place} is in trouble: {_words(error)}.") from error

    def _refused(self, error: Exception) -> StoreRefused:
        return StoreRefused(f"{self._vendor.place} refuses us; see {self._who}. It says: {_words(error)}.")

    def _path(self, key: str) -> str:
        self._check(key)
        return f"{self._prefix}/{key}" if self._prefix else key


class _Broken(Exception):
    """What obstore's source raises, so that obstore aborts the upload."""


class _Pipe:
    """One piece at a time from the caller's task to obstore, which must never be cancelled."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(1)
        self._broken = asyncio.Event()

    async def give(self, piece: bytes | None, put: "asyncio.Future[Any]") -> bool:
        """Hand over a piece, or None as the end; False when `put` has ended or takes nothing."""
        giving = asyncio.ensure_future(self._queue.put(piece))
        try:
            await asyncio.wait((giving, put), timeout=STALL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            return giving.done()
        finally:
            giving.cancel()

    def break_off(self) -> None:
        self._broken.set()

    async def pieces(self) -> AsyncGenerator[bytes]:
        breaking = asyncio.ensure_future(self._broken.wait())
        try:
            while True:
                taking = asyncio.ensure_future(self._queue.get())
                await asyncio.wait((taking, breaking), return_when=asyncio.FIRST_COMPLETED)
                if self._broken.is_set():
                    taking.cancel()
                    raise _Broken
                piece = taking.result()
                if piece is None:
                    return
                yield piece
        finally:
            breaking.cancel()


async def _pieces(chunks: AsyncIterable[bytes]) -> AsyncGenerator[bytes]:
    """The same bytes in pieces of at least `PIECE`, the last one excepted: each costs a change of threads."""
    waiting, size = list[bytes](), 0
    async for chunk in chunks:
        waiting.append(chunk)
        size += len(chunk)
        if size >= PIECE:
            yield b"".join(waiting)
            waiting.clear()
            size = 0
    if waiting:
        yield b"".join(waiting)


async def _created(store: Any, path: str, data: bytes, attributes: dict[str, str]) -> str | None:
    return (await obstore.put_async(store, path, data, attributes=attributes, mode="create"))["e_tag"]


async def _ended(put: "asyncio.Future[Any]") -> None:
    """Wait until obstore has ended and aborted what it can; its requests have their own limits."""
    await asyncio.wait((put,))
    if not put.cancelled():
        put.exception()  # looked at, so that nobody complains of it later


def _info(result: Any) -> ObjectInfo:
    kind = result.attributes.get("Content-Type", "application/octet-stream")
    return ObjectInfo(length=result.meta["size"], type=kind, etag=_quoted(result.meta["e_tag"]))


def _quoted(etag: str | None) -> str:
    """A strong validator in quotes, whatever the store makes of them."""
    return '"' + (etag or "").removeprefix("W/").strip('"') + '"'


def _empty(info: ObjectInfo, start: int, etag: str | None) -> OpenObject:
    """Nothing of an object, from its end or for no length."""
    if etag is not None and etag != info.etag:
        raise ObjectChanged("The object is not the one that was asked for.")
    if start > info.length:
        raise StoreError(f"Bytes from {start} on were asked of an object of {info.length}.")
    return OpenObject(info=info, chunks=_nothing())


async def _nothing() -> AsyncGenerator[bytes]:
    for chunk in ():
        yield chunk


def _words(error: BaseException) -> str:
    """The first line of what obstore says, which goes on with its own data structures."""
    if isinstance(error, FriezeError):
        return str(error).rstrip(".")
    lines = (str(error) or type(error).__name__).splitlines()
    return lines[0][:300].rstrip(". :")
