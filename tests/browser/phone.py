"""A phone in a guest's hand."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page

from tests.browser.chromium import fresh_page

PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 3,
    "is_mobile": True,
    "has_touch": True,
}


@contextmanager
def phone_page(chromium: Browser) -> Generator[Page]:
    """A page on it, in a profile of its own."""
    with fresh_page(chromium, **PHONE) as page:
        yield page
