"""A service on loopback that acts: it applies each key once, and breaks off when it is told to."""

from __future__ import annotations

import http.client
import http.server
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

Fault = Literal["", "before", "after", "reset", "status after"]


class Service(http.server.ThreadingHTTPServer):
    """Applies an effect a key.

    Attributes:
        asked: The key of each request that came.
        applied: How often each key was applied.
        faults: What becomes of the next requests: nothing is applied and the connection is closed (`before`);
            it is applied, and then the connection is closed, reset, or answered by 500.
    """

    daemon_threads = True

    def __init__(self, *faults: Fault, heeds_keys: bool = True) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.faults = list(faults)
        self.heeds_keys = heeds_keys
        self.asked: list[str] = []
        self.applied: dict[str, int] = {}

    def call(self, key: str, timeout: float = 5) -> str:
        """Ask for the effect, as a step does.

        Raises:
            HttpError: The service says that something went wrong.
            OSError: The connection was lost.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.server_address[1], timeout=timeout)
        try:
            connection.request("POST", "/pay", headers={"Idempotency-Key": key, "Content-Length": "0"})
            answer = connection.getresponse()
            answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise HttpError(answer.status)
        return "paid"

    def handle_error(self, *_: object) -> None:
        """Say nothing of a client that went away."""


class HttpError(Exception):
    """An answer with a status that says that something went wrong."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status_code = status


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        service, key = self.server, self.headers["Idempotency-Key"]
        service.asked.append(key)
        fault = service.faults.pop(0) if service.faults else ""
        if fault != "before" and not (service.heeds_keys and key in service.applied):
            service.applied[key] = service.applied.get(key, 0) + 1
        if fault in ("before", "after", "reset"):
            if fault == "reset":
                # Without lingering, a socket that is closed is reset.
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
            return
        self.send_response(500 if fault else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def acting(*faults: Fault, heeds_keys: bool = True) -> Iterator[Service]:
    """Serve while the block runs."""
    service = Service(*faults, heeds_keys=heeds_keys)
    thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        service.shutdown()
        service.server_close()
        thread.join()
