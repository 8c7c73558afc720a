"""Whether guests' browsers may send files straight to the store: tried out as they do it (Fetch, CORS).

A preflight alone does not tell: Swift's s3api answers it for the whole server, and the upload after it by the rules of
the container. A browser that may not read that answer takes what has arrived for lost.
"""

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from wall.errors import StoreRefused, StoreUnavailable
from wall.store.base import SignedRequest, Store
from wall.store.keys import new_key

SECONDS = 10.0
_LEASE = timedelta(minutes=5)


async def check_direct(store: Store, origin: str) -> str | None:
    """Where pages of `origin` may send to, as a host; None where the store signs no addresses.

    Writes a byte and deletes it. Raises StoreRefused where a browser would send nothing, or could not read the answer,
    and StoreUnavailable where nobody answers.
    """
    key = new_key()
    signed = await store.sign("PUT", key, _LEASE, length=1, media_type="image/jpeg")
    if signed is None:
        return None
    host = urlsplit(signed.url).netloc
    wanted = sorted(name.lower() for name in signed.headers)
    asking = {"Origin": origin, "Access-Control-Request-Method": signed.method}
    if wanted:
        asking["Access-Control-Request-Headers"] = ",".join(wanted)
    status, allowed = await _ask("OPTIONS", signed, asking)
    if not (200 <= status < 300 and _reads(allowed, origin) and _allows(allowed, wanted)):
        headers = f" and the headers {', '.join(wanted)}" if wanted else ""
        raise _refused(host, f"it does not let pages of {origin} do so", f" the method PUT{headers}")
    try:
        status, allowed = await _ask("PUT", signed, {**signed.headers, "Origin": origin}, b"x")
    finally:
        await store.delete(key)
    if not 200 <= status < 300:
        raise StoreRefused(f"{host}, where guests' browsers are to send large files, answers {status} to an upload.")
    if not _reads(allowed, origin):
        raise _refused(host, f"it takes them, and does not let pages of {origin} read that it did", "")
    return host


def _refused(host: str, why: str, what: str) -> StoreRefused:
    return StoreRefused(
        f"Guests' browsers can't send large files to {host}: {why}. Allow that origin{what} in the store's CORS rules "
        "(docs/operations.md), or raise FRIEZE_UPLOAD_DIRECT so that all files come through the relay."
    )


async def _ask(
    method: str, signed: SignedRequest, headers: Mapping[str, str], data: bytes | None = None
) -> tuple[int, dict[str, str]]:
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as http,
            http.request(
                method, URL(signed.url, encoded=True), headers=headers, data=data, allow_redirects=False
            ) as answer,
        ):
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        host = urlsplit(signed.url).netloc
        raise StoreUnavailable(
            f"{host}, where guests' browsers are to send large files, does not answer from here: "
            f"{error or type(error).__name__}."
        ) from error


def _reads(answer: dict[str, str], origin: str) -> bool:
    """Whether a browser shows this answer to a page that sends no cookies along."""
    return answer.get("access-control-allow-origin") in ("*", origin)


def _allows(answer: dict[str, str], wanted: list[str]) -> bool:
    methods = _words(answer, "access-control-allow-methods")
    headers = _words(answer, "access-control-allow-headers")
    return bool({"put", "*"} & methods) and ("*" in headers or set(wanted) <= headers)


def _words(answer: dict[str, str], name: str) -> set[str]:
    return {word.strip().lower() for word in answer.get(name, "").split(",")}
