"""A video in a real Chromium: it plays while it comes, and can be sought to its end and back."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Page, Response

from tests.browser.test_console import sign_in
from tests.browser.up import Up
from tests.browser.wall import until_page
from tests.fakes.posts import LEASE, source_post
from tests.films import Film, film
from tests.moderating import act
from wall.catalogue import Catalogue
from wall.catalogue.work import MediaResult, StoredRendition
from wall.posts import Role
from wall.states import ActionKind, Policy
from wall.store import open_store
from wall.store.keys import new_key

# what no ingest part of the program has work with
_SOURCE = "films"

_PLAYER = """async (url) => {
  const video = document.createElement("video");
  const said = (name) => new Promise((resolve, reject) => {
    video.addEventListener(name, resolve, { once: true });
    video.addEventListener("error", () => reject(new Error(video.error.message)), { once: true });
  });
  const colour = () => {
    const canvas = new OffscreenCanvas(8, 8);
    const context = canvas.getContext("2d");
    context.drawImage(video, 0, 0, 8, 8);
    return [...context.getImageData(4, 1, 1, 1).data].slice(0, 3);
  };
  const seek = async (to) => {
    const arrived = said("seeked");
    video.currentTime = to;
    await arrived;
    return colour();
  };
  video.muted = true;
  video.preload = "metadata";
  video.src = url;
  document.body.append(video);
  await said("loadedmetadata");
  const duration = video.duration;
  await video.play();
  while (video.currentTime < 0.3) await new Promise((go) => setTimeout(go, 20));
  video.pause();
  const begin = colour();
  const end = await seek(duration - 1.5);
  const over = said("ended");
  await video.play();
  await over;
  const back = await seek(10.5);
  return { duration, begin, end, back };
}"""


@dataclass(frozen=True, slots=True)
class Shown:
    post_id: str
    path: str


def show(up: Up, shot: Film, role: Role = "original", policy: Policy = Policy.OPEN) -> Shown:
    """Put the film on the wall, as an original that viewers may have, or let it wait."""

    async def run() -> Shown:
        catalogue = Catalogue(up.database)
        try:
            await catalogue.walls.change("main", downloads=True, policy=policy)
            store = await open_store(f"disk:{up.settings['FRIEZE_DATA']}/store")
            key = new_key()

            async def once() -> AsyncIterator[bytes]:
                yield shot.data

            await store.put(key, len(shot.data), "video/webm", once())
            post_id = await catalogue.posts.add("main", _SOURCE, source_post("film"))
            [work] = await catalogue.work.claim([_SOURCE], "test", LEASE, 1)
            stored = StoredRendition(role=role, width=640, height=360, type="video/webm", bytes=len(shot.data), key=key)
            [media] = work.media
            kind = "video" if role == "video" else "image"
            result = MediaResult(media_id=media.id, kind=kind, width=640, height=360, renditions=(stored,))
            await catalogue.work.finish(work, [result])
            return Shown(post_id, f"/media/{media.id}/{role}")
        finally:
            await catalogue.close()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(run())).result(60)


def _near(seen: list[int], meant: tuple[int, int, int]) -> bool:
    return all(abs(one - other) < 24 for one, other in zip(seen, meant, strict=True))


@pytest.mark.parametrize("up", [{"FRIEZE_DEMO": "false"}], indirect=True)
def test_a_video_plays_seeks_to_its_end_and_back_and_ends_with_its_post(up: Up, page: Page) -> None:
    shot = film()
    assert len(shot.data) > 8 * 1024 * 1024
    shown = show(up, shot)
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer) if shown.path in answer.url else None)
    page.goto(f"{up.base}/w/main")
    seen: dict[str, Any] = page.evaluate(_PLAYER, up.base + shown.path)
    assert abs(seen["duration"] - shot.seconds) < 0.2
    assert _near(seen["begin"], shot.colour(0)), seen
    assert _near(seen["end"], shot.colour(shot.seconds - 2)), seen
    assert _near(seen["back"], shot.colour(10)), seen
    # by ranges: it never had to take all that lies between
    assert {answer.status for answer in answers} == {206}
    starts = [int(answer.headers["content-range"].split()[1].partition("-")[0]) for answer in answers]
    assert max(starts) > len(shot.data) // 2, starts
    act(up.database, shown.post_id, ActionKind.REMOVE)
    status = "async (url) => (await fetch(url, { cache: 'no-store', method: 'HEAD' })).status"
    until_page(page, lambda: page.evaluate(status, up.base + shown.path) == 410, "the removed film to be gone", 10)


@pytest.mark.parametrize("up", [{"FRIEZE_DEMO": "false"}], indirect=True)
def test_who_decides_can_play_a_video_that_nobody_sees_yet(up: Up, page: Page) -> None:
    shown = show(up, film(seconds=4), "video", Policy.HOLD)
    sign_in(page, up.link("Ada"))
    player = page.locator(".detail .large video")
    until_page(page, player.count, "the video of the post that waits")
    assert shown.path in (player.get_attribute("src") or "")
    player.evaluate("video => { video.muted = true; return video.play(); }")
    until_page(page, lambda: player.evaluate("video => video.currentTime > 0.3"), "the video to play")
