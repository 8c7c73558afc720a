"""Who gets which request, and what is said of a port that can't be had."""

import socket

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from frieze.server import Dispatch, bind
from wall.errors import SettingsError

pytestmark = pytest.mark.anyio


def _named(name: str, asked: list[str]) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append(name)

    return app


@pytest.mark.parametrize(
    ("kind", "path", "who"),
    [
        ("http", "/media/abc/thumbnail-320", "media"),
        ("http", "/media", "rest"),
        ("http", "/console", "console"),
        ("http", "/console/sign-in", "console"),
        ("http", "/api/console/state", "console"),
        ("http", "/api/walls/main", "rest"),
        ("http", "/api/walls/main/uploads", "uploads"),
        ("http", "/api/uploads/abc/bytes/def", "uploads"),
        ("http", "/api/uploads", "rest"),
        ("http", "/api/walls/main/stream", "streams"),
        ("http", "/w/console", "rest"),
        ("http", "/", "rest"),
        ("lifespan", "", "rest"),
    ],
)
async def test_each_path_has_its_application(kind: str, path: str, who: str) -> None:
    async def receive() -> dict[str, str]:
        return {}

    async def send(_: object) -> None:
        return

    for console in (True, False):
        asked: list[str] = []
        dispatch = Dispatch(
            _named("media", asked),
            _named("console", asked) if console else None,
            _named("rest", asked),
            _named("streams", asked),
            _named("uploads", asked),
        )
        await dispatch({"type": kind, "path": path}, receive, send)
        assert asked == ["rest" if who == "console" and not console else who]


async def test_without_a_relay_nobody_takes_uploads() -> None:
    asked: list[str] = []
    dispatch = Dispatch(_named("media", asked), None, _named("rest", asked))

    async def receive() -> dict[str, str]:
        return {}

    async def send(_: object) -> None:
        return

    await dispatch({"type": "http", "path": "/api/walls/main/uploads"}, receive, send)
    assert asked == ["rest"]


def test_port_zero_is_one_that_is_free() -> None:
    with bind("127.0.0.1", 0, "tests", "--port") as one, bind("127.0.0.1", 0, "tests", "--port") as other:
        assert one.getsockname()[1] != other.getsockname()[1]
        assert not one.getblocking()
        with socket.create_connection(one.getsockname(), timeout=5):
            pass


def test_a_taken_port_is_said_with_the_option_that_changes_it() -> None:
    with bind("127.0.0.1", 0, "tests", "--port") as one:
        port = one.getsockname()[1]
        with pytest.raises(SettingsError) as refused:
            bind("127.0.0.1", port, "pages and pictures", "--port or FRIEZE_PORT")
    assert str(refused.value) == (
        f"The port {port} on 127.0.0.1 for pages and pictures is taken by another program; "
        "choose another one with --port or FRIEZE_PORT."
    )
    bind("127.0.0.1", port, "tests", "--port").close()


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "no-such-host.invalid"])
def test_an_address_that_is_not_ours_is_said_with_its_reason(host: str) -> None:
    with pytest.raises(SettingsError, match=r"can't be used \(.+\); choose another one with --port"):
        bind(host, 0, "tests", "--port")
