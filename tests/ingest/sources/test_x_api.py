"""Real tweepy against the stand-in: every answer of X becomes the right error, and nothing waits for ever."""

import http.server
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import pytest

from ingest.sources.x_api import LARGEST_ANSWER, Answer, ParameterRefused, Rate, XApi, judge
from tests.fakes.x import XStandIn
from tests.fakes.x_answers import Scripted
from wall.errors import (
    SourceBudgetSpent,
    SourceError,
    SourceLimited,
    SourceRefused,
    SourceUnavailable,
)


def api_of(x: XStandIn, *, read: float = 5.0, whole: float = 5.0) -> XApi:
    return XApi(x.bearer_token, x.api_url, read_timeout=read, whole_timeout=whole)


def search(api: XApi) -> object:
    return api.search("#frieze", family="tweet", max_results=100)


def error_of(api: XApi) -> SourceError:
    with pytest.raises(SourceError) as raised:
        search(api)
    assert str(raised.value).endswith((".", ")"))
    return raised.value


def test_the_request_is_x_s(x_api: XStandIn) -> None:
    post = x_api.add_post()
    found = api_of(x_api).search("#frieze", family="tweet", max_results=50, since_id=int(post.id) - 1)
    assert found["meta"]["result_count"] == 1
    [seen] = x_api.seen
    assert seen.query["since_id"] == str(int(post.id) - 1)
    assert seen.query["max_results"] == "50"
    assert seen.query["sort_order"] == "recency"
    assert seen.headers["Authorization"] == f"Bearer {x_api.bearer_token}"
    assert seen.headers["Host"] == x_api.api_url.removeprefix("http://")


def test_the_post_family_is_sent_under_its_name(x_api: XStandIn) -> None:
    x_api.family = "post"
    x_api.add_post()
    [post] = api_of(x_api).search("#frieze", family="post", max_results=10)["data"]
    assert "edit_history_post_ids" in post
    assert "tweet.fields" not in x_api.seen[0].query


def test_the_headers_of_the_window_are_remembered(x_api: XStandIn) -> None:
    api = api_of(x_api)
    search(api)
    assert api.rate is not None
    assert (api.rate.limit, api.rate.remaining) == (450, 449)


@pytest.mark.parametrize(
    ("script", "kind", "says"),
    [
        ("401", SourceRefused, "refuses the bearer token"),
        ("402", SourceBudgetSpent, "credits"),
        ("403", SourceRefused, "You are not permitted"),
        ("403-not-enrolled", SourceRefused, "pay-per-use package"),
        ("429", SourceLimited, "does not say how long"),
        ("429-reset", SourceLimited, "until"),
        ("429-cap", SourceBudgetSpent, "cap"),
        ("500", SourceUnavailable, "500"),
        ("503-json", SourceUnavailable, "503"),
        ("503-html", SourceUnavailable, "503"),
        ("200-html", SourceUnavailable, "200"),
        ("200-cut", SourceUnavailable, "200"),
        ("200-list", SourceUnavailable, "200"),
        ("redirect", SourceUnavailable, "302"),
        ("drop", SourceUnavailable, "did not answer"),
    ],
)
def test_each_answer_becomes_its_error(x_api: XStandIn, script: str, kind: type[SourceError], says: str) -> None:
    x_api.script(script)
    error = error_of(api_of(x_api))
    assert type(error) is kind
    assert says in str(error)
    assert len(x_api.seen) == 1, "tweepy asked again by itself"


def test_a_refused_query_is_told_in_x_s_words(x_api: XStandIn) -> None:
    with pytest.raises(ParameterRefused, match="positive, non-stopword clause") as refused:
        api_of(x_api).search("has:images", family="tweet", max_results=100)
    assert refused.value.parameters == {"query"}


def test_until_is_what_x_s_header_says(x_api: XStandIn) -> None:
    x_api.script("429-reset")
    error = error_of(api_of(x_api))
    assert isinstance(error, SourceLimited)
    assert error.until is not None
    assert 100 < (error.until - datetime.now(UTC)).total_seconds() <= 120


@pytest.mark.parametrize("reset", ["soon", "", "1", "99999999999999"])
def test_a_reset_that_is_no_near_time_is_none(x_api: XStandIn, reset: str) -> None:
    limits = {"x-rate-limit-limit": "450", "x-rate-limit-remaining": "0", "x-rate-limit-reset": reset}
    x_api.script(Scripted(429, {"title": "Too Many Requests"}, limits))
    error = error_of(api_of(x_api))
    assert isinstance(error, SourceLimited)
    assert error.until is None


@pytest.mark.parametrize(
    "body",
    [{"errors": None}, {"errors": [None, 3]}, {"errors": {"a": 1}}, {"error": {}}, {"errors": [{"message": 5}]},
     {"errors": [{"parameters": 5}]}, {"errors": [{"parameters": [["x"]]}]}, {"detail": 5}, {"reason": []}],
)  # fmt: skip
@pytest.mark.parametrize("status", [400, 403, 404, 429, 503])
def test_an_error_s_body_of_any_shape_is_survived(x_api: XStandIn, body: dict[str, object], status: int) -> None:
    x_api.script(Scripted(status, body))
    error_of(api_of(x_api))


def test_partial_problems_do_not_hide_the_posts(x_api: XStandIn) -> None:
    x_api.add_post()
    x_api.script("partial")
    found = api_of(x_api).search("#frieze", family="tweet", max_results=10)
    assert (len(found["data"]), len(found["errors"])) == (1, 2)


def test_silence_ends_by_the_timeout(x_api: XStandIn) -> None:
    x_api.script("silent")
    assert isinstance(error_of(api_of(x_api, read=0.3)), SourceUnavailable)


def test_a_closed_port_is_told(x_api: XStandIn) -> None:
    api = XApi("token", "http://127.0.0.1:1")
    assert isinstance(error_of(api), SourceUnavailable)


@contextmanager
def server(write: Callable[[http.server.BaseHTTPRequestHandler], None]) -> Generator[str]:
    """A server whose every answer is written by hand."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with suppress(OSError):  # the other side hangs up, as it should
                write(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.daemon_threads = True
    thread = threading.Thread(target=running.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{running.server_address[1]}"
    finally:
        running.shutdown()
        running.server_close()
        thread.join(5)


def test_a_redirect_is_not_followed(x_api: XStandIn) -> None:
    asked: list[str] = []

    def elsewhere(handler: http.server.BaseHTTPRequestHandler) -> None:
        asked.append(handler.path)
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(b'{"meta": {}}')

    with server(elsewhere) as url:
        x_api.script(Scripted(302, "", {"Location": url}))
        assert isinstance(error_of(api_of(x_api)), SourceUnavailable)
    assert not asked


def test_an_answer_without_end_is_cut() -> None:
    written: list[int] = []

    def endless(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b" " * 65_536)
            written.append(65_536)

    with server(endless) as url:
        error = error_of(XApi("token", url))
    assert "longer than" in str(error)
    assert sum(written) < 4 * LARGEST_ANSWER


def test_a_slow_drip_ends_by_the_whole_time() -> None:
    stop = threading.Event()

    def drip(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not stop.wait(0.02):
            handler.wfile.write(b" ")
            handler.wfile.flush()

    with server(drip) as url:
        error = error_of(XApi("token", url, read_timeout=5, whole_timeout=0.3))
        stop.set()
    assert "took longer" in str(error)


def test_lookup_leaves_the_window_of_search_alone(x_api: XStandIn) -> None:
    api = api_of(x_api)
    search(api)
    before = api.rate
    post = x_api.add_post()
    assert api.lookup([int(post.id)])["data"][0]["id"] == post.id
    assert api.rate == before


def test_no_proxy_or_netrc_changes_who_asks_whom(x_api: XStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    search(api_of(x_api))


def test_an_unknown_refusal_is_an_operator_s_matter() -> None:
    assert isinstance(judge(Answer(418), None, 0), SourceRefused)
    assert Answer(200, {"x-rate-limit-limit": "x"}).rate() is None
    assert Answer(200, body=b"[" * 100_000).document() is None
    limits = {f"x-rate-limit-{name}": "1" for name in ("limit", "remaining", "reset")}
    assert Answer(200, limits).rate() == Rate(1, 1, 1.0)
