"""Fixtures for the stand-ins. Load them with `pytest_plugins = ["tests.fakes.fixtures"]` in tests/conftest.py,
or by importing the fixture's name in a test module's own conftest.
"""

from collections.abc import Generator

import pytest

from tests.fakes.x import XStandIn


@pytest.fixture
def x_api() -> Generator[XStandIn]:
    """A running stand-in for X's API and its picture host."""
    with XStandIn.running() as x:
        yield x
