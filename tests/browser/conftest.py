"""Debian's Chromium, driven by Playwright, with everything that would call home switched off."""

import shutil
from collections.abc import Generator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.chromium import ARGUMENTS


@pytest.fixture(scope="module")
def chromium() -> Generator[Browser]:
    """One browser for a module's tests; Playwright's loop must have ended before another module runs one of its own."""
    path = shutil.which("chromium")
    assert path is not None, "these tests need Chromium; script/test installs Debian's"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Generator[Page]:
    """A fresh profile; a script error or a blocked request on the page fails the test."""
    context = chromium.new_context(viewport={"width": 1280, "height": 720})
    opened = context.new_page()
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(f"script error: {error}"))
    opened.on(
        "console",
        lambda message: problems.append(message.text) if "content security policy" in message.text.lower() else None,
    )
    yield opened
    context.close()
    assert problems == []
