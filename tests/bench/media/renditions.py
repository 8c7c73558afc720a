"""Renditions a second on one core, beside `vipsthumbnail` on the same photographs with the same sizes and quality.

`vipsthumbnail` (Debian's libvips-tools) runs as one process over all files, with `VIPS_CONCURRENCY=1`. Ours is the
studio with one worker: measuring, decoding, encoding, both hashes and SHA-256, and the way between the processes; all
of it on one core. Seconds are those of the processor, so that what else a shared machine does is nobody's.
"""

import asyncio
import os
import resource
import shutil
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from tests.bench import clock
from tests.bench.board import Board, Failed, middle, spread
from tests.photographs import photograph
from wall.pictures.records import ROLE_SIZES
from wall.pictures.render import QUALITY
from wall.pictures.studio import PictureStudio
from wall.posts import Role

PART = "renditions"
SHARE = 0.8  # of vipsthumbnail's renditions a second, for 320 alone; issue 5 §6
NAMES = ("china.jpg", "flower.jpg", "hubble_deep_field.jpg", "retina.jpg", "coffee.png", "astronaut.png", "chelsea.png")
AS_SHIPPED, OF_PHONES = "as shipped", "of 12 megapixels"
PHONE = (4000, 3000)  # what phones take; the photographs that packages ship are smaller
SIZES: tuple[Role, ...] = ("thumbnail-320", "thumbnail-640", "display-1280", "display-2560")
ALONE: tuple[Role, ...] = ("thumbnail-320",)


def renditions(board: Board, *, quick: bool) -> None:
    """Both kinds of photographs against `vipsthumbnail`, Pillow alone, and a cascade against one size at a time.

    `quick`: fewer pictures in fewer rounds.
    """
    rounds, share = (2, 3) if quick else (5, 1)
    with TemporaryDirectory() as name, _one_core():
        root = Path(name)
        as_shipped = [photograph(one) for one in NAMES]
        of_phones = _as_phones_take_them(root, NAMES[:3])
        _beside_vips(board, root, AS_SHIPPED, as_shipped * (12 // share), rounds)
        _beside_vips(board, root, OF_PHONES, of_phones * (6 // share), rounds)
        _cascade(board, of_phones, rounds=1 if quick else 3)


def ratio_name(what: str) -> str:
    return f"Frieze beside vipsthumbnail, {what}"


def _beside_vips(board: Board, root: Path, what: str, paths: Sequence[Path], rounds: int) -> None:
    ours: list[float] = []
    theirs: list[float] = []
    pillow: list[float] = []
    for _ in range(rounds):  # by turns, so that the machine's moods hit all of them
        theirs.append(len(paths) / _vipsthumbnail(root, paths))
        ours.append(len(paths) / asyncio.run(_studio(paths, [ALONE])))
        pillow.append(len(paths) / asyncio.run(_studio(paths, [ALONE], module="tests.bench.media.pillow_worker")))
    board.say(PART, f"320 px of photographs {what}, vipsthumbnail", middle(theirs), "/s", spread(theirs))
    board.say(PART, f"320 px of photographs {what}, Frieze", middle(ours), "/s", spread(ours))
    board.say(PART, f"320 px of photographs {what}, Frieze with Pillow only", middle(pillow), "/s", spread(pillow))
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    board.at_least(PART, ratio_name(what), middle(ratios), "times", SHARE, spread(ratios))


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
        before = clock.processors(os.getpid())
        for path in paths:
            for roles in passes:
                await studio.render(path, roles)
        return clock.processors(os.getpid()) - before


def _vipsthumbnail(root: Path, paths: Sequence[Path]) -> float:
    """Seconds for all pictures, one process."""
    program = shutil.which("vipsthumbnail")
    if program is None:
        raise SystemExit("install vipsthumbnail (apt install libvips-tools) to measure against it")
    side = str(ROLE_SIZES["thumbnail-320"])
    folder = root / "theirs"
    folder.mkdir(exist_ok=True)
    # one name for all: each overwrites the one before
    form = f"{folder}/%s.webp[Q={QUALITY},strip]"
    command = [program, *map(str, paths), "--size", f"{side}x{side}>", "--export-profile", "srgb", "-o", form]
    before = _children()
    done = subprocess.run(command, env={"VIPS_CONCURRENCY": "1"}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"vipsthumbnail ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    return _children() - before


def _children() -> float:
    """Seconds of processor of those that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


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
