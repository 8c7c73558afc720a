"""`script/bench NAME`."""

import sys

from tests.bench import path

BENCHES = {"path": (path.main, "from `frieze up` to pictures on the glass: start, delays, rates, memory")}


def main() -> int:
    names = sys.argv[1:]
    if len(names) != 1 or names[0] not in BENCHES:
        print("usage: script/bench NAME")
        for name, (_, meaning) in BENCHES.items():
            print(f"  {name:8} {meaning}")
        return 2
    BENCHES[names[0]][0]()
    return 0


if __name__ == "__main__":
    sys.exit(main())
