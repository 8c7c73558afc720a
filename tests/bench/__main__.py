"""`script/bench NAME`."""

import sys

from tests.bench import fuzz, path

BENCHES = {
    "path": (path.main, "from `frieze up` to pictures on the glass: start, delays, rates, memory"),
    "fuzz": (fuzz.main, "ten million broken and whole inputs for the STOMP codec and session [--inputs N] [--seed S]"),
}


def main() -> int:
    names = sys.argv[1:]
    if not names or names[0] not in BENCHES:
        print("usage: script/bench NAME [OPTION ...]")
        for name, (_, meaning) in BENCHES.items():
            print(f"  {name:8} {meaning}")
        return 2
    BENCHES[names[0]][0]()
    return 0


if __name__ == "__main__":
    sys.exit(main())
