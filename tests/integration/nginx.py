"""Debian's nginx with deploy/nginx.conf.template, filled in as the image's start script does it."""

import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.integration.activemq import ROOT, accepts, free_ports


@dataclass(frozen=True, slots=True)
class Nginx:
    """`address` is host:port with TLS, `origin` the page's."""

    address: str
    origin: str
    tls: ssl.SSLContext


@contextmanager
def running_nginx(folder: Path, **values: str) -> Generator[Nginx]:
    """`values` are those of `FRIEZE_PROXY_…` that tests care about; the others lead nowhere."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    assert nginx is not None, "install nginx (apt install nginx-light) to test the proxy"
    http, https, nobody = free_ports(3)
    origin = f"https://localhost:{https}"
    _certificate(folder)
    given = {
        "RUN": str(folder),
        "TYPES": "/etc/nginx/mime.types",
        "WEB": f"127.0.0.1:{nobody}",
        "RELAY": f"127.0.0.1:{nobody}",
        "RELAY_PORT": str(nobody),
        "BROKER": f"127.0.0.1:{nobody}",
        "RESOLVER": "127.0.0.1",
        "ORIGIN": origin,
        "MORE_ORIGINS": str(folder / "*.map"),
        "HTTP": f"127.0.0.1:{http}",
        "HTTPS": f"127.0.0.1:{https}",
        "TLS": str(folder),
        "VIEWERS_PER_ADDRESS": "100",
        **values,
    }
    template = (ROOT / "deploy/nginx.conf.template").read_text()
    text = re.sub(r"\$\{FRIEZE_PROXY_([A-Z_]+)\}", lambda match: given[match[1]], template)
    # the test may run as root; the workers must still reach the folder
    (folder / "nginx.conf").write_text("user root;\n" + text if Path("/proc/self").owner() == "root" else text)
    with (folder / "nginx.log").open("wb") as log:
        process = subprocess.Popen(
            [nginx, "-c", str(folder / "nginx.conf"), "-p", str(folder), "-g", "daemon off;"], stderr=log
        )
    try:
        deadline = time.monotonic() + 10
        while not accepts(("127.0.0.1", https)):
            assert process.poll() is None, (folder / "nginx.log").read_text()
            assert time.monotonic() < deadline, "nginx did not listen within 10 s"
            time.sleep(0.02)
        yield Nginx(f"localhost:{https}", origin, ssl.create_default_context(cafile=str(folder / "fullchain.pem")))
    finally:
        process.terminate()
        process.wait(10)


def _certificate(folder: Path) -> None:
    subprocess.run(
        (
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")),
        ),
        check=True,
        capture_output=True,
    )
