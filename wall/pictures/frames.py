"""How the studio and its workers talk: a length, a JSON header, then as many bytes as the header says.

    ready      an empty frame, once
    question   {"path": "/…", "roles": ["thumbnail-320", …], "seconds": 5}
    answer     {"picture": {…, "renditions": [{"role", "width", "height", "type", "bytes"}, …]}} + the bytes, in order
    refusal    {"refused": "sentence", "code": "…"}
    trouble    {"trouble": "sentence"}: our own side, the picture is not to blame

Not pickle: a worker that a picture has taken over can send bytes, and bytes only.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from wall.errors import PictureError
from wall.pictures.records import Rendered, RenderedImage
from wall.posts import Role

LENGTH = struct.Struct(">I")
READY = b"\0\0\0\0"  # a worker's first word: it has loaded and limited itself
MAX_HEADER = 64 * 1024  # bytes; a real one has one or two thousand
MAX_RENDITION = 16 * 1024 * 1024  # bytes; 2560 pixels at our quality are 1 to 2 MiB


def encode_header(header: Mapping[str, Any]) -> bytes:
    body = json.dumps(header).encode()
    return LENGTH.pack(len(body)) + body


def question(path: str, roles: Sequence[Role], seconds: float) -> bytes:
    return encode_header({"path": path, "roles": list(roles), "seconds": seconds})


def answer(rendered: Rendered) -> bytes:
    header = {
        "picture": {
            "type": rendered.type,
            "width": rendered.width,
            "height": rendered.height,
            "bytes": rendered.bytes,
            "sha256": rendered.sha256,
            "thumbhash": rendered.thumbhash,
            "animated": rendered.animated,
            "truncated": rendered.truncated,
            "renditions": [
                {
                    "role": one.role,
                    "width": one.width,
                    "height": one.height,
                    "type": one.type,
                    "bytes": len(one.data),
                }
                for one in rendered.renditions
            ],
        }
    }
    return encode_header(header) + b"".join(one.data for one in rendered.renditions)


def refusal(error: PictureError) -> bytes:
    return encode_header({"refused": str(error), "code": error.code})


def trouble(sentence: str) -> bytes:
    return encode_header({"trouble": sentence})


def rendition_lengths(header: Mapping[str, Any]) -> list[int]:
    """How many bytes follow an answer's header, one number per rendition. Raises ValueError."""
    lengths = [int(one["bytes"]) for one in header["picture"]["renditions"]]
    if any(not 0 < length <= MAX_RENDITION for length in lengths):
        raise ValueError("a rendition has an impossible length")
    return lengths


def decode_answer(header: Mapping[str, Any], data: Sequence[bytes]) -> Rendered:
    """The record an answer stands for. Raises KeyError, TypeError or ValueError when it makes no sense."""
    picture = dict(header["picture"])
    forms = picture.pop("renditions")
    renditions = tuple(
        RenderedImage(
            role=form["role"],
            width=int(form["width"]),
            height=int(form["height"]),
            type=str(form["type"]),
            data=piece,
        )
        for form, piece in zip(forms, data, strict=True)
    )
    return Rendered(**picture, renditions=renditions)
