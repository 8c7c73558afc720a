"""X's answers made into posts: both families, joined by key, whatever the fields hold."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.sources.x_posts import LARGEST_ID, XPage, earlier, moment_of, read_id, read_page, sum_up
from wall.posts import SourcePost

ID = "2124063254119448806"
PHOTO = "https://pbs.twimg.com/media/AbC.jpg"


def answer(**post: Any) -> dict[str, Any]:
    """An answer with one good post; `post` replaces its fields, None takes one away."""
    whole: dict[str, Any] = {
        "id": ID,
        "text": "Hello",
        "author_id": "7",
        "created_at": "2026-11-20T10:00:00.000Z",
        "attachments": {"media_keys": ["3_1"]},
        "possibly_sensitive": False,
        **post,
    }
    return {
        "data": [{name: value for name, value in whole.items() if value is not None}],
        "includes": {
            "media": [{"media_key": "3_1", "type": "photo", "url": PHOTO, "alt_text": "A cat"}],
            "users": [
                {
                    "id": "7",
                    "name": "Ada Lovelace",
                    "username": "ada",
                    "profile_image_url": "https://pbs.twimg.com/profile_images/1/x_normal.jpg",
                }
            ],
        },
        "meta": {"newest_id": ID, "oldest_id": ID, "result_count": 1},
    }


def only(document: dict[str, Any], *, sensitive: bool = False) -> SourcePost:
    page = read_page(document, sensitive=sensitive)
    assert not page.dropped
    [post] = page.posts
    return post


def dropped(document: dict[str, Any]) -> dict[str, int]:
    page = read_page(document, sensitive=False)
    assert not page.posts
    json.dumps(sum_up(page, 0))
    return dict(page.dropped)


def test_a_post_in_our_words() -> None:
    post = only(answer())
    assert post.key == f"x:{ID}"
    assert post.version == int(ID)
    assert (post.author_name, post.author_handle) == ("Ada Lovelace", "@ada")
    assert post.avatar == "https://pbs.twimg.com/profile_images/1/x_bigger.jpg"
    assert post.url == f"https://x.com/ada/status/{ID}"
    assert post.created == datetime(2026, 11, 20, 10, tzinfo=UTC)
    [media] = post.media
    assert (media.key, media.kind, media.alt) == ("3_1", "image", "A cat")


def test_the_large_picture_comes_first_then_smaller_ones() -> None:
    [media] = only(answer()).media
    assert media.origin == f"{PHOTO}?format=jpg&name=large"
    assert media.fallbacks == (f"{PHOTO}?format=jpg&name=medium", PHOTO)


@pytest.mark.parametrize(("extension", "form"), [("png", "png"), ("webp", "webp"), ("jpeg", "jpg"), ("odd", "jpg")])
def test_the_format_follows_the_name(extension: str, form: str) -> None:
    document = answer()
    document["includes"]["media"][0]["url"] = f"https://pbs.twimg.com/media/AbC.{extension}"
    assert f"?format={form}&" in only(document).media[0].origin


@pytest.mark.parametrize("family", ["tweet", "post"])
def test_all_edits_have_the_key_of_the_first(family: str) -> None:
    first = str(int(ID) - 1000)
    post = only(answer(**{f"edit_history_{family}_ids": [first, ID]}))
    assert (post.key, post.version) == (f"x:{first}", int(ID))


def test_a_version_indexed_late_stays_older_than_the_newest() -> None:
    newer = str(int(ID) + 1000)
    assert only(answer(edit_history_tweet_ids=[ID, newer])).version == int(ID)


def test_of_two_versions_on_one_page_the_newer_counts() -> None:
    first = str(int(ID) - 1000)
    document = answer(edit_history_tweet_ids=[first, ID])
    document["data"].append({**document["data"][0], "id": first, "text": "Before"})
    assert only(document).text == "Hello"


def test_pictures_keep_the_order_of_the_post_not_of_the_includes() -> None:
    document = answer(attachments={"media_keys": ["3_9", "3_1", "13_5", "3_4", "3_4", "3_2"]})
    photo = {"type": "photo", "url": PHOTO}
    video = {"media_key": "13_5", "type": "video", "preview_image_url": PHOTO}
    document["includes"]["media"] = [video, *({**photo, "media_key": f"3_{n}"} for n in (1, 2, 4, 9))]
    assert [media.key for media in only(document).media] == ["3_9", "3_1", "3_4", "3_2"]


@pytest.mark.parametrize(
    "media",
    [
        [],
        [{"media_key": "3_1", "type": "video", "preview_image_url": PHOTO}],
        [{"media_key": "3_1", "type": "photo"}],
        [{"media_key": "3_1", "type": "photo", "url": "file:///etc/passwd"}],
        [{"media_key": "3_1", "type": "photo", "url": "https://[broken/x.jpg"}],
        [{"media_key": "3_1", "type": "photo", "url": "https://host:port/x.jpg"}],
        [{"media_key": "3_1", "type": "photo", "url": "https://pbs.twimg.com/a b.jpg"}],
        [{"media_key": "3_1", "type": "photo", "url": ["x"]}],
        [{"media_key": ["3_1"], "type": "photo", "url": PHOTO}],
        None,
        "no list",
        [None, 3, "x"],
    ],
)
def test_a_post_without_a_usable_photo_is_dropped(media: object) -> None:
    document = answer()
    document["includes"]["media"] = media
    assert dropped(document) == {"without a picture": 1}


@pytest.mark.parametrize("mark", [True, "true", 1, {"why": "x"}])
def test_sensitive_posts_are_dropped_unless_wanted(mark: object) -> None:
    assert dropped(answer(possibly_sensitive=mark)) == {"sensitive": 1}
    assert only(answer(possibly_sensitive=mark), sensitive=True)


def test_withheld_and_protected_posts_are_dropped() -> None:
    assert dropped(answer(withheld={"country_codes": ["DE"]})) == {"withheld": 1}
    document = answer()
    document["includes"]["users"][0]["protected"] = True
    assert dropped(document) == {"withheld": 1}


@pytest.mark.parametrize(
    "changed",
    [
        {"id": None}, {"id": 5}, {"id": "x"}, {"id": "9" * 19}, {"id": "0"}, {"id": "٣"}, {"text": None},
        {"text": 3}, {"author_id": None}, {"author_id": "8"}, {"author_id": 7}, {"author_id": ["7"]},
    ],
)  # fmt: skip
def test_what_can_not_be_read_is_dropped_and_counted(changed: dict[str, Any]) -> None:
    assert dropped(answer(**changed)) == {"unreadable": 1}


@pytest.mark.parametrize("name", ["../evil", "a/b", "", None, 5, "x" * 50])
def test_an_odd_user_name_makes_no_address(name: object) -> None:
    document = answer()
    document["includes"]["users"][0]["username"] = name
    assert dropped(document) == {"unreadable": 1}


def test_text_is_as_people_read_it() -> None:
    links = [
        {"url": "https://t.co/abc", "expanded_url": "https://example.org/page", "display_url": "example.org/page"},
        {
            "url": "https://t.co/abcd",
            "expanded_url": "https://x.com/ada/status/1/photo/1",
            "display_url": "pic.x.com/q",
        },
        {"url": "https://t.co/key", "expanded_url": "https://x.com/i", "display_url": "x", "media_key": "3_1"},
    ]
    text = "Fish &amp; chips &lt;3 https://t.co/abc https://t.co/key https://t.co/abcd"
    assert only(answer(text=text, entities={"urls": links})).text == "Fish & chips <3 example.org/page"


def test_text_that_looks_encoded_twice_is_decoded_once() -> None:
    assert only(answer(text="&amp;lt;b&amp;gt;")).text == "&lt;b&gt;"


@pytest.mark.parametrize("family", ["note_tweet", "note_post"])
def test_a_long_post_is_shown_in_full(family: str) -> None:
    note = {"text": "All of it https://t.co/a", "entities": {"urls": [{"url": "https://t.co/a", "display_url": "a.b"}]}}
    assert only(answer(text="All of…", **{family: note})).text == "All of it a.b"


def test_nothing_that_a_database_or_utf8_refuses_comes_through() -> None:
    post = only(answer(text="a\x00b\ud800c"))
    assert post.text == "ab?c"
    post.text.encode()


@pytest.mark.parametrize("moment", [None, "yesterday", 5, "9999-99-99", "0001-01-01T00:00:00+14:00"])
def test_without_a_readable_time_the_id_tells_it(moment: object) -> None:
    assert only(answer(created_at=moment)).created == moment_of(int(ID))


def test_meta_may_be_missing() -> None:
    page = read_page({"data": answer()["data"]}, sensitive=False)
    assert (page.newest_id, page.next_token) == (int(ID), None)
    assert read_page({}, sensitive=False) == XPage(posts=(), ids=(), newest_id=None, next_token=None)


def test_ids_are_digits_that_fit_64_bits() -> None:
    assert read_id(str(LARGEST_ID)) == LARGEST_ID
    assert read_id(str(LARGEST_ID + 1)) is None


def test_earlier_moves_an_id_by_its_time() -> None:
    number = int(ID)
    assert (moment_of(number) - moment_of(earlier(number, 90))).total_seconds() == pytest.approx(90)
    assert earlier(5, 90) == 1


def test_the_note_says_what_was_left_out() -> None:
    document = answer()
    document["data"] += [{}, {**document["data"][0], "id": "5", "attachments": {}}]
    document["errors"] = [{"title": "Not Found Error"}]
    page = read_page(document, sensitive=False)
    assert sum_up(page, 1) == (
        "2 posts read, 1 of them new, 1 unreadable, 1 without a picture, 1 that X could not give in full."
    )


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([ID, "7", "3_1", PHOTO]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
POST_FIELDS = ["id", "text", "author_id", "created_at", "attachments", "entities", "note_tweet", "withheld",
               "edit_history_tweet_ids", "edit_history_post_ids", "possibly_sensitive"]  # fmt: skip
USER_FIELDS = ["id", "name", "username", "profile_image_url", "protected"]
MEDIA_FIELDS = ["media_key", "type", "url", "alt_text"]


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(st.sampled_from(POST_FIELDS), json_values),
    st.dictionaries(st.sampled_from(USER_FIELDS), json_values),
    st.dictionaries(st.sampled_from(MEDIA_FIELDS), json_values),
    st.dictionaries(st.sampled_from(["data", "includes", "meta", "errors"]), json_values, max_size=1),
)
def test_nothing_in_an_answer_can_stop_a_sweep(
    post: dict[str, Any], user: dict[str, Any], media: dict[str, Any], top: dict[str, Any]
) -> None:
    document = answer()
    document["data"][0] |= post
    document["includes"]["users"][0] |= user
    document["includes"]["media"][0] |= media
    page = read_page({**document, **top}, sensitive=False)
    assert len(page.posts) + sum(page.dropped.values()) <= 3
    for found in page.posts:
        repr(found).encode()
