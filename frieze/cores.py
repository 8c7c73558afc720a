"""How many cores this process may use."""

import os
from math import ceil
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # "max 100000" or "150000 100000": µs of CPU in µs of time


def cores(quota: Path = _QUOTA) -> int:
    """Those it may be scheduled on, and not more than its container may use."""
    available = len(os.sched_getaffinity(0))
    try:
        share, period = quota.read_text().split()
        return max(1, min(available, ceil(int(share) / int(period))))
    except (OSError, ValueError):  # no container, or "max"
        return available
