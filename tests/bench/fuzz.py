"""A coverage-guided fuzz of the STOMP codec and session: `script/bench fuzz [--inputs N] [--seed S]`.

Small inputs, very many: mutations of a corpus that grows with what reaches new branches. An input that behaves in a
way not seen before, and a few others, run once more under `sys.settrace`, which tells the branches; all the rest run
at full speed. Every input is checked for

- no exception but StompError, and no more time than `SECONDS`;
- limits that hold: bytes kept, subscriptions, open transactions and what they hold;
- the same frames, events and errors however the bytes are cut;
- decode(encode(frame)) == frame, in the version it came in.
"""

import argparse
import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from tests.bench.figures import machine
from tests.bench.mutations import COMMANDS, LONGEST, SEEDS, Mutator
from wall.stomp import codec, frames, session, transactions
from wall.stomp.codec import Decoder, Limits, encode
from wall.stomp.errors import Code, StompError
from wall.stomp.events import (
    Abort,
    Begin,
    Broken,
    Commit,
    Connect,
    Disconnect,
    Send,
    Subscribe,
    Unsubscribe,
)
from wall.stomp.frames import Frame, Version
from wall.stomp.session import VERSIONS, Session, SessionLimits
from wall.stomp.transactions import TransactionLimits

INPUTS = 10_000_000
SECONDS = 0.25  # of CPU for one input; the slowest seen take a hundredth
TRACED = 1024  # one in so many is traced whatever it does
REMEMBERED = 20_000  # frames: mutations of a small corpus repeat themselves
REPORT_EVERY = 10_000  # inputs

# Small, so that small inputs reach them; the round trip needs room for escapes.
SMALL = Limits(command=12, headers=5, line=40, head=100, body=32, frame=120)
WIDE = Limits(line=8 * LONGEST, head=16 * LONGEST, frame=32 * LONGEST)
KEPT = max(SMALL.command, SMALL.line, SMALL.body + 1)
TRANSACTIONS = TransactionLimits(open=2, frames=3, size=60)
SESSION = SessionLimits(greeting=SMALL, subscriptions=2, id_length=12, transactions=TRANSACTIONS)

COMMAND_NAMES = frozenset(command.decode() for command in COMMANDS)

Outcome = tuple[object, ...]


class Finding(Exception):
    """Something that must not happen, in words."""


@dataclass(frozen=True, slots=True)
class Target:
    """What an input is given to. `run` takes the pieces and gives what came of them."""

    name: str
    run: Callable[[Sequence[bytes]], Outcome]
    check: Callable[[Outcome], None]


# ── the two targets ──────────────────────────────────────────────────────────────────────────────────────────────────


def codec_target(version: Version, decoder_class: type[Decoder] = Decoder) -> Target:
    right: dict[bytes, Frame] = {}  # whose round trip has been checked

    def run(pieces: Sequence[bytes]) -> Outcome:
        decoder = decoder_class(SMALL, version)
        got: list[Frame] = []
        try:
            for piece in pieces:
                got.extend(decoder.feed(piece))
                if decoder.buffered > KEPT or (decoder.buffered and not decoder.partial):
                    raise Finding(f"{decoder.buffered} bytes are kept")
        except StompError as error:
            return (*got, error.code)
        return tuple(got)

    def check(outcome: Outcome) -> None:
        for frame in outcome:
            if not isinstance(frame, Frame) or not _can_be_said(frame):
                continue
            said = encode(frame, version)
            if right.get(said) == frame:
                continue
            again = list(decoder_class(WIDE, version).feed(said))
            if again != [frame]:
                raise Finding(f"{frame} came back as {again}")
            right[said] = frame
            if len(right) > REMEMBERED:
                right.clear()

    return Target(f"codec {version}", run, check)


def _can_be_said(frame: Frame) -> bool:
    """A CR before the line's end is lost where nothing escapes it: in commands, and in CONNECT and CONNECTED."""
    if frame.command.endswith("\r"):
        return False
    return frame.command not in ("CONNECT", "CONNECTED") or not any(v.endswith("\r") for v in frame.headers.values())


def session_target(version: Version | None) -> Target:
    """`version`: the session is open in it already; None: the input has to say CONNECT."""
    greeting = {
        None: b"",
        Version.V1_0: b"CONNECT\n\n\0",
        Version.V1_1: b"CONNECT\naccept-version:1.1\n\n\0",
        Version.V1_2: b"STOMP\naccept-version:1.2\nheart-beat:20,20\n\n\0",
    }[version]

    def run(pieces: Sequence[bytes]) -> Outcome:
        it = Session(SESSION, 0.0)
        outcome: list[object] = []
        for piece in (greeting, *pieces) if greeting else pieces:
            for event in it.receive(piece, 0.0):
                if isinstance(event, Broken):
                    outcome.append((event.error.code, event.answer, it.version))
                    return tuple(outcome)
                outcome.append(event)
                if isinstance(event, Connect):
                    it.accept(SMALL, 10.0, 10.0)
                elif event.receipt is not None:
                    it.receipt(event.receipt)
            if outcome and isinstance(outcome[-1], Disconnect):
                break
        return (*outcome, it.connected, it.silent(1e6), it.late(1e6, 10.0))

    def check(outcome: Outcome) -> None:
        subscribed = begun = 0
        for event in outcome:
            match event:
                case Subscribe():
                    subscribed += 1
                case Unsubscribe():
                    subscribed -= 1
                case Begin():
                    begun += 1
                case Commit() | Abort():
                    begun -= 1
                    if isinstance(event, Commit):
                        _check_held(event)
                case tuple():
                    _check_answer(event)
                case _:
                    pass
        if not 0 <= subscribed <= SESSION.subscriptions or not 0 <= begun <= TRANSACTIONS.open:
            raise Finding(f"{subscribed} subscriptions, {begun} transactions are open")

    return Target(f"session {version or 'from CONNECT'}", run, check)


def _check_held(commit: Commit) -> None:
    size = sum(len(effect.body) for effect in commit.effects if isinstance(effect, Send))
    if len(commit.effects) > TRANSACTIONS.frames or size > TRANSACTIONS.size:
        raise Finding(f"a transaction held {len(commit.effects)} frames and {size} bytes")


def _check_answer(broken: tuple[Any, ...]) -> None:
    code, answer, version = broken
    (error,) = Decoder(WIDE, version).feed(answer)
    if error.command != "ERROR" or error.headers["code"] != str(int(code)):
        raise Finding(f"{answer!r} does not say {code!r}")


def targets() -> list[Target]:
    return [*map(codec_target, VERSIONS), *map(session_target, (None, *VERSIONS))]


# ── coverage ─────────────────────────────────────────────────────────────────────────────────────────────────────────

MODULES = (codec, frames, session, transactions)
_FILES = frozenset(str(module.__file__) for module in MODULES)


def _function_lines(code: CodeType, file: str) -> Iterator[tuple[str, int]]:
    """The lines inside functions; those of modules and classes ran at import."""
    is_function = bool(code.co_flags & 0x2)  # CO_NEWLOCALS … of functions only, with CO_OPTIMIZED
    if code.co_flags & 0x1 and is_function:
        yield from ((file, line) for _, _, line in code.co_lines() if line and line != code.co_firstlineno)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _function_lines(constant, file)


def all_lines() -> set[tuple[str, int]]:
    found: set[tuple[str, int]] = set()
    for file in _FILES:
        found.update(_function_lines(compile(Path(file).read_text(), file, "exec"), file))
    return found


class Coverage:
    """The lines and branches (from one line to the next in the same function) that traced inputs have reached."""

    def __init__(self) -> None:
        self.branches: set[tuple[str, int, int]] = set()

    @property
    def lines(self) -> set[tuple[str, int]]:
        return {(file, line) for file, _, line in self.branches}

    def reaches_more(self, act: Callable[[], object]) -> bool:
        """Whether `act` takes a branch that nothing took before."""
        before = len(self.branches)
        sys.settrace(self._enter)
        try:
            act()
        finally:
            sys.settrace(None)
        return len(self.branches) > before

    def _enter(self, frame: FrameType, event: str, argument: object) -> Any:
        file = frame.f_code.co_filename
        if file not in _FILES:
            return None
        last, add = frame.f_lineno, self.branches.add

        def step(frame: FrameType, event: str, argument: object) -> Any:
            nonlocal last
            line = frame.f_lineno
            if line != last:
                add((file, last, line))
                last = line
            return step

        return step


# ── the fuzz ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Report:
    """What one process has done so far."""

    inputs: int = 0
    corpus: int = 0
    slowest: float = 0.0  # seconds of CPU
    processor: float = 0.0  # seconds of CPU, for all
    lines: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])
    branches: set[tuple[str, int, int]] = field(default_factory=set[tuple[str, int, int]])
    finding: str | None = None


def _check(target: Target, data: bytes, pieces: Sequence[bytes]) -> Outcome:
    outcome = target.run((data,))
    cut = target.run(pieces)
    if cut != outcome:
        raise Finding(f"cut it gives {cut}, whole {outcome}")
    target.check(outcome)
    return outcome


class Fuzz:
    """One process's share. The same seed does the same."""

    def __init__(self, seed: str, aims: Sequence[Target] | None = None) -> None:
        # quick and repeatable, not secret
        self._mutator = Mutator(random.Random(seed))
        self._targets = targets() if aims is None else aims
        self._corpora = {target.name: list(SEEDS) for target in self._targets}
        self._seen: set[Outcome] = set()
        self.coverage = Coverage()
        self.report = Report()

    def run(self, inputs: int) -> None:
        """Try so many inputs. Raises Finding."""
        mutator, targets, clock, report = self._mutator, self._targets, time.thread_time, self.report
        for number in range(inputs):
            target = targets[number % len(targets)]
            data = mutator.make(self._corpora[target.name])
            pieces = mutator.pieces(data)
            started = clock()
            try:
                outcome = _check(target, data, pieces)
            except Exception as error:
                said = f"{target.name}: {data!r} in {pieces!r}: {type(error).__name__}: {error}"
                raise Finding(said) from error
            took = clock() - started
            if took > report.slowest:
                report.slowest = took
                if took > SECONDS:
                    raise Finding(f"{target.name}: {data!r} took {took:.3f} s of CPU")
            report.inputs += 1
            self._learn(target, data, pieces, outcome, traced=number % TRACED == 0)

    def _learn(self, target: Target, data: bytes, pieces: Sequence[bytes], outcome: Outcome, *, traced: bool) -> None:
        """Keep an input that reaches something new."""
        kind = (target.name, *map(_kind, outcome[:4]))
        new = kind not in self._seen
        if new:
            self._seen.add(kind)
        if (new or traced) and self.coverage.reaches_more(lambda: (target.run(pieces), target.check(outcome))):
            self._corpora[target.name].append(data)

    def summary(self) -> Report:
        self.report.processor = time.process_time()
        self.report.corpus = sum(map(len, self._corpora.values()))
        self.report.lines = self.coverage.lines
        self.report.branches = self.coverage.branches
        return self.report


def _kind(result: object) -> object:
    """What is worth telling apart: the number of an error, a frame's command and headers, an event."""
    if isinstance(result, Frame):
        return result.command if result.command in COMMAND_NAMES else "", bool(result.body)
    if isinstance(result, Code):
        return result
    return result[0] if isinstance(result, tuple) else type(result)


def _work(seed: str, inputs: int, pipe: "Connection[Report, Report]") -> None:
    """In a process of its own: report now and then, and at the end."""

    def hang(number: int, frame: FrameType | None) -> None:
        raise Finding("an input does not end")

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGVTALRM, hang)
    fuzz = Fuzz(seed)
    parent = multiprocessing.parent_process()
    assert parent is not None
    try:
        while (left := inputs - fuzz.report.inputs) > 0 and parent.is_alive():
            signal.setitimer(signal.ITIMER_VIRTUAL, 60.0)  # of CPU: these take a second
            fuzz.run(min(left, REPORT_EVERY))
            pipe.send(fuzz.summary())
    except Finding as finding:
        report = fuzz.summary()
        report.finding = str(finding)
        pipe.send(report)
    pipe.close()


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="script/bench fuzz", description="Fuzz the STOMP codec and session.")
    parser.add_argument("--inputs", type=int, default=INPUTS)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(arguments)
    processes: int = options.processes
    print(f"{machine()}; seed {options.seed}, {processes} processes, {options.inputs:,} inputs", flush=True)
    started = time.monotonic()
    pipes: list[Connection[Any, Any]] = []
    workers: list[multiprocessing.Process] = []
    for number in range(processes):
        ours, theirs = multiprocessing.Pipe(duplex=False)
        share = options.inputs // processes + (number < options.inputs % processes)
        worker = multiprocessing.Process(target=_work, args=(f"{options.seed}:{number}", share, theirs), daemon=True)
        worker.start()
        theirs.close()
        pipes.append(ours)
        workers.append(worker)
    reports = _gather(pipes, started)
    for worker in workers:
        worker.join()
    _print(reports, time.monotonic() - started)
    done = sum(report.inputs for report in reports)
    findings = [report.finding for report in reports if report.finding]
    if not findings and done < options.inputs:
        findings = ["a process died"]
    for finding in findings:
        print(f"FOUND with seed {options.seed}: {finding}")
    if findings:
        raise SystemExit(1)
    missing = all_lines().difference(*(report.lines for report in reports))
    print("not reached:", ", ".join(sorted(f"{Path(file).name}:{line}" for file, line in missing)) or "nothing")
    print(f"nothing found in {done:,} inputs with seed {options.seed}")


def _gather(pipes: Sequence["Connection[Any, Any]"], started: float) -> list[Report]:
    latest = [Report() for _ in pipes]
    open_pipes = {pipe: number for number, pipe in enumerate(pipes)}
    told = started
    while open_pipes:
        for pipe in wait(list(open_pipes)):
            assert isinstance(pipe, Connection)
            try:
                latest[open_pipes[pipe]] = pipe.recv()
            except EOFError:
                del open_pipes[pipe]
        now = time.monotonic()
        if now - told >= 10:
            told = now
            _print(latest, now - started)
    return latest


def _print(reports: Sequence[Report], seconds: float) -> None:
    every = all_lines()
    done = sum(report.inputs for report in reports)
    lines = set[tuple[str, int]]().union(*(report.lines for report in reports)) & every
    branches = set[tuple[str, int, int]]().union(*(report.branches for report in reports))
    print(
        f"{seconds:6.0f} s  {done:>11,} inputs  {done / max(seconds, 0.001):>7,.0f}/s  "
        f"{1e6 * sum(report.processor for report in reports) / max(done, 1):.0f} us of CPU each  "
        f"corpus {sum(report.corpus for report in reports):,}  lines {len(lines)} of {len(every)}  "
        f"branches {len(branches):,}  slowest {1000 * max(report.slowest for report in reports):.1f} ms",
        flush=True,
    )
