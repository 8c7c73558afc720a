import pytest

from wall.errors import PictureError
from wall.pictures.sniff import is_video, recognise


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<!DOCTYPE html><html>", "a web page"),
        (b'<?xml version="1.0"?><svg xmlns="x">', "an SVG drawing"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "a PostScript drawing"),
        (b"%PDF-1.7", "a PDF document"),
        (b"#!/bin/sh\nrm -r", "a script"),
        (b"#EXTM3U\n", "a playlist"),
        (b"ffconcat version 1.0\n", "a playlist"),
        (b"\x1a\x45\xdf\xa3\xa3\x42\x82\x88matroska", "a Matroska"),
        (b"\0\0\0\x18ftypM4A \0\0\0\0M4A isom", "an audio file"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "a raw photograph"),
        (b"II*\0", "a TIFF picture"),
        (b"hello", "not a picture"),
    ],
)
def test_what_is_not_shown_is_named_with_what_is(data: bytes, words: str) -> None:
    with pytest.raises(PictureError, match=r"Frieze shows JPEG.* and MP4, MOV and WebM videos") as caught:
        recognise(data)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "image/heic"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "image/heic"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "image/avif"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "video/mp4"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "video/quicktime"),
        (b"\0\0\x10\0moov\0\0\0\x6cmvhd", "video/quicktime"),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\1\x42\xf7\x81\1\x42\x82\x84webm", "video/webm"),
    ],
)
def test_containers_are_known_by_their_brands(data: bytes, kind: str) -> None:
    assert recognise(data) == kind
    assert is_video(recognise(data)) == kind.startswith("video/")


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(PictureError) as caught:
        recognise(b"")
    assert caught.value.code == "empty"
