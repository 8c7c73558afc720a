"""Where the relays' metrics are, and asking all of them at once."""

import asyncio
import os
import socket
import time
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import aiohttp

from frieze.metrics import metrics_address
from frieze.settings import Settings, reachable
from frieze.top.reading import PREFIX, Reading, parse
from wall.errors import SettingsError

DEFAULT = "127.0.0.1:9464"
WITHIN = 0.8  # seconds for an answer: less than the time between two frames
MOST = 1024 * 1024  # bytes of an answer; fifty walls are 60 kB
WORKERS = 256  # more than one machine has


def addresses(given: Sequence[str], settings: Settings) -> list[str]:
    """`host:port` of each, from what was given or from the settings. Raises SettingsError."""
    if given:
        return list(dict.fromkeys(_address(url) for url in given))
    found = metrics_address(settings.metrics or DEFAULT)
    assert found is not None
    host, port = found
    return [_joined(reachable(host), port)]


def _address(url: str) -> str:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        port = parts.port or int(DEFAULT.rpartition(":")[2])
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme != "http" or not parts.hostname or parts.path not in ("", "/", "/metrics"):
        raise SettingsError(f"{url!r} is not where a relay's metrics are; write http://HOST:PORT, as http://{DEFAULT}.")
    return _joined(parts.hostname, port)


def _joined(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Endpoints:
    """All that are asked. A name with several addresses (a scaled service of Compose) is several; a relay that says
    how many workers it has is as many, on the ports after its own."""

    def __init__(self, names: Sequence[str], session: aiohttp.ClientSession) -> None:
        self._names = list(names)
        self._session = session
        self._workers: dict[str, int] = {}

    async def read(self) -> dict[str, Reading | str]:
        """What each says now, or in a few words why it says nothing."""
        spread = await asyncio.gather(*(_spread(name) for name in self._names))
        asked = dict.fromkeys(
            sibling for names in spread for name in names for sibling in _siblings(name, self._workers.get(name, 1))
        )
        answers = await asyncio.gather(*(self._one(name) for name in asked))
        found = dict(zip(asked, answers, strict=True))
        more = self._learn(found)
        if more:
            found.update(zip(more, await asyncio.gather(*(self._one(name) for name in more)), strict=True))
        return found

    def _learn(self, found: Mapping[str, Reading | str]) -> list[str]:
        """Remember how many workers there are; those that were not asked yet."""
        unasked: dict[str, None] = {}
        for name, reading in found.items():
            if isinstance(reading, str) or reading.label(PREFIX + "info", "worker") != "0":
                continue
            workers = reading.label(PREFIX + "info", "workers")
            self._workers[name] = min(int(workers) if workers.isdigit() else 1, WORKERS)
            unasked.update(dict.fromkeys(each for each in _siblings(name, self._workers[name]) if each not in found))
        return list(unasked)

    async def _one(self, name: str) -> Reading | str:
        try:
            async with asyncio.timeout(WITHIN), self._session.get(f"http://{name}/metrics") as answer:
                if answer.status != 200:
                    return f"answers {answer.status}; no relay?"
                if answer.content_length is None or answer.content_length > MOST:
                    return "answers, but is no relay"
                return parse(await answer.text(), time.monotonic())
        except TimeoutError:
            return f"no answer within {WITHIN:g} s"
        except aiohttp.ClientConnectorError as error:
            number = error.os_error.errno
            # a name that can't be looked up has a number of another kind
            reason = os.strerror(number) if number is not None and number > 0 else str(error.os_error)
            return f"can’t be reached: {reason.lower()}"
        except (aiohttp.ClientError, OSError) as error:
            return f"can’t be read: {str(error) or type(error).__name__}"
        except ValueError:
            return "answers, but is no relay"


async def _spread(name: str) -> list[str]:
    """The name itself, or each of its addresses where it has several of IPv4."""
    host, _, port = name.rpartition(":")
    if host.startswith("[") or host.replace(".", "").isdigit():
        return [name]
    try:
        async with asyncio.timeout(WITHIN):
            found = await asyncio.get_running_loop().getaddrinfo(
                host, None, family=socket.AF_INET, type=socket.SOCK_STREAM
            )
    except (OSError, TimeoutError):
        return [name]  # asking it says why
    several = sorted({str(info[4][0]) for info in found})
    return [f"{address}:{port}" for address in several] if len(several) > 1 else [name]


def _siblings(name: str, workers: int) -> list[str]:
    host, _, port = name.rpartition(":")
    return [f"{host}:{int(port) + worker}" for worker in range(workers) if int(port) + worker <= 65535]
