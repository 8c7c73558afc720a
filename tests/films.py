"""Films made here, whose colour tells their second, with the index at the end, as a recorder writes it.

`film` is a silent WebM without any library, `recording` what a phone makes: H.264 with sound.

A lossy WebP picture is one key frame of VP8 in a RIFF box, so Pillow is all it takes; what remains are WebM's own boxes
(RFC 9559), each an id, a length and a content.
"""

import colorsys
import io
import struct
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, cast

import av
import numpy
from PIL import Image

_MILLISECOND = 1_000_000  # nanoseconds; what a timestamp counts


@dataclass(frozen=True, slots=True)
class Film:
    """`seconds` long, and of a colour of its own in each of them."""

    data: bytes
    seconds: int

    def colour(self, second: int) -> tuple[int, int, int]:
        return _colour(second, self.seconds)


def film(seconds: int = 40, frames_a_second: int = 10, size: tuple[int, int] = (480, 270)) -> Film:
    """About 60 KB a frame, so that no browser takes the whole before it plays."""
    segment = _Segment(seconds, size)
    for second in range(seconds):
        segment.cluster(second, [_frame(second, seconds, size)] * frames_a_second)
    return Film(segment.finish(), seconds)


def recording(
    seconds: int, kind: str = "mp4", *, frames_a_second: int = 10, size: tuple[int, int] = (480, 270), place: str = ""
) -> Film:
    """About 45 KB a frame, and a tone; `place`: where it says it was taken."""
    library, rate = cast("Any", av), 48_000
    with NamedTemporaryFile() as file, library.open(file.name, mode="w", format=kind) as container:
        if place:
            container.metadata["location"] = place
        picture = container.add_stream(
            "libx264", rate=frames_a_second, options={"preset": "ultrafast", "crf": "20", "g": str(frames_a_second)}
        )
        (picture.width, picture.height), picture.pix_fmt = size, "yuv420p"
        sound = container.add_stream("aac", rate=rate, layout="mono")
        grain = [_frame_of(second, seconds, size) for second in range(seconds)]
        for number in range(seconds * frames_a_second):
            shown = grain[number // frames_a_second]
            frame = library.VideoFrame.from_image(_moved(shown, number))
            frame.pts, frame.time_base = number, Fraction(1, frames_a_second)
            container.mux(picture.encode(frame))
            at = numpy.arange(rate // frames_a_second) + number * rate // frames_a_second
            tone = (numpy.sin(at * 440 * 2 * numpy.pi / rate) * 8000).astype("int16")[None, :]
            heard = library.AudioFrame.from_ndarray(tone, format="s16", layout="mono")
            heard.rate, heard.pts, heard.time_base = rate, int(at[0]), Fraction(1, rate)
            container.mux(sound.encode(heard))
        for stream in (picture, sound):
            container.mux(stream.encode())
        container.close()
        return Film(Path(file.name).read_bytes(), seconds)


def _moved(picture: Image.Image, number: int) -> Image.Image:
    """The same with its lower half a little further to the left, so that each frame is another."""
    width, height = picture.size
    moved = picture.copy()
    moved.paste(picture.crop((0, height // 2, width, height)), (-(number * 37 % width), height // 2))
    return moved


def _colour(second: int, seconds: int) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(second / seconds, 0.8, 0.8)
    return round(red * 255), round(green * 255), round(blue * 255)


def _frame_of(second: int, seconds: int, size: tuple[int, int]) -> Image.Image:
    picture = Image.new("RGB", size, _colour(second, seconds))
    # what can't be compressed, in the lower half
    noise = Image.effect_noise((size[0], size[1] // 2), 60).convert("RGB")
    picture.paste(noise, (0, size[1] - size[1] // 2))
    return picture


def _frame(second: int, seconds: int, size: tuple[int, int]) -> bytes:
    target = io.BytesIO()
    _frame_of(second, seconds, size).save(target, "webp", quality=60, method=0)
    webp = target.getvalue()
    assert webp[12:16] == b"VP8 "
    (length,) = struct.unpack("<I", webp[16:20])
    return webp[20 : 20 + length]


class _Segment:
    """The body of the file; positions in it count from its own beginning."""

    def __init__(self, seconds: int, size: tuple[int, int]) -> None:
        info = _box(
            "1549A966",
            _number("2AD7B1", _MILLISECOND)
            + _box("4489", struct.pack(">d", seconds * 1000.0))
            + _box("4D80", b"frieze")
            + _box("5741", b"frieze"),
        )
        video = _box("E0", _number("B0", size[0]) + _number("BA", size[1]))
        track = _number("D7", 1) + _number("73C5", 1) + _number("83", 1) + _number("9C", 0) + _box("86", b"V_VP8")
        self._head = info + _box("1654AE6B", _box("AE", track + video))
        self._index = b""
        self._clusters: list[bytes] = []
        self._end = len(_seek_head(0)) + len(self._head)

    def cluster(self, second: int, frames: list[bytes]) -> None:
        """A second's frames."""
        step = 1000 // len(frames)
        blocks = b"".join(_box("A3", struct.pack(">BhB", 0x81, n * step, 0x80) + data) for n, data in enumerate(frames))
        place = _number("F7", 1) + _number("F1", self._end)
        self._index += _box("BB", _number("B3", second * 1000) + _box("B7", place))
        made = _box("1F43B675", _number("E7", second * 1000) + blocks)
        self._clusters.append(made)
        self._end += len(made)

    def finish(self) -> bytes:
        about = (
            *(_number("4286", 1), _number("42F7", 1), _number("42F2", 4), _number("42F3", 8)),
            *(_box("4282", b"webm"), _number("4287", 2), _number("4285", 2)),
        )
        body = b"".join([_seek_head(self._end), self._head, *self._clusters, _box("1C53BB6B", self._index)])
        return _box("1A45DFA3", b"".join(about)) + _box("18538067", body)


def _seek_head(index: int) -> bytes:
    """Says where the index is."""
    return _box("114D9B74", _box("4DBB", _box("53AB", bytes.fromhex("1C53BB6B")) + _number("53AC", index)))


def _box(name: str, content: bytes) -> bytes:
    return bytes.fromhex(name) + b"\x01" + len(content).to_bytes(7, "big") + content


def _number(name: str, value: int) -> bytes:
    return _box(name, value.to_bytes(8, "big"))
