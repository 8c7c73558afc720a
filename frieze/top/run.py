"""The loop of `frieze top`: read, draw, wait for the next second or for a key."""

import asyncio
import os
import sys
import termios
import time
import tty
from collections.abc import Generator, Sequence
from contextlib import contextmanager

import aiohttp
from rich.console import Console
from rich.live import Live

from frieze.settings import Settings
from frieze.top.endpoints import Endpoints, addresses
from frieze.top.view import render
from frieze.top.watch import Frame, Watch
from wall.errors import FriezeError

EVERY = 1.0


class NoRelay(FriezeError):
    """None of the relays can be read."""


def run_top(settings: Settings, given: Sequence[str], *, once: bool) -> None:
    """Draw until q or Ctrl-C, or one frame. Raises SettingsError, or NoRelay where the one frame would be empty."""
    names = addresses(given, settings)
    asyncio.run(_once(names, given) if once else _live(names))


async def _once(names: Sequence[str], given: Sequence[str]) -> None:
    console = Console(highlight=False)
    async with aiohttp.ClientSession() as session:
        endpoints, watch = Endpoints(names, session), Watch()
        frame = watch.take(await endpoints.read())
        if not any(node.trouble is None for node in frame.nodes):
            raise NoRelay(_nobody(frame, given))
        await asyncio.sleep(EVERY)  # rates need two looks
        frame = watch.take(await endpoints.read())
    # as many lines as it takes: what reads this is no screen
    lines = 24 + len(frame.walls) + 2 * len(frame.nodes)
    console.print(render(frame, width=console.width, height=lines, moment=_moment()))


async def _live(names: Sequence[str]) -> None:
    console = Console(highlight=False)
    ended = asyncio.Event()
    with _keys(ended), Live(console=console, screen=True, auto_refresh=False) as live:
        async with aiohttp.ClientSession() as session:
            endpoints, watch = Endpoints(names, session), Watch()
            while not ended.is_set():
                began = time.monotonic()
                frame = watch.take(await endpoints.read())
                drawn = render(frame, width=console.width, height=console.height, moment=_moment(), hint="q ends")
                live.update(drawn, refresh=True)
                try:
                    async with asyncio.timeout(max(0.05, began + EVERY - time.monotonic())):
                        await ended.wait()
                except TimeoutError:
                    continue


def _nobody(frame: Frame, given: Sequence[str]) -> str:
    said = "; ".join(f"{node.name}: {node.trouble}" for node in frame.nodes)
    hint = "" if given else " A relay serves its metrics where FRIEZE_METRICS says, as 127.0.0.1:9464."
    return f"No relay can be read. {said}.{hint}"


def _moment() -> str:
    return time.strftime("%H:%M:%S")


@contextmanager
def _keys(ended: asyncio.Event) -> Generator[None]:
    """Set `ended` at q, where there is a keyboard."""
    if not sys.stdin.isatty():
        yield
        return
    loop, descriptor = asyncio.get_running_loop(), sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)

    def pressed() -> None:
        # not by sys.stdin, which would keep for itself what was typed ahead
        typed = os.read(descriptor, 64)
        if not typed or b"q" in typed.lower():
            ended.set()

    tty.setcbreak(descriptor)
    loop.add_reader(descriptor, pressed)
    try:
        yield
    finally:
        loop.remove_reader(descriptor)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
