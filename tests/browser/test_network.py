"""A guest's phone adds twelve pictures and a video over a network that fails, to each kind of store."""

import io
import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import av
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.camera_roll import CAMERA, DATUM, PLACE, Shot, camera_roll
from tests.browser.phone import phone_page
from tests.browser.up import Up, frieze_up
from tests.browser.wall import shown_posts, snapshot, tiles, until_page
from tests.fakes.faulty_network import LostAnswer, NetworkByItself, Request, Slow, network_by_itself
from tests.integration.swift import PASSWORD, USER, Swift
from tests.integration.vendors import make_minio_bucket, running_minio
from tests.photographs import difference
from tests.processes import run
from tests.wall.store.swift.fixtures import new_container

STORES = ("disk", "swift", "swift, directly") + (("minio, directly",) if os.environ.get("FRIEZE_TEST_STORES") else ())

# of each painted tile the colours in eight columns and rows, as the browser shows them
_GRIDS = """() => Object.fromEntries([...document.querySelectorAll(".tile.shown")].map((tile) => {
  const context = new OffscreenCanvas(64, 64).getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(tile.querySelector("img.image"), 0, 0, 64, 64);
  const grid = [];
  for (let y = 0; y < 64; y += 8) for (let x = 0; x < 64; x += 8) {
    const { data } = context.getImageData(x, y, 8, 8);
    grid.push([0, 1, 2].map((band) => data.filter((_, i) => i % 4 === band).reduce((sum, v) => sum + v, 0) >> 6));
  }
  return [tile.dataset.post, grid];
}))"""


@dataclass
class Place:
    """A Frieze whose guests come over `networks`: to its pages, and to a store that they send to."""

    up: Up
    phone: str
    networks: list[NetworkByItself]


@pytest.fixture(scope="module")
def roll(tmp_path_factory: pytest.TempPathFactory) -> list[Shot]:
    return camera_roll(tmp_path_factory.mktemp("roll"))


@dataclass(frozen=True, slots=True)
class Behind:
    """A store that the tests run on: where it listens, and the settings that name it."""

    host: str
    port: int
    settings: dict[str, str]


@contextmanager
def _swift(swift: Swift) -> Generator[Behind]:
    settings = {
        "FRIEZE_STORE_URL": swift.url(new_container()),
        "FRIEZE_STORE_USER": USER,
        "FRIEZE_STORE_PASSWORD": PASSWORD,
    }
    yield Behind(swift.host, swift.port, settings)


@contextmanager
def _minio(folder: Path) -> Generator[Behind]:
    with running_minio(folder) as minio:
        bucket = make_minio_bucket(minio)
        settings = {
            "FRIEZE_STORE_URL": f"s3://{bucket}?endpoint={minio.endpoint}",
            "FRIEZE_STORE_USER": minio.user,
            "FRIEZE_STORE_PASSWORD": minio.password,
        }
        yield Behind(minio.host, minio.port, settings)


@pytest.fixture(params=STORES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Place]:
    settings = {"FRIEZE_DEMO": "false"}
    kind, _, directly = str(request.param).partition(", ")
    with ExitStack() as stack:
        networks: list[NetworkByItself] = []
        if kind != "disk":
            store = _minio(tmp_path) if kind == "minio" else _swift(request.getfixturevalue("swift"))
            behind = stack.enter_context(store)
            settings |= behind.settings
            if directly:
                networks.append(stack.enter_context(network_by_itself(behind.host, behind.port)))
                settings["FRIEZE_STORE_URL"] += f"&public={networks[0].url}"
                settings["FRIEZE_UPLOAD_DIRECT"] = "0"
        up = stack.enter_context(frieze_up(tmp_path, settings))
        networks.append(stack.enter_context(network_by_itself("127.0.0.1", up.port)))
        run("wall", "guests", "main", "--on", settings=up.settings)
        yield Place(up, networks[-1].url, networks)


@pytest.fixture
def phone(chromium: Browser) -> Generator[Page]:
    with phone_page(chromium) as opened:
        yield opened


def _brings_bytes(request: Request) -> bool:
    return request.method == "PUT"


def _first(count: int) -> Callable[[Request], bool]:
    """The first so many that bring bytes."""
    met: list[Request] = []

    def meets(request: Request) -> bool:
        if _brings_bytes(request) and len(met) < count:
            met.append(request)
            return True
        return False

    return meets


def _bytes_of(url: str) -> bytes | None:
    """None where there is nothing, or nothing for us."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        with error:
            assert error.code in (403, 404), f"{error.code} for {url}"
            return None


def _add(place: Place, phone: Page, roll: list[Shot]) -> None:
    """Choose all, send them, and lose the network twice on the way."""
    phone.goto(f"{place.phone}/w/main/add")
    phone.locator("#choose").set_input_files([shot.path for shot in roll])
    for shot in roll:
        phone.get_by_label(f"Caption of {shot.path.name}").fill(shot.caption)
    phone.get_by_label("Your name").fill("Grace")
    for network in place.networks:
        network.fail(Slow(), on=_brings_bytes)
    phone.get_by_role("button", name="Add 13 files").click()
    moving = phone.locator(".file.sending, .file.confirming")
    until_page(phone, lambda: phone.locator(".file.added").count() >= 2 and moving.count(), "some sent, some not", 60)
    for network in place.networks:
        network.cut()
    expect(phone.locator(".file.waiting", has_text="The connection broke").first).to_be_visible()
    until_page(phone, lambda: moving.count() == 0, "nothing to be on its way")
    assert phone.locator(".file.added").count() < len(roll)
    # and then some arrive whole, but nobody hears of it
    for network in place.networks:
        network.fail(LostAnswer(), on=_first(2))
    expect(phone.get_by_role("heading", name=f"{len(roll)} files were added.")).to_be_visible(timeout=120_000)
    assert place.networks[0].hits == 2


def _assert_nothing_told(up: Up, media: dict[str, Any]) -> None:
    """No rendition says where or with what it was taken, and the original is nobody's."""
    listed = [rendition["url"] for rendition in media["renditions"]]
    assert listed
    base = f"/media/{media['id']}/"
    for path in {*listed, *(f"{base}{role}" for role in ("display-1280", "display-2560"))}:
        data = _bytes_of(up.base + path)
        if data is None:
            assert path not in listed
            continue
        for secret in (CAMERA, DATUM, PLACE):
            assert secret.encode() not in data, path
        if path.endswith("/video"):
            with av.open(io.BytesIO(data)) as video:
                assert not [name for name in video.metadata if "location" in name]
        else:
            with Image.open(io.BytesIO(data)) as picture:
                assert dict(picture.getexif()) == {}, path
                assert "xmp" not in picture.info
    assert _bytes_of(f"{up.base}{base}original") is None


def _painted(page: Page, ids: set[str]) -> dict[str, list[list[int]]]:
    """The colours of each post's tile once all of these are on the glass, each once."""
    until_page(page, lambda: ids <= shown_posts(page), "all of them on another browser's wall", 90)
    shown = [tile["media"] for tile in tiles(page)]
    assert len(shown) == len(set(shown)), "a picture is shown twice"
    return page.evaluate(_GRIDS)


def test_what_a_phone_sends_over_a_failing_network_is_on_the_wall_once_upright_and_says_nothing(
    place: Place, page: Page, phone: Page, roll: list[Shot]
) -> None:
    up = place.up
    page.set_viewport_size({"width": 1920, "height": 1080})
    page.goto(f"{up.base}/w/main")
    _add(place, phone, roll)
    until_page(phone, lambda: len(snapshot(up.base)["posts"]) == len(roll), "each on the wall once", 90)
    posts = {post["text"]: post for post in snapshot(up.base)["posts"]}
    assert sorted(posts) == sorted(shot.caption for shot in roll)
    grids = _painted(page, {post["id"] for post in posts.values()})
    for shot in roll:
        [media] = posts[shot.caption]["media"]
        _assert_nothing_told(up, media)
        if shot.grid is not None:
            far = difference(grids[posts[shot.caption]["id"]], shot.grid)
            assert far < 6, f"{shot.path.name} is not shown as it was taken: {far:.1f}"
    kinds = sorted(media["kind"] for post in posts.values() for media in post["media"])
    assert kinds == ["animation", *["image"] * 11, "video"]

    # the guest takes one back
    phone.get_by_role("link", name=re.compile("Your pictures")).last.click()
    expect(phone.locator(".card.shown")).to_have_count(len(roll), timeout=30_000)
    card = phone.locator(".card", has_text=roll[5].caption)
    card.get_by_role("button", name="Withdraw").click()
    phone.get_by_role("alertdialog").get_by_role("button", name="Withdraw").click()
    gone = posts[roll[5].caption]["id"]
    until_page(page, lambda: gone not in shown_posts(page), "the withdrawn one to leave the other browser's wall")
    assert len(snapshot(up.base)["posts"]) == len(roll) - 1


@dataclass(frozen=True, slots=True)
class Sent:
    """A picture that a phone sends to a wall on a Swift, straight to the store where that can be had."""

    phone: Page
    swift: Swift
    folder: Path

    def ports(self, url: str, shot: Shot) -> list[int | None]:
        """To whom the bytes went, one after another, until the picture was on the wall."""
        settings = {
            "FRIEZE_DEMO": "false",
            "FRIEZE_STORE_URL": url,
            "FRIEZE_STORE_USER": USER,
            "FRIEZE_STORE_PASSWORD": PASSWORD,
            "FRIEZE_UPLOAD_DIRECT": "0",
        }
        asked: list[str] = []
        with frieze_up(self.folder, settings) as up:
            run("wall", "guests", "main", "--on", settings=up.settings)
            self.phone.on("request", lambda request: asked.append(request.url) if request.method == "PUT" else None)
            self.phone.goto(f"{up.base}/w/main/add")
            self.phone.locator("#choose").set_input_files(shot.path)
            self.phone.get_by_role("button", name="Add 1 picture").click()
            expect(self.phone.get_by_role("heading", name="1 file was added.")).to_be_visible(timeout=60_000)
            until_page(self.phone, lambda: len(snapshot(up.base)["posts"]) == 1, "it on the wall", 60)
            ports = [urlsplit(address).port for address in asked]
            assert set(ports) <= {self.swift.port, up.port}
        return ports


@pytest.fixture
def sent(phone: Page, swift: Swift, tmp_path: Path) -> Sent:
    return Sent(phone, swift, tmp_path)


def _container(swift: Swift, allowed: str) -> str:
    container = new_container()
    headers = {"X-Container-Meta-Access-Control-Allow-Origin": allowed} if allowed else {}
    assert swift.ask("PUT", container, headers)[0] == 201
    return container


def test_swifts_s3api_takes_files_straight_from_a_page(swift: Swift, sent: Sent, roll: list[Shot]) -> None:
    container = _container(swift, "*")
    assert sent.ports(f"s3://{container}?endpoint={swift.s3_url}", roll[0]) == [swift.port]


def test_a_store_that_lets_this_page_send_nothing_gets_its_files_through_frieze(
    swift: Swift, sent: Sent, roll: list[Shot]
) -> None:
    ports = sent.ports(swift.url(_container(swift, "https://elsewhere.example")), roll[0])
    assert ports[0] == swift.port
    assert ports[-1] != swift.port


def test_a_store_whose_answers_this_page_may_not_read_gets_its_files_through_frieze(
    swift: Swift, sent: Sent, roll: list[Shot]
) -> None:
    """Swift's s3api lets every page ask, and then hides what it answers unless its container allows this one."""
    container = _container(swift, "")
    ports = sent.ports(f"s3://{container}?endpoint={swift.s3_url}", roll[0])
    assert ports[0] == swift.port
    assert ports[-1] != swift.port
