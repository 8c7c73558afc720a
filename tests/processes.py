"""Frieze as its users start it: subprocesses with their own settings, their output kept."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.fakes.waiting import until_blocking

ROOT = Path(__file__).parent.parent


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without anybody's FRIEZE_ settings, and with these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FRIEZE_")}
    # the demo and the tests never need a proxy
    return {**kept, **settings, "PYTHONPATH": str(ROOT), "FRIEZE_LOG_FORMAT": "lines", "COLUMNS": "400"}


def run(*arguments: str, settings: Mapping[str, str], check: bool = True) -> subprocess.CompletedProcess[str]:
    """One `frieze` command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "frieze", *arguments],
        env=environment(settings),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=90,
        check=check,
    )


class Frieze:
    """A running `frieze` process; `log` is everything it has printed."""

    def __init__(
        self, arguments: tuple[str, ...], settings: Mapping[str, str], folder: Path, module: str = "frieze"
    ) -> None:
        self._arguments = arguments
        self._module = module
        self._settings = dict(settings)
        self._path = folder / f"{'-'.join(arguments[:1])}-{time.monotonic_ns()}.log"
        self._start()

    def _start(self) -> None:
        with self._path.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", self._module, *self._arguments],
                env=environment(self._settings),
                cwd=ROOT,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        return self._path.read_text(errors="replace")

    def until_log(self, pattern: str, seconds: float = 30) -> re.Match[str]:
        """Wait for a line; fails with the whole log when the process ends before."""
        found: list[re.Match[str]] = []

        def look() -> bool:
            match = re.search(pattern, self.log)
            if match:
                found.append(match)
                return True
            if self.process.poll() is not None:
                raise AssertionError(f"frieze ended with {self.process.returncode}:\n{self.log}")
            return False

        until_blocking(look, f"{pattern!r} in the log of frieze {' '.join(self._arguments)}:\n{self.log}", seconds)
        return found[0]

    def until_ready(self, base: str, seconds: float = 40) -> None:
        """Wait until `/readyz` answers 200."""

        def ready() -> bool:
            if self.process.poll() is not None:
                raise AssertionError(f"frieze ended with {self.process.returncode}:\n{self.log}")
            return status(f"{base}/readyz") == 200

        until_blocking(ready, f"{base} to be ready", seconds)

    def kill(self) -> None:
        """SIGKILL to it and its children, as a power cut would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def start_again(self) -> None:
        self._start()

    def stop(self, seconds: float = 10) -> int:
        """SIGTERM, and its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(seconds)


@contextmanager
def frieze(*arguments: str, settings: Mapping[str, str], folder: Path, module: str = "frieze") -> Generator[Frieze]:
    """`module`: where it is started from, for a test's own variant."""
    started = Frieze(arguments, settings, folder, module)
    try:
        yield started
    finally:
        if started.process.poll() is None:
            started.process.terminate()
            try:
                started.process.wait(10)
            except subprocess.TimeoutExpired:
                started.kill()


def status(url: str) -> int | None:
    """The HTTP status of a GET, or None when nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None
