"""What a guest is told: an upload as JSON, and refusals (docs/wire.md)."""

import json
import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from starlette.types import Send

from relay.uploads.body import Body
from relay.uploads.refusals import Refusal
from wall.catalogue import Catalogue
from wall.catalogue.guests import GuestUpload
from wall.catalogue.uploads import Upload
from wall.states import State
from wall.uploads import UploadState
from wall.wire import timestamp

THUMBNAIL_LEASE = timedelta(minutes=5)
_Headers = list[tuple[bytes, bytes]]

_SAFE: _Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]

_SENTENCES = {
    "leased": "It can be sent now.",
    "receiving": "It is coming in.",
    "stored": "It is here; its small pictures are being made.",
    "waiting": "It waits for an operator's approval.",
    "later": "It is approved, and will be shown later.",
    "shown": "It is on the wall.",
    "refused": "It was not accepted.",
    "removed": "It was taken off the wall.",
    "failed": "It came, but can't be shown.",
    "withdrawn": "You withdrew it.",
    "aborted": "It did not arrive.",
}
_FINAL = frozenset({"refused", "removed", "failed", "withdrawn", "aborted"})
_POSTS = {
    State.RECEIVED: "stored",
    State.PENDING: "waiting",
    State.APPROVED: "shown",
    State.REJECTED: "refused",
    State.REMOVED: "removed",
    State.FAILED: "failed",
}


def state_word(view: GuestUpload) -> str:
    """How the guest's page calls what became of it."""
    upload = view.upload
    if upload.state is not UploadState.STORED:
        return upload.state.value
    if view.shown:
        return "shown"  # also while an operator looks at it again
    if view.post is None:
        return "removed"
    return "later" if view.shown_from is not None else _POSTS[view.post]


def receipt_address(upload_id: str, key: str) -> str:
    """The page where one upload can be seen and withdrawn; what stands behind the # stays in the browser."""
    return f"/u/{upload_id}#key={key}"


async def told(catalogue: Catalogue, view: GuestUpload) -> dict[str, Any]:
    upload, word = view.upload, state_word(view)
    thumbnail = None
    if view.thumbnail is not None and word != "withdrawn":
        thumbnail = await catalogue.media.sign(*view.thumbnail, THUMBNAIL_LEASE)
    reason = upload.error if upload.state is not UploadState.STORED else view.reason
    return {
        "id": upload.id,
        "wall": upload.wall,
        "state": word,
        "sentence": _SENTENCES[word],
        "reason": reason if word in _FINAL else None,
        "final": word in _FINAL,
        "name": upload.name,
        "type": upload.type,
        "size": upload.size,
        "author": upload.author,
        "caption": upload.caption,
        "created": timestamp(upload.created_at),
        "changed": timestamp(upload.changed_at),
        "shown_from": _moment(view.shown_from),
        "post": upload.post_id,
        "thumbnail": thumbnail,
        "receipt": receipt_address(upload.id, await catalogue.links.receipt(upload.id)),
    }


def leased(
    upload: Upload, receipt: str, *, url: str, headers: Mapping[str, str], lease: float, complete: str | None
) -> dict[str, Any]:
    return {
        "id": upload.id,
        "mode": upload.mode,
        "method": "PUT",
        "url": url,
        "headers": dict(headers),
        "lease": int(lease),
        "complete": complete,
        "receipt": receipt,
    }


async def answer(send: Send, status: HTTPStatus, fields: Mapping[str, Any] | None, more: _Headers, body: Body) -> None:
    """One answer. Where the guest is still sending it is read on for a moment, or the answer would be lost."""
    data = b"" if fields is None else json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
    headers: _Headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(data)).encode()),
        (b"cache-control", b"no-store"),
        *_SAFE,
        *more,
    ]
    sending = not body.over
    if sending:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status.value, "headers": headers})
    await send({"type": "http.response.body", "body": data, "more_body": sending})
    if sending:
        await body.linger()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def refuse(send: Send, refusal: Refusal, more: _Headers, body: Body) -> None:
    headers = [*more]
    if refusal.retry is not None:
        headers.append((b"retry-after", str(math.ceil(refusal.retry)).encode()))
    fields = {"error": {"code": refusal.code, "sentence": refusal.public, **refusal.facts}}
    await answer(send, refusal.status, fields, headers, body)


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else timestamp(moment)
