import pytest


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """As in production: uvloop, whose sockets say exactly when they are full."""
    return "asyncio", {"use_uvloop": True}
