"""A picture worker whose pictures misbehave by name; run by the studio's tests in place of the real one."""

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from wall.pictures import frames, worker


def _ask(start: int, length: int) -> bytes:
    raise OSError("no video is asked about")


def misbehave(question: dict[str, Any]) -> bytes:
    name = Path(question["path"]).name
    if name.startswith("sleeps"):
        time.sleep(3600)
    if name.startswith("spins"):
        while True:
            pass
    if name.startswith("crashes"):
        os.kill(os.getpid(), signal.SIGSEGV)
    if name.startswith("is-killed"):
        os.kill(os.getpid(), signal.SIGKILL)
    if name.startswith("babbles"):
        return frames.LENGTH.pack(1 << 31)
    if name.startswith("eats"):
        eaten: list[bytes] = []
        try:
            while True:
                eaten.append(bytes(1 << 26))  # address space, which is what the limit counts
        except MemoryError:
            eaten.clear()
            os.abort()
    return worker.answer(question, _ask)


if __name__ == "__main__":
    worker.limit_process()
    sys.stdout.buffer.write(frames.READY)
    sys.stdout.buffer.flush()
    while length := sys.stdin.buffer.read(frames.LENGTH.size):
        asked = json.loads(sys.stdin.buffer.read(frames.LENGTH.unpack(length)[0]))
        sys.stdout.buffer.write(misbehave(asked))
        sys.stdout.buffer.flush()
