"""The one call to a model that the specs share, against an endpoint of the test's own."""

import asyncio
import http.server
import json
import threading

import pytest
from chat_model import ask, parse_object
from extract_record import Source, extract
from tool_loop import plan

from fsmflow.runtime import Invalid, Permanent, Transient


class Endpoint(http.server.ThreadingHTTPServer):
    """Says what it is told to, and keeps what it was asked."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked = []
        self.status = 200
        self.content = "{}"
        self.finish = "stop"
        self.refusal = None
        self.instead = None


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body)
        message = {"role": "assistant", "content": self.server.content, "refusal": self.server.refusal}
        reply = {
            "id": "1", "object": "chat.completion", "created": 0, "model": body["model"],
            "choices": [{"index": 0, "finish_reason": self.server.finish, "message": message}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 23, "total_tokens": 123},
        }  # fmt: skip
        data = json.dumps(reply if self.server.instead is None else self.server.instead).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture
def endpoint(monkeypatch):
    server = Endpoint()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{server.server_address[1]}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "test")
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def asking(ctx):
    return asyncio.run(ask("Be brief.", "Say it.", max_tokens=10, ctx=ctx))


def test_the_tokens_are_charged(endpoint, context):
    """What the endpoint says it used goes on the ledger."""
    endpoint.content = '{"a": 1}'
    ctx = context()

    assert asking(ctx) == {"a": 1}
    assert ctx.charged == {"tokens": 123}


def test_complaints_go_along(endpoint, context):
    """The model hears what was wrong with its last answer."""
    asking(context("nothing is cited"))

    assert "nothing is cited" in endpoint.asked[0]["messages"][1]["content"]


def test_a_cut_answer_is_rejected_and_charged(endpoint, context):
    """A reply that stopped at its length is no answer, and costs all the same."""
    endpoint.finish = "length"
    ctx = context()

    with pytest.raises(Invalid, match="cut short"):
        asking(ctx)
    assert ctx.charged == {"tokens": 123}


def test_a_refusal_is_final(endpoint, context):
    """Asking again would not help."""
    endpoint.refusal = "no"

    with pytest.raises(Permanent, match="refused"):
        asking(context())


@pytest.mark.parametrize("instead", [{"error": {"message": "busy"}}, {"choices": []}, {"choices": [{}]}, []])
def test_a_reply_without_an_answer_may_pass(endpoint, context, instead):
    """An endpoint that says under `200 OK` that it is busy may be asked again."""
    endpoint.instead = instead

    with pytest.raises(Transient, match="the endpoint's reply holds no answer"):
        asking(context())


def test_the_client_does_not_retry(endpoint, context):
    """A failing endpoint is called once: retries are the runtime's."""
    from openai import InternalServerError

    endpoint.status = 503
    with pytest.raises(InternalServerError):
        asking(context())
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize("text", ["", "no", "[1]", '"a"', "null"])
def test_what_is_no_object_is_rejected(text):
    """Only a JSON object is a reply."""
    with pytest.raises(Invalid):
        parse_object(text)


def test_a_model_plans(endpoint, context):
    """The tool that the model picks is the label."""
    endpoint.content = '{"tool": "units", "request": "90 min to h"}'
    outcome = asyncio.run(plan("How long is 90 min?", None, context()))

    assert (outcome.label, outcome.value.request) == ("units", "90 min to h")


def test_a_tool_that_is_none_is_rejected(endpoint, context):
    """The list of tools is closed."""
    endpoint.content = '{"tool": "shell", "request": "rm"}'

    with pytest.raises(Invalid, match="none of the tools"):
        asyncio.run(plan("How long?", None, context()))


def test_a_model_extracts(endpoint, context):
    """Fields are copied as the model gives them; what it leaves out is missing."""
    endpoint.content = '{"supplier": "ACME", "total": "1.190", "decimal_mark": ",", "net": null}'
    fields = asyncio.run(extract(Source(["x"]), ["amounts: do not add up"], context()))

    assert (fields.supplier, fields.net, fields.decimal_mark) == ("ACME", "", ",")
    assert "do not add up" in endpoint.asked[0]["messages"][1]["content"]
