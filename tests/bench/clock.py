"""What a process has used, from the operating system."""

import os
import time
from pathlib import Path

from tests.bench.figures import tree


def processor(pid: int) -> float:
    """User and system seconds of one process, all its threads, ended ones too, to the nanosecond.

    The clock of /proc/<pid>/stat, which rounds to a hundredth: `clock_getcpuclockid` makes this number of a pid.
    """
    return time.clock_gettime((~pid << 3) | 2)


def processors(pid: int) -> float:
    """The same of a process and its living descendants: what a shell or a JVM's launcher has started."""
    return sum(processor(one) for one in tree(pid))


def resident(pid: int) -> int:
    """Bytes of memory that a process and its descendants would free by ending (PSS)."""
    total = 0
    for one in tree(pid):
        rollup = (Path("/proc") / str(one) / "smaps_rollup").read_text()
        total += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return total * 1024


def unsent(port: int) -> list[int]:
    """Of each connection to `port`, the bytes that wait in the kernel to be sent from it (/proc/net/tcp)."""
    queues: list[int] = []
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, waiting, *_ = line.split()
        # 01: established
        if state == "01" and int(local.partition(":")[2], 16) == port:
            queues.append(int(waiting.partition(":")[0], 16))
    return queues


def load() -> str:
    """How busy the machine is, beside the bench."""
    return f"load {os.getloadavg()[0]:.1f}"
