"""What first bytes say."""

import struct

import pytest

from relay.uploads.gate import look
from tests.relay.uploads.place import jpeg
from wall.errors import UploadRefused
from wall.uploads import GIB, UploadRules

RULES = UploadRules(enabled=True)


def _container(brand: bytes, *more: bytes) -> bytes:
    brands = brand + b"\0\0\0\0" + b"".join(more)
    return struct.pack(">I", 8 + len(brands)) + b"ftyp" + brands


def _png(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + header + bytes(4) + struct.pack(">I", 9) + b"IDAT"


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (jpeg(2000), "image/jpeg"),
        (_png(10, 10), "image/png"),
        (_container(b"heic", b"mif1"), "image/heic"),
        (_container(b"avif", b"mif1"), "image/avif"),
        (_container(b"isom", b"mp42"), "video/mp4"),
        (_container(b"qt  "), "video/quicktime"),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm", "video/webm"),
    ],
)
def test_what_can_be_shown_is_known_by_its_bytes(head: bytes, media_type: str) -> None:
    looked = look(head, 10_000_000, RULES)
    assert (looked.type, looked.kind) == (media_type, media_type.partition("/")[0])


@pytest.mark.parametrize("head", [b"", b"hello", b"%PDF-1.4", b"\x1a\x45\xdf\xa3 matroska", b"<html>", b"#!/bin/sh"])
def test_what_can_not_be_shown_is_refused_with_what_can(head: bytes) -> None:
    with pytest.raises(UploadRefused, match=r"This wall shows JPEG.*and MP4, MOV and WebM videos\.$") as error:
        look(head, 1000, RULES)
    assert error.value.code == "type"


def test_a_wall_without_videos_refuses_one_that_calls_itself_a_picture() -> None:
    with pytest.raises(UploadRefused, match="This is a video") as error:
        look(_container(b"isom"), 1000, UploadRules(enabled=True, video=False))
    assert error.value.code == "type"


def test_a_picture_has_the_pictures_limit_whatever_was_said_of_it() -> None:
    with pytest.raises(UploadRefused, match=r"may have 105 MB here; this has 1\.07 GB") as error:
        look(jpeg(2000), GIB, RULES)
    assert error.value.code == "size"


def test_a_picture_of_too_many_pixels_is_refused_by_its_header() -> None:
    with pytest.raises(UploadRefused, match="a side may have 30,000"):
        look(_png(30_001, 10), 10_000, RULES)
    with pytest.raises(UploadRefused, match="megapixels"):
        look(_png(20_000, 20_000), 10_000, RULES)


def test_a_header_that_goes_on_beyond_the_look_is_no_defect_but_one_that_ends_is() -> None:
    start = b"\xff\xd8\xff\xe1\xff\xff" + bytes(1000)
    assert look(start, 1_000_000, RULES).type == "image/jpeg"
    with pytest.raises(UploadRefused, match="damaged"):
        look(start, len(start), RULES)
