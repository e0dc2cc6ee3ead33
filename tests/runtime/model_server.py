"""A real HTTP server on loopback that speaks the OpenAI protocol, and breaks it when it is told to."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

USAGE = {"prompt_tokens": 90, "completion_tokens": 33, "total_tokens": 123}

Handler = http.server.BaseHTTPRequestHandler
Reply = Callable[[Handler], None]


class ModelServer(http.server.ThreadingHTTPServer):
    """Gives the replies of a script, one a request; the last one again and again.

    Attributes:
        asked: The bodies of all requests that came over the wire.
        queries: What stood behind the address of each.
    """

    daemon_threads = True

    def __init__(self, *script: Reply) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = list(script)
        self.asked: list[dict[str, Any]] = []
        self.queries: list[str] = []
        self.closing = threading.Event()
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """The base address of its endpoint."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def next(self, body: dict[str, Any]) -> Reply:
        """Note a request, and give what it is answered with."""
        with self._lock:
            self.asked.append(body)
            return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def handle_error(self, *_: Any) -> None:
        """Say nothing of a client that went away."""


class _Handler(http.server.BaseHTTPRequestHandler):
    server: ModelServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        path, _, query = self.path.partition("?")
        assert path.endswith("/v1/chat/completions"), path
        self.server.queries.append(query)
        self.server.next(body)(self)
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serving(*script: Reply) -> Iterator[ModelServer]:
    """Serve a script while the block runs."""
    server = ModelServer(*script)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def says(content: Any, *, finish: str | None = "stop", usage: Any = USAGE, **message: Any) -> Reply:
    """Answer, in words or as JSON."""
    is_json = isinstance(content, dict) or (isinstance(content, list) and "type" not in (content or [{}])[0])
    text = json.dumps(content) if is_json else content
    choice = {
        "index": 0,
        "finish_reason": finish,
        "message": {"role": "assistant", "content": text, **message},
    }
    return sends({"id": "1", "object": "chat.completion", "choices": [choice], "usage": usage})


def calls(name: Any, arguments: Any, *, finish: str = "tool_calls", usage: Any = USAGE) -> Reply:
    """Call a tool; arguments are JSON text, or data."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    call = {"id": "c1", "type": "function", "function": {"name": name, "arguments": text}}
    return says(None, finish=finish, usage=usage, tool_calls=[call])


def streams(*parts: Any, pause: float = 0.0, done: bool = True, cut: bool = False) -> Reply:
    """Stream parts as server-sent events: data as JSON, text as it is."""

    def reply(to: Handler) -> None:
        to.send_response(200)
        to.send_header("content-type", "text/event-stream")
        to.end_headers()
        for part in parts:
            text = part if isinstance(part, str) else json.dumps(part)
            to.wfile.write(f"data: {text}\n\n".encode())
            to.wfile.flush()
            time.sleep(pause)
        if done:
            to.wfile.write(b"data: [DONE]\n\n")
        if cut:
            to.connection.close()

    return reply


def drips(raw: bytes) -> Reply:
    """Stream bytes one by one, as they are."""

    def reply(to: Handler) -> None:
        to.send_response(200)
        to.send_header("content-type", "text/event-stream")
        to.end_headers()
        for byte in raw:
            to.wfile.write(bytes([byte]))
            to.wfile.flush()

    return reply


def part(words: Any = None, *, finish: str | None = None, usage: Any = None, **delta: Any) -> Any:
    """Make a part of a streamed answer."""
    choice = {"index": 0, "delta": {"content": words, **delta}, "finish_reason": finish}
    found = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return {**found, "usage": usage}


def sends(body: Any, status: int = 200, **headers: str) -> Reply:
    """Send a body: data as JSON, bytes as they are."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()

    def reply(to: Handler) -> None:
        _head(to, status, len(raw), headers)
        to.wfile.write(raw)

    return reply


def fails(status: int, **headers: str) -> Reply:
    """Refuse with an HTTP status."""
    return sends({"error": {"message": "no", "type": "test"}}, status, **headers)


def hangs(seconds: float = 30.0) -> Reply:
    """Say nothing until the server closes."""

    def reply(to: Handler) -> None:
        server = to.server
        assert isinstance(server, ModelServer)
        server.closing.wait(seconds)

    return reply


def hangs_up(to: Handler) -> None:
    """Close the connection without a word."""
    to.connection.close()


def breaks_off(to: Handler) -> None:
    """Close the connection in the middle of the body."""
    raw = b'{"id": "1", "choices": [{"index": 0, "finish_reason": "st'
    _head(to, 200, 4 * len(raw), {})
    to.wfile.write(raw)
    to.wfile.flush()
    time.sleep(0.01)


def _head(to: Handler, status: int, length: int, headers: dict[str, str]) -> None:
    to.send_response(status)
    for name, value in {"content_type": "application/json", **headers}.items():
        to.send_header(name.replace("_", "-"), value)
    to.send_header("Content-Length", str(length))
    to.end_headers()
