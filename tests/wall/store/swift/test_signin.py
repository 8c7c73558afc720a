"""Keystone's v3: what is asked, what is made of the answer, and how a refusal is said. TempAuth: see test_store.py."""

from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest

from tests.fakes.keystone import CREDENTIAL, PASSWORD, PROJECT, SECRET, USER, Keystone
from tests.integration.swift import Swift
from tests.wall.store.conformance import all_of, pieces
from tests.wall.store.swift.fixtures import new_container
from wall.errors import StoreError, StoreRefused, StoreUnavailable
from wall.store import open_store
from wall.store.keys import new_key

pytestmark = pytest.mark.anyio


@pytest.fixture
async def keystone(swift: Swift) -> AsyncGenerator[Keystone]:
    async with Keystone.running(swift) as keystone:
        yield keystone


async def test_a_user_of_a_project_gets_in(keystone: Keystone) -> None:
    store = await open_store(keystone.url(new_container()), USER, PASSWORD)
    try:
        await store.check()
        key = new_key()
        await store.put(key, 5, "image/png", pieces(b"bytes"))
        assert await all_of(await store.open(key)) == b"bytes"
        assert keystone.logins == 1
        assert keystone.refused == []
    finally:
        await store.close()


async def test_an_application_credential_gets_in(keystone: Keystone) -> None:
    url = keystone.url(new_container(), more="&region=north", auth="v3applicationcredential")
    store = await open_store(url, CREDENTIAL, SECRET)
    try:
        await store.check()
        assert keystone.refused == []
    finally:
        await store.close()


async def test_the_internal_address_of_a_region_is_used_where_that_is_wanted(keystone: Keystone) -> None:
    url = keystone.url(new_container(), more=f"&project={PROJECT}&region=north&interface=internal")
    store = await open_store(url, USER, PASSWORD)
    await store.check()
    await store.close()


async def test_a_token_at_its_end_is_renewed(keystone: Keystone) -> None:
    keystone.lifetime = timedelta(seconds=0)
    store = await open_store(keystone.url(new_container()), USER, PASSWORD)
    try:
        before = keystone.logins
        await store.check()
        assert keystone.logins > before
    finally:
        await store.close()


async def test_a_token_that_swift_has_forgotten_is_asked_for_again(keystone: Keystone, swift: Swift) -> None:
    store = await open_store(keystone.url(new_container()), USER, PASSWORD)
    try:
        swift.memcached.forget()
        await store.check()
        assert keystone.logins == 2
    finally:
        await store.close()


@pytest.mark.parametrize(
    ("user", "password", "more"),
    [
        (USER, "wrong", f"&project={PROJECT}"),
        ("nobody", PASSWORD, f"&project={PROJECT}"),
        (USER, PASSWORD, "&project=another"),
        (USER, PASSWORD, f"&project={PROJECT}&user_domain=elsewhere"),
    ],
)
async def test_a_refusal_names_everything_that_may_be_wrong(
    keystone: Keystone, user: str, password: str, more: str
) -> None:
    with pytest.raises(StoreRefused, match=r"FRIEZE_STORE_USER with FRIEZE_STORE_PASSWORD.*project= and the domains"):
        await open_store(keystone.url("wall", more), user, password)


async def test_a_region_that_is_not_there_is_said_with_those_that_are(keystone: Keystone) -> None:
    with pytest.raises(StoreRefused, match=r"no public address in region west .* north \(admin\)") as caught:
        await open_store(keystone.url("wall", f"&project={PROJECT}&region=west"), USER, PASSWORD)
    assert "south (public)" in str(caught.value)


@pytest.mark.parametrize(
    ("status", "kind"), [(500, StoreUnavailable), (503, StoreUnavailable), (429, StoreUnavailable), (404, StoreRefused)]
)
async def test_a_login_in_trouble_is_told_apart_from_one_that_refuses(
    keystone: Keystone, status: int, kind: type[StoreError]
) -> None:
    keystone.status = status
    with pytest.raises(kind, match=f"status {status}"):
        await open_store(keystone.url("wall"), USER, PASSWORD)
