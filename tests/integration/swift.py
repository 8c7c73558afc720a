"""A real OpenStack Swift in user space: four servers, one device, one replica; TempAuth, TempURL, SLO, copy, s3api.

script/test-tools installs it into .tools/swift. It needs a temporary folder with user extended attributes (ext4, xfs,
btrfs; a tmpfs of an older kernel has none), since Swift keeps each object's metadata there.
"""

import getpass
import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError

from tests.fakes.memcached import Memcached
from tests.integration.activemq import ROOT, accepts, free_ports

PYTHON = ROOT / ".tools/swift/bin/python"
USER, PASSWORD = "test:frieze", "only-for-tests"
# may do nothing in the account unless a container allows it
GUEST, GUEST_PASSWORD = "test:guest", "also-for-tests"
START_SECONDS = 60.0

_RINGS = """
import sys
from swift.common.ring import RingBuilder
folder, *ports = sys.argv[1:]
for name, port in zip(("account", "container", "object"), map(int, ports)):
    builder = RingBuilder(2, 1, 0)
    builder.add_dev(dict(
        id=0, region=1, zone=1, ip="127.0.0.1", port=port, device="d", weight=1.0, meta="",
        replication_ip="127.0.0.1", replication_port=port,
    ))
    builder.rebalance()
    builder.get_ring().save(f"{folder}/{name}.ring.gz")
"""

# unlike a server, a daemon looks for swift.conf in /etc only
_UPDATE = """
import sys
from swift.common.daemon import run_daemon
from swift.common.utils import set_swift_dir
from swift.obj.updater import ObjectUpdater
set_swift_dir(sys.argv[1])
run_daemon(ObjectUpdater, f"{sys.argv[1]}/object-server.conf", once=True)
"""

_ALL = """[DEFAULT]
swift_dir = {folder}
devices = {folder}/node
mount_check = false
disable_fallocate = true
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
recon_cache_path = {folder}
"""

_STORAGE = """
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
[object-updater]
"""

# the order is that of Swift's own sample; what the store does not touch is left out
_PROXY = f"""
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck cache listing_formats bulk tempurl s3api tempauth copy container-quotas \
slo dlo versioned_writes symlink proxy-server
[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true
# a device that failed ten times is left alone for a minute, whose work others do; here it is the only one
error_suppression_interval = 2
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:cache]
use = egg:swift#memcache
memcache_servers = {{memcached}}
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:tempurl]
use = egg:swift#tempurl
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
# as docs/operations.md asks for, so that browsers may send to it
cors_preflight_allow_origin = *
[filter:tempauth]
use = egg:swift#tempauth
user_test_frieze = {PASSWORD} .admin
user_test_guest = {GUEST_PASSWORD}
[filter:copy]
use = egg:swift#copy
[filter:container-quotas]
use = egg:swift#container_quotas
[filter:slo]
use = egg:swift#slo
# tests have small segments, which Swift would serve one a second
rate_limit_under_size = 0
[filter:dlo]
use = egg:swift#dlo
[filter:versioned_writes]
use = egg:swift#versioned_writes
[filter:symlink]
use = egg:swift#symlink
"""


@dataclass(frozen=True, slots=True)
class Swift:
    """A running Swift. `s3_url` is the endpoint of its S3 (path style, us-east-1); its keys are USER and PASSWORD."""

    host: str
    port: int
    folder: Path
    memcached: Memcached
    processes: dict[str, subprocess.Popen[bytes]]
    ports: Mapping[str, int]

    @property
    def s3_url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def access_key(self) -> str:
        return USER

    @property
    def secret_key(self) -> str:
        return PASSWORD

    def url(self, container: str, port: int | None = None) -> str:
        """What FRIEZE_STORE_URL would be; `port` where something stands in between."""
        return f"swift://{self.host}:{port or self.port}/{container}?auth=v1&tls=no"

    def token(self, user: str = USER, password: str = PASSWORD) -> str:
        request = urllib.request.Request(
            f"{self.s3_url}/auth/v1.0", headers={"X-Auth-User": user, "X-Auth-Key": password}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return str(answer.headers["X-Auth-Token"])

    def ask(
        self, method: str, path: str, headers: dict[str, str] | None = None, data: bytes | None = None
    ) -> tuple[int, bytes]:
        """A request of the account's owner, past whatever is tested; `path` begins with the container."""
        request = urllib.request.Request(
            f"{self.s3_url}/v1/AUTH_test/{path}",
            method=method,
            headers={"X-Auth-Token": self.token(), **(headers or {})},
            data=data,
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read()
        except HTTPError as error:
            with error:
                return error.code, error.read()

    def names(self, container: str) -> list[str]:
        """All that lies in a container; nothing where there is none."""
        status, body = self.ask("GET", f"{container}?format=json")
        return [entry["name"] for entry in json.loads(body)] if status == 200 else []

    def being_written(self) -> int:
        """How many files of objects the object server has begun and not finished: it has them open, without a name."""
        pid = self.processes["object"].pid
        return sum(_is_unnamed(path) for path in Path(f"/proc/{pid}/fd").iterdir())

    def stop(self, server: str) -> None:
        """SIGSTOP: it accepts connections and does nothing."""
        self.processes[server].send_signal(signal.SIGSTOP)

    def go_on(self, server: str) -> None:
        self.processes[server].send_signal(signal.SIGCONT)

    def kill(self, server: str) -> None:
        """SIGKILL, as a power cut would."""
        self.processes[server].kill()
        self.processes[server].wait(10)

    def start_again(self, server: str) -> None:
        self.processes[server] = _start(self.folder, server, self.ports[server], self.memcached)
        _until_accepts(self.folder, server, self.ports[server], self.processes[server])

    def owes(self) -> bool:
        """Whether an object server has something to tell a container that it could not."""
        return any(path.is_file() for path in (self.folder / "node/d").glob("async_pending*/**/*"))

    def catch_up(self) -> None:
        """Tell the container what an object server could not when either was dead; Swift's own updater does it."""
        subprocess.run([PYTHON, "-c", _UPDATE, self.folder], check=True, capture_output=True, timeout=120)


@contextmanager
def running_swift(folder: Path) -> Generator[Swift]:
    assert PYTHON.exists(), "there is no OpenStack Swift in .tools/swift; run script/test-tools"
    _check_attributes(folder)
    (folder / "node/d").mkdir(parents=True)
    (folder / "swift.conf").write_text("[swift-hash]\nswift_hash_path_prefix = tests\nswift_hash_path_suffix = tests\n")
    proxy, *storage = free_ports(4)
    subprocess.run([PYTHON, "-c", _RINGS, folder, *map(str, storage)], check=True, timeout=60)
    ports: dict[str, int] = dict(zip(("account", "container", "object", "proxy"), (*storage, proxy), strict=True))
    with Memcached.running() as memcached:
        processes: dict[str, subprocess.Popen[bytes]] = {}
        try:
            for kind, port in ports.items():
                processes[kind] = _start(folder, kind, port, memcached)
            for kind, port in ports.items():
                _until_accepts(folder, kind, port, processes[kind])
            yield Swift("127.0.0.1", proxy, folder, memcached, processes, ports)
        finally:
            for process in processes.values():
                process.kill()
            for process in processes.values():
                process.wait(10)


def _is_unnamed(descriptor: Path) -> bool:
    with suppress(FileNotFoundError):
        return "/objects" in (at := str(descriptor.readlink())) and at.endswith(" (deleted)")
    return False


def _check_attributes(folder: Path) -> None:
    try:
        os.setxattr(folder, "user.frieze", b"1")
    except OSError as error:
        raise AssertionError(
            f"{folder} has no user extended attributes, which Swift needs; set TMPDIR to a folder on ext4 or xfs"
        ) from error


def _start(folder: Path, kind: str, port: int, memcached: Memcached) -> subprocess.Popen[bytes]:
    rest = _PROXY.format(memcached=memcached.address) if kind == "proxy" else _STORAGE.format(kind=kind)
    path = folder / f"{kind}-server.conf"
    path.write_text(_ALL.format(folder=folder, port=port, user=getpass.getuser()) + rest)
    with (folder / f"{kind}.log").open("ab") as log:
        return subprocess.Popen(
            [PYTHON, PYTHON.with_name(f"swift-{kind}-server"), path, "--verbose"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _until_accepts(folder: Path, kind: str, port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while not accepts(("127.0.0.1", port)):
        log = (folder / f"{kind}.log").read_text(errors="replace")
        assert process.poll() is None, f"Swift's {kind} server ended:\n{log}"
        assert time.monotonic() < end, f"Swift's {kind} server did not listen within {START_SECONDS:g} s:\n{log}"
        time.sleep(0.05)
