"""Videos made for a test, whole and hostile."""

import struct
from fractions import Fraction
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, cast

import av
from PIL import Image

from tests.wall.pictures.samples import quarters

RATE = 10  # frames a second


def film(
    kind: str = "mp4",
    codec: str = "libx264",
    *,
    image: Image.Image | None = None,
    seconds: float = 3,
    dark: float = 0,
    place: str | None = None,
    pixels: str = "yuv420p",
    index_first: bool = False,
) -> bytes:
    """A video of one picture, its first `dark` seconds black; `place`: where its camera says it was taken."""
    shown = image or quarters((160, 120))
    # without a place there is nothing to note, not even which program wrote it
    options = {"movflags": "+faststart"} if index_first else {}
    options |= {} if place is not None else {"fflags": "+bitexact"}
    library = cast("Any", av)
    # a file with a name: the index is moved to the front by reading what was written
    with NamedTemporaryFile() as file, library.open(file.name, mode="w", format=kind, options=options) as container:
        if place is not None:
            container.metadata["location"] = place
        stream = container.add_stream(codec, rate=RATE)
        stream.width, stream.height = shown.size
        stream.pix_fmt = pixels
        stream.time_base = Fraction(1, RATE)
        for number in range(int(seconds * RATE)):
            still = Image.new("RGB", shown.size) if number < dark * RATE else shown
            frame = library.VideoFrame.from_image(still)
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        container.close()
        return Path(file.name).read_bytes()


def turned(video: bytes, degrees: int) -> bytes:
    """The same MP4 with a track header that says how a player has to turn it, clockwise."""
    a, b, c, d = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}[degrees]
    at = video.index(b"tkhd") + 4 + 40  # version 0: the matrix stands behind 40 bytes of times and numbers
    matrix = struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    return video[:at] + matrix + video[at + len(matrix) :]


def box(kind: bytes, *contents: bytes) -> bytes:
    body = b"".join(contents)
    return struct.pack(">I4s", 8 + len(body), kind) + body


FTYP = box(b"ftyp", b"isom", b"\0\0\2\0", b"isom", b"mp42")


def track(handler: bytes, *more: bytes) -> bytes:
    """A track with nothing in it but what it is for."""
    return box(b"trak", box(b"mdia", box(b"hdlr", bytes(8), handler, bytes(12))), *more)
