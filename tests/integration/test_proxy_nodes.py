"""deploy/nginx.conf.template leads a path that names a relay to that relay and to nothing else, in Debian's nginx."""

import socket
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from websockets.sync.server import Server, ServerConnection, serve

from tests.fakes.waiting import until_blocking
from tests.integration.nginx import Nginx, running_nginx
from tests.integration.wire import RefusedError, WsClient
from tests.postgres import free_port

FIRST, SECOND, UNKNOWN = "0123456789ab", "ba9876543210", "ffffffffffff"
ADDRESSES = {FIRST: "127.0.0.2", SECOND: "127.0.0.3"}


class Names:
    """The engine's name server: containers by their id. `asked` are the names that were looked up."""

    def __init__(self) -> None:
        self.asked: set[str] = set()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._answer, daemon=True)
        self._thread.start()

    def _answer(self) -> None:
        while True:
            query, peer = self._socket.recvfrom(512)
            if len(query) < 12:
                return
            end = query.index(0, 12)
            name = query[13:end].replace(bytes([query[12]]), b"").decode()
            self.asked.add(name)
            known = ADDRESSES.get(name)
            # RFC 1035 §4.1: the question again, then one A record of 1 s, or "no such name"
            header = query[:2] + (b"\x81\x80" if known else b"\x81\x83") + b"\0\1" + (b"\0\1" if known else b"\0\0")
            record = b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4" + socket.inet_aton(known) if known else b""
            self._socket.sendto(header + b"\0\0\0\0" + query[12 : end + 5] + record, peer)

    def close(self) -> None:
        self._socket.sendto(b"", self._socket.getsockname())
        self._thread.join(5)
        self._socket.close()


@contextmanager
def _serving(host: str, port: int, reached: list[tuple[str, str]]) -> Generator[None]:
    def hear(connection: ServerConnection) -> None:
        assert connection.request is not None
        reached.append((host, connection.request.path))

    server: Server = serve(hear, host, port)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join(5)


@pytest.fixture
def names() -> Generator[Names]:
    server = Names()
    yield server
    server.close()


@pytest.fixture
def reached() -> list[tuple[str, str]]:
    """Which relay was reached, by its address, and with which path."""
    return []


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def proxy(tmp_path: Path, names: Names, reached: list[tuple[str, str]], port: int) -> Generator[Nginx]:
    with ExitStack() as stack:
        for host in ADDRESSES.values():
            stack.enter_context(_serving(host, port, reached))
        relay = f"{ADDRESSES[FIRST]}:{port}"
        values = {"RELAY": relay, "RELAY_PORT": str(port), "RESOLVER": names.address}
        yield stack.enter_context(running_nginx(tmp_path, **values))


def _open(proxy: Nginx, path: str) -> None:
    WsClient.open(f"wss://{proxy.address}{path}", origin=proxy.origin, tls=proxy.tls).close()


def test_each_path_leads_to_the_relay_it_names_and_the_shared_one_to_any(
    proxy: Nginx, port: int, reached: list[tuple[str, str]]
) -> None:
    paths = {f"/n/{name}-{port}/stomp": ADDRESSES[name] for name in (SECOND, FIRST)} | {"/stomp": ADDRESSES[FIRST]}
    for path in paths:
        _open(proxy, path)
    until_blocking(lambda: len(reached) == len(paths), "the relays to be reached")
    assert reached == [(host, path) for path, host in paths.items()]


def test_a_relay_that_is_gone_is_a_bad_gateway(proxy: Nginx, port: int) -> None:
    with pytest.raises(RefusedError) as refused:
        _open(proxy, f"/n/{UNKNOWN}-{port}/stomp")
    assert refused.value.status == 502


@pytest.mark.parametrize(
    "path",
    [
        "/n/activemq-{port}/stomp",
        "/n/127.0.0.3-{port}/stomp",
        "/n/0123456789ab-61613/stomp",
        "/n/0123456789ab:61613-{port}/stomp",
        "/n/0123456789ab-{port}/admin",
        "/n/0123456789abc-{port}/stomp",
        "/n/0123456789AB-{port}/stomp",
        "/n/0123456789ab%2eevil.example-{port}/stomp",
        "/n/0123456789ab-{port}/stomp/",
        "/n/../n/evil@0123456789ab-{port}/stomp",
    ],
)
def test_a_made_up_name_reaches_nothing_and_is_not_even_looked_up(
    proxy: Nginx, port: int, names: Names, reached: list[tuple[str, str]], path: str
) -> None:
    with pytest.raises(RefusedError):
        _open(proxy, path.format(port=port))
    assert reached == []
    assert names.asked == set()


def test_a_foreign_page_is_refused_at_a_named_relay_too(
    proxy: Nginx, port: int, reached: list[tuple[str, str]]
) -> None:
    with pytest.raises(RefusedError) as refused:
        url = f"wss://{proxy.address}/n/{FIRST}-{port}/stomp"
        WsClient.open(url, origin="https://evil.example", tls=proxy.tls)
    assert refused.value.status == 403
    assert reached == []
