"""A container's share of the machine counts, not the machine."""

import os
from pathlib import Path

import pytest

from frieze.cores import cores


@pytest.mark.parametrize(
    ("said", "expected"),
    [("max 100000", None), ("100000 100000", 1), ("50000 100000", 1), ("nonsense", None), (None, None)],
)
def test_a_quota_limits_what_the_machine_has(tmp_path: Path, said: str | None, expected: int | None) -> None:
    quota = tmp_path / "cpu.max"
    if said is not None:
        quota.write_text(said + "\n")
    assert cores(quota) == (expected or len(os.sched_getaffinity(0)))
