"""Runs that ask people, models and other workflows, cancelled at each point at which they wait."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fsmflow.runtime import Answer, Transient
from fsmflow.spec import Budget, Cost, End, Llm, Model
from tests.runtime.families import family
from tests.runtime.test_cancellation import Ticking, cancelled_everywhere, watched, whole
from tests.runtime.workbench import compiled, reask, retry, seconds

CHILD = """
budget: {steps: 4, tokens: 40, time: 1min}
states:
  fetch: {run: m:f, cost: {tokens: 5}, effect: none, timeout: 9s, success: rest, fallback: lost,
    retry: {times: 1, backoff: 1us}}
  rest: {wait: 1s, success: note}
  note: {run: m:f, cost: {tokens: 5}, effect: none, timeout: 9s, success: done, fallback: lost}
  done: {end: success, output: 1}
  lost: {end: failed}
"""
ASKING_CHILD = """
states:
  sure: {ask: "Sure?", timeout: 1h, success: {"yes": done, "no": lost}, fallback: lost}
  done: {end: success, output: 1}
  lost: {end: failed}
"""
ENDS = "  done: {end: success}\n  failed: {end: failed}\n"
PARENTS = {
    "ask": 'ask: "Sure?", timeout: 1h, success: {"yes": done, "no": failed}, fallback: failed',
    "map": "map: child, over: $input, at_most: 3, width: 2, success: done, fallback: failed",
    "map, one by one": "map: child, over: $input, at_most: 3, tolerate: 1, success: done, fallback: failed",
    "parallel": "parallel: {l: {call: child}, r: {call: child}}, success: done, fallback: failed",
    "call": "call: child, success: done, fallback: failed",
    "call that asks": "call: asking, success: done, fallback: failed",
}


async def fetched() -> int:
    await asyncio.sleep(0)
    return 1


def flaky() -> Callable[[], Any]:
    """Make a step that fails in passing the first time of each run."""
    calls: list[int] = []

    async def step() -> int:
        await asyncio.sleep(0)
        calls.append(1)
        if len(calls) % 2:
            raise Transient
        return 1

    return step


def cancelled_at_each_turn(make: Callable[[Any], Any]) -> Iterator[list[dict[str, Any]]]:
    """Cancel a run at each turn of the event loop, whichever of its tasks waits then; give the events."""

    async def main(turns: int) -> list[dict[str, Any]] | None:
        events: list[dict[str, Any]] = []
        task = asyncio.create_task(make(events.append))
        for _ in range(turns):
            await asyncio.sleep(0)
        if task.done():
            return None
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return events

    for turns in range(1, 500):
        events = asyncio.run(main(turns))
        if events is None:
            return
        yield events
    raise AssertionError("the run does not end")


class Person:
    """Takes a moment to answer."""

    async def ask(self, asked: Any) -> Answer:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return asked.answer("yes")


WAYS = {"map": "a.", "map, one by one": "a.", "parallel": "a.l.", "call": "a."}


@pytest.mark.parametrize("how", PARENTS)
def test_what_asks_or_runs_children_can_be_cancelled_wherever_it_waits(how: str):
    """Cancellation at every await of a question and of children loses no ledger row, task or cancellation."""
    parent = f"budget: {{steps: 40, tokens: 400, time: 5h}}\nstates:\n  a: {{{PARENTS[how]}}}\n{ENDS}"
    runner = family(child=CHILD, asking=ASKING_CHILD, parent=parent)

    def make(sink: Any) -> Any:
        ways = ["a.l.", "a.r."] if how == "parallel" else [WAYS.get(how, "")]
        steps = {f"{way}{name}": step for way in ways if way for name, step in _steps().items()}
        return runner.run([{}, {}, {}], steps=steps, clock=Ticking(), trace=sink, desk=Person())

    def _steps() -> dict[str, Any]:
        return {"fetch": flaky(), "note": fetched}

    number = 0
    for events in (*cancelled_everywhere(make), *cancelled_at_each_turn(make)):
        end, attempts = whole(events)
        number += 1

        assert (end["end"], end["kind"]) == ("cancelled", "cancelled")
        asked = [event for event in events if event["event"] == "answer"]
        assert (attempts or asked)[-1]["outcome"] == "cancelled"
        # Of children that were cut off it is known what they used, and that is what counts.
        if how in WAYS:
            ends = [event for event in events if event["event"] == "end"][:-1]
            assert attempts[-1]["use"]["tokens"] == sum(each["spent"]["tokens"] for each in ends)
    assert number >= 6


class Client:
    """A client whose calls wait a few times, and answer nonsense, an error, and then an answer."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.chat = self.completions = self
        self.with_raw_response = SimpleNamespace(create=self._whole)
        self.with_streaming_response = SimpleNamespace(create=self._streamed)

    async def __aenter__(self) -> Client:
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.sleep(0)

    @property
    def said(self) -> str:
        if self.number == 0:
            raise ConnectionResetError
        return "" if self.number == 1 else "It adds."

    async def _whole(self, **_: Any) -> Any:
        await asyncio.sleep(0)
        message = {"content": self.said}
        body = {"choices": [{"finish_reason": "stop", "message": message}], "usage": {"total_tokens": 7}}
        return SimpleNamespace(http_response=SimpleNamespace(content=json.dumps(body).encode()))

    @asynccontextmanager
    async def _streamed(self, **_: Any) -> AsyncIterator[Any]:
        await asyncio.sleep(0)

        async def read() -> AsyncIterator[bytes]:
            for words in [*self.said.split(), ""]:
                await asyncio.sleep(0)
                choice = {"delta": {"content": words}, "finish_reason": None if words else "stop"}
                part = {"choices": [choice], "usage": {"total_tokens": 7}}
                yield f"data: {json.dumps(part)}\n\n".encode()

        yield SimpleNamespace(headers={"content-type": "text/event-stream"}, iter_bytes=read)
        await asyncio.sleep(0)


@pytest.mark.parametrize("live", [False, True], ids=["whole", "streamed"])
def test_what_asks_a_model_can_be_cancelled_wherever_it_waits(
    live: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """Cancellation at every await of a call of a model ends the run, and all that was declared counts."""
    (tmp_path / "p.md").write_text("Why?", encoding="utf-8")
    state = Llm(
        llm=Model(model="small", prompt="p.md", max_tokens=50),
        cost=Cost(tokens=900),
        timeout=seconds(60),
        success="done",
        retry=retry(1),
        invalid=reask(1),
        fallback="failed",
    )
    runner = compiled({"draft": state, "done": End(end="success")}, budget=Budget(tokens=9_000))
    runner.folder = tmp_path
    calls: list[int] = []

    def make(sink: Any) -> Any:
        calls.clear()
        return runner.run(None, clock=Ticking(), trace=sink, live=live)

    def client(*_: Any) -> Client:
        calls.append(1)
        return Client(len(calls) - 1)

    monkeypatch.setattr("fsmflow.runtime.models.llm._client", client)
    events, _ = asyncio.run(watched(make))
    attempts = [event["outcome"] for event in events if event["event"] == "attempt"]

    assert attempts == ["transient", "invalid", "success"]
    for events in cancelled_everywhere(make):
        end, made = whole(events)

        assert (end["end"], end["kind"]) == ("cancelled", "cancelled")
        assert made[-1]["outcome"] in ("cancelled", "transient")
        if made[-1]["outcome"] == "cancelled":
            assert made[-1]["use"]["tokens"] == 900
