"""From `frieze up` to the glass, as a newcomer sees it. Prints; asserts nothing but that nothing was lost."""

import shutil
import tempfile
import time
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.bench.figures import machine, percentile, processor_seconds, pss_megabytes
from tests.bench.renditions import pictures_a_second
from tests.browser.chromium import ARGUMENTS
from tests.browser.wall import catalogue_posts
from tests.postgres import free_port
from tests.processes import Frieze, frieze

SECONDS = 60  # of the demo at 2 posts a second
MEMORY_POSTS = 2000


def main(_: Sequence[str] = ()) -> None:
    print(f"machine: {machine()}\n")
    with tempfile.TemporaryDirectory(prefix="frieze-bench-") as folder, _chromium() as browser:
        root = Path(folder)
        _start(root, browser)
        _delays(root, browser)
        print(f"fetch and renditions on one core:      {_in_thread(root):6.1f} pictures a second")
        _saturation_and_memory(root, browser)


def _start(root: Path, browser: Browser) -> None:
    with _up(root, demo_pace="2") as (process, base):
        _until(lambda: len(catalogue_posts(base)) >= 12, "the wall to have posts")
        process.stop()
    page = browser.new_context(viewport={"width": 1920, "height": 1080}).new_page()
    began = time.monotonic()
    with _up(root, demo_pace="2") as (_, base):
        while True:
            try:
                page.goto(f"{base}/w/main", wait_until="commit")
                break
            except Exception:
                time.sleep(0.02)
        _until_page(page, "() => window.frieze && window.frieze.paintings.length > 0")
        print(f"`frieze up` to the first picture painted: {time.monotonic() - began:6.2f} s (target: under 5)")
    page.context.close()


def _delays(root: Path, browser: Browser) -> None:
    shutil.rmtree(root / "data")
    with _up(root, demo_pace="2", FRIEZE_DEMO_PICTURES="1") as (process, base):
        page = _open(browser, base)
        _until(lambda: len(catalogue_posts(base)) >= 14, "the opening to be over")
        before = _seq(base)
        began, used = time.monotonic(), processor_seconds(process.process.pid)
        time.sleep(SECONDS)
        used = (processor_seconds(process.process.pid) - used) / (time.monotonic() - began)
        page.wait_for_timeout(3000)
        # each picture's first painting: after a removal, older ones come back to fill the gap
        first: dict[str, dict[str, Any]] = {}
        for painting in _paintings(page):
            if painting["seq"] > before:
                first.setdefault(painting["media"], painting)
        painted = list(first.values())
        lost = _lost(page, base)
        _report("received to painted", painted, "received", "p95 under 1000")
        _report("publish to painted", painted, "at", "p95 under 250")
        print(f"pictures painted in {SECONDS} s: {len(painted)}; posts of the wall unknown to the page: {len(lost)}")
        print(f"processor while it runs:               {used * 100:6.1f} % of a core")
        page.context.close()


def _lost(page: Page, base: str) -> set[str]:
    """Posts of the wall that the page still has not after 5 s; at any moment one may be on its way."""
    lost = catalogue_posts(base)
    for _ in range(50):
        lost &= catalogue_posts(base)
        lost -= set(page.evaluate("() => [...window.frieze.posts]"))
        if not lost:
            break
        page.wait_for_timeout(100)
    return lost


def _in_thread(root: Path) -> float:
    # Playwright's loop runs in this thread
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(pictures_a_second, root).result()


def _saturation_and_memory(root: Path, browser: Browser) -> None:
    shutil.rmtree(root / "data")
    with _up(root, demo_pace="20", FRIEZE_DEMO_PICTURES="1") as (process, base):
        page = _open(browser, base)
        first = time.monotonic()
        seq = _seq(base)
        time.sleep(20)
        rate = (_seq(base) - seq) / (time.monotonic() - first)
        print(f"rate at which this machine saturates:  {rate:6.1f} events a second (drawing, renditions, page)")
        page.context.close()  # it takes a processor from the rest, and is no part of what is measured now
        while _seq(base) < MEMORY_POSTS:
            time.sleep(1)
        print(
            f"memory after {MEMORY_POSTS} posts:               {pss_megabytes(process.process.pid):6.0f} MB PSS "
            "of the process tree (target: under 350)"
        )


@contextmanager
def _up(root: Path, demo_pace: str, **more: str) -> Generator[tuple[Frieze, str]]:
    port = free_port()
    settings = {
        "FRIEZE_DATA": str(root / "data"),
        "FRIEZE_PORT": str(port),
        "FRIEZE_STOMP_PORT": "0",
        "FRIEZE_DEMO_PACE": demo_pace,
        **more,
    }
    with frieze("up", settings=settings, folder=root) as process:
        base = f"http://127.0.0.1:{port}"
        yield process, base


@contextmanager
def _chromium() -> Generator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        yield browser
        browser.close()


def _open(browser: Browser, base: str) -> Page:
    page = browser.new_context(viewport={"width": 1920, "height": 1080}).new_page()
    _until(lambda: _answers(base), "the server")
    page.goto(f"{base}/w/main")
    _until_page(page, "() => window.frieze && window.frieze.live")
    return page


def _until_page(page: Page, condition: str) -> None:
    # Playwright's own waiting evaluates text, which the page's policy forbids
    _until(lambda: page.evaluate(condition), condition, pause=0.01)


def _answers(base: str) -> bool:
    try:
        catalogue_posts(base)
    except OSError:
        return False
    return True


def _paintings(page: Page) -> list[dict[str, Any]]:
    return page.evaluate("() => [...window.frieze.paintings]")


def _seq(base: str) -> int:
    from tests.browser.wall import snapshot

    return int(snapshot(base)["cursor"].rpartition("-")[2])


def _report(name: str, painted: list[dict[str, Any]], since: str, target: str) -> None:
    delays = [painting["painted"] - _milliseconds(painting[since]) for painting in painted]
    values = "  ".join(f"p{share:g} {percentile(delays, share / 100):6.0f}" for share in (50, 95, 99))
    print(f"{name} (ms):   {values}   (target: {target})")


def _milliseconds(value: Any) -> float:
    from datetime import datetime

    return value if isinstance(value, int | float) else datetime.fromisoformat(value).timestamp() * 1000


def _until(condition: Any, what: str, seconds: float = 90, pause: float = 0.1) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except OSError:
            pass
        if time.monotonic() > end:
            raise SystemExit(f"waited {seconds} s in vain for {what}")
        time.sleep(pause)
