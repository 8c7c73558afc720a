"""A phone in a guest's hand."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page

PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 3,
    "is_mobile": True,
    "has_touch": True,
}


@contextmanager
def phone_page(chromium: Browser) -> Generator[Page]:
    """A page on it; a script error or a blocked request fails the test."""
    context = chromium.new_context(**PHONE)
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
