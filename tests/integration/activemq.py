"""A real ActiveMQ that runs broker/activemq.xml, for tests.

Where it comes from, the first that works: addresses in the environment
(`FRIEZE_TEST_ACTIVEMQ_STOMP=host:port`, `FRIEZE_TEST_ACTIVEMQ_WS=ws://host:port`,
`FRIEZE_TEST_ACTIVEMQ_PASSWORD`, and for the console `…_CONSOLE` and `…_ADMIN_PASSWORD`), a container where an
engine answers, a distribution from Maven Central. None of them is an error, never a skip.
"""

import base64
import os
import secrets
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
from docker.errors import DockerException, ImageNotFound

ROOT = Path(__file__).resolve().parents[2]
# A JVM that starts quickly and stays small; it is slower than one that compiles all it can.
QUICK = "-Xms64m -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1"
SERIES_5 = "5.18.3"
SERIES_6 = "6.1.8"
IMAGE = "apache/activemq:6.2.9"
USER = "frieze"
ADMIN = "admin"
# A JVM on two cores that have much else to do; it takes about 3 s on idle ones.
START_LIMIT = 120.0
STOP_LIMIT = 30.0


class BrokerUnavailableError(AssertionError):
    """No ActiveMQ can be had here; the message says what to install."""


@dataclass(slots=True)
class ActiveMQ:
    """One broker: where it listens, who may enter, and the power switch."""

    stomp_host: str
    stomp_port: int
    ws_url: str
    password: str
    console_url: str  # empty: it has none
    admin_password: str
    log: Path
    user: str = USER
    admin_user: str = ADMIN
    switch: "Switch | None" = None

    @property
    def stomp(self) -> tuple[str, int]:
        return (self.stomp_host, self.stomp_port)

    def start(self) -> None:
        """Starts it on the same ports and returns once it answers a CONNECT."""
        self._power().start()
        self.wait()

    def stop(self) -> None:
        """Asks it to go, as `docker stop` does, and waits until it has."""
        self._power().stop()

    def kill(self) -> None:
        """SIGKILL, and waits until it is gone."""
        self._power().kill()

    def wait(self, limit: float = START_LIMIT) -> None:
        """Returns once a CONNECT is answered on STOMP, the WebSocket port accepts, and a console is there."""
        host, port = self.ws_url.removeprefix("ws://").rstrip("/").split(":")
        deadline = time.monotonic() + limit
        while not (
            answers_connect(self.stomp)
            and accepts((host, int(port)))
            and (not self.console_url or self._console_is_there())
        ):
            if self.switch is not None and not self.switch.running():
                raise BrokerUnavailableError(f"ActiveMQ ended at once; its log:\n{self.tail()}")
            if time.monotonic() > deadline:
                raise BrokerUnavailableError(f"ActiveMQ did not answer within {limit:.0f} s; its log:\n{self.tail()}")
            time.sleep(0.05)

    def tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-60:]) if self.log.exists() else "(none)"

    def console(self, path: str) -> urllib.request.Request:
        """A request to the console by its administrator."""
        credentials = base64.b64encode(f"{self.admin_user}:{self.admin_password}".encode()).decode()
        return urllib.request.Request(self.console_url + path, headers={"Authorization": f"Basic {credentials}"})

    def _console_is_there(self) -> bool:
        """Jetty refuses strangers with 401 from the start; the administrator gets 503 until the pages are loaded."""
        try:
            urllib.request.urlopen(self.console("/admin/styles/site.css"), timeout=4).close()
        except urllib.error.HTTPError as error:
            error.close()
            return error.code != 503
        except OSError:
            return False
        return True

    def _power(self) -> "Switch":
        if self.switch is None:
            raise BrokerUnavailableError("this test stops its broker; it cannot use the one given by the environment")
        return self.switch


class Switch:
    """Starts and ends one broker."""

    def start(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        raise NotImplementedError

    def kill(self) -> None:
        raise NotImplementedError

    def running(self) -> bool:
        raise NotImplementedError


@dataclass(slots=True)
class Process(Switch):
    """A broker as a process group of ours, started by broker/render as in the image."""

    command: list[str]
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def _end(self, number: signal.Signals) -> None:
        if self.process is None:
            return
        group = self.process.pid
        try:
            # the java process is a child of bin/activemq's shell, so the whole group gets the signal
            os.killpg(group, number)
            self.process.wait(STOP_LIMIT)
            deadline = time.monotonic() + STOP_LIMIT
            while time.monotonic() < deadline:
                os.killpg(group, 0)
                time.sleep(0.02)
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            pass
        except subprocess.TimeoutExpired:
            os.killpg(group, signal.SIGKILL)
            self.process.wait(STOP_LIMIT)
            raise
        finally:
            self.process = None


@dataclass(slots=True)
class Container(Switch):
    """A broker in a container of the production image."""

    container: Any  # docker's Container, which carries no types

    def start(self) -> None:
        self.container.start()

    def stop(self) -> None:
        self.container.stop(timeout=int(STOP_LIMIT))

    def kill(self) -> None:
        self.container.kill()
        self.container.wait(timeout=STOP_LIMIT)

    def running(self) -> bool:
        self.container.reload()
        return self.container.status in ("created", "running")


def boot(folder: Path, version: str | None = None, memory: str = QUICK) -> tuple[ActiveMQ, Callable[[], None]]:
    """A running broker and what ends it. `version` asks for that one from Maven Central whatever is there; `memory` are
    the JVM's options."""
    if version is None:
        given = _given(folder)
        if given is not None:
            return given, lambda: None
        contained = _contained(folder)
        if contained is not None:
            return contained
    return _distribution(folder, version or SERIES_5, memory)


def _given(folder: Path) -> ActiveMQ | None:
    stomp = os.environ.get("FRIEZE_TEST_ACTIVEMQ_STOMP")
    if not stomp:
        return None
    host, _, port = stomp.rpartition(":")
    broker = ActiveMQ(
        stomp_host=host,
        stomp_port=int(port),
        ws_url=os.environ["FRIEZE_TEST_ACTIVEMQ_WS"],
        user=os.environ.get("FRIEZE_TEST_ACTIVEMQ_USER", USER),
        password=os.environ["FRIEZE_TEST_ACTIVEMQ_PASSWORD"],
        console_url=os.environ.get("FRIEZE_TEST_ACTIVEMQ_CONSOLE", ""),
        admin_user=os.environ.get("FRIEZE_TEST_ACTIVEMQ_ADMIN_USER", ADMIN),
        admin_password=os.environ.get("FRIEZE_TEST_ACTIVEMQ_ADMIN_PASSWORD", ""),
        log=folder / "activemq.log",
    )
    broker.wait(10)
    return broker


def _contained(folder: Path) -> tuple[ActiveMQ, Callable[[], None]] | None:
    if not _engine_listens():
        return None
    broker = _addresses(folder)
    (folder / "secrets").chmod(0o755)
    for secret in (folder / "secrets").iterdir():
        secret.chmod(0o644)  # the image's user is not ours
    try:
        engine = docker.from_env(timeout=120)
        engine.ping()
        try:
            engine.images.get(IMAGE)
        except ImageNotFound:
            engine.images.pull(IMAGE)
        container = engine.containers.create(
            IMAGE,
            entrypoint=["/frieze/broker/render"],
            environment={
                "FRIEZE_BROKER_PASSWORD_FILE": "/frieze/secrets/service",
                "FRIEZE_BROKER_ADMIN_PASSWORD_FILE": "/frieze/secrets/admin",
                "FRIEZE_BROKER_MEMORY": "-Xms64m -Xmx256m",
            },
            volumes={
                str(ROOT / "broker"): {"bind": "/frieze/broker", "mode": "ro"},
                str(folder / "secrets"): {"bind": "/frieze/secrets", "mode": "ro"},
            },
            read_only=True,
            tmpfs={"/run/activemq": "mode=1777"},
            ports={
                "61613/tcp": ("127.0.0.1", broker.stomp_port),
                "61614/tcp": ("127.0.0.1", _port_of(broker.ws_url)),
                "8161/tcp": ("127.0.0.1", _port_of(broker.console_url)),
            },
        )
    except DockerException:
        return None  # the engine or the image cannot be had: the distribution is next
    broker.switch = Container(container)
    try:
        broker.start()
    except BaseException:
        container.remove(force=True)
        raise
    return broker, lambda: container.remove(force=True)


def _engine_listens() -> bool:
    """Asked before docker is, which leaks the socket of a connection that fails."""
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if not host.startswith("unix://"):
        return True
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(host.removeprefix("unix://"))
        except OSError:
            return False
    return True


def _distribution(folder: Path, version: str, memory: str) -> tuple[ActiveMQ, Callable[[], None]]:
    fetched = subprocess.run(
        [ROOT / "script/activemq", version], capture_output=True, text=True, timeout=600, check=False
    )
    if fetched.returncode != 0:
        raise BrokerUnavailableError(f"ActiveMQ {version} cannot be had: {fetched.stdout}{fetched.stderr}")
    home = Path(fetched.stdout.strip())
    broker = _addresses(folder)
    process = Process(
        command=[str(ROOT / "broker/render"), *_command(home)],
        environment=environment(folder, home, broker, memory),
        log=broker.log,
    )
    broker.switch = process
    if not (home / "webapps").exists():
        broker.console_url = ""
    try:
        broker.start()
    except BaseException:
        process.kill()
        raise
    return broker, process.kill


def environment(folder: Path, home: Path, broker: ActiveMQ, memory: str = QUICK) -> dict[str, str]:
    """What broker/render reads, for a broker on loopback with everything it writes below `folder`."""
    options = {
        "frieze.stomp.host": "127.0.0.1",
        "frieze.stomp.port": broker.stomp_port,
        "frieze.ws.host": "127.0.0.1",
        "frieze.ws.port": _port_of(broker.ws_url),
        "frieze.console.host": "127.0.0.1",
        "frieze.console.port": _port_of(broker.console_url),
    }
    if not (home / "webapps").exists():
        options["frieze.console"] = "no-console.xml"
    return {
        "PATH": os.environ["PATH"],
        "ACTIVEMQ_HOME": str(home),
        "FRIEZE_BROKER_CONF": str(folder / "conf"),
        "FRIEZE_BROKER_PASSWORD_FILE": str(folder / "secrets/service"),
        "FRIEZE_BROKER_ADMIN_PASSWORD_FILE": str(folder / "secrets/admin"),
        "FRIEZE_BROKER_MEMORY": memory,
        "FRIEZE_BROKER_JAVA_OPTIONS": " ".join(f"-D{name}={value}" for name, value in options.items()),
    }


def _command(home: Path) -> list[str]:
    """As in the image where there is a bin/activemq; the modules alone are started as that script would."""
    if (home / "bin/activemq").exists():
        return []
    java = (
        'exec java $ACTIVEMQ_OPTS -Dactivemq.home="$ACTIVEMQ_HOME" -Dactivemq.base="$ACTIVEMQ_HOME"'
        ' -Dactivemq.conf="$ACTIVEMQ_CONF" -Dactivemq.data="$ACTIVEMQ_DATA"'
        ' -cp "$ACTIVEMQ_CONF:$ACTIVEMQ_HOME/lib/*" org.apache.activemq.console.command.ShellCommand start'
    )
    return ["sh", "-c", java]


def _addresses(folder: Path) -> ActiveMQ:
    folder.mkdir(parents=True, exist_ok=True)
    stomp, ws, console = free_ports(3)
    (folder / "secrets").mkdir(exist_ok=True)
    # characters that mean something to XML, to properties files and to shells, on purpose
    password, admin = (f"ü<&\"'=:#! ${{x}},{secrets.token_urlsafe(12)}" for _ in range(2))
    (folder / "secrets/service").write_text(password + "\n", encoding="utf-8")
    (folder / "secrets/admin").write_text(admin + "\n", encoding="utf-8")
    return ActiveMQ(
        stomp_host="127.0.0.1",
        stomp_port=stomp,
        ws_url=f"ws://127.0.0.1:{ws}",
        password=password,
        console_url=f"http://127.0.0.1:{console}",
        admin_password=admin,
        log=folder / "activemq.log",
    )


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on now, chosen by the system, all different."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports


def accepts(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=2).close()
    except OSError:
        return False
    return True


def answers_connect(address: tuple[str, int]) -> bool:
    """Whether a viewer's CONNECT is answered with CONNECTED, as broker/healthcheck asks."""
    try:
        with socket.create_connection(address, timeout=2) as connection:
            connection.settimeout(4)
            connection.sendall(b"CONNECT\naccept-version:1.2\nhost:localhost\nheart-beat:0,0\n\n\0")
            return connection.recv(9) == b"CONNECTED"
    except OSError:
        return False


def _port_of(url: str) -> int:
    return int(url.rstrip("/").rpartition(":")[2])
