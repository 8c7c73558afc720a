"""A real PostgreSQL for the tests: a cluster of its own in a folder, on a port of its own.

Takes `FRIEZE_TEST_POSTGRES` (postgresql://user:password@host:port) when the environment names a server, otherwise
starts the one Debian installs. PostgreSQL refuses to run as root, so root hands over to the user `postgres`.
"""

import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg


def _binaries() -> Path:
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if versions:
        return versions[-1].parent
    found = shutil.which("postgres")
    if found is None:
        raise RuntimeError("These tests need PostgreSQL's server; script/test installs Debian's package postgresql.")
    return Path(found).parent


def _as_postgres(command: list[str]) -> list[str]:
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else command


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Postgres:
    """A running server. `url(name)` is where a database of it is."""

    base: str
    folder: Path | None = None
    port: int = 0

    def url(self, name: str) -> str:
        return f"{self.base}/{name}"

    def new_database(self, template: str = "template1") -> str:
        """The URL of a database that nobody else uses, empty or a copy of `template`."""
        name = f"frieze_{secrets.token_hex(6)}"
        self._order(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop(self, url: str) -> None:
        """Take a database away, also from a process that was killed or a pool that nobody closed."""
        self._order(f'DROP DATABASE "{url.rpartition("/")[2]}" WITH (FORCE)')

    def _order(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def start(self) -> None:
        assert self.folder is not None, "this server is not ours to start"
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=200"
        self._control("start", "-w", "-t", "60", "-l", str(self.folder / "log"), "-o", options)

    def stop(self, mode: str = "fast") -> None:
        self._control("stop", "-w", "-m", mode)

    def _control(self, verb: str, *arguments: str) -> None:
        assert self.folder is not None, "this server is not ours to control"
        command = [str(_binaries() / "pg_ctl"), "-D", str(self.folder / "data"), verb, *arguments]
        # its log goes to a file, so that the server does not keep our pipes open
        subprocess.run(_as_postgres(command), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @classmethod
    @contextmanager
    def running(cls, folder: Path) -> "Generator[Postgres]":
        given = os.environ.get("FRIEZE_TEST_POSTGRES")
        if given:
            yield cls(base=given.rstrip("/"))
            return
        # under /tmp: the user postgres must be able to reach it, and a socket's path is at most 107 bytes
        own = Path(f"/tmp/frieze-pg-{secrets.token_hex(4)}")
        own.mkdir(mode=0o700)
        if os.geteuid() == 0:
            shutil.chown(own, "postgres")
        initialise = [str(_binaries() / "initdb"), "-D", str(own / "data"), "-U", "frieze", "-A", "trust", "-E", "UTF8"]
        subprocess.run(_as_postgres([*initialise, "--no-sync"]), check=True, capture_output=True)
        port = free_port()
        server = cls(base=f"postgresql://frieze@127.0.0.1:{port}", folder=own, port=port)
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")
            shutil.rmtree(own, ignore_errors=True)
