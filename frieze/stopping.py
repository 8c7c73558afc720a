"""How a process stops: what signals mean, and how long each step may take."""

import asyncio
import signal

STOP_SECONDS = 4.0  # Ctrl-C ends `frieze up` within 5 s
# Over which viewers leave a process that has no other one to send them to.
SPREAD_SECONDS = 1.0
# After that: the last ones answer the close. More where there are many of them.
LEAVE_SECONDS = 1.0
LEAVE_SECONDS_OF_MANY = 4.0


def on_signals() -> tuple[asyncio.Event, asyncio.Event]:
    """What the first SIGINT or SIGTERM sets, and what the second one does: it cuts short what the first one began."""
    stopping, hurry = asyncio.Event(), asyncio.Event()

    def heard() -> None:
        (hurry if stopping.is_set() else stopping).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, heard)
    return stopping, hurry


def leave_seconds(spread: float) -> float:
    """How long the last viewers may take to answer a close, after all were told to go over `spread` seconds."""
    return LEAVE_SECONDS if spread <= SPREAD_SECONDS else LEAVE_SECONDS_OF_MANY
