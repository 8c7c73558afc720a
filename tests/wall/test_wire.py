"""What is written is read back the same, always fits, and nothing that a stranger sends breaks the reader."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wall.events import Cursor, Event, Snapshot, WallView
from wall.posts import Author, Media, Post, Rendition
from wall.wire import (
    MAX_EVENT_BYTES,
    decode_event,
    decode_post,
    decode_snapshot,
    encode_event,
    encode_snapshot,
    headers,
    post_fields,
    timestamp,
)

AT = datetime(2026, 11, 21, 10, 0, 1, 204_000, tzinfo=UTC)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
names = texts.filter(bool)
moments = st.integers(0, 7_000_000_000_000).map(lambda ms: datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=ms))
sizes = st.integers(1, 10_000)
renditions = st.builds(
    Rendition,
    role=st.sampled_from(["thumbnail-320", "poster"]),
    width=sizes,
    height=sizes,
    type=texts,
    bytes=sizes,
    url=texts,
)
coordinates = st.floats(-1, 1)
medias = st.builds(
    Media,
    id=texts,
    kind=st.sampled_from(["image", "animation", "video"]),
    alt=texts,
    width=sizes,
    height=sizes,
    focus=st.none() | st.tuples(coordinates, coordinates),
    thumbhash=st.none() | texts,
    sha256=st.none(),
    renditions=st.lists(renditions, max_size=2).map(tuple),
)
posts = st.builds(
    Post,
    id=texts,
    revision=sizes,
    source=texts,
    url=st.none() | texts,
    author=st.builds(Author, name=texts, handle=texts, avatar=st.none() | texts),
    text=texts,
    created=moments,
    received=moments,
    ready=st.none() | moments,
    media=st.lists(medias, max_size=3).map(tuple),
)
views = st.builds(
    WallView,
    slug=texts,
    title=texts,
    settings=st.dictionaries(texts, st.none() | st.booleans() | sizes | texts, max_size=3),
)
events = st.builds(
    Event,
    wall=names,
    epoch=names,
    seq=st.integers(0, 2**53),
    kind=st.sampled_from(["published", "updated", "removed", "wall", "head"]),
    at=moments,
    post=st.none() | posts,
    post_ids=st.lists(texts, max_size=3).map(tuple),
    view=st.none() | views,
)


def _media(alt: str, roles: int = 5) -> Media:
    rendition = Rendition(
        role="thumbnail-320",
        width=320,
        height=240,
        type="image/webp",
        bytes=9120,
        url=f"/media/{'a' * 26}/thumbnail-320",
    )
    return Media(id="a" * 26, kind="image", alt=alt, width=1600, height=1200, renditions=(rendition,) * roles)


def _event(text: str, alt: str = "", pictures: int = 1, name: str = "Ada", roles: int = 5) -> Event:
    post = Post(
        id="0" * 26,
        revision=1,
        source="x",
        url=None,
        author=Author(name=name, handle="@ada"),
        text=text,
        created=AT,
        received=AT,
        ready=AT,
        media=(_media(alt, roles),) * pictures,
    )
    return Event(wall="main", epoch="mi8q4w2a", seq=812, kind="published", at=AT, post=post)


def _shape(event: Event) -> tuple[int, int, int]:
    """Characters of the text and of the alt texts, and pictures, as they travel."""
    body = encode_event(event)
    assert len(body.encode()) <= MAX_EVENT_BYTES
    post = decode_event(body).post
    assert post is not None
    return len(post.text), len(post.media[0].alt), len(post.media)


@settings(deadline=None)
@given(events)
def test_an_event_is_read_back_as_it_was_written(event: Event) -> None:
    assert decode_event(encode_event(event)) == event
    assert decode_event(encode_event(event).encode()) == event


@settings(deadline=None)
@given(posts, views, moments)
def test_a_snapshot_is_read_back_as_it_was_written(post: Post, view: WallView, now: datetime) -> None:
    snapshot = Snapshot(cursor=Cursor("mi8q4w2a", 7), now=now, wall=view, posts=(post, post))
    assert decode_snapshot(encode_snapshot(snapshot)) == snapshot
    assert decode_post(json.loads(json.dumps(post_fields(post)))) == post


@pytest.mark.parametrize(
    ("event", "shape"),
    [
        (_event("t" * 20_000, "a" * 3_000), (20_000, 3_000, 1)),
        (_event("t" * 40_000, "a" * 3_000), (2_000, 1_000, 1)),
        (_event("t" * 40_000, "ä" * 3_000, 20, roles=1), (2_000, 300, 20)),
        (_event("t" * 40_000, "ä" * 3_000, 40, roles=1), (300, 300, 20)),
        (_event("t" * 40_000, "€" * 3_000, 40), (300, 100, 4)),
    ],
)
def test_what_is_too_long_is_trimmed_in_the_documented_order(event: Event, shape: tuple[int, int, int]) -> None:
    assert _shape(event) == shape


@settings(deadline=None, max_examples=60)
@given(
    # one to four bytes in UTF-8, and two to six where JSON escapes
    st.lists(st.sampled_from('aä€😀"\\\n\x00\x1f\u2028\u0301'), min_size=1, max_size=6).map("".join),
    st.sampled_from([0, 1_999, 2_000, 2_001, 9_000, 33_000]),
    st.sampled_from([0, 99, 301, 1_001, 10_001]),
    st.integers(1, 60),
)
def test_whatever_the_texts_are_an_event_fits_and_is_cut_between_characters(
    piece: str, text: int, alt: int, pictures: int
) -> None:
    event = _event((piece * text)[:text], (piece * alt)[:alt], pictures)
    body = encode_event(event)
    assert len(body.encode()) <= MAX_EVENT_BYTES
    post, sent = decode_event(body).post, event.post
    assert post is not None
    assert sent is not None
    assert post.media
    for got, whole in [(post.text, sent.text), (post.media[0].alt, sent.media[0].alt)]:
        assert got == whole or (got.endswith("…") and whole.startswith(got[:-1]))


def test_an_event_of_the_greatest_length_is_left_whole_and_one_byte_more_is_trimmed() -> None:
    rest = len(encode_event(_event("")).encode())
    assert len(encode_event(_event("t" * (MAX_EVENT_BYTES - rest))).encode()) == MAX_EVENT_BYTES
    assert _shape(_event("t" * (MAX_EVENT_BYTES - rest + 1)))[0] == 2_000


def test_what_can_not_be_trimmed_is_refused() -> None:
    with pytest.raises(ValueError, match="main mi8q4w2a-812 does not fit"):
        encode_event(_event("", name="n" * MAX_EVENT_BYTES))


def test_the_snapshot_has_the_whole_post() -> None:
    post = _event("t" * 40_000, "a" * 3_000, 20).post
    assert post is not None
    view = WallView(slug="main", title="Main", settings={})
    body = encode_snapshot(Snapshot(cursor=Cursor("mi8q4w2a", 1), now=AT, wall=view, posts=(post,)))
    assert decode_snapshot(body).posts == (post,)


def test_what_is_the_installations_own_never_travels() -> None:
    event = _event("")
    assert event.post is not None
    secret = replace(event.post.media[0], sha256="5ec2e7")
    assert "5ec2e7" not in encode_event(replace(event, post=replace(event.post, media=(secret,))))


def test_unknown_fields_are_ignored_at_every_depth() -> None:
    event = _event("Hello")
    fields = json.loads(encode_event(event))
    for one in (fields, fields["post"], fields["post"]["author"], fields["post"]["media"][0]):
        one["new"] = {"v": 2}
    fields["post"]["media"][0]["renditions"][0]["new"] = []
    assert decode_event(json.dumps(fields)) == event


GOOD = json.loads(encode_event(_event("Hello")))
GOOD_SNAPSHOT = json.loads(
    encode_snapshot(
        Snapshot(cursor=Cursor("mi8q4w2a", 1), now=AT, wall=WallView(slug="a", title="A", settings={}), posts=())
    )
)


@pytest.mark.parametrize("version", [0, 2, -1, None, "x", 10**30])
def test_another_version_is_refused(version: object) -> None:
    with pytest.raises(ValueError, match=r"version|not an event"):
        decode_event(json.dumps(GOOD | {"v": version}))
    with pytest.raises(ValueError, match=r"version|not a snapshot"):
        decode_snapshot(json.dumps(GOOD_SNAPSHOT | {"v": version}))


HOSTILE = [
    "",
    "null",
    "[]",
    "{",
    "{}",
    '"\\ud800"',
    "\ud800",
    b"\xff\xfe",
    b"\x00" * 100,
    "[" * 100_000,
    '{"post":' * 5_000,
    "1e400",
    "9" * 10_000,
    json.dumps(GOOD | {"wall": ""}),
    json.dumps(GOOD | {"epoch": ""}),
    json.dumps(GOOD | {"seq": "x"}),
    json.dumps(GOOD | {"seq": -1}),
    json.dumps(GOOD | {"at": "yesterday"}),
    json.dumps(GOOD | {"at": 1e300}),
    json.dumps(GOOD | {"kind": "exploded"}),
    json.dumps(GOOD | {"post": []}),
    json.dumps(GOOD | {"post_ids": [1]}),
    json.dumps(GOOD | {"settings": {"slug": 1}}),
    json.dumps(GOOD)[:-1],
]


@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_no_event_and_no_snapshot_is_refused_with_a_value_error(body: str | bytes) -> None:
    for decode in (decode_event, decode_snapshot):
        with pytest.raises(ValueError):
            decode(body)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*GOOD, *GOOD["post"]]), inner, max_size=5)
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.sampled_from([*GOOD, None]), json_values)
def test_any_json_is_an_event_or_a_value_error(field: str | None, value: object) -> None:
    body = json.dumps(value if field is None else GOOD | {field: value})
    try:
        event = decode_event(body)
    except ValueError:
        return
    assert event.wall
    assert event.cursor.seq >= 0


def test_times_travel_in_utc_with_milliseconds() -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    assert timestamp(AT.astimezone(east)) == "2026-11-21T10:00:01.204Z"
    assert timestamp(AT.replace(microsecond=0)) == "2026-11-21T10:00:01.000Z"


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="not an event"):
        decode_event(json.dumps(GOOD | {"at": "2026-11-21T10:00:01.204"}))


def test_a_number_that_json_has_not_is_never_written() -> None:
    event = _event("")
    assert event.post is not None
    media = replace(event.post.media[0], focus=(float("nan"), 0.0))
    with pytest.raises(ValueError, match="JSON compliant"):
        encode_event(replace(event, post=replace(event.post, media=(media,))))


def test_the_headers_beside_an_event_have_no_length() -> None:
    expected = {"content-type": "application/json", "persistent": "true", "epoch": "e", "seq": "7", "kind": "wall"}
    assert headers("e", 7, "wall") == expected
    assert headers("e", 7, "wall", "id") == expected | {"key": "id"}
