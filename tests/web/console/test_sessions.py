"""The cookie, the token and the origin of a write, seen from one request (test_guard.py asks a whole server)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.requests import HTTPConnection
from starlette.responses import Response

from wall.catalogue import Catalogue
from wall.catalogue.operators import SESSION_IDLE, SESSION_LIFE, Session
from web.console.refusals import Refused
from web.console.sessions import (
    SignedIn,
    check_json,
    check_origin,
    check_token,
    give_cookie,
    signed_in,
    take_cookie,
)

pytestmark = pytest.mark.anyio


def _request(scheme: str = "http", **headers: str) -> HTTPConnection:
    named = {"host": "wall.example", **{name.replace("_", "-"): value for name, value in headers.items()}}
    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "scheme": scheme,
        "server": ("wall.example", 443 if scheme == "https" else 80),
        "path": "/",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in named.items()],
    }
    return HTTPConnection(scope)


def _operator(secret: str = "s3cret") -> SignedIn:
    return SignedIn(session=Session(operator="Ada", expires_at=datetime(2027, 1, 1, tzinfo=UTC)), secret=secret)


@pytest.mark.parametrize(
    ("scheme", "name", "secure"), [("http", "frieze_session", False), ("https", "__Host-frieze_session", True)]
)
def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(scheme: str, name: str, secure: bool) -> None:
    response = Response()
    give_cookie(_request(scheme), response, "s3cret")
    value, *attributes = response.headers["set-cookie"].split("; ")
    assert value == f"{name}=s3cret"
    lower = {attribute.lower() for attribute in attributes}
    assert {"httponly", "samesite=strict", "path=/", f"max-age={int(SESSION_LIFE.total_seconds())}"} <= lower
    assert ("secure" in lower) == secure
    assert not any(attribute.startswith("domain") for attribute in lower)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_cookie_that_is_taken_is_the_one_that_was_given(scheme: str) -> None:
    given, taken = Response(), Response()
    give_cookie(_request(scheme), given, "s3cret")
    take_cookie(_request(scheme), taken)
    given_name, taken_name = (one.headers["set-cookie"].partition("=")[0] for one in (given, taken))
    assert given_name == taken_name
    assert "max-age=0" in taken.headers["set-cookie"].lower()


async def test_a_session_is_good_until_it_was_idle_for_a_week(database_url: str) -> None:
    moment = datetime(2026, 11, 21, 10, tzinfo=UTC)
    catalogue = Catalogue(database_url, now=lambda: moment)
    await catalogue.migrate()
    secret = await catalogue.operators.sign_in(await catalogue.operators.link("Ada"))
    request = _request(cookie=f"frieze_session={secret}")
    for _ in range(3):
        moment += SESSION_IDLE - timedelta(seconds=1)
        assert (await signed_in(catalogue, request)).operator == "Ada"
    moment += SESSION_IDLE
    with pytest.raises(Refused) as refused:
        await signed_in(catalogue, request)
    assert refused.value.status == 401
    await catalogue.close()


async def test_over_https_a_cookie_that_a_neighbour_could_have_planted_counts_nothing(catalogue: Catalogue) -> None:
    secret = await catalogue.operators.sign_in(await catalogue.operators.link("Ada"))
    with pytest.raises(Refused):
        await signed_in(catalogue, _request("https", cookie=f"frieze_session={secret}"))
    there = await signed_in(catalogue, _request("https", cookie=f"__Host-frieze_session={secret}"))
    assert there.operator == "Ada"


@pytest.mark.parametrize("cookie", ["", "frieze_session=", "frieze_session=nonsense", "other=1"])
async def test_without_a_good_cookie_nobody_is_signed_in(catalogue: Catalogue, cookie: str) -> None:
    with pytest.raises(Refused, match="frieze operator link"):
        await signed_in(catalogue, _request(cookie=cookie))


@pytest.mark.parametrize(
    ("scheme", "origin", "site", "passes"),
    [
        ("http", "http://wall.example", None, True),
        ("https", "https://wall.example", "same-origin", True),
        ("https", "http://wall.example", None, False),
        ("http", "http://wall.example:81", None, False),
        ("http", "http://wall.example.evil.example", None, False),
        ("http", "http://evil@wall.example", None, False),
        ("http", "null", None, False),
        ("http", "http://wall.example", "cross-site", False),
        ("http", "https://console.example", "cross-site", True),
    ],
)
def test_a_write_comes_from_our_own_page_or_one_on_the_list(
    scheme: str, origin: str, site: str | None, passes: bool
) -> None:
    request = _request(scheme, origin=origin, **({"sec_fetch_site": site} if site else {}))
    if passes:
        check_origin(request, ("https://console.example",))
        return
    with pytest.raises(Refused) as refused:
        check_origin(request, ("https://console.example",))
    assert (refused.value.status, refused.value.code) == (403, "origin")


def test_a_write_without_an_origin_is_refused() -> None:
    with pytest.raises(Refused):
        check_origin(_request(), ())


def test_the_token_belongs_to_one_session_and_gives_nothing_of_it_away() -> None:
    operator = _operator()
    check_token(_request(frieze_token=operator.token), operator)
    assert operator.secret not in operator.token
    for given in ({}, {"frieze_token": ""}, {"frieze_token": _operator("other").token}, {"frieze_token": "é"}):
        with pytest.raises(Refused) as refused:
            check_token(_request(**given), operator)
        assert refused.value.code == "token"


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8"])
def test_json_is_taken(kind: str) -> None:
    check_json(_request(content_type=kind))


@pytest.mark.parametrize("kind", ["", "text/plain", "text/plain; application/json", "application/jsonp"])
def test_nothing_but_json_is_taken(kind: str) -> None:
    with pytest.raises(Refused) as refused:
        check_json(_request(content_type=kind))
    assert refused.value.status == 415
