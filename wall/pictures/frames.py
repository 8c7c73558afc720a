"""How the studio and its workers talk: a length, a JSON header, then as many bytes as the header says.

    ready      an empty frame, once
    question   {"path": "/…", "roles": ["thumbnail-320", …], "seconds": 5}, or of a video
               {"film": <bytes of the whole>, "roles": ["poster", …], "seconds": 10}
    want       {"want": [start, length]}: while it looks at a video; the studio replies with a length and the bytes
    answer     {"picture": {…, "renditions": [{"role", "width", "height", "type", "bytes"}, …]}} + the bytes, in order
    film       {"film": {…, "blanks": [[start, length, head], …], "renditions": […]}} + the bytes, in order
    refusal    {"refused": "sentence", "code": "…"}
    trouble    {"trouble": "sentence"}: our own side, the picture is not to blame

Not pickle: a worker that a picture has taken over can send bytes, and bytes only.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from wall.blanking import Blank
from wall.errors import PictureError
from wall.pictures.records import Filmed, Rendered, RenderedImage
from wall.posts import Role

LENGTH = struct.Struct(">I")
READY = b"\0\0\0\0"  # a worker's first word: it has loaded and limited itself
MAX_HEADER = 64 * 1024  # bytes; a real one has one or two thousand
MAX_RENDITION = 16 * 1024 * 1024  # bytes; 2560 pixels at our quality are 1 to 2 MiB
MAX_BLANKS = 1_000  # places to blank in one video; a phone's has about five


def encode_header(header: Mapping[str, Any]) -> bytes:
    body = json.dumps(header).encode()
    return LENGTH.pack(len(body)) + body


def question(path: str, roles: Sequence[Role], seconds: float) -> bytes:
    return encode_header({"path": path, "roles": list(roles), "seconds": seconds})


def film_question(length: int, roles: Sequence[Role], seconds: float) -> bytes:
    return encode_header({"film": length, "roles": list(roles), "seconds": seconds})


def want(start: int, length: int) -> bytes:
    return encode_header({"want": [start, length]})


def wanted(header: Mapping[str, Any], length: int) -> tuple[int, int] | None:
    """The range of a file of `length` bytes that a worker asks for, None when it asks for none. Raises ValueError."""
    if "want" not in header:
        return None
    start, count = (int(number) for number in header["want"])
    if not (0 <= start < length and 0 < count <= length - start):
        raise ValueError("a range outside of the file is asked for")
    return start, count


def piece(data: bytes) -> bytes:
    return LENGTH.pack(len(data)) + data


def answer(rendered: Rendered) -> bytes:
    header = {
        "picture": {
            "type": rendered.type,
            "width": rendered.width,
            "height": rendered.height,
            "bytes": rendered.bytes,
            "sha256": rendered.sha256,
            "thumbhash": rendered.thumbhash,
            "phash": rendered.phash,
            "animated": rendered.animated,
            "truncated": rendered.truncated,
            "renditions": _forms(rendered.renditions),
        }
    }
    return encode_header(header) + b"".join(one.data for one in rendered.renditions)


def film_answer(filmed: Filmed) -> bytes:
    if len(filmed.blanks) > MAX_BLANKS:
        raise PictureError(f"The video has more than {MAX_BLANKS:,} places with metadata.", code="metadata")
    header = {
        "film": {
            "type": filmed.type,
            "served": filmed.served,
            "width": filmed.width,
            "height": filmed.height,
            "duration": filmed.duration,
            "codec": filmed.codec,
            "thumbhash": filmed.thumbhash,
            "phash": filmed.phash,
            "blanks": [[blank.start, blank.length, blank.head.hex()] for blank in filmed.blanks],
            "renditions": _forms(filmed.renditions),
        }
    }
    return encode_header(header) + b"".join(one.data for one in filmed.renditions)


def refusal(error: PictureError) -> bytes:
    return encode_header({"refused": str(error), "code": error.code})


def trouble(sentence: str) -> bytes:
    return encode_header({"trouble": sentence})


def rendition_lengths(header: Mapping[str, Any]) -> list[int]:
    """How many bytes follow an answer's header, one number per rendition. Raises ValueError."""
    lengths = [int(one["bytes"]) for one in (header.get("picture") or header["film"])["renditions"]]
    if any(not 0 < length <= MAX_RENDITION for length in lengths):
        raise ValueError("a rendition has an impossible length")
    return lengths


def decode_answer(header: Mapping[str, Any], data: Sequence[bytes]) -> Rendered:
    """The record an answer stands for. Raises KeyError, TypeError or ValueError when it makes no sense."""
    picture = dict(header["picture"])
    picture["renditions"] = _images(picture["renditions"], data)
    return Rendered(**picture)


def decode_film(header: Mapping[str, Any], data: Sequence[bytes], length: int) -> Filmed:
    """The same of a video of `length` bytes."""
    film = dict(header["film"])
    blanks = [Blank(start=int(at), length=int(count), head=bytes.fromhex(head)) for at, count, head in film["blanks"]]
    end = 0
    for blank in blanks:
        if blank.start < end or blank.length < len(blank.head) or blank.start + blank.length > length:
            raise ValueError("a place to blank lies outside of the file or in another")
        end = blank.start + blank.length
    film["blanks"], film["renditions"] = tuple(blanks), _images(film["renditions"], data)
    return Filmed(**film)


def _forms(renditions: Sequence[RenderedImage]) -> list[dict[str, Any]]:
    return [
        {"role": one.role, "width": one.width, "height": one.height, "type": one.type, "bytes": len(one.data)}
        for one in renditions
    ]


def _images(forms: Sequence[Mapping[str, Any]], data: Sequence[bytes]) -> tuple[RenderedImage, ...]:
    return tuple(
        RenderedImage(
            role=form["role"],
            width=int(form["width"]),
            height=int(form["height"]),
            type=str(form["type"]),
            data=piece,
        )
        for form, piece in zip(forms, data, strict=True)
    )
