"""nginx as origin, as proxy and as file server, each a process of its own with one worker."""

import shutil
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench import clock
from tests.integration.activemq import accepts, free_ports

# What every one of them has: no log, no limit on requests per connection, no second copy on the way.
_FRAME = """
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log error;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    sendfile on;
    tcp_nodelay on;
    keepalive_requests 10000000;
    types {{ image/webp webp; video/mp4 mp4; }}
    default_type application/octet-stream;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    {more}
}}
"""
_FILES = """
    open_file_cache max=1000 inactive=60s;
    open_file_cache_valid 60s;
    server {{ listen 127.0.0.1:{port} backlog=8192; root {root}; }}
"""
# What Swift says to who signs in (v1) and to who reads, and nothing else of it.
_ORIGIN = """
    server {{
        listen 127.0.0.1:{port} backlog=8192;
        location = /auth/v1.0 {{
            add_header X-Storage-Url http://127.0.0.1:{port}/v1/AUTH_bench;
            add_header X-Auth-Token bench;
            return 200;
        }}
        location = /v1/AUTH_bench/{container} {{ return 204; }}
        location /v1/AUTH_bench/{container}/ {{ alias {root}/; }}
    }}
"""
_PROXY = """
    upstream origin {{ server {origin}; keepalive 16; }}
    server {{
        listen 127.0.0.1:{port} backlog=8192;
        location / {{
            proxy_pass http://origin;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_max_temp_file_size 0;
            {buffers}
        }}
    }}
"""
# eight buffers of 128 KiB: the same megabyte that a stream of ours may hold
_TUNED = "proxy_buffer_size 128k; proxy_buffers 8 128k; proxy_busy_buffers_size 512k;"


@dataclass(frozen=True, slots=True)
class Nginx:
    pid: int
    port: int

    def processor(self) -> float:
        return clock.processors(self.pid)

    def resident(self) -> int:
        return clock.resident(self.pid)


@contextmanager
def files(folder: Path, root: Path) -> Generator[Nginx]:
    """Serves the files under `root`."""
    with _running(folder, lambda port: _FILES.format(port=port, root=root)) as nginx:
        yield nginx


@contextmanager
def origin(folder: Path, root: Path, container: str) -> Generator[Nginx]:
    """Serves the files under `root` as a container of Swift."""
    with _running(folder, lambda port: _ORIGIN.format(port=port, root=root, container=container)) as nginx:
        yield nginx


@contextmanager
def proxy(folder: Path, upstream: int, *, tuned: bool) -> Generator[Nginx]:
    """Passes on what is on the port `upstream`."""
    buffers = _TUNED if tuned else ""
    with _running(
        folder, lambda port: _PROXY.format(port=port, origin=f"127.0.0.1:{upstream}", buffers=buffers)
    ) as nginx:
        yield nginx


@contextmanager
def _running(folder: Path, more: Callable[[int], str]) -> Generator[Nginx]:
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        raise SystemExit("install nginx (apt install nginx-light) to measure against it")
    folder.mkdir()
    (port,) = free_ports(1)
    text = _FRAME.format(folder=folder, more=more(port))
    (folder / "nginx.conf").write_text("user root;\n" + text if Path("/proc/self").owner() == "root" else text)
    process = subprocess.Popen([program, "-c", str(folder / "nginx.conf"), "-p", str(folder), "-g", "daemon off;"])
    try:
        deadline = time.monotonic() + 10
        while not accepts(("127.0.0.1", port)):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"nginx did not start: {(folder / 'error.log').read_text()}")
            time.sleep(0.02)
        yield Nginx(process.pid, port)
    finally:
        process.terminate()
        process.wait(10)
