"""Films and animations on the wall in a real Chromium: in place without sound, in full with it, and only if wanted."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Response, expect

from tests.browser.camera_roll import moving_picture
from tests.browser.up import Up
from tests.browser.wall import shown_posts, snapshot, until_page
from tests.fakes.waiting import until_blocking
from tests.films import Film, recording
from tests.processes import run

pytestmark = pytest.mark.parametrize("up", [{"FRIEZE_DEMO": "false"}], indirect=True)

# keeps which media have played in place since the page was opened
_WATCH = """() => {
  window.moved = new Set();
  new MutationObserver((changes) => {
    for (const { target } of changes) if (target.classList.contains("playing")) moved.add(target.dataset.media);
  }).observe(document, { subtree: true, attributes: true, attributeFilter: ["class"] });
}"""
_STATE = """(film) => ({
  at: film.currentTime, duration: film.duration, muted: film.muted, volume: film.volume, paused: film.paused,
  width: film.videoWidth, sound: film.webkitAudioDecodedByteCount,
})"""
_SEEK = """async (film, to) => {
  film.pause();
  const arrived = new Promise((resolve) => film.addEventListener("seeked", resolve, { once: true }));
  film.currentTime = to;
  await arrived;
  const context = new OffscreenCanvas(8, 8).getContext("2d");
  context.drawImage(film, 0, 0, 8, 8);
  return [...context.getImageData(4, 1, 1, 1).data].slice(0, 3);
}"""


@pytest.fixture
def still(chromium: Browser) -> Generator[Page]:
    """A viewer who prefers that nothing moves."""
    context = chromium.new_context(viewport={"width": 1280, "height": 720}, reduced_motion="reduce")
    yield context.new_page()
    context.close()


def post(up: Up, folder: Path, name: str, data: bytes) -> dict[str, Any]:
    """Put a file on the wall; its media once it is there."""
    (folder / name).write_bytes(data)
    run("post", str(folder / name), "--text", name, settings=up.settings)
    found: list[dict[str, Any]] = []

    def there() -> bool:
        found[:] = [media for post in snapshot(up.base)["posts"] if post["text"] == name for media in post["media"]]
        return bool(found)

    until_blocking(there, f"{name} on the wall", 60)
    return found[0]


def assert_near(seen: list[int], shot: Film, second: float) -> None:
    meant = shot.colour(int(second))
    assert all(abs(one - other) < 24 for one, other in zip(seen, meant, strict=True)), (seen, meant, second)


def test_a_film_plays_in_place_without_sound_and_in_full_with_it_to_its_end_and_back(
    up: Up, page: Page, tmp_path: Path
) -> None:
    shot = recording(40)
    media = post(up, tmp_path, "party.mp4", shot.data)
    assert (media["kind"], round(media["duration"])) == ("video", 40)
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer) if answer.url.endswith("/video") else None)
    page.goto(f"{up.base}/w/main")
    film = page.locator(".tile.playing video")
    until_page(page, lambda: film.count() == 1 and film.evaluate(_STATE)["at"] > 0.3, "the film to play in place", 60)
    in_place = film.evaluate(_STATE)
    assert in_place["muted"] and not in_place["paused"]
    assert in_place["width"] == 480

    page.locator(".tile").click()
    film = page.locator("dialog.full video")
    until_page(page, lambda: film.count() == 1 and film.evaluate(_STATE)["at"] > 0.3, "the film to play in full", 60)
    expect(page.locator(".tile video")).to_have_count(0)
    in_full = film.evaluate(_STATE)
    assert (in_full["muted"], in_full["volume"], in_full["paused"]) == (False, 1, False)
    assert in_full["sound"] > 0
    for second in (shot.seconds - 1.5, 10.5, shot.seconds - 0.5, 0.5):
        assert_near(film.evaluate(_SEEK, second), shot, second)
    film.evaluate("(film) => { film.currentTime = film.duration - 0.5; return film.play(); }")
    until_page(page, lambda: film.evaluate("(film) => film.ended"), "its end")
    # by ranges: what lies between was never asked for
    assert {answer.status for answer in answers} == {206}
    starts = [int(answer.headers["content-range"].split()[1].partition("-")[0]) for answer in answers]
    index = shot.data.rindex(b"moov")
    assert any(len(shot.data) // 2 < start < index - 4 for start in starts), (starts, index)
    page.keyboard.press("Escape")
    expect(page.locator("dialog.full")).to_have_count(0)


def test_who_prefers_stillness_sees_nothing_move_until_they_ask(
    up: Up, page: Page, still: Page, tmp_path: Path
) -> None:
    both = {
        post(up, tmp_path, "wave.mp4", recording(3).data)["id"],
        post(up, tmp_path, "moves.gif", moving_picture())["id"],
    }
    for viewer in (page, still):
        viewer.add_init_script(f"({_WATCH})()")
        viewer.goto(f"{up.base}/w/main")
    for viewer in (page, still):
        until_page(viewer, lambda viewer=viewer: len(shown_posts(viewer)) == 2, "both tiles", 60)
    until_page(page, lambda: set(page.evaluate("[...moved]")) == both, "both to have moved for who does not mind", 60)
    assert still.evaluate("[...moved]") == []

    # in full as well: the picture without its animation, the film waiting for a tap
    seen: set[str] = set()
    still.locator(".tile").first.click()
    for _ in both:
        film = still.locator("dialog.full video")
        if film.count():
            until_page(still, lambda film=film: film.evaluate("(film) => film.readyState") > 0, "the film to be known")
            assert film.evaluate(_STATE)["paused"]
            seen.add("film")
        else:
            assert "animated" not in (still.locator("dialog.full img").get_attribute("src") or "animated")
            seen.add("picture")
        older = still.get_by_role("button", name="Older picture")
        (older if older.count() else still.get_by_role("button", name="Newer picture")).click()
    assert seen == {"film", "picture"}
    still.keyboard.press("Escape")
    assert still.evaluate("[...moved]") == []

    # and the wish can change
    still.emulate_media(reduced_motion="no-preference")
    until_page(still, lambda: still.evaluate("moved.size"), "one of them to move", 30)
    still.emulate_media(reduced_motion="reduce")
    until_page(still, lambda: still.locator(".tile.playing").count() == 0, "it to stand still again", 30)
