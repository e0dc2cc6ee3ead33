"""Connections that are lost, servers that ask to be left alone, and effects that may have happened."""

from __future__ import annotations

import asyncio
import socket
from email.utils import formatdate
from typing import Any

import pytest

from fsmflow.runtime import StepContext
from fsmflow.spec import Duration, End, Retry
from fsmflow.testing import SimulatedClock
from tests.faults.effects import Fault, HttpError, Service, acting
from tests.runtime.workbench import outcomes, reask, retry, run, seconds, step

NOW_NS = 1_700_000_000_000_000_000


class Wall(SimulatedClock):
    """Simulated time, in which it is always the same day."""

    def wall_ns(self) -> int:
        return NOW_NS


class Busy(Exception):
    """A refusal for now, with a wish in its headers."""

    status_code = 429

    def __init__(self, wish: object) -> None:
        super().__init__("busy")
        self.headers = {"Retry-After": wish}


WISHES: dict[object, float | None] = {
    "5": 5,
    "1.5": 1.5,
    "0": 0,
    formatdate(NOW_NS / 1e9 + 7, usegmt=True): 7,
    formatdate(NOW_NS / 1e9 - 3600, usegmt=True): 0,
    "-1": None,
    "nan": None,
    "inf": None,
    "1e9": None,
    "٣": None,
    "5, 10": None,
    "5s": None,
    "": None,
    "soon": None,
    "<script>": None,
}


@pytest.mark.parametrize("wish", WISHES, ids=repr)
def test_every_form_of_retry_after_is_heeded_or_ignored(wish: object, monkeypatch: pytest.MonkeyPatch):
    """Retry-After in seconds or as a date is a floor of the pause; `-1`, `nan`, `1e9`, `٣` and lists no."""
    monkeypatch.setattr("fsmflow.runtime.outcomes.time.time", lambda: NOW_NS / 1e9)
    calls: list[int] = []

    async def work() -> str:
        calls.append(1)
        if len(calls) == 1:
            raise Busy(wish)
        return "x"

    pauses = Retry(times=1, backoff=seconds(2), cap=seconds(60), jitter="none")
    result = run({"a": step(retry=pauses)}, {"a": work}, options={"clock": Wall()})
    waited = next(span.elapsed_us for span in result.trace if span.outcome == "elapsed")

    assert result.end == "done"
    assert waited == max(2_000_000, int((WISHES[wish] or 0) * 1_000_000))


@pytest.mark.parametrize("wish", ["61", "86400", "4233600", formatdate(NOW_NS / 1e9 + 10**9, usegmt=True)])
def test_a_retry_after_beyond_the_cap_is_not_waited_for(wish: str, monkeypatch: pytest.MonkeyPatch):
    """A Retry-After of an hour, or of 49 days, ends the state at once, and the trace has the wish."""
    monkeypatch.setattr("fsmflow.runtime.outcomes.time.time", lambda: NOW_NS / 1e9)
    events: list[dict[str, Any]] = []

    async def work() -> None:
        raise Busy(wish)

    pauses = Retry(times=3, backoff=seconds(1), cap=seconds(60), jitter="none")
    options = {"clock": Wall(), "trace": events.append}
    result = run({"a": step(retry=pauses)}, {"a": work}, options=options)

    assert (outcomes(result), result.end) == ([("a", "transient")], "failed")
    assert events[1]["retry_after_us"] > 60_000_000
    assert result.spent.time_us < 1_000_000


@pytest.mark.parametrize("status", [500, 502, 503, 504, 529, 408, 425, 429, 400, 401, 403, 404, 409, 422])
def test_a_status_is_retried_or_never(status: int):
    """5xx, 529 and what may pass are retried; 400, 401, 403, 404 and 422 are not, whatever `retry` says."""
    calls: list[int] = []

    async def work() -> None:
        calls.append(1)
        raise HttpError(status)

    run({"a": step(retry=retry(3))}, {"a": work}, options={"clock": SimulatedClock()})

    assert len(calls) == (4 if status >= 500 or status in (408, 409, 425, 429) else 1)


def paying(service: Service) -> Any:
    """Make a step that pays, under its key."""

    def pay(ctx: StepContext) -> str:
        return service.call(ctx.idempotency_key)

    return pay


LOST: list[Fault] = ["before", "after", "reset", "status after"]


@pytest.mark.parametrize("fault", LOST)
def test_an_ambiguous_effect_that_may_happen_once_is_not_asked_for_again(fault: Fault):
    """A connection reset before or after a request was acted on is ambiguous: `once` goes to `unknown`."""
    states = {
        "pay": step(effect="once", unknown="reconcile", timeout=seconds(10)),
        "reconcile": End(end="handoff", output="$error.outcome"),
    }
    with acting(fault) as service:
        result = run(states, {"pay": paying(service)})

    assert (outcomes(result), result.end, result.output) == ([("pay", "unknown")], "reconcile", "unknown")
    assert len(service.asked) == 1
    assert sum(service.applied.values()) == (fault != "before")


def test_a_request_that_was_never_sent_is_retried_or_unknown():
    """Where nobody listens, a step without an effect is tried again; one that acts once is not."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    calls: list[int] = []

    def call() -> None:
        calls.append(1)
        socket.create_connection(("127.0.0.1", port), timeout=1)

    read = run({"a": step(retry=retry(1))}, {"a": call})
    once = run({"a": step(effect="once", unknown="failed")}, {"a": call})

    assert [outcome for _, outcome in outcomes(read) if outcome != "elapsed"] == ["transient"] * 2
    assert outcomes(once) == [("a", "unknown")]
    assert len(calls) == 3


def test_a_read_timeout_is_transient():
    """A server that accepts and says nothing, and one that nobody can connect to in time, may pass."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(5)
        port = silent.getsockname()[1]

        def reading() -> None:
            with socket.create_connection(("127.0.0.1", port), timeout=0.05) as connection:
                connection.recv(1)

        result = run({"a": step(retry=retry(1))}, {"a": reading})

    assert [outcome for _, outcome in outcomes(result) if outcome != "elapsed"] == ["transient"] * 2


@pytest.mark.parametrize("fault", LOST)
def test_a_retry_does_not_repeat_an_effect(fault: Fault):
    """A retry repeats the request under the same key, and so the effect is applied once."""
    states = {"pay": step(effect="idempotent", retry=retry(3), timeout=seconds(10))}
    with acting(fault, fault) as service:
        result = run(states, {"pay": paying(service)})

    assert result.end == "done"
    assert len(service.asked) == 3
    assert set(service.applied.values()) == {1}
    assert len(service.applied) == 1


def test_without_a_key_the_same_retries_would_repeat_it():
    """The service that heeds no key shows that the effects are there to be repeated."""
    states = {"pay": step(effect="idempotent", retry=retry(3), timeout=seconds(10))}
    with acting("after", "status after", heeds_keys=False) as service:
        run(states, {"pay": paying(service)})

    assert list(service.applied.values()) == [3]


def test_a_failure_after_the_effect_leaves_it_applied_once():
    """A step that fails after its effect, in its own code or in its output, is not acted on again."""
    calls: list[int] = []

    def pay(ctx: StepContext) -> str:
        service.call(ctx.idempotency_key)
        calls.append(1)
        if len(calls) == 1:
            raise KeyError("a bug after the effect")
        return "paid"

    states = {
        "pay": step(effect="idempotent", timeout=seconds(10), fallback="again"),
        "again": step(effect="none", success="done"),
    }
    with acting() as service:
        result = run(states, {"pay": pay, "again": lambda: None})

    assert outcomes(result) == [("pay", "failure"), ("again", "success")]
    assert list(service.applied.values()) == [1]


def test_a_rejected_output_after_the_effect_is_asked_for_under_the_same_key():
    """A re-ask after an effect carries the key of the first attempt, and applies nothing twice."""
    states = {
        "pay": step(effect="idempotent", timeout=seconds(10), gives="int", invalid=reask(2)),
    }
    with acting() as service:
        result = run(states, {"pay": paying(service)})

    assert [outcome for _, outcome in outcomes(result)] == ["invalid"] * 3
    assert len(service.asked) == 3
    assert list(service.applied.values()) == [1]


def test_an_effect_that_is_cut_off_is_unknown_or_repeated_under_its_key():
    """A timeout after the request was sent leaves the effect applied once, whichever way is taken."""
    states = {"pay": step(effect="idempotent", retry=retry(2), timeout=Duration(300_000))}
    calls: list[str] = []

    async def pay(ctx: StepContext) -> str:
        calls.append(ctx.idempotency_key)
        service.call(ctx.idempotency_key)
        if len(calls) == 1:
            await asyncio.sleep(5)
        return "paid"

    with acting() as service:
        result = run(states, {"pay": pay})

    assert [outcome for _, outcome in outcomes(result) if outcome != "elapsed"] == ["transient", "success"]
    assert len(set(calls)) == 1
    assert list(service.applied.values()) == [1]
