"""Guests add pictures to a whole Frieze: from the proxy to the wall and off it again."""

import http.client
import json
import ssl
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.fakes.uploads import open_wall
from tests.fakes.waiting import until_blocking
from tests.integration.nginx import running_nginx
from tests.postgres import free_port
from tests.processes import Frieze, frieze
from tests.relay.uploads.place import MIB, TOKEN, jpeg
from wall.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class Up:
    """A whole Frieze; `store` is its folder of pictures."""

    process: Frieze
    port: int
    store: Path

    def originals(self) -> list[Path]:
        return [path for path in self.store.rglob("*") if path.is_file()]


def _open(database: Path) -> None:
    async def switch_on() -> None:
        catalogue = Catalogue(f"sqlite:{database}")
        await open_wall(catalogue)
        await catalogue.close()

    anyio.run(switch_on)


@contextmanager
def _up(folder: Path) -> Generator[Up]:
    port = free_port()
    settings = {"FRIEZE_DATA": str(folder / "data"), "FRIEZE_PORT": str(port), "FRIEZE_STOMP_PORT": "0"}
    with frieze("up", "--no-demo", settings=settings, folder=folder) as process:
        process.until_ready(f"http://127.0.0.1:{port}")
        _open(folder / "data" / "catalogue.db")
        yield Up(process, port, folder / "data" / "store")


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with _up(tmp_path_factory.mktemp("up")) as found:
        yield found


class Guest:
    def __init__(self, port: int, address: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self._make = lambda: (
            http.client.HTTPSConnection(address, port, timeout=30, context=tls)
            if tls is not None
            else http.client.HTTPConnection(address, port, timeout=30)
        )

    def call(self, method: str, path: str, fields: Any = None, **headers: str) -> tuple[int, dict[str, Any]]:
        connection = self._make()
        body = None if fields is None else json.dumps(fields)
        given = {"X-Frieze-Guest": TOKEN, "Content-Type": "application/json"} | headers
        connection.request(method, path, body, given)
        answer = connection.getresponse()
        body = answer.read()
        found = json.loads(body) if body.startswith(b"{") else {}
        connection.close()
        return answer.status, found

    def ask(self, size: int, **fields: Any) -> dict[str, Any]:
        asked = {"size": size, "type": "image/jpeg", "name": "a.jpg", "consent": True} | fields
        status, found = self.call("POST", "/api/walls/main/uploads", asked)
        assert status == 201, found
        return found

    def begin(self, url: str, length: int) -> http.client.HTTPConnection:
        connection = self._make()
        connection.putrequest("PUT", url)
        connection.putheader("Content-Length", str(length))
        connection.endheaders()
        return connection

    def until(self, upload_id: str, state: str) -> dict[str, Any]:
        shown: list[dict[str, Any]] = []

        def there() -> bool:
            shown.append(self.call("GET", f"/api/uploads/{upload_id}")[1])
            return bool(shown[-1]["state"] == state)

        until_blocking(there, f"the upload to be {state}", 60)
        return shown[-1]


def test_a_picture_is_on_the_wall_soon_and_off_it_when_its_guest_says_so(up: Up) -> None:
    guest, data = Guest(up.port), jpeg(400_000)
    asked = guest.ask(len(data), author="Ada", caption="At last!")
    connection = guest.begin(asked["url"], len(data))
    connection.send(data)
    assert connection.getresponse().status == 201
    connection.close()
    shown = guest.until(asked["id"], "shown")
    assert shown["thumbnail"].startswith("/media/")
    [post] = guest.call("GET", "/api/walls/main/snapshot")[1]["posts"]
    assert (post["author"]["name"], post["text"], post["source"]) == ("Ada", "At last!", "guest")
    assert len(up.originals()) == 3  # the original where it came in, two thumbnails, and no copy
    status, withdrawn = guest.call("DELETE", f"/api/uploads/{asked['id']}")
    assert (status, withdrawn["state"]) == (200, "withdrawn")
    assert guest.call("GET", "/api/walls/main/snapshot")[1]["posts"] == []
    assert up.originals() == []


def test_bytes_go_through_the_proxy_as_they_come(up: Up, tmp_path: Path) -> None:
    data = jpeg(30 * MIB)
    with running_nginx(tmp_path, RELAY=f"127.0.0.1:{up.port}") as nginx:
        guest = Guest(int(nginx.address.rpartition(":")[2]), "localhost", nginx.tls)
        asked = guest.ask(len(data))
        connection = guest.begin(asked["url"], len(data))
        connection.send(data[: len(data) // 2])
        until_blocking(
            lambda: sum(path.stat().st_size for path in up.originals()) > 10 * MIB, "half of it to be in the store"
        )
        connection.send(data[len(data) // 2 :])
        assert connection.getresponse().status == 201
        connection.close()
        assert guest.call("POST", "/api/walls/main/uploads", {}, Origin="https://evil.example")[0] == 403
        guest.call("DELETE", f"/api/uploads/{asked['id']}")


def test_a_stop_in_the_middle_is_quick_and_leaves_nothing(tmp_path: Path) -> None:
    data = jpeg(4 * MIB)
    with _up(tmp_path) as up:
        guest = Guest(up.port)
        asked = guest.ask(len(data))
        connection = guest.begin(asked["url"], len(data))
        connection.send(data[: len(data) // 2])
        until_blocking(up.originals, "some of it to be in the store")
        assert up.process.stop(20) == 0  # it does not wait for the guest
        connection.close()
        assert up.originals() == []
        up.process.start_again()
        up.process.until_ready(f"http://127.0.0.1:{up.port}")
        assert guest.call("GET", f"/api/uploads/{asked['id']}")[1]["state"] == "aborted"
