"""One process with nothing beside it, as `script/up` starts it."""

import re
import signal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.up import Up
from tests.browser.wall import catalogue_posts, is_live, shown_posts, snapshot, tiles, until_page
from tests.fakes.waiting import until_blocking
from tests.moderating import act
from tests.photographs import colours, difference, photograph, turned
from tests.postgres import free_port
from tests.processes import frieze
from wall.states import ActionKind

# what Chromium shows of a picture: its average colours in a grid, row by row
_COLOURS = """async (url) => {
  const picture = new Image();
  picture.src = url;
  await picture.decode();
  const canvas = new OffscreenCanvas(8, 8);
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  const steps = [];
  for (let size = 256; size >= 8; size /= 2) steps.push(size);
  let source = picture;
  for (const size of steps) {
    const step = new OffscreenCanvas(size, size);
    const drawing = step.getContext("2d");
    drawing.imageSmoothingQuality = "high";
    drawing.drawImage(source, 0, 0, size, size);
    source = step;
  }
  context.drawImage(source, 0, 0, 8, 8);
  const data = context.getImageData(0, 0, 8, 8).data;
  return Array.from({ length: 64 }, (_, n) => [data[n * 4], data[n * 4 + 1], data[n * 4 + 2]]);
}"""


def _until_same(page: Page, base: str) -> None:
    """Wait until the page holds exactly the posts that the catalogue says."""

    def same() -> bool:
        return set(page.evaluate("() => [...window.frieze.posts]")) == catalogue_posts(base)

    until_page(page, same, "the page to show what the catalogue says")


def test_tiles_appear_and_a_removed_one_leaves(up: Up, page: Page) -> None:
    page.goto(f"{up.base}/w/main")
    until_page(page, lambda: len(tiles(page)) >= 6, "tiles")
    gone = sorted(shown_posts(page))[0]
    act(up.database, gone, ActionKind.REMOVE)
    until_page(page, lambda: gone not in shown_posts(page), "the removed post to leave", 5)
    _until_same(page, up.base)


@pytest.mark.parametrize("up", [{"FRIEZE_DEMO_PACE": "4"}], indirect=True)
def test_after_a_kill_and_a_restart_the_page_recovers_by_itself(up: Up, page: Page) -> None:
    page.goto(f"{up.base}/w/main")
    until_page(page, lambda: len(tiles(page)) >= 6, "tiles")
    before = int(snapshot(up.base)["cursor"].rpartition("-")[2])
    up.process.kill()
    until_page(page, lambda: not is_live(page), "the page to say that it is not live", 40)
    up.process.start_again()
    up.process.until_ready(up.base)
    until_page(page, lambda: is_live(page), "the page to be live again", 60)
    until_page(page, lambda: int(snapshot(up.base)["cursor"].rpartition("-")[2]) > before, "new events")
    _until_same(page, up.base)
    shown = [tile["media"] for tile in tiles(page)]
    assert len(shown) == len(set(shown))


def test_photographs_of_a_folder_appear_upright_and_in_their_colours(tmp_path: Path, page: Page) -> None:
    folder = tmp_path / "photographs"
    folder.mkdir()
    originals: dict[str, Path] = {}
    for orientation in range(1, 9):
        path = folder / f"china {orientation}.jpg"
        turned(photograph("china.jpg"), orientation, path)
        originals[path.stem] = path
    for name in ("flower.jpg", "astronaut.png", "chelsea.png", "rocket.jpg", "hubble_deep_field.jpg"):
        path = folder / name
        path.write_bytes(photograph(name).read_bytes())
        originals[path.stem.replace("_", " ")] = path
    port = free_port()
    settings = {"FRIEZE_DATA": str(tmp_path / "data"), "FRIEZE_PORT": str(port), "FRIEZE_STOMP_PORT": "0"}
    options = ("up", "--no-demo", "--folder", str(folder))
    with frieze(*options, settings=settings, folder=tmp_path) as process:
        base = f"http://127.0.0.1:{port}"
        process.until_ready(base)
        page.goto(f"{base}/w/main")
        until_page(page, lambda: len(catalogue_posts(base)) == len(originals), "every photograph on the wall", 60)
        _until_same(page, base)
        for post in snapshot(base)["posts"]:
            original = _original_of(post, originals)
            rendition = next(r for r in post["media"][0]["renditions"] if r["role"] == "thumbnail-640")
            seen = page.evaluate(_COLOURS, rendition["url"])
            assert difference(seen, colours(original)) < 8, f"{original.name} looks different"


@pytest.mark.parametrize("up", [{"FRIEZE_DEMO_PACE": "0.1"}], indirect=True)
def test_a_stop_is_clean_and_the_next_start_finds_everything_as_it_was(up: Up) -> None:
    # the demo opens with 12 posts and removes none of them so soon
    until_blocking(lambda: len(catalogue_posts(up.base)) >= 12, "posts")
    before = catalogue_posts(up.base)
    up.process.process.send_signal(signal.SIGINT)
    assert up.process.process.wait(5) == 0, up.process.log
    assert "Traceback" not in up.process.log
    up.process.start_again()
    up.process.until_ready(up.base)
    assert before <= catalogue_posts(up.base)


def test_the_page_talks_to_its_own_installation_only(up: Up, page: Page) -> None:
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(re.sub(r"^(\w+://[^/]+).*", r"\1", request.url)))
    page.goto(f"{up.base}/w/main")
    until_page(page, lambda: len(tiles(page)) >= 6, "tiles")
    assert {host for host in hosts if not host.startswith(("blob:", "data:"))} == {up.base}


def _original_of(post: dict[str, Any], originals: dict[str, Path]) -> Path:
    return next(path for stem, path in originals.items() if stem.lower() in post["text"].lower())
