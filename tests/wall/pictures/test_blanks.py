"""What a camera noted is found wherever it stands, and nothing else is touched."""

from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wall.pictures.films import FTYP, box, track
from wall.blanking import Blank, blanked
from wall.errors import PictureError
from wall.pictures.blanks import MAX_BOXES, find_blanks
from wall.pictures.ranges import RangeFile
from wall.pictures.records import VideoType

pytestmark = pytest.mark.anyio

SECRET = b"+47.3769+008.5417/"


def _file(data: bytes) -> RangeFile:
    return RangeFile(len(data), lambda start, length: data[start : start + length])


async def _blanked(data: bytes, kind: VideoType = "video/mp4", size: int = 1000) -> bytes:
    async def chunks() -> AsyncIterator[bytes]:
        for at in range(0, len(data), size):
            yield data[at : at + size]

    blanks = find_blanks(_file(data), kind)
    return b"".join([chunk async for chunk in blanked(chunks(), blanks)])


@pytest.mark.parametrize(
    "moov",
    [
        (box(b"udta", box(b"\xa9xyz", SECRET)), track(b"vide")),
        (track(b"vide"), box(b"meta", box(b"ilst", SECRET))),
        (track(b"vide", box(b"udta", SECRET)), track(b"soun", box(b"meta", SECRET))),
        (track(b"vide"), track(b"meta", box(b"stbl", SECRET))),
        (track(b"vide"), box(b"trak", SECRET)),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_a_place_is_blanked_wherever_a_phone_writes_it(moov: Sequence[bytes], size: int) -> None:
    data = FTYP + box(b"mdat", b"pictures" * 20) + box(b"moov", *moov)
    copy = await _blanked(data, size=size)
    assert len(copy) == len(data)
    assert SECRET in data
    assert SECRET not in copy
    assert b"pictures" * 20 in copy
    assert b"vide" in copy
    assert find_blanks(_file(copy), "video/mp4") == ()


async def test_a_box_beside_the_others_is_blanked_and_a_long_one_is_passed_over() -> None:
    long = b"\0\0\0\1mdat" + (16 + 30).to_bytes(8, "big") + b"p" * 30
    data = FTYP + box(b"uuid", SECRET) + long + box(b"moov", track(b"vide")) + box(b"meta", SECRET)
    copy = await _blanked(data)
    assert SECRET not in copy
    assert long in copy


async def test_a_video_without_notes_stays_as_it_is() -> None:
    data = FTYP + box(b"moov", track(b"vide"), track(b"soun")) + box(b"mdat", SECRET)
    assert find_blanks(_file(data), "video/mp4") == ()
    assert await _blanked(data) == data


def _element(name: bytes, *contents: bytes) -> bytes:
    body = b"".join(contents)
    return name + b"\x01" + len(body).to_bytes(7, "big") + body


async def test_tags_of_a_webm_are_blanked_up_to_the_first_cluster() -> None:
    header = _element(b"\x1a\x45\xdf\xa3", b"\x42\x82\x84webm")
    tags = _element(b"\x12\x54\xc3\x67", SECRET)
    data = header + _element(
        b"\x18\x53\x80\x67", _element(b"\x16\x54\xae\x6b", b"tracks"), tags, b"\x1f\x43\xb6\x75\xff"
    )
    copy = await _blanked(data, "video/webm")
    assert len(copy) == len(data)
    assert SECRET not in copy
    assert b"tracks" in copy
    assert find_blanks(_file(copy), "video/webm") == ()


@pytest.mark.parametrize(
    "data",
    [
        FTYP + b"\0\0\0\3moov",
        FTYP + b"\0\0\0\1moov" + bytes(8),
        FTYP + box(b"moov", b"\0\0\0\4trak"),
    ],
)
def test_boxes_that_make_no_sense_are_refused(data: bytes) -> None:
    with pytest.raises(PictureError) as caught:
        find_blanks(_file(data), "video/mp4")
    assert caught.value.code == "damaged"


def test_absurdly_many_boxes_are_refused() -> None:
    data = FTYP + box(b"moov", *[box(b"free")] * (MAX_BOXES + 1))
    with pytest.raises(PictureError) as caught:
        find_blanks(_file(data), "video/mp4")
    assert caught.value.code == "metadata"


@given(st.binary(max_size=400), st.sampled_from(["video/mp4", "video/webm"]))
def test_any_bytes_are_refused_or_give_places_inside_of_the_file(data: bytes, kind: VideoType) -> None:
    try:
        blanks = find_blanks(_file(data), kind)
    except PictureError:
        return
    end = 0
    for blank in blanks:
        assert end <= blank.start
        assert len(blank.head) <= blank.length
        end = blank.start + blank.length
    assert end <= len(data)


@given(st.binary(min_size=60, max_size=60), st.integers(1, 70))
async def test_chunks_of_any_size_give_the_same_copy(data: bytes, size: int) -> None:
    blanks = [
        Blank(start=3, length=10, head=b"headhead"),
        Blank(start=13, length=2, head=b"xy"),
        Blank(start=50, length=10, head=b""),
    ]

    async def chunks() -> AsyncIterator[bytes]:
        for at in range(0, len(data), size):
            yield data[at : at + size]

    copy = b"".join([chunk async for chunk in blanked(chunks(), blanks)])
    assert copy == data[:3] + b"headhead\0\0xy" + data[15:50] + bytes(10)
