"""What operators let guests add."""

import pytest

from tests.fakes.console import RunningConsole

pytestmark = pytest.mark.anyio

ADDRESS = "/api/console/walls/main/guests"


async def test_a_new_wall_takes_nothing_from_guests(console: RunningConsole) -> None:
    answer = await (await console.signed_in()).get(ADDRESS)
    assert answer.status == 200
    assert (answer.json["enabled"], answer.json["qr"], answer.json["corner"]) == (False, True, "top-left")
    assert answer.json["link"] == "/w/main/add"
    assert answer.json["image_bytes"] == 100 * 1024 * 1024


async def test_rules_are_changed_in_what_is_given(console: RunningConsole) -> None:
    browser = await console.signed_in()
    before = (await browser.get(ADDRESS)).json
    changes = {"enabled": True, "consent": "I took it myself.", "closes": "2026-11-22T02:00:00Z", "corner": "top-right"}
    answer = await browser.write("PATCH", ADDRESS, changes)
    assert answer.status == 200, answer.text
    assert answer.json == {**before, **changes}
    answer = await browser.write("PATCH", ADDRESS, {"closes": None, "qr": False})
    assert (answer.json["closes"], answer.json["qr"], answer.json["enabled"]) == (None, False, True)
    wall = await console.catalogue.walls.get("main")
    assert (wall.uploads.enabled, wall.uploads.closes) == (True, None)
    assert (wall.settings["qr"], wall.settings["corner"]) == (False, "top-right")


async def test_the_walls_pages_hear_of_it(console: RunningConsole) -> None:
    before = (await console.catalogue.walls.get("main")).seq
    await (await console.signed_in()).write("PATCH", ADDRESS, {"enabled": True})
    wall = await console.catalogue.walls.get("main")
    assert wall.seq == before + 1
    assert wall.view.settings["guests"] == {"opens": None, "closes": None}
    assert "guests" not in wall.settings


async def test_a_secret_walls_link_adds_and_opens_nothing_else(console: RunningConsole) -> None:
    catalogue = console.catalogue
    wall = await catalogue.walls.add("party", "Our party", secret=True)
    answer = await (await console.signed_in()).write("PATCH", "/api/console/walls/party/guests", {"only": True})
    assert answer.json["link"] == f"/w/party/add#key={await catalogue.links.adding_key(wall)}"
    assert await catalogue.links.key(wall) not in answer.json["link"]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"image_bytes": 0}, "image_bytes"),
        ({"video_bytes": 10**12}, "video_bytes"),
        ({"opens": "2026-11-22T02:00:00Z", "closes": "2026-11-21T02:00:00Z"}, "close"),
        ({"opens": "2026-11-22T02:00:00"}, "opens"),
        ({"only": True}, "secret"),
        ({"corner": "middle"}, "corner"),
        ({"colour": "blue"}, "colour"),
    ],
)
async def test_what_makes_no_sense_is_refused_in_words(
    console: RunningConsole, changes: dict[str, object], word: str
) -> None:
    browser = await console.signed_in()
    answer = await browser.write("PATCH", ADDRESS, changes)
    assert answer.status == 422
    assert answer.error in ("rules", "invalid")
    assert word in answer.json["error"]["sentence"]
    assert not (await browser.get(ADDRESS)).json["enabled"]


async def test_of_a_wall_that_is_not_there_nothing_is_told(console: RunningConsole) -> None:
    browser = await console.signed_in()
    for answer in (
        await browser.get("/api/console/walls/nowhere/guests"),
        await browser.write("PATCH", "/api/console/walls/nowhere/guests", {"enabled": True}),
    ):
        assert (answer.status, answer.error) == (404, "not_found")
    assert (await console.browser().get(ADDRESS)).status == 401
