"""`script/bench NAME [ARGUMENT…]`."""

import sys
from collections.abc import Callable, Sequence

from tests.bench import fuzz, path
from tests.bench.fanout import command as fanout
from tests.bench.media import command as media

BENCHES: dict[str, tuple[Callable[[Sequence[str]], None], str]] = {
    "path": (path.main, "from `frieze up` to pictures on the glass: start, delays, rates, memory"),
    "fanout": (fanout.main, "what a delivery costs and that none is lost, beside bare writes and ActiveMQ"),
    "media": (media.main, "what pictures and videos cost on their way to viewers, beside nginx"),
    "fuzz": (fuzz.main, "ten million broken and whole inputs for the STOMP codec and session [--inputs N] [--seed S]"),
}


def main() -> int:
    name, *arguments = sys.argv[1:] or [""]
    if name not in BENCHES:
        print("usage: script/bench NAME [ARGUMENT…]")
        for known, (_, meaning) in BENCHES.items():
            print(f"  {known:8} {meaning}")
        return 2
    BENCHES[name][0](arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
