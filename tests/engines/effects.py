"""An outside system that effects reach: it is never killed, logs each request, and applies one a key once.

It is a process of its own, so that those that are killed can be forked from one without threads.
"""

from __future__ import annotations

import json
import socket
import socketserver
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        said = json.loads(self.rfile.readline())
        log: list[dict[str, Any]] = self.server.log  # type: ignore[attr-defined]
        if said == "forget":
            log.clear()
        elif said != "tell":
            log.append(said)
        self.wfile.write(json.dumps(log if said == "tell" else "done").encode() + b"\n")


class _Server(socketserver.TCPServer):
    allow_reuse_address = True
    request_queue_size = 1024
    log: list[dict[str, Any]]

    def handle_error(self, *_: Any) -> None:
        """Say nothing of a process that was killed while it asked."""


def main() -> None:
    """Serve on loopback until standard input is closed, and say on which port."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.log = []
        sys.stdout.write(f"{server.server_address[1]}\n")
        sys.stdout.flush()
        server.serve_forever()


class Effects:
    """The system, as seen from outside.

    Attributes:
        port: Where it is asked.
    """

    def __init__(self, port: int) -> None:
        self.port = port

    def forget(self) -> None:
        """Begin anew."""
        _ask(self.port, "forget")

    @property
    def requests(self) -> list[dict[str, Any]]:
        """All requests, in the order in which they came."""
        found: list[dict[str, Any]] = _ask(self.port, "tell")
        return found


@contextmanager
def serving() -> Iterator[Effects]:
    """Serve while the block runs."""
    command = [sys.executable, "-m", "tests.engines.effects"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        try:
            yield Effects(int(process.stdout.readline()))
        finally:
            process.kill()


def request(port: int, **said: Any) -> None:
    """Ask the system for an effect, and wait until it is logged."""
    assert _ask(port, said) == "done"


def _ask(port: int, said: Any) -> Any:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(json.dumps(said).encode() + b"\n")
        with connection.makefile("rb") as answer:
            return json.loads(answer.readline())


if __name__ == "__main__":
    main()
