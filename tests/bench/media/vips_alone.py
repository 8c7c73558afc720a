"""What `vipsthumbnail` does, through pyvips: `python -m tests.bench.media.vips_alone FOLDER SIDE QUALITY FILE…`."""

import sys
from pathlib import Path
from typing import Any, cast

import pyvips


def main() -> None:
    folder, side, quality, *names = sys.argv[1:]
    vips = cast("Any", pyvips)
    vips.cache_set_max(0)
    for name in names:
        small = vips.Image.thumbnail(name, int(side), height=int(side), size="down", output_profile="srgb")
        small.webpsave(str(Path(folder) / f"{Path(name).stem}.webp"), Q=int(quality), keep="none")


if __name__ == "__main__":
    main()
