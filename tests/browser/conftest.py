"""Debian's Chromium, driven by Playwright, with everything that would call home switched off."""

import shutil
from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.chromium import ARGUMENTS, fresh_page
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
    with fresh_page(chromium, viewport={"width": 1280, "height": 720}) as page:
        yield page


@pytest.fixture
def up(tmp_path: Path, request: pytest.FixtureRequest) -> Generator[Up]:
    """`frieze up` on a fresh folder; a test's parameter adds settings."""
    with frieze_up(tmp_path, getattr(request, "param", {})) as running:
        yield running
