"""The guarded fetcher: the only way by which Frieze asks a stranger's host for a picture.

The address is checked when it is resolved, by the resolver of the very connection, so that a name that changes its
mind in between gains nothing; and once more on the open connection. Redirects are followed by hand, each with every
check.
"""

import asyncio
import contextlib
import email.utils
import socket
import ssl
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from ingest.addresses import Network, is_allowed, is_public, parse_address
from wall.errors import FetchError, FetchRefused, FetchUnavailable

# All from reference: docs/limits.md, "Fetching pictures".
MAX_BYTES = 40 * 1024 * 1024
MAX_REDIRECTS = 3
CONNECT_SECONDS = 5.0
FIRST_BYTE_SECONDS = 10.0  # also the longest silence within a body
TOTAL_SECONDS = 60.0
MIN_RATE = 8 * 1024  # bytes a second on average, after the grace
GRACE_SECONDS = 10.0
PER_HOST = 4  # requests at once
HOST_PAUSE = 0.05  # seconds between two requests to one host
HOSTS_REMEMBERED = 1000
LONGEST_WAIT = 3600.0  # seconds; a host's wish to wait longer is cut
_CHUNK = 256 * 1024
_USER_AGENT = "Frieze/0.1 (image wall)"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """`length` in bytes of the file now there; `type_header` what the host says it is, which proves nothing."""

    length: int
    type_header: str


class _AddressRefused(OSError):
    """The name leads only to addresses that we don't connect to."""


class _GuardedResolver(AbstractResolver):
    """Hands on only addresses that pass `check`."""

    def __init__(self, inner: AbstractResolver, check: Callable[[str], bool]) -> None:
        self._inner = inner
        self._check = check

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        passed = [one for one in found if self._check(one["host"])]
        if not passed:
            raise _AddressRefused(f"{host} leads to no address of the public internet")
        return passed

    async def close(self) -> None:
        await self._inner.close()


class _Host:
    """How politely one host is asked."""

    def __init__(self) -> None:
        self.slots = asyncio.Semaphore(PER_HOST)
        self.users = 0
        self.next_at = 0.0
        self.wait_until = 0.0


class Fetcher:
    """Fetches pictures over https. Use as an async context manager, or `close` it.

    `allow`: networks whose hosts are asked even though they are not public, by http or https on any port
    (FRIEZE_FETCH_ALLOW). `http`: whether plain http is allowed to public hosts too. `resolver` and `tls` replace the
    system's, for tests and for private certificate authorities.
    """

    def __init__(
        self,
        *,
        allow: tuple[Network, ...] = (),
        http: bool = False,
        limit: int = MAX_BYTES,
        total_seconds: float = TOTAL_SECONDS,
        first_byte_seconds: float = FIRST_BYTE_SECONDS,
        grace_seconds: float = GRACE_SECONDS,
        resolver: Callable[[], AbstractResolver] = aiohttp.ThreadedResolver,
        tls: ssl.SSLContext | bool = True,
    ) -> None:
        self._allow = allow
        self._http = http
        self._limit = limit
        self._total = total_seconds
        self._first_byte = first_byte_seconds
        self._grace = grace_seconds
        self._resolver = resolver
        self._tls = tls
        self._hosts: OrderedDict[tuple[str, int], _Host] = OrderedDict()
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    async def fetch(self, url: str, target: Path, *, limit: int | None = None) -> Fetched:
        """Write what is at `url` into `target`, at most `limit` bytes.

        Raises FetchUnavailable (temporary) and FetchRefused; then `target` is not there.
        """
        try:
            address = URL(url)
        except ValueError as error:
            raise FetchRefused(f"{url[:200]!r} is not an address.") from error
        done = False
        try:
            fetched = await self._follow(address, target, limit or self._limit)
            done = True
            return fetched
        finally:
            if not done:
                await asyncio.shield(asyncio.to_thread(target.unlink, missing_ok=True))

    async def _follow(self, url: URL, target: Path, limit: int) -> Fetched:
        try:
            async with asyncio.timeout(self._total):
                for _ in range(MAX_REDIRECTS + 1):
                    answer = await self._ask(url, target, limit)
                    if isinstance(answer, Fetched):
                        return answer
                    if url.scheme == "https" and answer.scheme != "https":
                        raise FetchRefused(f"{url.host} redirects from https to {answer.scheme or 'nowhere'}.")
                    url = answer
        except TimeoutError as error:
            raise FetchUnavailable(f"{url.host} did not deliver the picture within {self._total:g} seconds.") from error
        raise FetchRefused(f"{url.host} redirects more than {MAX_REDIRECTS} times.")

    async def _ask(self, url: URL, target: Path, limit: int) -> Fetched | URL:
        """One request: the file, or where to ask next."""
        session = self._session(inside=self._check_url(url))
        async with self._turn(url):
            try:
                async with session.get(url, allow_redirects=False, ssl=self._tls) as response:
                    self._check_peer(response)
                    if response.status in _REDIRECTS:
                        return _next_address(url, response)
                    self._check_status(url, response)
                    _check_encoding(url, response)
                    return await self._save(url, response, target, limit)
            except FetchError:
                raise
            except TimeoutError as error:
                raise FetchUnavailable(f"{url.host} does not answer.") from error
            except (aiohttp.ClientError, OSError) as error:
                raise _connection_error(url, error) from error

    def _check_url(self, url: URL) -> bool:
        """Whether this may only lead to a network of the operator's list. Raises FetchRefused."""
        if url.scheme not in ("http", "https") or not url.host:
            raise FetchRefused(f"Pictures are fetched over https, not from {str(url)[:200]!r}.")
        if url.user or url.password:
            raise FetchRefused("The picture's address carries a password.")
        ordinary = (url.scheme == "https" and url.port in (80, 443)) or (
            self._http and url.scheme == "http" and url.port in (80, 443)
        )
        if not ordinary and not self._allow:
            reason = "plain http" if url.scheme == "http" else f"port {url.port}"
            raise FetchRefused(f"The picture on {url.host} is not fetched: {reason} is not allowed.")
        if parse_address(url.host) is not None and not self._check_address(url.host, inside=not ordinary):
            raise FetchRefused(f"{url.host} is no address of the public internet; FRIEZE_FETCH_ALLOW may allow it.")
        return not ordinary

    def _check_address(self, text: str, *, inside: bool) -> bool:
        address = parse_address(text)
        if address is None:
            return False
        return is_allowed(address, self._allow) or (not inside and is_public(address))

    def _check_peer(self, response: aiohttp.ClientResponse) -> None:
        """The connection's other end, in case anything between the resolver and the socket changed its mind."""
        connection = response.connection
        peer = connection.transport.get_extra_info("peername") if connection and connection.transport else None
        if peer and not self._check_address(str(peer[0]), inside=False):
            raise FetchRefused(f"{response.url.host} answered from {peer[0]}, which is not allowed.")

    def _session(self, *, inside: bool) -> aiohttp.ClientSession:
        """One for ordinary hosts, one that reaches only the operator's own networks."""
        session = self._sessions.get(inside)
        if session is None:
            resolver = _GuardedResolver(self._resolver(), lambda text: self._check_address(text, inside=inside))
            session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False, limit=64, keepalive_timeout=15),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                headers={"Accept-Encoding": "identity", "User-Agent": _USER_AGENT, "Accept": "image/*, */*;q=0.5"},
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=self._first_byte),
                requote_redirect_url=False,
            )
            self._sessions[inside] = session
        return session

    @contextlib.asynccontextmanager
    async def _turn(self, url: URL) -> AsyncGenerator[None]:
        """Wait for this host's turn. Raises FetchUnavailable while the host asked us to stay away."""
        clock = asyncio.get_running_loop().time
        host = self._host(url)
        if host.wait_until > clock():
            raise FetchUnavailable(f"{url.host} asks us to wait for {host.wait_until - clock():.0f} more seconds.")
        host.users += 1
        try:
            async with host.slots:
                pause = host.next_at - clock()
                host.next_at = max(host.next_at, clock()) + HOST_PAUSE
                if pause > 0:
                    await asyncio.sleep(pause)
                yield
        finally:
            host.users -= 1

    def _host(self, url: URL) -> _Host:
        key = (url.host or "", url.port or 0)
        host = self._hosts.setdefault(key, _Host())
        self._hosts.move_to_end(key)
        if len(self._hosts) > HOSTS_REMEMBERED:
            oldest = next((name for name, one in self._hosts.items() if not one.users and one is not host), None)
            if oldest is not None:
                del self._hosts[oldest]
        return host

    def _check_status(self, url: URL, response: aiohttp.ClientResponse) -> None:
        status = response.status
        if status == 200:
            return
        if status in _TEMPORARY or status >= 500:
            seconds = _retry_after(response.headers.get("Retry-After"))
            if seconds:
                self._host(url).wait_until = asyncio.get_running_loop().time() + min(seconds, LONGEST_WAIT)
                raise FetchUnavailable(f"{url.host} answered {status} and asks us to wait {seconds:.0f} seconds.")
            raise FetchUnavailable(f"{url.host} answered {status}.")
        if status in (404, 410):
            raise FetchRefused(f"The picture is no longer there: {url.host} answered {status}.")
        raise FetchRefused(f"{url.host} does not give the picture out: it answered {status}.")

    async def _save(self, url: URL, response: aiohttp.ClientResponse, target: Path, limit: int) -> Fetched:
        too_large = FetchRefused(f"The picture on {url.host} is larger than {limit / 2**20:.3g} MiB.")
        if (response.content_length or 0) > limit:
            raise too_large
        clock = asyncio.get_running_loop().time
        start, length, waiting = clock(), 0, bytearray()
        with await asyncio.to_thread(target.open, "wb") as file:
            async for piece in response.content.iter_any():
                length += len(piece)
                if length > limit:
                    raise too_large
                passed = clock() - start
                if passed > self._grace and length < MIN_RATE * passed:
                    raise FetchUnavailable(f"{url.host} delivers too slowly.")
                waiting += piece
                if len(waiting) >= _CHUNK:
                    await _write(file, waiting)
                    waiting = bytearray()
            await _write(file, waiting)
        return Fetched(length=length, type_header=response.headers.get("Content-Type", ""))


async def _write(file: BinaryIO, data: bytearray) -> None:
    await asyncio.to_thread(file.write, data)


def _next_address(url: URL, response: aiohttp.ClientResponse) -> URL:
    location = response.headers.get("Location")
    if not location:
        raise FetchRefused(f"{url.host} redirects without saying where to.")
    try:
        return url.join(URL(location)).with_fragment(None)
    except ValueError as error:
        raise FetchRefused(f"{url.host} redirects to {location[:200]!r}, which is not an address.") from error


def _check_encoding(url: URL, response: aiohttp.ClientResponse) -> None:
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise FetchRefused(f"{url.host} sends the picture compressed ({encoding[:40]}), which we did not ask for.")


def _connection_error(url: URL, error: Any) -> FetchError:
    reason = getattr(error, "os_error", error)
    if isinstance(reason, _AddressRefused):
        return FetchRefused(f"{reason}; FRIEZE_FETCH_ALLOW may allow it.")
    if isinstance(error, aiohttp.InvalidURL):
        return FetchRefused(f"{url.host} is no name of a host.")
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        return FetchUnavailable(f"{url.host} has no valid certificate.")
    if isinstance(error, aiohttp.ClientPayloadError):
        return FetchUnavailable(f"{url.host} broke off in the middle of the picture.")
    return FetchUnavailable(f"{url.host} can't be reached: {reason}.")


def _retry_after(value: str | None) -> float | None:
    """Seconds that a host asks us to wait (RFC 9110 §10.2.3): a number, or a date."""
    if not value:
        return None
    if value.strip().isdigit():
        return float(value.strip()[:9])
    try:
        until = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (until.astimezone(UTC) - datetime.now(UTC)).total_seconds())
