"""The ASGI application for guests: everything under `/api/walls/<slug>/uploads` and `/api/uploads/` (docs/wire.md)."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import structlog
from starlette.types import Receive, Scope, Send

from relay.addresses import neighbourhood
from relay.uploads.allowance import Allowance
from relay.uploads.answers import answer, leased, receipt_address, refuse, told
from relay.uploads.completion import Completion
from relay.uploads.holding import Holding
from relay.uploads.reception import Reception, Stopped
from relay.uploads.refusals import STOPPING, STORE, Disconnected, Refusal, busy, refused
from relay.uploads.requests import PREFLIGHT, UploadRequest
from relay.uploads.settings import UploadSettings
from relay.uploads.slots import Slots
from wall.catalogue import Catalogue
from wall.catalogue.uploads import USED, Asked, Held, Upload, Withdrawn, digest
from wall.catalogue.uploads import refuse as refuse_asked
from wall.catalogue.walls import Wall
from wall.errors import CatalogueError, ClaimLost, NotFound, StoreError, UploadRefused
from wall.store.base import SignedRequest, Store
from wall.store.keys import new_key
from wall.uploads import UploadState

_ID = "([0-9A-HJKMNP-TV-Z]{26})"
_WALL = re.compile(r"/api/walls/([a-z0-9-]{1,40})/uploads", re.ASCII)
_ONE = re.compile(rf"/api/uploads/{_ID}", re.ASCII)
_BYTES = re.compile(rf"/api/uploads/{_ID}/bytes/([a-z2-7]{{26}})", re.ASCII)
_COMPLETE = re.compile(rf"/api/uploads/{_ID}/complete", re.ASCII)
# after the last byte went to the store, to tell us
_COMPLETE_SECONDS = 60.0
# how many completions may be checked at once: each is a copy within the store, and a hash of what it gives back
_COMPLETIONS = 16

Result = TypeVar("Result")


class UploadServer:
    """Since the start: `leased` counts addresses that were given, `stored` uploads and `stored_bytes` that are there,
    `refused`, by code, what was refused or rolled back, `lost` connections that broke, `withdrawn` what guests took
    back, and `received_bytes` all that came here, rolled back or not. `slots`: of what comes through here; `direct`: of
    the store's own addresses that were given here, wherever their files are completed. Both are of this process alone;
    what all of them give together is held by the quotas of walls and guests."""

    def __init__(
        self,
        catalogue: Catalogue,
        store: Store,
        settings: UploadSettings,
        *,
        holder: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self.slots = Slots(settings, clock)
        self.direct = Slots(
            replace(
                settings,
                slots=settings.direct_slots,
                slots_per_address=settings.direct_per_address,
                kept_for_small=0,
            ),
            clock,
        )
        self.stopping = False
        self.leased = 0
        self.stored = 0
        self.stored_bytes = 0
        self.lost = 0
        self.withdrawn = 0
        self._received_bytes = 0
        self.refused: Counter[str] = Counter()
        self._catalogue = catalogue
        self._store = store
        self._holder = holder
        self._clock = clock
        self._asks = Allowance(settings.asks, settings.asks_rate, clock)
        self._receptions: dict[str, Reception] = {}
        self._completing = 0
        self._hashing = asyncio.Semaphore(settings.hashing)
        self._tasks: set[asyncio.Task[Any]] = set()
        # of several that come at once for one upload, one at a time begins: a slot is freed by who holds it
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._log = structlog.get_logger("uploads")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        request = UploadRequest(scope, receive, self.settings, neighbourhood(client[0] if client else ""))
        try:
            request.check_origin()
            await self._answer(request, send)
        except Disconnected:
            self.lost += 1
        except Refusal as error:
            self.refused[error.code] += 1
            await refuse(send, error, request.cross, request.body)
        except UploadRefused as error:
            self.refused[error.code] += 1
            await refuse(send, refused(error, self.settings.retry), request.cross, request.body)
        except NotFound as error:
            refusal = Refusal(HTTPStatus.NOT_FOUND, "not-found", error.public)
            await refuse(send, refusal, request.cross, request.body)
        except (CatalogueError, StoreError) as error:
            self._log.warning("an upload could not be looked up", reason=str(error))
            self.refused["busy"] += 1
            await refuse(send, busy(self.settings.retry), request.cross, request.body)

    @property
    def received_bytes(self) -> int:
        """Of uploads that are over, and of those under way."""
        return self._received_bytes + sum(reception.received for reception in self._receptions.values())

    def received(self, upload_id: str) -> int:
        """Bytes that have come of an upload that is under way here."""
        reception = self._receptions.get(upload_id)
        return reception.received if reception is not None else 0

    async def close(self, finish: float, roll_back: float) -> None:
        """Give no more addresses, let what is under way finish within `finish` seconds, and roll the rest back within
        `roll_back`; what could not be is left to `Care`. Any number of times."""
        self.stopping = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=min(finish, self.settings.stop))
        for reception in tuple(self._receptions.values()):
            reception.stop(Stopped())
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=min(roll_back, self.settings.roll_back))

    # ── what is asked ────────────────────────────────────────────────────────────────────────────────────────────

    async def _answer(self, request: UploadRequest, send: Send) -> None:
        if request.method == "OPTIONS":
            await answer(send, HTTPStatus.NO_CONTENT, None, [*request.cross, *PREFLIGHT], request.body)
            return
        path = request.path
        if found := _WALL.fullmatch(path):
            works = {"POST": self._lease, "GET": self._list}
        elif found := _BYTES.fullmatch(path):
            works = {"PUT": self._put}
        elif found := _COMPLETE.fullmatch(path):
            works = {"POST": self._complete}
        elif found := _ONE.fullmatch(path):
            works = {"GET": self._show, "DELETE": self._withdraw}
        else:
            raise NotFound("There is nothing here.")
        work = works.get(request.method)
        if work is None:
            allow = ", ".join((*works, "OPTIONS"))
            fields = {"error": {"code": "method", "sentence": f"This address takes {allow}."}}
            more = [*request.cross, (b"allow", allow.encode())]
            await answer(send, HTTPStatus.METHOD_NOT_ALLOWED, fields, more, request.body)
            return
        status, fields = await work(request, *found.groups())
        more = request.cross
        if status is HTTPStatus.CREATED:
            more = [*more, (b"location", f"/api/uploads/{fields['id']}".encode())]
        await answer(send, status, fields, more, request.body)

    async def _lease(self, request: UploadRequest, slug: str) -> tuple[HTTPStatus, dict[str, Any]]:
        wait = self._asks.wait_for(request.address)
        if wait:
            least, most = self.settings.retry
            raise busy((max(least, wait), max(most, wait)))
        asked = await request.asked(slug)
        if self.stopping:
            raise busy(self.settings.retry, STOPPING)
        wall = await self._may_add(request, slug)
        # before a store is asked to sign anything; asked once more when the address is written down
        refuse_asked(wall.uploads, asked, self._catalogue.now())
        if asked.direct and (asked.size > self.settings.direct or self.slots.full(asked.size)):
            leased = await self._lease_direct(request, asked)
            if leased is not None:
                return HTTPStatus.CREATED, leased
        return HTTPStatus.CREATED, await self._lease_slot(request, asked)

    async def _lease_slot(self, request: UploadRequest, asked: Asked) -> dict[str, Any]:
        key, lease = new_key(), self.settings.lease
        await self._take_slot(key, request.address, asked, lease)
        try:
            upload, secret = await self._catalogue.uploads.lease(
                asked, holder=self._holder, lease=timedelta(seconds=lease), key=key
            )
        except BaseException:
            self.slots.free(key)
            raise
        self.slots.rename(key, upload.id)
        self.leased += 1
        url = f"/api/uploads/{upload.id}/bytes/{secret}"
        headers = {"content-type": asked.type or "application/octet-stream"}
        return leased(upload, await self._receipt(upload), url=url, headers=headers, lease=lease, complete=None)

    async def _lease_direct(self, request: UploadRequest, asked: Asked) -> dict[str, Any] | None:
        """None where the store signs nothing, or this guest, their address or all together have as many of the store's
        addresses as they may. A page that was closed in the middle leaves some that nobody uses, for many minutes:
        until they are over, files come through us."""
        quarantine, seconds = new_key(), self.settings.whole(asked.size)
        if not await self._take_direct(quarantine, request.address, asked, seconds + _COMPLETE_SECONDS):
            return None
        signed = upload = None
        try:
            signed = await self._sign(quarantine, asked)
            if signed is not None:
                upload = await self._write_direct(asked, quarantine, seconds)
        finally:
            if upload is None:
                self.direct.free(quarantine)
        if signed is None or upload is None:
            return None
        self.direct.rename(quarantine, upload.id)
        self.leased += 1
        return leased(
            upload,
            await self._receipt(upload),
            url=signed.url,
            headers=signed.headers,
            lease=seconds,
            complete=f"/api/uploads/{upload.id}/complete",
        )

    async def _write_direct(self, asked: Asked, quarantine: str, seconds: float) -> Upload | None:
        """None where this guest has as many addresses of the store as one may have."""
        try:
            upload, _ = await self._catalogue.uploads.lease(
                asked,
                holder=self._holder,
                lease=timedelta(seconds=seconds + _COMPLETE_SECONDS),
                key=new_key(),
                quarantine=quarantine,
            )
        except UploadRefused as error:
            if error.code != "busy":
                raise
            return None
        return upload

    async def _put(self, request: UploadRequest, upload_id: str, secret: str) -> tuple[HTTPStatus, dict[str, Any]]:
        upload = await self._catalogue.uploads.get(upload_id)
        if upload.address != digest(secret) or upload.mode != "relay":
            raise NotFound("There is no such upload.")
        if request.length is None:
            raise Refusal(HTTPStatus.LENGTH_REQUIRED, "length", "The length of the file is missing.")
        async with self._alone(upload_id):
            if upload.state is UploadState.LEASED and request.length != upload.size:
                await self._refuse_length(upload, request.length)
            if self.stopping:
                raise busy(self.settings.retry, STOPPING)
            reception = await self._begin(request, upload)
            receiving = self._start(self._receive(reception, upload_id))
        try:
            stored = await asyncio.shield(receiving)
        except asyncio.CancelledError:
            reception.stop(Stopped())
            raise
        return HTTPStatus.CREATED, await self._told(stored.id)

    async def _refuse_length(self, upload: Upload, length: int) -> None:
        """Raises Refusal, unless the address was used meanwhile: then it is not ours to give up."""
        sentence = f"{length} bytes come where {upload.size} were promised."
        if await self._catalogue.uploads.cancel(upload, sentence):
            self.slots.free(upload.id)
            raise Refusal(HTTPStatus.BAD_REQUEST, "length", sentence)

    async def _begin(self, request: UploadRequest, upload: Upload) -> Reception:
        """Use the address up, in a slot. Raises Refusal and UploadRefused; then all slots are as they were."""
        if upload.id in self._receptions:
            raise UploadRefused("used", USED)
        if upload.id in self.slots:
            self.slots.use(upload.id)
        elif upload.state is UploadState.LEASED:
            # the address was given by another process, or its time is nearly over
            await self._take_slot(upload.id, request.address, upload, None)
        since = self._clock()
        try:
            held = await self._catalogue.uploads.begin(upload, holder=self._holder, lease=self.settings.claim_lease)
        except BaseException:
            self.slots.rest(upload.id)
            raise
        reception = Reception(self._catalogue, self._store, self.settings, self._hold(held, since), request.body)
        self._receptions[upload.id] = reception
        return reception

    async def _complete(self, request: UploadRequest, upload_id: str) -> tuple[HTTPStatus, dict[str, Any]]:
        upload = await self._seen(request, upload_id)
        if upload.mode != "direct":
            raise NotFound("There is no such upload.")
        if upload.state is not UploadState.STORED:
            if self.stopping or self._completing >= _COMPLETIONS:
                raise busy(self.settings.retry, STOPPING if self.stopping else STORE)
            since = self._clock()
            self._completing += 1
            try:
                held = await self._catalogue.uploads.begin(upload, holder=self._holder, lease=self.settings.claim_lease)
            except BaseException:
                self._completing -= 1
                raise
            await self._by_itself(self._finish(self._hold(held, since)))
        return HTTPStatus.CREATED, await self._told(upload_id)

    async def _show(self, request: UploadRequest, upload_id: str) -> tuple[HTTPStatus, dict[str, Any]]:
        await self._seen(request, upload_id)
        return HTTPStatus.OK, await self._told(upload_id)

    async def _list(self, request: UploadRequest, slug: str) -> tuple[HTTPStatus, dict[str, Any]]:
        views = await self._catalogue.guests.uploads(slug, request.known_guest())
        return HTTPStatus.OK, {"uploads": [await told(self._catalogue, view) for view in views]}

    async def _withdraw(self, request: UploadRequest, upload_id: str) -> tuple[HTTPStatus, dict[str, Any]]:
        upload = await self._seen(request, upload_id)
        withdrawn = await self._catalogue.uploads.withdraw(upload_id)
        self.withdrawn += upload.state is not UploadState.WITHDRAWN
        async with self._alone(upload_id):
            reception = self._receptions.get(upload_id)
            if reception is None:
                self.slots.free(upload_id)
            else:
                reception.stop(ClaimLost("The guest withdrew it."))
        # whatever is left, and what this misses, is looked for every minute
        with suppress(TimeoutError):
            async with asyncio.timeout(self.settings.roll_back / 2):
                await self._by_itself(self._delete(withdrawn))
        return HTTPStatus.OK, await self._told(upload_id)

    # ── who may ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def _may_add(self, request: UploadRequest, slug: str) -> Wall:
        """The wall. Raises NotFound for a secret one without its key, and where there is none, after the same work."""
        try:
            wall = await self._catalogue.walls.get(slug)
        except NotFound:
            wall = None
        if wall is not None and not wall.secret:
            return wall
        links = self._catalogue.links
        opened = await links.opens(slug, wall, request.bearer)
        if not (await links.opens_adding(slug, wall, request.bearer) or opened) or wall is None:
            raise NotFound(f"There is no wall named {slug}.")
        return wall

    async def _seen(self, request: UploadRequest, upload_id: str) -> Upload:
        """The upload, for its guest or whoever has its receipt. Raises NotFound."""
        upload = await self._catalogue.uploads.get(upload_id)
        if not request.is_guest(upload.guest) and not request.bears(await self._catalogue.links.receipt(upload_id)):
            raise NotFound("There is no such upload.")
        return upload

    # ── slots ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _take_slot(self, name: str, address: str, asked: Asked | Upload, lease: float | None) -> None:
        """Raises Refusal where there is none."""
        guest, size = asked.guest, asked.size
        if self.slots.take(name, address=address, guest=guest, size=size, lease=lease):
            return
        # other processes may have taken in what we gave addresses for
        waiting = self.slots.waiting(address, guest)
        if waiting:
            still = await self._catalogue.uploads.still_leased(waiting)
            # some may be used here since we asked
            for used in set(waiting).intersection(self.slots.waiting(address, guest)) - still:
                self.slots.free(used)
            if self.slots.take(name, address=address, guest=guest, size=size, lease=lease):
                return
        raise busy(self.settings.retry)

    async def _take_direct(self, name: str, address: str, asked: Asked, lease: float) -> bool:
        """Whether there was one; also one whose file arrived through another process, which could not give it back."""

        def take() -> bool:
            return self.direct.take(name, address=address, guest=asked.guest, size=asked.size, lease=lease)

        if take():
            return True
        waiting = self.direct.waiting(address, asked.guest)
        arrived = await self._catalogue.uploads.arrived(waiting) if waiting else set[str]()
        for upload_id in arrived:
            self.direct.free(upload_id)
        return bool(arrived) and take()

    def _alone(self, upload_id: str) -> asyncio.Lock:
        """To be held while somebody begins to send, or nobody may."""
        return self._turns.setdefault(upload_id, asyncio.Lock())

    # ── work that goes on when the guest has gone ────────────────────────────────────────────────────────────────

    async def _by_itself(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do it in a task that lives on when this request is cut off; `close` waits for it."""
        return await asyncio.shield(self._start(work))

    def _start(self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waited has it; where nobody did, it is in the log already

    async def _receive(self, reception: Reception, upload_id: str) -> Upload:
        try:
            stored = await reception.run()
        finally:
            self._receptions.pop(upload_id, None)
            self._received_bytes += reception.received
            self.slots.free(upload_id)
            if reception.unsettled:
                self._start(reception.settle())
        self._count(stored)
        return stored

    async def _finish(self, holding: Holding) -> None:
        completion = Completion(self._catalogue, self._store, self.settings, holding, self._hashing)
        # a copy is never cut off, but it counts only when the claim still holds
        keeping = asyncio.create_task(holding.keep())
        try:
            self._count(await completion.run())
            # only what arrived gives it back: an address that was given up can still be written to, and whoever left
            # one alone would have another at once
            self.direct.free(holding.held.upload.id)
        finally:
            keeping.cancel()
            self._completing -= 1

    async def _delete(self, withdrawn: Withdrawn) -> None:
        try:
            for media_id in withdrawn.media:
                keys = await self._catalogue.media.give_up(media_id)
                if keys is not None:
                    for key in keys:
                        await self._store.delete(key)
                    await self._catalogue.media.purged(media_id)
            for key in withdrawn.keys:
                await self._store.delete(key)
        except (StoreError, CatalogueError) as error:
            self._log.warning(
                "a withdrawn picture is still in the store", upload=withdrawn.upload.id, reason=str(error)
            )

    # ── small things ─────────────────────────────────────────────────────────────────────────────────────────────

    async def _sign(self, quarantine: str, asked: Asked) -> SignedRequest | None:
        """Where the guest can send it to the store itself; None where that can't be had, or not now."""
        lease = timedelta(seconds=self.settings.whole(asked.size))
        try:
            return await self._store.sign(
                "PUT",
                quarantine,
                lease,
                length=asked.size,
                media_type=asked.type or "application/octet-stream",
            )
        except StoreError as error:
            self._log.warning("the store signs no address; files come through the relay", reason=str(error))
            return None

    def _hold(self, held: Held, since: float) -> Holding:
        return Holding(self._catalogue, held, self.settings.claim_lease, since, self._clock)

    def _count(self, stored: Upload) -> None:
        self.stored += 1
        self.stored_bytes += stored.size

    async def _receipt(self, upload: Upload) -> str:
        return receipt_address(upload.id, await self._catalogue.links.receipt(upload.id))

    async def _told(self, upload_id: str) -> dict[str, Any]:
        return await told(self._catalogue, await self._catalogue.guests.upload(upload_id))
