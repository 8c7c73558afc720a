"""Renditions a second on one core, beside `vipsthumbnail` on the same photographs with the same sizes and quality.

`vipsthumbnail` (of libvips-tools) runs as one process over all files, with `VIPS_CONCURRENCY=1`. Where it is not
installed, `vips_alone` does the same calls through pyvips, in one process as well. Ours is the studio with one worker:
measuring, decoding, encoding, both hashes and SHA-256, and the way between the processes; all of it on one core.
"""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from PIL import Image

from tests.bench.fanout.board import Board, middle, spread
from tests.photographs import photograph
from wall.pictures.records import ROLE_SIZES
from wall.pictures.render import QUALITY
from wall.pictures.studio import PictureStudio
from wall.posts import Role

PART = "renditions"
SHARE = 0.8  # of vipsthumbnail's renditions a second, for 320 alone; issue 5 §6
NAMES = ("china.jpg", "flower.jpg", "hubble_deep_field.jpg", "retina.jpg", "coffee.png", "astronaut.png", "chelsea.png")
PHONE = (4000, 3000)  # what phones take; the photographs that packages ship are smaller
SIZES: tuple[Role, ...] = ("thumbnail-320", "thumbnail-640", "display-1280", "display-2560")
ALONE: tuple[Role, ...] = ("thumbnail-320",)


def renditions(board: Board, *, quick: bool) -> None:
    """Both kinds of photographs against `vipsthumbnail`, Pillow alone, and a cascade against one size at a time."""
    rounds = 1 if quick else 5
    with TemporaryDirectory() as name, _one_core():
        root = Path(name)
        as_shipped = [photograph(one) for one in NAMES]
        of_phones = _as_phones_take_them(root, NAMES[:3])
        for what, paths, times in (("as shipped", as_shipped, 12), ("of 12 megapixels", of_phones, 4)):
            _beside_vips(board, root, what, paths * (1 if quick else times), rounds)
        _cascade(board, of_phones, rounds)


def _beside_vips(board: Board, root: Path, what: str, paths: Sequence[Path], rounds: int) -> None:
    ours: list[float] = []
    theirs: list[float] = []
    pillow: list[float] = []
    for _ in range(rounds):  # by turns, so that the machine's moods hit all of them
        theirs.append(len(paths) / _timed(lambda: _vipsthumbnail(root, paths)))
        ours.append(len(paths) / asyncio.run(_studio(paths, [ALONE])))
        pillow.append(len(paths) / asyncio.run(_studio(paths, [ALONE], module="tests.bench.media.pillow_worker")))
    note = "vipsthumbnail" if shutil.which("vipsthumbnail") else "its calls through pyvips"
    board.say(PART, f"320 px of photographs {what}, vipsthumbnail", middle(theirs), "/s", f"{note}; {spread(theirs)}")
    board.say(PART, f"320 px of photographs {what}, Frieze", middle(ours), "/s", spread(ours))
    board.say(PART, f"320 px of photographs {what}, Frieze with Pillow only", middle(pillow), "/s", spread(pillow))
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    board.at_least(PART, f"Frieze beside vipsthumbnail, {what}", middle(ratios), "times", SHARE, spread(ratios))


def _cascade(board: Board, paths: Sequence[Path], rounds: int) -> None:
    together = [len(paths) / asyncio.run(_studio(paths, [SIZES])) for _ in range(rounds)]
    apart = [len(paths) / asyncio.run(_studio(paths, [(role,) for role in SIZES])) for _ in range(rounds)]
    board.say(PART, "pictures of 12 megapixels in all four sizes, one pass", middle(together), "/s", spread(together))
    board.say(PART, "pictures of 12 megapixels in all four sizes, one by one", middle(apart), "/s", spread(apart))
    board.at_least(PART, "one pass beside one by one", middle(together) / middle(apart), "times", 1)


async def _studio(
    paths: Sequence[Path], passes: Sequence[Sequence[Role]], module: str = "wall.pictures.worker"
) -> float:
    """Seconds for all `passes` over all pictures, one worker, one picture after the other."""
    async with PictureStudio(workers=1, jobs_per_worker=10_000, module=module) as studio:
        await studio.render(paths[0], passes[0])  # the worker's start is not the picture's time
        began = monotonic()
        for path in paths:
            for roles in passes:
                await studio.render(path, roles)
        return monotonic() - began


def _vipsthumbnail(root: Path, paths: Sequence[Path]) -> None:
    environment = {"VIPS_CONCURRENCY": "1", "PATH": os.environ["PATH"]}
    side = str(ROLE_SIZES["thumbnail-320"])
    folder = root / "theirs"
    folder.mkdir(exist_ok=True)
    if shutil.which("vipsthumbnail"):
        # one name for all: each overwrites the one before
        form = f"{folder}/%s.webp[Q={QUALITY},strip]"
        names = [str(path) for path in paths]
        command = ["vipsthumbnail", *names, "--size", f"{side}x{side}>", "--export-profile", "srgb", "-o", form]
    else:
        command = [sys.executable, "-m", "tests.bench.media.vips_alone", str(folder), side, str(QUALITY)]
        command += map(str, paths)
    subprocess.run(command, env=environment, check=True, capture_output=True)


def _timed(work: Callable[[], None]) -> float:
    began = monotonic()
    work()
    return monotonic() - began


def _as_phones_take_them(root: Path, names: Sequence[str]) -> list[Path]:
    """The photographs, enlarged to twelve megapixels and compressed as a phone does."""
    made: list[Path] = []
    for name in names:
        path = root / f"phone-{name}"
        with Image.open(photograph(name)) as picture:
            picture.convert("RGB").resize(PHONE, Image.Resampling.BICUBIC).save(path, "JPEG", quality=90)
        made.append(path)
    return made


@contextmanager
def _one_core() -> Generator[None]:
    """This process and those it starts share one core."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)
