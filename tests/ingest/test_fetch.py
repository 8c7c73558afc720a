import asyncio
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_network
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from ingest.fetch import Fetcher
from wall.errors import FetchError, FetchRefused, FetchUnavailable

pytestmark = pytest.mark.anyio

LOOPBACK = (ip_network("127.0.0.1/32"),)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncGenerator[str]:
    """A host on loopback that answers everything with `handler`; gives its address."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    address = runner.addresses[0]
    try:
        yield f"http://127.0.0.1:{address[1]}"
    finally:
        await runner.cleanup()


class Names(AbstractResolver):
    """A name server that says what the test wants, and another thing each time when it has more to say."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            ResolveResult(
                hostname=host, host=answer, port=port, family=socket.AF_INET, proto=0, flags=socket.AI_NUMERICHOST
            )
        ]

    async def close(self) -> None:
        return


def _left(target: Path) -> bytes | None:
    return target.read_bytes() if target.exists() else None


async def _refused(fetcher: Fetcher, url: str, target: Path, kind: type[FetchError] = FetchRefused) -> str:
    with pytest.raises(kind) as caught:
        await fetcher.fetch(url, target)
    assert not _left(target)
    assert str(caught.value).endswith((".", "!"))
    return str(caught.value)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "picture"


async def test_a_picture_is_fetched_without_cookies_or_compression(target: Path) -> None:
    seen: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request)
        response = web.Response(body=b"x" * 300_000, content_type="image/png")
        response.set_cookie("track", "me")
        return response

    async with serving(answer) as host, Fetcher(allow=LOOPBACK) as fetcher:
        await fetcher.fetch(f"{host}/a.png", target)
        fetched = await fetcher.fetch(f"{host}/a.png", target)
    assert (fetched.length, fetched.type_header) == (300_000, "image/png")
    assert _left(target) == b"x" * 300_000
    assert [request.headers["Accept-Encoding"] for request in seen] == ["identity", "identity"]
    assert "Cookie" not in seen[1].headers


async def test_loopback_is_refused_unless_an_operator_allows_it(target: Path) -> None:
    async def answer(_: web.Request) -> web.Response:
        raise AssertionError("the host must not be asked")

    async with serving(answer) as host:
        async with Fetcher() as fetcher:
            assert "http is not allowed" in await _refused(fetcher, host, target)
        async with Fetcher(allow=(ip_network("10.0.0.0/8"),)) as fetcher:
            assert "FRIEZE_FETCH_ALLOW" in await _refused(fetcher, host, target)
        async with Fetcher(http=True) as fetcher:
            assert "port" in await _refused(fetcher, host.replace("http:", "https:"), target)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://0.0.0.0/",
        "https://10.1.2.3/",
        "http://93.184.216.34/",
        "https://93.184.216.34:8443/",
        "https://user:password@example.org/a.png",
        "ftp://example.org/a.png",
        "file:///etc/passwd",
        "https:///nothing",
        "not an address",
        "https://[broken/",
    ],
)
async def test_what_leads_nowhere_good_is_refused_without_asking(url: str, target: Path) -> None:
    names = Names("93.184.216.34")
    async with Fetcher(resolver=lambda: names) as fetcher:
        await _refused(fetcher, url, target)
    assert names.asked == 0


@pytest.mark.parametrize("url", ["https://inside.example/", "https://2130706433/", "https://0x7f000001/"])
async def test_a_name_that_leads_inside_is_refused(url: str, target: Path) -> None:
    async with Fetcher(resolver=lambda: Names("127.0.0.1")) as fetcher:
        await _refused(fetcher, url, target)


async def test_a_name_is_resolved_once_per_connection_so_that_it_cannot_change_its_mind(target: Path) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=b"ok")

    names = Names("127.0.0.1", "10.0.0.1")
    async with serving(answer) as host, Fetcher(allow=LOOPBACK, resolver=lambda: names) as fetcher:
        await fetcher.fetch(host.replace("127.0.0.1", "host.example"), target)
    assert names.asked == 1


async def test_a_rebinding_name_is_refused_at_its_second_answer(target: Path) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=b"ok", headers={"Connection": "close"})

    names = Names("127.0.0.1", "10.0.0.1")
    async with serving(answer) as host, Fetcher(allow=LOOPBACK, resolver=lambda: names) as fetcher:
        named = host.replace("127.0.0.1", "host.example")
        await fetcher.fetch(named, target)
        await _refused(fetcher, named, target)


@pytest.mark.parametrize(
    "location",
    ["http://10.0.0.1/", "http://[::1]/", "http://169.254.169.254/", "file:///etc/passwd", "gopher://x/", ""],
)
async def test_a_redirect_to_where_we_would_not_go_is_refused(location: str, target: Path) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": location} if location else {})

    async with serving(answer) as host, Fetcher(allow=LOOPBACK) as fetcher:
        await _refused(fetcher, host, target)


async def test_three_redirects_are_followed_and_four_are_not(target: Path) -> None:
    async def answer(request: web.Request) -> web.Response:
        left = int(request.path.strip("/"))
        if left:
            return web.Response(status=307, headers={"Location": f"/{left - 1}"})
        return web.Response(body=b"here")

    async with serving(answer) as host, Fetcher(allow=LOOPBACK) as fetcher:
        assert (await fetcher.fetch(f"{host}/3", target)).length == 4
        assert "more than 3" in await _refused(fetcher, f"{host}/4", target)


async def test_a_body_over_the_limit_is_refused_by_its_announced_length(target: Path) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * 5000)

    async with serving(answer) as host, Fetcher(allow=LOOPBACK, limit=4999) as fetcher:
        assert "larger" in await _refused(fetcher, host, target)


async def test_a_body_over_the_limit_is_refused_while_it_comes(target: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with suppress(ConnectionError):
            for _ in range(1000):
                await response.write(b"x" * 65536)
        return response

    async with serving(answer) as host, Fetcher(allow=LOOPBACK) as fetcher:
        with pytest.raises(FetchRefused, match="larger"):
            await fetcher.fetch(host, target, limit=1_000_000)
    assert _left(target) is None


async def test_a_compressed_answer_is_refused(target: Path) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=b"\x1f\x8b" + b"\0" * 50, headers={"Content-Encoding": "gzip"})

    async with serving(answer) as host, Fetcher(allow=LOOPBACK) as fetcher:
        assert "gzip" in await _refused(fetcher, host, target)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 204, 206])
async def test_a_final_answer_is_not_asked_again(status: int, target: Path) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status)

    async with serving(answer) as host, Fetcher(allow=LOOPBACK) as fetcher:
        assert str(status) in await _refused(fetcher, host, target)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_trouble_at_the_host_can_be_tried_again(status: int, target: Path) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status)

    async with serving(answer) as host, Fetcher(allow=LOOPBACK) as fetcher:
        await _refused(fetcher, host, target, FetchUnavailable)


async def test_a_host_that_asks_us_to_wait_is_left_alone(target: Path) -> None:
    asked = 0

    async def answer(_: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(status=503, headers={"Retry-After": "120"})

    async with serving(answer) as host, Fetcher(allow=LOOPBACK) as fetcher:
        assert "120 seconds" in await _refused(fetcher, host, target, FetchUnavailable)
        assert "asks us to wait" in await _refused(fetcher, host, target, FetchUnavailable)
    assert asked == 1


async def test_a_host_that_breaks_off_can_be_tried_again(target: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100000"})
        await response.prepare(request)
        await response.write(b"x" * 1000)
        assert request.transport is not None
        request.transport.abort()
        return response

    async with serving(answer) as host, Fetcher(allow=LOOPBACK) as fetcher:
        await _refused(fetcher, host, target, FetchUnavailable)


async def _drip(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    with suppress(ConnectionError):
        for _ in range(2000):
            await response.write(b"x")
            await asyncio.sleep(0.01)
    return response


async def test_a_slow_drip_is_cut_by_the_least_rate(target: Path) -> None:
    async with serving(_drip) as host, Fetcher(allow=LOOPBACK, grace_seconds=0.1) as fetcher:
        assert "too slowly" in await _refused(fetcher, host, target, FetchUnavailable)


async def test_a_slow_drip_is_cut_by_the_total_time(target: Path) -> None:
    async with serving(_drip) as host, Fetcher(allow=LOOPBACK, total_seconds=0.3) as fetcher:
        assert "0.3 seconds" in await _refused(fetcher, host, target, FetchUnavailable)


async def test_a_host_that_says_nothing_is_given_up(target: Path) -> None:
    async def answer(_: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    async with serving(answer) as host, Fetcher(allow=LOOPBACK, first_byte_seconds=0.2) as fetcher:
        await _refused(fetcher, host, target, FetchUnavailable)


async def test_a_host_that_is_not_there_can_be_tried_again(target: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    async with Fetcher(allow=LOOPBACK) as fetcher:
        assert "can't be reached" in await _refused(fetcher, f"http://127.0.0.1:{port}/", target, FetchUnavailable)


async def test_one_host_is_asked_a_few_times_at_once_and_no_more(tmp_path: Path) -> None:
    running = most = 0

    async def answer(_: web.Request) -> web.Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.1)
        running -= 1
        return web.Response(body=b"ok")

    async with serving(answer) as host, Fetcher(allow=LOOPBACK) as fetcher:
        await asyncio.gather(*(fetcher.fetch(f"{host}/{n}", tmp_path / str(n)) for n in range(10)))
    assert 1 <= most <= 4
