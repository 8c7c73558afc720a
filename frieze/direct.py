"""Whether guests' browsers may send files straight to the store: asked as they ask it (Fetch, CORS preflight)."""

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

    Raises StoreRefused where a browser would send nothing, StoreUnavailable where nobody answers.
    """
    signed = await store.sign("PUT", new_key(), _LEASE, length=1, media_type="image/jpeg")
    if signed is None:
        return None
    host = urlsplit(signed.url).netloc
    wanted = sorted(name.lower() for name in signed.headers)
    status, allowed = await _preflight(signed, origin, wanted)
    if not (200 <= status < 300 and _allows(allowed, origin, wanted)):
        headers = f" and the headers {', '.join(wanted)}" if wanted else ""
        raise StoreRefused(
            f"Guests' browsers can't send large files to {host}: it does not let pages of {origin} do so. Allow that "
            f"origin the method PUT{headers} in the store's CORS rules (docs/operations.md), or raise "
            "FRIEZE_UPLOAD_DIRECT so that all files come through the relay."
        )
    return host


async def _preflight(signed: SignedRequest, origin: str, wanted: list[str]) -> tuple[int, dict[str, str]]:
    headers = {"Origin": origin, "Access-Control-Request-Method": signed.method}
    if wanted:
        headers["Access-Control-Request-Headers"] = ",".join(wanted)
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as http,
            http.options(URL(signed.url, encoded=True), headers=headers, allow_redirects=False) as answer,
        ):
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        host = urlsplit(signed.url).netloc
        raise StoreUnavailable(
            f"{host}, where guests' browsers are to send large files, does not answer from here: "
            f"{error or type(error).__name__}."
        ) from error


def _allows(answer: dict[str, str], origin: str, wanted: list[str]) -> bool:
    """As a browser reads it that sends no cookies along."""
    methods = _words(answer, "access-control-allow-methods")
    headers = _words(answer, "access-control-allow-headers")
    return (
        answer.get("access-control-allow-origin") in ("*", origin)
        and bool({"put", "*"} & methods)
        and ("*" in headers or set(wanted) <= headers)
    )


def _words(answer: dict[str, str], name: str) -> set[str]:
    return {word.strip().lower() for word in answer.get(name, "").split(",")}
