"""Each part that can't be reached gets a sentence of its own, and no sentence gives a password away."""

import asyncio
import json
import socket
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from frieze.check import Result, check_all
from frieze.settings import Settings
from tests.fakes.stomp_broker import stomp_broker
from tests.integration.swift import PASSWORD, USER, Swift
from tests.wall.store.swift.fixtures import new_container
from wall.catalogue import Catalogue

pytestmark = pytest.mark.anyio

Made = Callable[..., Settings]


async def _check(settings: Settings) -> dict[str, Result]:
    return {result.part: result for result in await check_all(settings)}


async def _catalogue(settings: Settings) -> Catalogue:
    settings.data.mkdir(exist_ok=True)
    catalogue = Catalogue(settings.database)
    await catalogue.migrate()
    return catalogue


def _closed_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def test_every_part_is_checked_although_all_of_them_are_broken(made: Made, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    port = _closed_port()
    results = await _check(
        made(
            data=tmp_path / "file" / "data",
            database_url=f"postgresql://frieze:hunter2@127.0.0.1:{port}/frieze",
            store_url=f"disk:{tmp_path / 'file' / 'store'}",
            broker_url=f"stomp://frieze:hunter2@127.0.0.1:{port}",
            x_bearer_token="hunter2",
            x_api_url=f"http://127.0.0.1:{port}",
        )
    )
    broken = {part for part, result in results.items() if result.ok is False}
    assert broken >= {"settings", "database", "store", "broker", "x"}
    for part in broken:
        assert results[part].sentence.endswith("."), part
        assert "hunter2" not in results[part].sentence
        assert "Traceback" not in results[part].sentence
    assert len({results[part].sentence for part in broken}) == len(broken)


@pytest.mark.parametrize(
    ("part", "setting", "value"),
    [
        ("database", "database_url", "postgresql://frieze:hunter2@db:port/frieze"),
        ("database", "database_url", "postgresql://frieze:hunter2@[::1/frieze"),
        ("database", "database_url", "mysql://frieze:hunter2@db/frieze"),
        ("database", "database_url", "frieze:hunter2"),
        ("broker", "broker_url", "stomp://frieze:hunter2@[::1"),
        ("broker", "broker_url", "stomp://frieze:hunter2/x@broker:61613"),
        ("broker", "broker_url", "stomp://frieze:hunter2@broker:port"),
        ("broker", "broker_url", "tcp://frieze:hunter2@broker:61613"),
        ("store", "store_url", "ftp://store"),
    ],
)
async def test_an_address_that_is_none_names_its_setting_and_not_its_password(
    made: Made, part: str, setting: str, value: str
) -> None:
    result = (await _check(made(**{setting: value})))[part]
    assert result.ok is False
    assert f"FRIEZE_{setting.upper()}" in result.sentence
    assert "hunter2" not in result.sentence


async def test_a_new_installation_is_told_what_makes_a_catalogue(made: Made) -> None:
    result = (await _check(made()))["database"]
    assert result.ok is False
    assert "frieze up" in result.sentence


async def test_a_database_without_tables_is_told_to_be_migrated(made: Made, empty_database_url: str) -> None:
    result = (await _check(made(database_url=empty_database_url)))["database"]
    assert result.ok is False
    assert "frieze migrate" in result.sentence


async def test_failing_searches_are_counted_and_the_first_one_quoted(made: Made) -> None:
    settings = made()
    catalogue = await _catalogue(settings)
    for network in ("x", "demo"):
        await catalogue.searches.add("main", network, "anything")
    [due] = await catalogue.searches.claim_due(["x"], "test", timedelta(seconds=30), 1)
    assert "1 walls, 2 searches" in (await _check(settings))["database"].sentence
    await catalogue.searches.fail(due, next_at=catalogue.now(), error="The token is wrong.")
    await catalogue.close()
    assert (await _check(settings))["database"] == Result(
        "database", True, "SQLite answers. 1 of 2 searches fail: The token is wrong."
    )


async def test_what_goes_well_is_said_too(made: Made) -> None:
    async with stomp_broker() as broker:
        settings = made(broker_url=f"stomp://ada:hunter2@127.0.0.1:{broker.port}")
        await (await _catalogue(settings)).close()
        results = await _check(settings)
    assert [results[part].ok for part in ("settings", "database", "store", "broker")] == [True] * 4
    assert results["broker"].sentence == f"Signed in as ada at 127.0.0.1:{broker.port}."
    assert results["x"].ok is None


async def test_a_broker_that_refuses_the_login_is_broken_also_where_it_is_the_embedded_one(made: Made) -> None:
    async with stomp_broker("refuse-login") as broker:
        grown = (await _check(made(broker_url=f"stomp://ada:hunter2@127.0.0.1:{broker.port}")))["broker"]
        embedded = (await _check(made(stomp_port=broker.port)))["broker"]
    assert (grown.ok, embedded.ok) == (False, False)
    assert "hunter2" not in grown.sentence


async def test_the_embedded_broker_may_be_off(made: Made) -> None:
    result = (await _check(made(stomp_port=_closed_port())))["broker"]
    assert result.ok is None
    assert "only while `frieze up` runs" in result.sentence


async def test_the_second_broker_of_a_pair_is_enough(made: Made) -> None:
    async with stomp_broker() as broker:
        url = f"stomp://ada:x@127.0.0.1:{_closed_port()},127.0.0.1:{broker.port}"
        assert (await _check(made(broker_url=url)))["broker"].ok


async def test_a_part_that_never_answers_costs_its_own_check_only(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frieze.check.CHECK_SECONDS", 1.0)
    async with stomp_broker("black-hole") as broker:
        results = await _check(made(broker_url=f"stomp://ada:x@127.0.0.1:{broker.port}"))
    assert results["broker"].ok is False
    assert results["broker"].sentence.startswith("No answer within 1 s")
    assert results["store"].ok


async def test_a_misspelt_setting_is_named(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRIEZE_BROKER_PASWORD", "hunter2")
    result = (await _check(made()))["settings"]
    assert result == Result("settings", False, "Unknown and ignored: FRIEZE_BROKER_PASWORD.")


async def test_a_page_that_was_not_built_says_how_to(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("frieze.check.BUILT_PAGES", tmp_path)
    assert (await _check(made()))["page"].sentence == "The pages are not built; run script/setup."
    for name in ("wall.html", "console.html"):
        await asyncio.to_thread((tmp_path / name).write_text, json.dumps(name))
    assert (await _check(made()))["page"].ok


async def test_a_store_on_swift_is_tried_out_and_wrong_credentials_are_named(made: Made, swift: Swift) -> None:
    url = swift.url("checked")
    good = (await _check(made(store_url=url, store_user=swift.access_key, store_password=swift.secret_key)))["store"]
    assert good == Result("store", True, "swift: wrote, read and deleted a test object.")
    bad = (await _check(made(store_url=url, store_user=swift.access_key, store_password="hunter2")))["store"]
    assert bad.ok is False
    assert "FRIEZE_STORE_PASSWORD" in bad.sentence
    assert "hunter2" not in bad.sentence


async def test_collections_are_looked_at_where_there_are_some(made: Made, tmp_path: Path) -> None:
    settings = made()
    assert (await _check(settings))["collections"].ok is None
    catalogue = await _catalogue(settings)
    assert "No collection" in (await _check(settings))["collections"].sentence
    photos = tmp_path / "photos"
    await asyncio.to_thread(photos.mkdir)
    await catalogue.collections.show(f"disk:{photos}", "main")
    found = (await _check(settings))["collections"]
    assert (found.ok, found.sentence) == (True, "1 answer, read in place.")
    await catalogue.collections.show("disk:/nowhere/at/all", "main")
    found = (await _check(settings))["collections"]
    assert (found.ok, "no folder /nowhere/at/all" in found.sentence) == (False, True)
    await catalogue.close()


async def test_a_store_that_signs_nothing_gets_all_files_through_the_relay(made: Made, tmp_path: Path) -> None:
    result = (await _check(made(store_url=f"disk:{tmp_path / 'store'}")))["direct"]
    assert result.ok is None


async def test_a_store_is_asked_whether_browsers_may_send_to_it(made: Made, swift: Swift) -> None:
    container = new_container()
    settings = made(
        store_url=swift.url(container),
        store_user=USER,
        store_password=PASSWORD,
        public_url="https://wall.example",
    )
    result = (await _check(settings))["direct"]
    assert result.ok, result.sentence
    assert f"{swift.host}:{swift.port}" in result.sentence
    for allowed, ok in (("https://other.example", False), ("https://wall.example https://other.example", True)):
        headers = {"X-Container-Meta-Access-Control-Allow-Origin": allowed}
        assert (await asyncio.to_thread(swift.ask, "POST", container, headers))[0] == 204
        result = (await _check(settings))["direct"]
        assert result.ok is ok, result.sentence
    assert "CORS" not in result.sentence


async def test_a_store_that_answers_a_browsers_question_and_hides_its_answer_to_the_upload_is_said(
    made: Made, swift: Swift
) -> None:
    bucket = new_container()
    settings = made(
        store_url=f"s3://{bucket}?endpoint={swift.s3_url}",
        store_user=USER,
        store_password=PASSWORD,
        public_url="https://wall.example",
    )
    for allowed, ok in (("", False), ("https://other.example", False), ("https://wall.example", True)):
        headers = {"X-Container-Meta-Access-Control-Allow-Origin": allowed}
        assert (await asyncio.to_thread(swift.ask, "PUT", bucket, headers))[0] in (201, 202)
        result = (await _check(settings))["direct"]
        assert result.ok is ok, result.sentence
        assert ("does not let pages of https://wall.example read that it did" in result.sentence) is not ok
    assert await asyncio.to_thread(swift.names, bucket) == []


async def test_a_store_for_browsers_that_does_not_answer_is_said(made: Made, swift: Swift) -> None:
    settings = made(
        store_url=f"{swift.url(new_container())}&public=http://127.0.0.1:{_closed_port()}",
        store_user=USER,
        store_password=PASSWORD,
    )
    results = await _check(settings)
    assert results["store"].ok
    assert results["direct"].ok is False
    assert "does not answer" in results["direct"].sentence
