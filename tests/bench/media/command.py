"""`script/bench media [--quick] [--draw FILE] [PART…]`."""

from collections.abc import Sequence

from tests.bench.media.herd import herd
from tests.bench.media.hostile import hostile
from tests.bench.media.plot import draw
from tests.bench.media.renditions import renditions
from tests.bench.media.streaming import streaming
from tests.bench.media.uploads import uploads
from tests.bench.parts import Bench

_BENCH = Bench(
    name="media",
    parts={
        "streaming": (streaming, "a gigabyte through the relay beside nginx; memory of 1 to 128 streams"),
        "herd": (herd, "a cached thumbnail beside nginx; 4,000 viewers who ask for a new one in Swift at once"),
        "uploads": (uploads, "a gigabyte in, to disk and to Swift; memory of 64 at once; the last byte to 201"),
        "renditions": (renditions, "pictures a second on one core, beside vipsthumbnail"),
        "hostile": (hostile, "every hostile or odd input: outcome, time, memory"),
    },
    draw=draw,
    descriptors=5_000,  # 4,000 viewers, and a process's own
)


def main(arguments: Sequence[str]) -> None:
    _BENCH.main(arguments)
