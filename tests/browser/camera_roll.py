"""What a guest's phone has in its camera roll: photographs held every way, other formats, a video; all say where."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pillow_heif
from PIL import ExifTags, Image, ImageChops

from tests.films import recording
from tests.photographs import TURNS, colours_of, photograph

# what a camera notes and nobody may be told; each is looked for in all that is served
CAMERA, DATUM, PLACE = "Camera of these tests", "WGS-84 of these tests", "+27.5916+086.5640+8850/"
_SIDE = 1500  # pixels; as large in bytes as a phone's own, so that a network has time to fail
_TURNED = (
    *("coffee.png", "china.jpg", "astronaut.png", "motorcycle_left.png"),
    *("color.png", "chelsea.png", "flower.jpg", "rocket.jpg"),
)


@dataclass(frozen=True, slots=True)
class Shot:
    """A file of the roll. `grid`: the colours of the upright picture, None where it moves."""

    path: Path
    grid: list[tuple[int, int, int]] | None

    @property
    def caption(self) -> str:
        return f"This is {self.path.name}"


def camera_roll(folder: Path) -> list[Shot]:
    """Twelve pictures, among them one of each EXIF orientation, and a video."""
    shots: list[Shot] = []
    for orientation, name in enumerate(_TURNED, 1):
        upright = _large(name)
        turn = TURNS[orientation]
        path = folder / f"IMG_20{orientation}.JPG"
        kept = upright if turn is None else upright.transpose(turn)
        kept.save(path, "JPEG", quality=90, exif=_exif(orientation).tobytes())
        shots.append(Shot(path, colours_of(upright)))
    upright = _large("rocket.jpg").crop((0, 300, 1300, 900))
    lightly: dict[str, dict[str, Any]] = {"webp": {"quality": 90}, "png": {"compress_level": 1}}
    for ending, how in lightly.items():
        upright = upright.crop((0, 0, upright.width - 200, upright.height))
        path = folder / f"picture.{ending}"
        upright.save(path, exif=_exif(1).tobytes(), **how)
        shots.append(Shot(path, colours_of(upright)))
    upright = _large("coffee.png").crop((200, 100, 1300, 900))
    path = folder / "IMG_209.HEIC"
    cast("Any", pillow_heif).from_pillow(upright).save(path, quality=80, exif=_exif(1).tobytes())
    shots.append(Shot(path, colours_of(upright)))
    path = folder / "moves.gif"
    path.write_bytes(moving_picture())
    shots.append(Shot(path, None))
    path = folder / "IMG_210.MOV"
    path.write_bytes(recording(6, "mov", place=PLACE).data)
    shots.append(Shot(path, None))
    return shots


def moving_picture(seconds: int = 4) -> bytes:
    """A GIF of bars that go from left to right."""
    frames: list[Image.Image] = []
    for step in range(seconds * 5):
        frame = Image.new("RGB", (400, 300), (12, 40, 60))
        frame.paste((240, 180, 40), (step * 18, 0, step * 18 + 60, 300))
        frames.append(frame)
    target = io.BytesIO()
    frames[0].save(target, "GIF", save_all=True, append_images=frames[1:], duration=200, loop=0)
    return target.getvalue()


def _large(name: str) -> Image.Image:
    """A photograph at a phone's size, with a sensor's grain."""
    with Image.open(photograph(name)) as picture:
        upright = picture.convert("RGB")
    scale = _SIDE / max(upright.size)
    upright = upright.resize((round(upright.width * scale), round(upright.height * scale)))
    grain = Image.effect_noise(upright.size, 24).convert("RGB")
    return ImageChops.add(upright, grain, offset=-128)


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Make] = CAMERA
    place: dict[int, Any] = {
        ExifTags.GPS.GPSLatitudeRef: "N",
        ExifTags.GPS.GPSLatitude: (27.0, 59.0, 17.0),
        ExifTags.GPS.GPSLongitudeRef: "E",
        ExifTags.GPS.GPSLongitude: (86.0, 55.0, 31.0),
        ExifTags.GPS.GPSMapDatum: DATUM,
    }
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(place)
    return exif
