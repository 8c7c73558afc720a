"""deploy/nginx.conf.template in Debian's nginx, in front of the real broker and a real relay."""

import http.client
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

import pytest
from PIL import Image

from tests.browser.wall import snapshot
from tests.fakes.waiting import until_blocking
from tests.integration.activemq import ActiveMQ
from tests.integration.nginx import running_nginx
from tests.integration.wire import RefusedError, TcpClient, WsClient, was_cut
from tests.moderating import act
from tests.postgres import free_port
from tests.processes import frieze, run
from wall.states import ActionKind

VIEWERS_PER_ADDRESS = 4
# what the issue promises for a reader that takes nothing
CUT_LIMIT = 30.0


@dataclass(frozen=True, slots=True)
class Proxy:
    broker_url: str
    relay_url: str
    page_url: str
    origin: str
    further_origin: str
    tls: ssl.SSLContext


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The settings of a whole Frieze that runs, so that its relay has something to say."""
    folder = tmp_path_factory.mktemp("relay")
    port = free_port()
    settings = {"FRIEZE_DATA": str(folder / "data"), "FRIEZE_PORT": str(port), "FRIEZE_STOMP_PORT": "0"}
    with frieze("up", "--no-demo", settings=settings, folder=folder) as process:
        process.until_ready(f"http://127.0.0.1:{port}")
        yield settings


@pytest.fixture(scope="module")
def relay(whole: dict[str, str]) -> str:
    """Where the relay is."""
    return f"127.0.0.1:{whole['FRIEZE_PORT']}"


@pytest.fixture(scope="module")
def proxy(activemq: ActiveMQ, relay: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("proxy")
    (folder / "more.map").write_text('"https://kiosk.example" allowed;\n')
    broker = activemq.ws_url.removeprefix("ws://")
    viewers = str(VIEWERS_PER_ADDRESS)
    with running_nginx(folder, BROKER=broker, RELAY=relay, VIEWERS_PER_ADDRESS=viewers) as nginx:
        yield Proxy(
            f"wss://{nginx.address}/broker",
            f"wss://{nginx.address}/stomp",
            f"https://{nginx.address}/",
            nginx.origin,
            "https://kiosk.example",
            nginx.tls,
        )


def open_through(proxy: Proxy, *, origin: str | None = None, small: bool = False) -> WsClient:
    return WsClient.open(proxy.broker_url, origin=origin, small=small, tls=proxy.tls)


def test_own_page_reaches_the_broker_through_the_proxy(proxy: Proxy) -> None:
    with open_through(proxy, origin=proxy.origin) as viewer:
        assert viewer.protocol.subprotocol == "v12.stomp"
        assert viewer.login().subscribe("/topic/wall.main").startswith("RECEIPT")


def test_further_origin_from_the_list_is_let_in(proxy: Proxy) -> None:
    open_through(proxy, origin=proxy.further_origin).close()


def test_reader_that_is_no_browser_is_let_in_without_an_origin(proxy: Proxy) -> None:
    with open_through(proxy) as viewer:
        viewer.login()


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://localhost", "https://localhost.evil.example", "file://"],
)
@pytest.mark.parametrize("where", ["broker_url", "relay_url"])
def test_foreign_page_is_refused_before_the_rooms_behind_see_it(proxy: Proxy, where: str, origin: str) -> None:
    with pytest.raises(RefusedError) as refused:
        WsClient.open(getattr(proxy, where), origin=origin, tls=proxy.tls)
    assert refused.value.status == 403


def test_one_address_cannot_take_more_than_its_share(proxy: Proxy) -> None:
    viewers = [open_through(proxy) for _ in range(VIEWERS_PER_ADDRESS)]
    try:
        with pytest.raises(RefusedError) as refused:
            open_through(proxy)
        assert refused.value.status == 429
    finally:
        for viewer in viewers:
            viewer.close()
    deadline = time.monotonic() + 10
    while True:  # the places come back
        try:
            open_through(proxy).close()
            break
        except RefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def ask_for_stream(proxy: Proxy, **headers: str) -> http.client.HTTPResponse:
    """The answer to a stream's GET; its connection ends with it."""
    host = proxy.page_url.removeprefix("https://").rstrip("/")
    connection = http.client.HTTPSConnection(host, timeout=30, context=proxy.tls)
    connection.request("GET", "/api/walls/main/stream", headers={**headers, "connection": "close"})
    return connection.getresponse()


def test_a_stream_passes_through_without_being_held_back(proxy: Proxy) -> None:
    with ask_for_stream(proxy, cookie="session=x", origin=proxy.origin) as answer:
        assert answer.status == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        said = [answer.readline() for _ in range(2)]
        assert said[0].startswith(b"retry:")
        # a head comes every 5 s: held back in a buffer of 4 KiB it would not be here for a minute
        while not said[-1].startswith(b"event: head"):
            said.append(answer.readline())
            assert said[-1], b"".join(said)
        assert any(line.startswith(b"event: hello") for line in said)


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_a_foreign_page_gets_no_stream(proxy: Proxy, origin: str) -> None:
    with ask_for_stream(proxy, origin=origin) as answer:
        assert answer.status == 403


def test_streams_of_one_address_are_counted_too(proxy: Proxy) -> None:
    streams = [ask_for_stream(proxy) for _ in range(VIEWERS_PER_ADDRESS)]
    try:
        assert {answer.status for answer in streams} == {200}
        with ask_for_stream(proxy) as answer:
            assert answer.status == 429
    finally:
        for answer in streams:
            answer.close()
    deadline = time.monotonic() + 10
    while ask_for_stream(proxy).status != 200:  # the places come back
        assert time.monotonic() < deadline
        time.sleep(0.05)


def get(proxy: Proxy, path: str, **headers: str) -> tuple[int, Message, bytes]:
    request = urllib.request.Request(proxy.page_url.rstrip("/") + path, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30, context=proxy.tls) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def test_a_small_rendition_is_kept_for_a_second_and_a_removed_one_no_longer(
    proxy: Proxy, relay: str, whole: dict[str, str], tmp_path: Path
) -> None:
    picture = tmp_path / "IMG_1.png"
    Image.new("RGB", (640, 480), "teal").save(picture)
    run("post", str(picture), settings=whole)
    [post] = snapshot(f"http://{relay}")["posts"]
    [path] = [each["url"] for each in post["media"][0]["renditions"] if each["role"] == "thumbnail-320"]
    asked = [get(proxy, path) for _ in range(3)]
    assert [status for status, _, _ in asked] == [200, 200, 200]
    assert len({body for _, _, body in asked}) == 1
    # what browsers are told is the relay's
    assert asked[1][1]["cache-control"] == "private, max-age=300"
    assert asked[1][1]["content-disposition"].endswith("filename*=UTF-8''IMG_1.webp")
    assert get(proxy, path, **{"if-none-match": asked[0][1]["etag"]})[0] == 304
    assert get(proxy, path, range="bytes=0-9")[0] == 206
    act(f"sqlite:{whole['FRIEZE_DATA']}/catalogue.db", post["id"], ActionKind.REMOVE)
    until_blocking(lambda: get(proxy, path)[0] == 410, "the removed picture to be gone", 10)
    status, headers, _ = get(proxy, path)
    assert (status, headers["cache-control"]) == (410, "no-store")


def test_stuck_reader_is_cut_within_30_s_and_a_healthy_one_misses_nothing(proxy: Proxy, activemq: ActiveMQ) -> None:
    """On a wall with two events of 8 KiB a second and, like a real viewer, heart-beats from the stuck one."""
    stuck = open_through(proxy, small=True).login()
    healthy = open_through(proxy).login()
    publisher = TcpClient.open(activemq.stomp)
    assert publisher.login(activemq.user, activemq.password).startswith("CONNECTED")
    for viewer in (stuck, healthy):
        assert viewer.subscribe("/topic/wall.main").startswith("RECEIPT")
    cut = threading.Event()
    started = time.monotonic()
    watch = threading.Thread(target=lambda: was_cut(stuck.connection, CUT_LIMIT) and cut.set())
    watch.start()
    sent = 0
    try:
        while not cut.is_set() and time.monotonic() - started < CUT_LIMIT:
            body = "x" * 8192
            assert publisher.ask(f"SEND\ndestination:/topic/wall.main\nseq:{sent}\nreceipt:{sent}\n\n{body}")
            message = healthy.receive()
            assert message is not None
            assert f"\nseq:{sent}\n" in message
            sent += 1
            if sent % 20 == 0 and not cut.is_set():
                stuck.beat()
            cut.wait(0.5)
    finally:
        watch.join()
        for client in (stuck, healthy, publisher):
            client.close()
    assert cut.is_set(), f"still connected after {CUT_LIMIT:.0f} s and {sent} messages"
