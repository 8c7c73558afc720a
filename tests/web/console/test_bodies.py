"""Bodies are small."""

import pytest

from tests.fakes.console import RunningConsole
from web.console.bodies import BODY_BYTES

pytestmark = pytest.mark.anyio

SEARCHES = "/api/console/walls/main/searches"


async def test_a_body_that_announces_too_much_is_refused(console: RunningConsole) -> None:
    browser = await console.signed_in()
    answer = await browser.ask("POST", SEARCHES, data=b" " * (BODY_BYTES + 1))
    assert (answer.status, answer.error) == (413, "too_large")


async def test_a_body_that_announces_nothing_is_cut_at_the_same_size(console: RunningConsole) -> None:
    async def chunks():
        for _ in range(20):
            yield b" " * 1024

    browser = await console.signed_in()
    answer = await browser.ask("POST", SEARCHES, data=chunks())
    assert (answer.status, answer.error) == (413, "too_large")


async def test_the_longest_honest_search_fits(console: RunningConsole) -> None:
    browser = await console.signed_in()
    query = "\U0001f600" * 1024
    answer = await browser.write("POST", SEARCHES, {"network": "demo", "query": query})
    assert answer.status == 201
    assert answer.json["query"] == query
