"""Which outcome an exception is, and how a server's wish is read."""

import asyncio
import http.client
import importlib
import json
import ssl
import urllib.error
from decimal import Context, Inexact, localcontext
from email.message import Message

import openai
import pytest

from fsmflow.runtime import Breach, Invalid, Permanent, Transient
from fsmflow.runtime.complaints import Rejected
from fsmflow.runtime.outcomes import MAX_RETRY_AFTER_US, classify, describe, parse_retry_after, retry_after_us
from fsmflow.runtime.verdict import seconds
from tests.runtime.workbench import outcomes, retry, run, step

# The library beneath the openai client, which is httpx or a successor of it.
httpx = importlib.import_module(openai.DefaultHttpxClient.__mro__[1].__module__.partition(".")[0])


class Response:
    """A response as HTTP libraries have it."""

    def __init__(self, headers=None, **status):
        self.headers = headers or {}
        vars(self).update(status)


class StatusError(Exception):
    """An error that carries a status in some attribute."""

    def __init__(self, message="", **attributes):
        super().__init__(message)
        vars(self).update(attributes)


def fake(module, *names):
    """Make an error class named like a library's, with its ancestry."""
    kind = Exception
    for name in reversed(names):
        kind = type(name, (kind,), {"__module__": module})
    return kind


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 529, 599])
@pytest.mark.parametrize("attribute", ["status_code", "status", "code"])
def test_passing_statuses_are_transient(status, attribute):
    """408, 409, 425, 429 and 5xx are transient wherever they are carried."""
    for error in (StatusError(**{attribute: status}), StatusError(response=Response(**{attribute: status}))):
        assert classify(error).outcome == "transient"


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 410, 413, 422, 451, 499])
def test_other_statuses_are_failures(status):
    """Any other status of an error is a failure, even of a connection error."""
    kind = type("Gone", (ConnectionError,), {"status_code": status})
    for error in (StatusError(status_code=status), kind()):
        assert classify(error).outcome == "failure"


@pytest.mark.parametrize("status", [True, "500", 99, 600, 5000, None, 500.0, b"500"])
def test_what_is_no_status_is_not_taken_for_one(status):
    """Only a whole number of a status's size is a status."""
    assert classify(StatusError(status_code=status)).outcome == "failure"


def test_a_good_status_does_not_hide_a_broken_stream():
    """A stream that breaks after `200 OK` is transient."""
    error = fake("requests.exceptions", "ChunkedEncodingError", "RequestException")()
    error.response = Response(status_code=200)

    assert classify(error).outcome == "transient"


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        ConnectionResetError(),
        BrokenPipeError(),
        EOFError(),
        http.client.RemoteDisconnected(),
        http.client.IncompleteRead(b""),
        fake("httpx", "ReadTimeout", "TimeoutException", "TransportError", "RequestError", "HTTPError")(),
        fake("httpx", "RemoteProtocolError", "ProtocolError", "TransportError")(),
        fake("httpcore", "ReadTimeout", "TimeoutException")(),
        fake("openai", "APITimeoutError", "APIConnectionError", "APIError", "OpenAIError")(),
        fake("anthropic", "APITimeoutError", "APIConnectionError", "APIError")(),
        fake("requests.exceptions", "ReadTimeout", "Timeout", "RequestException")(),
        fake("requests.exceptions", "ConnectionError", "RequestException")(),
        fake("urllib3.exceptions", "ReadTimeoutError", "TimeoutError", "HTTPError")(),
        fake("aiohttp.client_exceptions", "ServerDisconnectedError", "ClientConnectionError")(),
        fake("aiohttp.client_exceptions", "ClientPayloadError", "ClientError")(),
        type("Own", (fake("httpx", "TransportError"),), {})(),
    ],
    ids=lambda error: f"{type(error).__module__}.{type(error).__name__}",
)
def test_timeouts_lost_connections_and_broken_streams_are_transient(error):
    """They may pass, and nobody can tell whether their request had an effect."""
    found = classify(error)

    assert (found.outcome, found.ambiguous) == ("transient", True)


@pytest.mark.parametrize(
    "error",
    [
        ValueError(),
        KeyError("x"),
        AssertionError(),
        OSError(28, "No space left on device"),
        FileNotFoundError(),
        json.JSONDecodeError("x", "y", 0),
        ssl.SSLCertVerificationError(),
        MemoryError(),
        RecursionError(),
        fake("mine", "TransportError")(),
        fake("httpx", "InvalidURL")(),
        fake("openai", "ContentFilterFinishReasonError", "OpenAIError")(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_anything_else_is_a_failure(error):
    """A bug is never retried."""
    assert classify(error).outcome == "failure"


def test_our_own_exceptions_say_so_themselves():
    """Transient, Invalid, Permanent and Breach are what they are called, whatever they carry."""
    permanent = Permanent("no")
    permanent.status_code = 503

    assert classify(Transient("x", retry_after=2))[:5] == ("transient", "x", (), 2_000_000, False)
    assert classify(Invalid("a", "b"))[:5] == ("invalid", "a; b", ("a", "b"), None, False)
    assert classify(permanent)[:2] == ("failure", "no")
    assert classify(Breach("b"))[:2] == ("failure", "b")


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), True, "5", None])
def test_a_transients_wish_must_be_a_length_of_time(seconds):
    """A wish that makes no sense is none."""
    assert classify(Transient(retry_after=seconds)).retry_after_us is None


def api_error(kind, status, headers=None):
    """Make the error that the openai client raises for a status."""
    request = httpx.Request("POST", "https://api.invalid/v1")
    response = httpx.Response(status, request=request, headers=headers or {})
    return kind("said", response=response, body=None)


@pytest.mark.parametrize(
    ("kind", "status", "outcome"),
    [
        (openai.RateLimitError, 429, "transient"),
        (openai.InternalServerError, 500, "transient"),
        (openai.InternalServerError, 503, "transient"),
        (openai.ConflictError, 409, "transient"),
        (openai.BadRequestError, 400, "failure"),
        (openai.AuthenticationError, 401, "failure"),
        (openai.PermissionDeniedError, 403, "failure"),
        (openai.NotFoundError, 404, "failure"),
        (openai.UnprocessableEntityError, 422, "failure"),
    ],
)
def test_the_openai_clients_errors_are_told_by_their_status(kind, status, outcome):
    """Errors of the real client are classified, and their Retry-After is read."""
    found = classify(api_error(kind, status, {"retry-after": "7", "retry-after-ms": "6500"}))

    assert found.outcome == outcome
    assert found.retry_after_us == (6_500_000 if outcome == "transient" else None)


def test_the_openai_clients_lost_connections_are_transient():
    """So are its timeouts, and the errors of the library beneath it."""
    request = httpx.Request("POST", "https://api.invalid/v1")
    for error in (
        openai.APITimeoutError(request),
        openai.APIConnectionError(request=request),
        httpx.ReadTimeout("x", request=request),
        httpx.RemoteProtocolError("x", request=request),
    ):
        assert classify(error).outcome == "transient"


def test_an_error_that_breaks_when_looked_at_is_still_classified():
    """Properties, headers and texts that raise hide nothing."""

    class Hostile(Exception):
        @property
        def response(self):
            raise RuntimeError

        @property
        def headers(self):
            return Hostile()

        def __str__(self):
            raise ValueError

    class Busy(Hostile):
        status = 503

    assert classify(Hostile())[:2] == ("failure", "Hostile: (its message could not be read)")
    assert classify(Busy())[0] == "transient"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("a\nb\r\n  c"), "ValueError: a b c"),
        (ValueError(), "ValueError"),
        (Permanent(), "Permanent"),
        (Permanent("x" * 600), "x" * 500),
        (ValueError("x" * 600), "ValueError: " + "x" * 488),
    ],
)
def test_an_error_is_described_in_a_line(error, text):
    """A message has one line, of at most 500 characters."""
    assert describe(error) == text


NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("5", 5_000_000),
        (" 5 ", 5_000_000),
        ("0", 0),
        ("1.5", 1_500_000),
        ("99999999999", MAX_RETRY_AFTER_US),
        ("Tue, 14 Nov 2023 22:13:30 GMT", 10_000_000),
        ("Tue, 14 Nov 2023 22:13:30 -0000", 10_000_000),
        ("Tue, 14 Nov 2023 23:13:30 +0100", 10_000_000),
        ("Tue, 14 Nov 2023 22:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", MAX_RETRY_AFTER_US),
        *(
            (text, None)
            for text in (
                "-1",
                "+5",
                "nan",
                "inf",
                "1e9",
                "٣",
                "²",
                "5, 10",
                "5;10",
                "",
                " ",
                ".",
                "1.2.3",
                "0x5",
                "5s",
                "1_000",
                "soon",
                "9" * 65,
                "Tue, 14 Nov 2023",
                "Tue, 99 Nov 2023 22:13:30 GMT",
                None,
                5,
                5.0,
                b"5",
                ["5"],
            )
        ),
    ],
)
def test_retry_after_is_read_as_the_rfc_says(text, us):
    """Seconds or an HTTP date (RFC 9110, 10.2.3); anything malformed is no wish."""
    assert parse_retry_after(text, now=NOW) == us


@pytest.mark.parametrize("is_inline", [False, True])
def test_what_a_program_exits_with_is_no_http_status(is_inline):
    """A step that calls `sys.exit(503)` has failed, wherever it runs: nobody answered anything."""

    def work():
        raise SystemExit(503)

    result = run({"work": step(inline=is_inline, retry=retry(1))}, {"work": work})

    assert outcomes(result) == [("work", "failure")]


def test_a_wish_is_exact_whatever_decimals_are_set_to():
    """How exact a program's own decimals are is nothing to a server's wish."""
    with localcontext(Context(prec=2, traps=[Inexact])):
        assert parse_retry_after("12.345") == 12_345_000


def test_retry_after_is_found_in_any_headers():
    """The header is found whatever its letters, in a mapping or an email message."""
    message = Message()
    message["Retry-After"] = "3"

    for headers in (message, {"RETRY-AFTER": "3"}, httpx.Headers({"Retry-After": "3"})):
        assert retry_after_us(StatusError(headers=headers)) == 3_000_000
        assert retry_after_us(StatusError(response=Response(headers))) == 3_000_000
    for headers in (None, 5, {"retry-after": object()}, {"x": "3"}):
        assert retry_after_us(StatusError(headers=headers)) is None


def test_urllibs_errors_are_told_by_their_code():
    """An HTTPError of urllib carries its status in `code`, and its headers."""
    message = Message()
    message["Retry-After"] = "4"
    error = urllib.error.HTTPError("https://x.invalid", 503, "busy", message, None)

    assert classify(error)[0::3] == ("transient", 4_000_000)
    error.close()


def test_an_output_that_a_step_itself_rejects_is_no_earlier_steps():
    """A step that raises `Rejected` before it has an output is on record without one."""

    async def first():
        return "the first step's"

    async def second():
        raise Rejected(("no",))

    states = {"first": step(success="second"), "second": step()}
    result = run(states, {"first": first, "second": second})

    assert (result.trace[1].outcome, result.trace[1].value) == ("invalid", None)


class Odd(BaseException):
    """What is no exception to be caught."""


async def raising(error):
    raise error


async def raising_later(error):
    await asyncio.sleep(0)
    raise error


ODD = [Odd("a bug"), GeneratorExit(), SystemExit(3), BaseExceptionGroup("two", [Odd("a"), Odd("b")])]


@pytest.mark.parametrize("error", ODD, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("later", [False, True], ids=["at once", "later"])
@pytest.mark.parametrize("mode", ["plain", "context", "inline", "sync that is async"])
def test_whatever_a_step_raises_is_an_outcome(error, later, mode):
    """A step that raises what is no exception has failed like any other, and is not tried again."""
    make = raising_later if later else raising

    async def work():
        calls.append(1)
        await make(error)

    async def work_in_context(ctx):
        await work()

    def work_inline():
        if not later:
            calls.append(1)
            raise error
        return work()

    calls, events = [], []
    function = {"plain": work, "context": work_in_context}.get(mode, work_inline)
    more = {"inline": True} if mode == "inline" else {}
    for options in ({}, {"trace": events.append}):
        calls.clear()
        result = run({"work": step(retry=retry(3), **more)}, {"work": function}, options=options)

        assert (result.end, [span.outcome for span in result.trace]) == ("failed", ["failure"])
        assert type(error).__name__ in result.error.message
        assert len(calls) == 1
    assert [event["event"] for event in events] == ["run", "attempt", "end"]


@pytest.mark.parametrize("effect", ["none", "once"])
@pytest.mark.parametrize("function", [raising, raising_later])
@pytest.mark.parametrize("context", [False, True])
def test_an_interrupt_in_a_step_ends_the_run_as_cancelled(function, effect, context):
    """Ctrl-C that nobody made a cancellation of leaves a whole trace, and reaches whoever began the run."""

    async def work():
        await function(KeyboardInterrupt())

    async def work_in_context(ctx):
        await work()

    events = []
    more = {"effect": "once", "unknown": "done"} if effect == "once" else {}
    states = {"work": step(retry=retry(3), **more)}
    options = {"trace": events.append} if context else {}
    with pytest.raises(KeyboardInterrupt):
        run(states, {"work": work_in_context if context else work}, options=options)

    if context:
        assert [event["event"] for event in events] == ["run", "attempt", "end"]
        assert events[1]["outcome"] == ("unknown" if effect == "once" else "cancelled")
        assert events[2]["kind"] == "cancelled"


def test_what_accepts_may_raise_anything():
    """An accept function that raises what is no exception has rejected nothing: the attempt has failed."""
    result = run({"work": step(accept=["tests.runtime.test_outcomes:odd"])}, {"work": lambda: 1})

    assert (result.end, result.error.message) == ("failed", "accept: Odd: no")


def odd(value):
    raise Odd("no")


@pytest.mark.parametrize(
    ("us", "said"),
    [
        (20_300, "0.0203 s"),
        (1_234_567, "1.23 s"),
        (999_499_999, "999 s"),
        (999_500_000, "1,000 s"),
        (1_800_000_000, "1,800 s"),
    ],
)
def test_how_long_something_took_is_told_in_plain_figures(us, said):
    """Seconds are told to three digits, and never in powers of ten."""
    assert seconds(us) == said


TOGETHER = {
    "a wish": ([Transient("busy", retry_after=2)], "transient", (), 2_000_000, False),
    "two wishes": (
        [Transient("a", retry_after=2), Transient(retry_after=5)],
        "transient",
        (),
        5_000_000,
        False,
    ),
    "lost": ([Transient("busy"), ConnectionError("lost")], "transient", (), None, True),
    "rejected": ([Invalid("a", "b"), Invalid("c")], "invalid", ("a", "b", "c"), None, False),
    "rejected and busy": ([Invalid("a"), Transient("busy")], "transient", (), None, False),
    "a bug": ([Transient("busy"), KeyError("x")], "failure", (), None, False),
    "a bug and lost": ([KeyError("x"), ConnectionError("lost")], "failure", (), None, True),
    "within another": ([ExceptionGroup("in", [Transient("busy")])], "transient", (), None, False),
}


@pytest.mark.parametrize("what", TOGETHER)
def test_errors_that_are_raised_together_are_what_the_worst_of_them_is(what):
    """A group is tried again if all in it may pass, never with a bug in it; its message names the worst."""
    errors, outcome, complaints, wish, ambiguous = TOGETHER[what]
    found = classify(ExceptionGroup("all", errors))

    assert found[2:5] == (complaints, wish, ambiguous)
    assert found.outcome == outcome
    assert found.message.startswith("ExceptionGroup: all (")
    assert found.message.endswith((": busy", ": a", ": KeyError: 'x'", ": a; b"))


def test_a_group_within_groups_without_end_is_an_outcome_too():
    """However deep an error stands in groups, its attempt ends as it says."""
    error = Transient("busy")
    for _ in range(20_000):
        error = ExceptionGroup("in", [error])

    assert classify(error).outcome == "transient"
