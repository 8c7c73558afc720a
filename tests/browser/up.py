"""`frieze up` on a fresh folder, for tests in a browser."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.postgres import free_port
from tests.processes import Frieze, frieze, run


@dataclass
class Up:
    """The running program: where it is found, and the settings with which commands find it too."""

    process: Frieze
    base: str
    port: int
    database: str
    settings: dict[str, str]

    def link(self, name: str) -> str:
        """A sign-in link of an operator's own."""
        printed = run("operator", "link", name, settings=self.settings).stdout
        return next(word for word in printed.split() if "/console/sign-in?token=" in word)


@contextmanager
def frieze_up(folder: Path, more: Mapping[str, str]) -> Generator[Up]:
    """The program with its data under `folder` and `more` settings, until the block ends."""
    port = free_port()
    settings = {
        "FRIEZE_DATA": str(folder / "data"),
        "FRIEZE_PORT": str(port),
        "FRIEZE_STOMP_PORT": "0",
        "FRIEZE_DEMO_PACE": "1",
        **more,
    }
    with frieze("up", settings=settings, folder=folder) as process:
        base = f"http://127.0.0.1:{port}"
        process.until_ready(base)
        yield Up(process, base, port, f"sqlite:{folder / 'data' / 'catalogue.db'}", settings)
