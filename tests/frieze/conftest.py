"""Settings of nobody's machine."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from frieze.settings import Settings, load


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    """Settings with a data folder of their own, everything else as it comes, and what the test gives."""
    for name in [name for name in os.environ if name.startswith("FRIEZE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FRIEZE_CONFIG", str(tmp_path / "none.toml"))

    def make(**given: Any) -> Settings:
        return load(**{"data": tmp_path / "data", **given})

    return make
