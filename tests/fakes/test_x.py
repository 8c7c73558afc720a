"""The stand-in for X is as strict as X's published contract: what it lets pass in tests, X takes."""

import http.client
import io
import time
from collections.abc import Generator
from typing import Any

import pytest
import requests
from PIL import Image

from tests.fakes.x import XStandIn
from tests.fakes.x_answers import PROBLEMS
from tests.fakes.x_parameters import SNOWFLAKE_EPOCH_MS
from tests.fakes.x_pictures import colour

PICTURES = {"expansions": "attachments.media_keys,author_id", "media.fields": "url,alt_text", "tweet.fields": "lang"}


@pytest.fixture
def x() -> Generator[XStandIn]:
    with XStandIn.running() as running:
        yield running


def ask(x: XStandIn, path: str = "/2/tweets/search/recent", **query: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {x.bearer_token}"}
    return requests.get(x.api_url + path, params=query, headers=headers, timeout=10)


def texts(x: XStandIn, query: str) -> set[str]:
    return {post["text"] for post in ask(x, query=query).json().get("data", [])}


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("max_results", "9"),
        ("max_results", "101"),
        ("max_results", "many"),
        ("since_id", "abc"),
        ("since_id", "1" * 20),
        ("since_id", "1"),
        ("next_token", "made-up"),
        ("sort_order", "oldest"),
        ("expansions", "everything"),
        ("tweet.fields", "secrets"),
        ("post.fields", "author_id"),
        ("media.fields", "exif"),
        ("user.fields", "email"),
        ("colour", "red"),
        ("query", ""),
        ("query", "has:images -is:retweet lang:en"),
        ("query", "-frieze"),
        ("query", "x" * 513),
        ("query", "-(one two)"),
        ("query", "(one"),
        ("query", "one OR"),
        ("query", "bogus:thing"),
    ],
)
def test_a_wrong_parameter_is_refused_by_its_name(x: XStandIn, parameter: str, value: str) -> None:
    answer = ask(x, **{"query": "frieze", parameter: value})
    assert answer.status_code == 400
    assert answer.json()["type"] == PROBLEMS + "invalid-request"
    assert parameter in answer.json()["errors"][0]["parameters"]


def test_a_wrong_token_is_refused(x: XStandIn) -> None:
    x.bearer_token = "another"
    assert ask(x, query="frieze").status_code == 200
    assert requests.get(f"{x.api_url}/2/tweets/search/recent?query=a", timeout=10).status_code == 401


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("#one", {"A #one", "B #one #two"}),
        ("#one #two", {"B #one #two"}),
        ("#one OR other", {"A #one", "B #one #two", "Some other"}),
        ("(#two OR other) -is:reply", {"B #one #two"}),
        ('"some other"', {"Some other"}),
        ("#one -#two", {"A #one"}),
        ("#on", set[str]()),
        ("#one has:images", {"B #one #two"}),
        ("from:bob", {"Some other"}),
        ("other lang:de", {"Some other"}),
    ],
)
def test_the_query_language_is_evaluated(x: XStandIn, query: str, found: set[str]) -> None:
    x.add_post("A #one", pictures=0)
    x.add_post("B #one #two")
    x.add_post("Some other", author="bob", lang="de", reply=True)
    assert texts(x, query) == found


def test_pages_run_from_newest_to_oldest_and_their_tokens_are_stable(x: XStandIn) -> None:
    posts = [x.add_post() for _ in range(25)]
    first = ask(x, query="#frieze", max_results=10).json()
    token = first["meta"]["next_token"]
    x.add_post()  # does not move the pages below
    second = ask(x, query="#frieze", max_results=10, next_token=token).json()
    assert second == ask(x, query="#frieze", max_results=10, next_token=token).json()
    third = ask(x, query="#frieze", max_results=10, next_token=second["meta"]["next_token"]).json()
    ids = [post["id"] for page in (first, second, third) for post in page["data"]]
    assert ids == [post.id for post in reversed(posts)]
    assert "next_token" not in third["meta"]
    assert first["meta"]["newest_id"] == posts[-1].id
    assert ask(x, query="#other", next_token=token).status_code == 400


def test_an_empty_answer_has_no_data(x: XStandIn) -> None:
    assert ask(x, query="nothing").json() == {"meta": {"result_count": 0}}


def test_only_what_was_asked_for_is_there(x: XStandIn) -> None:
    x.add_post()
    bare = ask(x, query="#frieze").json()
    assert set(bare["data"][0]) == {"id", "text", "edit_history_tweet_ids"}
    assert "includes" not in bare
    full = ask(x, query="#frieze", **PICTURES).json()
    assert set(full["includes"]) == {"media", "users"}
    assert set(full["includes"]["media"][0]) == {"media_key", "type", "url"}


def test_each_family_can_be_the_only_one(x: XStandIn) -> None:
    x.add_post()
    x.family = "post"
    assert "tweet.fields" in ask(x, query="#frieze", **PICTURES).json()["errors"][0]["parameters"]
    assert "edit_history_post_ids" in ask(x, query="#frieze", **{"post.fields": "lang"}).json()["data"][0]
    x.family = "tweet"
    assert ask(x, query="#frieze", **{"post.fields": "lang"}).status_code == 400


def test_the_window_is_counted_and_then_closed() -> None:
    now = time.time()
    with XStandIn.running(clock=lambda: now) as x:
        x.limit = 2
        left = [ask(x, query="a").headers["x-rate-limit-remaining"] for _ in range(2)]
        assert left == ["1", "0"]
        closed = ask(x, query="a")
        assert closed.status_code == 429
        now = float(closed.headers["x-rate-limit-reset"]) + 1
        assert ask(x, query="a").status_code == 200


def test_since_id_must_be_younger_than_a_week_and_is_exclusive(x: XStandIn) -> None:
    old, new = x.add_post("one"), x.add_post("two")
    week_old = (int((time.time() - 7 * 24 * 3600 - 60) * 1000) - SNOWFLAKE_EPOCH_MS) << 22
    assert ask(x, query="one OR two", since_id=week_old).status_code == 400
    found = ask(x, query="one OR two", since_id=old.id).json()
    assert [post["id"] for post in found["data"]] == [new.id]


@pytest.mark.parametrize(
    ("name", "status"),
    [("401", 401), ("402", 402), ("403-not-enrolled", 403), ("429", 429), ("429-cap", 429), ("429-reset", 429),
     ("503-json", 503), ("503-html", 503), ("200-html", 200)],
)  # fmt: skip
def test_a_scripted_answer_is_given_once(x: XStandIn, name: str, status: int) -> None:
    x.script(name)
    first = ask(x, query="a")
    assert first.status_code == status
    assert ("x-rate-limit-reset" in first.headers) == (name in ("429-reset", "429-cap"))
    assert ask(x, query="a").json()["meta"] == {"result_count": 0}


def test_a_dropped_answer_breaks_off_in_the_middle(x: XStandIn) -> None:
    x.script("drop")
    with pytest.raises(
        (requests.ConnectionError, http.client.IncompleteRead, requests.exceptions.ChunkedEncodingError)
    ):
        ask(x, query="a")


def test_lookup_says_what_is_gone(x: XStandIn) -> None:
    there, deleted, private = x.add_post(), x.add_post(), x.add_post()
    x.delete(deleted)
    x.protect(private)
    answer = ask(x, "/2/tweets", ids=f"{there.id},{deleted.id},{private.id}").json()
    assert [post["id"] for post in answer["data"]] == [there.id]
    assert {error["resource_id"]: error["type"].rpartition("/")[2] for error in answer["errors"]} == {
        deleted.id: "resource-not-found",
        private.id: "not-authorized-for-resource",
    }
    assert ask(x, "/2/tweets", ids=",".join(["1"] * 101)).status_code == 400


def test_an_edit_replaces_the_post_under_a_new_id(x: XStandIn) -> None:
    before = x.add_post("before #frieze")
    after = x.edit(before, "after #frieze")
    [found] = ask(x, query="#frieze").json()["data"]
    assert (found["id"], found["text"]) == (after.id, "after #frieze")
    assert found["edit_history_tweet_ids"] == [before.id, after.id]


def picture(answer: requests.Response) -> Image.Image:
    return Image.open(io.BytesIO(answer.content))


def test_pictures_are_real_and_different(x: XStandIn) -> None:
    post = x.add_post(pictures=2, extension="png")
    for media in post.media:
        assert media.url is not None
        name = media.url.rpartition("/")[2].removesuffix(".png")
        large = picture(requests.get(media.url, params={"format": "jpg", "name": "large"}, timeout=10))
        assert (large.format, max(large.size)) == ("JPEG", 2048)
        assert (picture(requests.get(media.url, timeout=10)).format) == "PNG"
        pixel = large.convert("RGB").getpixel((1000, 1000))
        assert isinstance(pixel, tuple)
        assert all(abs(seen - drawn) < 6 for seen, drawn in zip(pixel, colour(name), strict=True))


def test_hostile_pictures_are_as_announced(x: XStandIn) -> None:
    post = x.add_post(pictures=4)
    for number, behaviour in enumerate(("404-for-large", "broken", "bomb", "redirect-private")):
        x.script_picture(post, behaviour, number=number)
    urls = [str(media.url) for media in post.media]
    assert requests.get(urls[0], params={"name": "large"}, timeout=10).status_code == 404
    assert requests.get(urls[0], params={"name": "medium"}, timeout=10).status_code == 200
    with pytest.raises(OSError, match="truncated"):
        picture(requests.get(urls[1], timeout=10)).load()
    assert requests.get(urls[2], timeout=10).content[16:24] == (30_000).to_bytes(4, "big") * 2
    away = requests.get(urls[3], timeout=10, allow_redirects=False)
    assert away.headers["Location"].startswith("http://169.254.")


def test_avatars_come_in_their_sizes(x: XStandIn) -> None:
    normal = str(x.author("ada").avatar)
    assert picture(requests.get(normal, timeout=10)).size[0] == 48
    assert picture(requests.get(normal.replace("_normal", "_bigger"), timeout=10)).size[0] == 73
