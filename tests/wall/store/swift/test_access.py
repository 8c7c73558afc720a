"""One login for all who need one."""

import asyncio

import pytest

from wall.errors import StoreUnavailable
from wall.store.swift.access import Access, Login

pytestmark = pytest.mark.anyio


class _Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class _SignIn:
    """Gives out a token once it is told to."""

    def __init__(self, lifetime: float | None = None) -> None:
        self.asked = 0
        self.may_go_on = asyncio.Event()
        self.fails = False
        self._lifetime = lifetime

    async def __call__(self) -> Access:
        self.asked += 1
        await self.may_go_on.wait()
        if self.fails:
            raise StoreUnavailable("The login is away.")
        url = "http://swift.example/v1/AUTH_test"
        return Access(token=f"token {self.asked}", storage=url, public=url, lifetime=self._lifetime)


async def test_many_who_need_a_token_at_once_share_one_login() -> None:
    sign_in = _SignIn()
    login = Login(sign_in)
    asking = [asyncio.create_task(login.access()) for _ in range(50)]
    await asyncio.sleep(0)
    sign_in.may_go_on.set()
    assert {access.token for access in await asyncio.gather(*asking)} == {"token 1"}
    assert (await login.access()).token == "token 1"
    assert sign_in.asked == 1


async def test_many_whose_token_was_refused_share_one_new_login() -> None:
    sign_in = _SignIn()
    sign_in.may_go_on.set()
    login = Login(sign_in)
    old = await login.access()
    assert {access.token for access in await asyncio.gather(*(login.access(refused=old) for _ in range(50)))} == {
        "token 2"
    }
    # one whose refusal came late finds the new one
    assert (await login.access(refused=old)).token == "token 2"
    assert sign_in.asked == 2


async def test_one_who_stops_waiting_does_not_stop_the_login_of_the_others() -> None:
    sign_in = _SignIn()
    login = Login(sign_in)
    first, second = asyncio.create_task(login.access()), asyncio.create_task(login.access())
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    sign_in.may_go_on.set()
    assert (await second).token == "token 1"


async def test_a_failed_login_is_told_to_all_who_wait_and_is_tried_again_by_the_next() -> None:
    sign_in = _SignIn()
    sign_in.may_go_on.set()
    sign_in.fails = True
    login = Login(sign_in)
    results = await asyncio.gather(*(login.access() for _ in range(5)), return_exceptions=True)
    assert all(isinstance(result, StoreUnavailable) for result in results)
    assert sign_in.asked == 1
    sign_in.fails = False
    assert (await login.access()).token == "token 2"


async def test_a_token_is_renewed_before_it_ends() -> None:
    clock, sign_in = _Clock(), _SignIn(lifetime=1000)
    sign_in.may_go_on.set()
    login = Login(sign_in, clock)
    await login.access()
    clock.now += 899
    assert (await login.access()).token == "token 1"
    clock.now += 2
    assert (await login.access()).token == "token 2"


async def test_closing_ends_a_login_that_hangs() -> None:
    login = Login(_SignIn())
    waiting = asyncio.create_task(login.access())
    await asyncio.sleep(0)
    await login.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
