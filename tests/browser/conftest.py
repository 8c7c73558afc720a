"""Debian's Chromium, driven by Playwright, with everything that would call home switched off."""

import shutil
from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.chromium import ARGUMENTS
from tests.browser.up import Up, frieze_up


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


@pytest.fixture
def up(tmp_path: Path, request: pytest.FixtureRequest) -> Generator[Up]:
    """`frieze up` on a fresh folder; a test's parameter adds settings."""
    with frieze_up(tmp_path, getattr(request, "param", {})) as running:
        yield running
