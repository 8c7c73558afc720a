"""`frieze relay --workers N`: N processes on one port, watched over by this one.

Each worker is a relay of its own: its ring, its subscription at the broker, its loop. This process holds their
listening sockets (SO_REUSEPORT, one each), so that connections that wait to be accepted outlive a worker and are
taken by the one that replaces it; when a worker stays away, its socket is closed and the system gives its share to
the others. It serves nobody itself.
"""

import asyncio
import random
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from os import environ

import structlog

from frieze.broker import broker_address
from frieze.cores import cores
from frieze.folder import data_folder
from frieze.nodes import NodeKeeper, node_name
from frieze.relaying import occupancy
from frieze.server import PAGES, bind
from frieze.settings import PREFIX, Settings
from frieze.stopping import STOP_SECONDS, leave_seconds, on_signals
from frieze.tether import LINE_BYTES, REPORT_SECONDS, STALE_SECONDS, Report, word_of_readiness, word_to_stop
from wall.catalogue import Catalogue
from wall.errors import FriezeError, SettingsError
from wall.trouble import Trouble

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 30.0
# a worker that lived so long was well; the pauses begin anew
STEADY_SECONDS = 30.0
# connections wait no longer than this for a worker to come back; the page waits 10 s for an answer
HELD_SECONDS = 2.0
# a worker that has reported and falls silent for so long hangs; it reports every second
SILENT_SECONDS = 30.0


def run_workers(settings: Settings) -> None:
    """Run until SIGINT or SIGTERM. Raises FriezeError in one sentence when the workers can't start."""
    if settings.embedded:
        raise SettingsError(
            "Several workers need a broker beside them, FRIEZE_BROKER_URL=stomp://…: the embedded one is a single "
            "process; start without --workers and FRIEZE_RELAY_WORKERS."
        )
    data_folder(settings.data)
    broker_address(settings)
    asyncio.run(_run(settings, settings.relay_workers or cores()))


async def _run(settings: Settings, count: int) -> None:
    stopping, hurry = on_signals()
    port = _free(settings.host, settings.port)
    # keeps the port while no worker listens on it
    kept = bind(settings.host, port, *PAGES, shared=True, listening=False)
    catalogue = Catalogue(settings.database)
    try:
        supervisor = Supervisor(settings, port, count, stopping)
        keeper = NodeKeeper(catalogue, settings, supervisor.node, lambda: occupancy(supervisor.reports()))
        await supervisor.run(keeper, hurry)
    finally:
        await catalogue.close()
        kept.close()


class Worker:
    """One place among the workers, and the process that fills it now."""

    def __init__(self, number: int, count: int, listen: Callable[[], socket.socket]) -> None:
        self.number = number
        self._count = count
        self._report: Report | None = None  # None: it has not said anything yet
        self._heard = 0.0
        self._listen = listen
        self._listening: socket.socket | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None

    @property
    def report(self) -> Report | None:
        """How it fares; None when it does not run, or hangs."""
        fresh = asyncio.get_running_loop().time() - self._heard < STALE_SECONDS
        return self._report if fresh else None

    async def live(self, node: str, environment: dict[str, str], reported: Callable[[], None]) -> int:
        """Start the process and stay with it until it has ended; gives its status. Raises OSError, SettingsError."""
        listening_on = self.listen()
        ours, theirs = socket.socketpair()
        with theirs:
            inherited = (listening_on.fileno(), theirs.fileno())
            command = (sys.executable, "-m", "frieze.worker", node, *map(str, (self.number, self._count, *inherited)))
            self._process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.DEVNULL, pass_fds=inherited, env=environment
            )
        reader, self._writer = await asyncio.open_connection(sock=ours, limit=LINE_BYTES)
        listening = asyncio.create_task(self._hear(reader, reported))
        try:
            return await self._process.wait()
        finally:
            self._report = None
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            self._writer.close()
            self._writer = None
            self._process = None

    async def _hear(self, reader: asyncio.StreamReader, reported: Callable[[], None]) -> None:
        try:
            while True:
                # it may wait long for the database before its first word
                async with asyncio.timeout(None if self._report is None else SILENT_SECONDS):
                    line = await reader.readline()
                if not line:
                    return
                self._report, self._heard = Report.read(line), asyncio.get_running_loop().time()
                reported()
        except TimeoutError:
            structlog.get_logger("workers").warning("a relay worker hangs and is ended", worker=self.number)
            self.kill()

    def say(self, word: bytes) -> None:
        # one that hangs reads nothing: it is not worth keeping for it what is soon said again
        if self._writer is None or self._writer.is_closing():
            return
        if self._writer.transport.get_write_buffer_size() < LINE_BYTES:
            self._writer.write(word)

    def kill(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()

    def listen(self) -> socket.socket:
        """Have its share of the connections. Raises SettingsError."""
        if self._listening is None:
            self._listening = self._listen()
        return self._listening

    def stop_listening(self) -> None:
        """Connections that wait for this worker are reset, and new ones go to the others."""
        if self._listening is not None:
            self._listening.close()
            self._listening = None


class Supervisor:
    """Keeps `count` workers alive until `stopping`, then has their viewers leave."""

    def __init__(self, settings: Settings, port: int, count: int, stopping: asyncio.Event) -> None:
        def listen() -> socket.socket:
            return bind(settings.host, port, *PAGES, shared=True)

        self.node = node_name(port)
        self._workers = [Worker(number, count, listen) for number in range(count)]
        # options of the command line reach the workers as settings of their environment
        given = {"data": settings.data, "host": settings.host, "port": port}
        self._environment = {**environ, **{PREFIX + name.upper(): str(value) for name, value in given.items()}}
        self._stopping = stopping
        self._started = asyncio.Event()  # a worker has said that it runs
        self._failed: FriezeError | None = None
        self._spread: float | None = None  # while it stops: the seconds over which viewers leave
        self._log = structlog.get_logger("workers")
        self._trouble = Trouble()

    def reports(self) -> list[Report]:
        """Of those that run."""
        return [report for worker in self._workers if (report := worker.report) is not None]

    @property
    def ready(self) -> bool:
        reports = self.reports()
        return len(reports) == len(self._workers) and all(report.ready for report in reports)

    async def run(self, keeper: NodeKeeper, hurry: asyncio.Event) -> None:
        """Raises FriezeError when the first workers can't even start."""
        self._log.info("relay workers", node=self.node, workers=len(self._workers))
        for worker in self._workers:
            # all sockets before any worker, so that each gets its share from the first connection on
            worker.listen()
        living = [asyncio.create_task(self._keep_alive(worker)) for worker in self._workers]
        beside = [asyncio.create_task(self._tell()), asyncio.create_task(self._announce(keeper))]
        for task in (*living, *beside):
            # none of them ends before the stop, unless it is broken; then half a relay is worse than none
            task.add_done_callback(lambda _done: self._stopping.set())
        try:
            await self._stopping.wait()
            if self._failed is None:
                self._log.info("stopping")
                await self._within(self._let_go(keeper, living), hurry)
        finally:
            for worker in self._workers:
                worker.kill()
            for task in beside:
                task.cancel()
            ended = await asyncio.gather(*living, *beside, return_exceptions=True)
            for worker in self._workers:
                worker.stop_listening()
        if self._failed is not None:
            raise self._failed
        for error in ended:
            if isinstance(error, BaseException) and not isinstance(error, asyncio.CancelledError):
                raise error

    async def _keep_alive(self, worker: Worker) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while not self._stopping.is_set():
            began = loop.time()
            try:
                why = _ending(await worker.live(self.node, self._environment, self._started.set))
            except (OSError, SettingsError) as error:
                why = str(error)
            if self._stopping.is_set():
                worker.stop_listening()  # those that still serve say 503; nobody waits for this one
                return
            if not self._started.is_set():
                self._failed = FriezeError(f"The relay's workers can't start: one {why}.")
                self._stopping.set()
                return
            failures = 1 if loop.time() - began > STEADY_SECONDS else failures + 1
            await self._pause(worker, failures, why)

    async def _pause(self, worker: Worker, failures: int, why: str) -> None:
        longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(failures - 1, 10))
        seconds = longest * random.uniform(0.75, 1)  # noqa: S311 - spreads load, hides nothing
        if failures == 1:
            self._trouble.over()
            self._log.warning("a relay worker is started again", worker=worker.number, why=why)
        elif (held_back := self._trouble.worth_saying(why, asyncio.get_running_loop().time())) is not None:
            self._log.error("a relay worker keeps ending", worker=worker.number, why=why, repeats=held_back)
        if seconds > HELD_SECONDS:
            worker.stop_listening()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    async def _tell(self) -> None:
        """Let each worker know whether all can do their work, for any of them may be asked; and when to stop, also
        those that had only just been started."""
        while True:
            self._say()
            await asyncio.sleep(REPORT_SECONDS / 2)

    def _say(self) -> None:
        word = word_of_readiness(self.ready) if self._spread is None else word_to_stop(self._spread)
        for worker in self._workers:
            worker.say(word)

    async def _announce(self, keeper: NodeKeeper) -> None:
        # the database is ready when the first worker is
        await self._started.wait()
        await keeper.run()

    async def _let_go(self, keeper: NodeKeeper, living: list[asyncio.Task[None]]) -> None:
        spread = self._spread = await keeper.withdraw() if self._started.is_set() else 0.0
        self._say()
        limit = spread + leave_seconds(spread) + 2 * STOP_SECONDS
        _, left = await asyncio.wait(living, timeout=limit)
        if left:
            self._log.warning("some workers did not stop in time", workers=len(left))

    async def _within(self, work: Awaitable[None], hurry: asyncio.Event) -> None:
        """Do it, unless a second signal comes."""
        task = asyncio.ensure_future(work)
        hurrying = asyncio.create_task(hurry.wait())
        await asyncio.wait((task, hurrying), return_when=asyncio.FIRST_COMPLETED)
        for each in (task, hurrying):
            each.cancel()
        await asyncio.gather(task, hurrying, return_exceptions=True)


def _free(host: str, port: int) -> int:
    """The port, or the one the system chooses for 0. Raises SettingsError when another program listens there, which
    a shared socket alone would not notice."""
    with bind(host, port, *PAGES) as probe:
        return int(probe.getsockname()[1])


def _ending(status: int) -> str:
    return f"ended with status {status}" if status >= 0 else f"was ended by {signal.Signals(-status).name}"
