"""How Debian's Chromium is started, with everything that would call home switched off, and a page opened in it."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page

ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def fresh_page(chromium: Browser, **context: Any) -> Generator[Page]:
    """A page in a fresh profile; a script error or a blocked request on it fails the test."""
    profile = chromium.new_context(**context)
    page = profile.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(f"script error: {error}"))
    page.on(
        "console",
        lambda message: problems.append(message.text) if "content security policy" in message.text.lower() else None,
    )
    yield page
    profile.close()
    assert problems == []
