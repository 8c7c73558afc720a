"""A network that lets no WebSocket through: a proxy that passes HTTP on and refuses every upgrade."""

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress

_REFUSAL = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


@contextmanager
def blocking(port: int) -> Generator[str]:
    """The address of a proxy before 127.0.0.1:`port`."""
    sockets: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def begin(work: threading.Thread) -> None:
        threads.append(work)
        work.start()

    def accept() -> None:
        with suppress(OSError):
            while True:
                browser, _ = listening.accept()
                sockets.append(browser)
                begin(threading.Thread(target=serve, args=(browser,)))

    def serve(browser: socket.socket) -> None:
        with suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                data = browser.recv(65536)
                if not data:
                    return
                head += data
            # a browser opens a connection of its own for each WebSocket
            if b"\r\nupgrade:" in head.lower():
                browser.sendall(_REFUSAL)
                browser.shutdown(socket.SHUT_RDWR)
                return
            there = socket.create_connection(("127.0.0.1", port), 10)
            there.settimeout(None)
            sockets.append(there)
            there.sendall(head)
            begin(threading.Thread(target=copy, args=(there, browser)))
            copy(browser, there)

    def copy(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    listening = socket.create_server(("127.0.0.1", 0))
    sockets.append(listening)
    begin(threading.Thread(target=accept))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        for each in tuple(sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in tuple(threads):
            thread.join(10)
        for each in sockets:
            each.close()
