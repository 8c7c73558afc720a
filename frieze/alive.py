"""`frieze alive PART`: whether the part in this container does its work, for the engine's health check.

An open port proves little. A relay, a web part or a storage service is asked for its own `/readyz`; an ingest part has
no port, so its line in the catalogue must be fresh and good. `python -m frieze.alive PART` does the same without
loading the rest of the program, which matters for something that runs every half minute for ever.
"""

import asyncio
import http.client
import socket
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from frieze.settings import Settings, load, reachable
from wall.errors import FriezeError, SettingsError

PARTS = ("ingest", "relay", "web")
SERVICES = ("store",)  # `frieze store serve`
# an ingest part reports every 10 s (ingest/service.py); after six missed reports it stands still
FRESH = timedelta(seconds=60)
ANSWER_SECONDS = 4.0  # less than the health check's own timeout, so that our sentence is what the engine keeps


@dataclass(frozen=True, slots=True)
class Life:
    """Whether a part does its work, and what is known of it in one sentence."""

    ok: bool
    sentence: str


def alive(settings: Settings, part: str) -> Life:
    """How the part on this host fares. Raises CatalogueError or SettingsError."""
    if part == "ingest":
        return asyncio.run(_reported(settings, socket.gethostname()))
    if part in (*PARTS, *SERVICES):
        return _ready(settings)
    raise SettingsError(f"{part!r} is no part of Frieze; it has {', '.join((*PARTS, *SERVICES))}.")


def _ready(settings: Settings) -> Life:
    host = reachable(settings.host)
    connection = http.client.HTTPConnection(host, settings.port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        text = answer.read(200).decode("utf-8", "replace").strip()
    except TimeoutError:
        return Life(False, f"No answer within {ANSWER_SECONDS:g} s; most likely what it needs is away.")
    except (OSError, http.client.HTTPException) as error:
        return Life(False, f"Nothing answers on port {settings.port}: {str(error) or type(error).__name__}.")
    finally:
        connection.close()
    if answer.status != http.HTTPStatus.OK:
        return Life(False, f"Answers {answer.status}: {text}.")
    return Life(True, "Ready.")


async def _reported(settings: Settings, host: str) -> Life:
    # here, because these imports cost more than everything that a relay's or a web part's check needs
    from wall.catalogue import Catalogue

    catalogue = Catalogue(settings.database)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            reports = await catalogue.health.all()
    except TimeoutError:
        return Life(False, f"The database does not answer within {ANSWER_SECONDS:g} s.")
    finally:
        await catalogue.close()
    # a holder is named host-pid-random (frieze/run.py); after a restart the older lines of this host remain a while
    ours = [report for report in reports if report.part.startswith(f"ingest {host[:40]}-")]
    if not ours:
        return Life(False, f"No ingest part on {host} has reported yet.")
    newest = max(ours, key=lambda report: report.at)
    age = datetime.now(UTC) - newest.at
    if age > FRESH:
        return Life(False, f"The ingest part on {host} last reported {age.total_seconds():.0f} s ago.")
    return Life(newest.ok, newest.sentence)


def main() -> int:
    """`python -m frieze.alive PART`; ends with 0 when it is alive, else with 1 and a sentence."""
    try:
        if len(sys.argv) != 2:
            raise SettingsError(f"Usage: python -m frieze.alive {'|'.join((*PARTS, *SERVICES))}")
        life = alive(load(), sys.argv[1])
    except FriezeError as error:
        life = Life(False, str(error))
    print(life.sentence)
    return 0 if life.ok else 1


if __name__ == "__main__":
    sys.exit(main())
