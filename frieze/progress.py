"""A progress bar on standard error for commands that take long; nothing where that is no terminal."""

from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn


class Bar:
    """Counts things, and where it is told so their bytes."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task
        self._done = 0
        self._bytes = False

    def expect(self, count: int, length: int | None = None) -> None:
        """How many there are in all, and how many bytes where that is what takes the time."""
        self._bytes = length is not None
        self._progress.update(self._task, total=count if length is None else length, all=count)

    def step(self, length: int = 0) -> None:
        """One is done, of so many bytes."""
        self._done += 1
        self._progress.update(self._task, advance=length if self._bytes else 1, objects=self._done)


@contextmanager
def progress_bar(unit: str, *, sized: bool = True) -> Generator[Bar]:
    """`unit`: what is counted, in the plural; `sized`: their bytes are told too."""
    console = Console(stderr=True)
    columns = (
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        *((DownloadColumn(),) if sized else ()),
        TextColumn("{task.fields[objects]:,} of {task.fields[all]:,} " + unit),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        yield Bar(progress, progress.add_task("", total=None, objects=0, all=0))
