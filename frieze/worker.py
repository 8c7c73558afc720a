"""One worker of `frieze relay --workers`, started by the supervisor only:

    python -m frieze.worker NODE NUMBER COUNT LISTENING LINE

NODE is the relay's name, NUMBER (from 0) of COUNT which worker this is, LISTENING and LINE are the numbers of two
sockets that it has inherited. Its settings come from where the supervisor's come from.
"""

import socket
import sys

from frieze import logs
from frieze.parts import Part
from frieze.run import run_parts
from frieze.settings import load
from frieze.tether import Tether
from wall.errors import FriezeError


def main() -> int:
    node, (number, count, listening, line) = sys.argv[1], map(int, sys.argv[2:])
    try:
        settings = load()
        logs.configure(settings.log_format, settings.log_level)
        tether = Tether(node, number, count, socket.socket(fileno=listening), socket.socket(fileno=line))
        tether.listening.setblocking(False)
        run_parts(settings, {Part.RELAY}, tether=tether)
    except FriezeError as error:
        print(f"frieze: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
