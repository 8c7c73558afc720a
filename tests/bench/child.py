"""A helper process that is told things by lines and says things by lines, and ends with the bench."""

import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from tests.bench.board import Failed
from tests.processes import ROOT, environment


@dataclass(frozen=True, slots=True)
class Child:
    """Its stdin and stdout, as lines; its stderr is ours."""

    module: str
    process: "subprocess.Popen[str]"

    @property
    def pid(self) -> int:
        return self.process.pid

    def say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        """Its next line. Raises Failed when it has ended."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise Failed(f"the bench's process {self.module} ended")
        return line


@contextmanager
def child(
    module: str, *arguments: str, settings: Mapping[str, str] | None = None, package: str = "tests.bench.fanout"
) -> Generator[Child]:
    """A module of `package` in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"{package}.{module}", *arguments],
        cwd=ROOT,
        env=environment(settings or {}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Child(module, process)
    finally:
        # at the end of its input it stops by itself
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
