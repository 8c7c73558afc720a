"""`python -m tests.frieze.storage.segmenting`: the whole program, but on Swift it writes in small segments."""

from frieze.cli import main
from wall.store.swift.store import SwiftStore

LARGE_BYTES, SEGMENT_BYTES = 100_000, 64_000

if __name__ == "__main__":
    assert SwiftStore.__init__.__kwdefaults__ is not None
    SwiftStore.__init__.__kwdefaults__.update(large_bytes=LARGE_BYTES, segment_bytes=SEGMENT_BYTES)
    main()
