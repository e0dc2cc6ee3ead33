"""Workflows that ask people and run other workflows, and traces of them, written by hand.

A run is played on the reference meaning by what is said to happen, so its trace is one that a runner could
write: visits, attempts and ledgers are right, and it can be followed again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from attrs import define, field, frozen

from fsmflow import semantics
from fsmflow.analysis.recording import Recording, read
from fsmflow.lowering import lower
from fsmflow.machine import Ask, Callee, Caps, Machine
from fsmflow.runtime.events import Elapsed, Ended
from fsmflow.runtime.trace import SCHEMA, plain
from fsmflow.semantics import Attempt, Finish
from tests.sample import flow

SOURCE = """
fetch: {run: m:fetch, with: {url: $input}, cost: {tool_calls: 1}, timeout: 5s, effect: none, success: note, retry: {times: 1, jitter: none}, fallback: lost}
note: {run: m:note, with: {text: $fetch}, cost: {tokens: 700, usd: 0.01}, timeout: 10s, effect: none, success: noted, fallback: lost}
noted: {end: success, output: $note}
lost: {end: failed}
"""  # noqa: E501
"""What is done with one source: it is fetched, and what it says is noted."""

REPORT = """
plan: {run: m:plan, timeout: 20s, effect: none, success: look, fallback: short}
look: {parallel: {web: {call: source, with: {url: $plan}}, docs: {call: source, with: {url: $plan}}}, success: read, fallback: short}
read: {map: source, over: $plan, at_most: 20, width: 4, tolerate: 2, success: approve, fallback: short}
approve: {ask: Is this report fit to be sent?, show: {notes: $read}, role: editor, timeout: 2d, success: {send: publish, again: {to: plan, times: 1, else: short}}, fallback: short}
publish: {call: source, with: {url: $plan}, success: done, fallback: short}
short: {run: m:short, timeout: 2s, effect: none, success: partial, fallback: lost}
done: {end: success, output: $publish}
partial: {end: degraded}
lost: {end: failed}
"""  # noqa: E501
"""Sources are read side by side, a person looks at the report, and one more run publishes it."""


def callee(machine: Machine, **most: int) -> Callee:
    """Give what a caller knows of `machine`."""
    return Callee(name=machine.name, digest=machine.digest, most=Caps(**most))


def named(name: str, states: str, callees: Mapping[str, Callee] | None = None, **more: str) -> Machine:
    """Give the machine of the workflow `name`."""
    workflow = flow(states, **more)
    return lower(_renamed(workflow, name), callees or {})


def _renamed(workflow: Any, name: str) -> Any:
    from attrs import evolve

    return evolve(workflow, workflow=name)


SOURCE_MACHINE = named("source", SOURCE)
MOST = {"steps": 3, "tool_calls": 2, "tokens": 700, "micro_usd": 10_000, "time_us": 21_000_000}
REPORT_MACHINE = named("report", REPORT, {"source": callee(SOURCE_MACHINE, **MOST)})


@frozen
class Run:
    """A run to be told: of which machine, on what, and what happens in it, in order."""

    machine: Machine
    events: tuple[Ended | Elapsed | Ran, ...] = ()
    given: Any = None
    key: int | str | None = None
    is_cancelled: bool = False


@frozen
class Ran:
    """The end of an attempt that ran children."""

    outcome: str
    runs: tuple[Run, ...]
    message: str = ""


def well(value: Any = "x", **use: int) -> Ended:
    """An attempt that goes well, after 40 ms."""
    return Ended("success", value=value, use=_use(**use), elapsed_us=40_000)


def badly(message: str = "refused", outcome: str = "failure", **use: int) -> Ended:
    """An attempt that does not."""
    return Ended(outcome, message=message, use=_use(**use), elapsed_us=30_000)


def answered(label: str | None, value: Any = None) -> Ended:
    """What a person picks, after two hours."""
    return Ended("success", label, value, elapsed_us=7_200_000_000)


def _use(tool_calls: int = 0, tokens: int = 0, micro_usd: int = 0) -> tuple[int, int, int]:
    return (tool_calls, tokens, micro_usd)


def source(key: int | str | None = None, *, fails: bool = False, slow_us: int = 0, tokens: int = 500) -> Run:
    """A run of `source`; one that fails does so in `fetch`."""
    if fails:
        return Run(SOURCE_MACHINE, (badly("HTTP 404", tool_calls=1),), f"url {key}", key)
    fetched = well("text", tool_calls=1)
    noted = well("note", tokens=tokens, micro_usd=4_000)
    return Run(
        SOURCE_MACHINE, (fetched._replace(elapsed_us=40_000 + slow_us), noted), f"url {key}", key
    )


def sources(number: int, failing: tuple[int, ...] = ()) -> tuple[Run, ...]:
    """Some runs of `source`, told apart by their numbers."""
    return tuple(source(key, fails=key in failing) for key in range(number))


def report(*events: Ended | Elapsed | Ran, items: int = 4) -> Run:
    """A run of `report`: planned and looked up well, and then what is said."""
    planned = well([f"url {number}" for number in range(items)])
    looked = Ran("success", (source("web"), source("docs")))
    return Run(REPORT_MACHINE, (planned, looked, *events), {"text": "why?"})


def lines(run: Run) -> list[dict[str, Any]]:
    """Tell a run as the events of its trace."""
    return list(_Telling().tell(run, None, 1_000_000))


def text(run: Run) -> str:
    """Tell a run as the text of its trace."""
    return written(lines(run))


def written(events: list[dict[str, Any]]) -> str:
    """Write events as a trace."""
    return "".join(f"{json.dumps(event, ensure_ascii=False, allow_nan=False)}\n" for event in events)


def recording(run: Run) -> Recording:
    """Give what is read of the trace of a run."""
    return read(text(run))


@define
class _Telling:
    """The telling of one trace; ids are numbers in the order of their first use."""

    ids: Iterator[int] = field(factory=lambda: count(1))
    ended_us: int = 0
    spent: tuple[int, ...] = ()

    def tell(self, run: Run, parent: str | None, start_us: int) -> Iterator[dict[str, Any]]:
        """Tell a run and its children; `ended_us` and `spent` are then its own."""
        span, now_us = self._id(), start_us
        about = {"trace_id": "a" * 32}
        yield {
            "schema": SCHEMA,
            "event": "run",
            **about,
            "span_id": span,
            "run_id": f"run-{span[-4:]}",
            "workflow": run.machine.name,
            "digest": run.machine.digest,
            "profile": None,
            "start_ns": start_us * 1000,
            "input": plain(run.given),
            **({} if parent is None else {"parent_id": parent, "child": run.key}),
        }
        advance = semantics.launch(run.machine, run.given)
        for happened in run.events:
            at, began_us, attempt = advance.configuration, now_us, self._id()
            if isinstance(happened, Ran):
                uses, last_us = [], now_us
                for child in happened.runs:
                    yield from self.tell(child, attempt, began_us)
                    uses.append(self.spent)
                    last_us = max(last_us, self.ended_us)
                event: Ended | Elapsed = Ended(
                    happened.outcome,
                    value=None if happened.outcome != "success" else ["noted"] * len(happened.runs),
                    message=happened.message,
                    use=(sum(u[1] for u in uses), sum(u[2] for u in uses), sum(u[3] for u in uses)),
                    elapsed_us=last_us - began_us,
                    steps=1 + sum(u[0] for u in uses),
                )
            else:
                event = happened
            now_us += event.elapsed_us
            asked = isinstance(run.machine.states[at.state], Ask)
            is_pause = isinstance(event, Elapsed)
            found: dict[str, Any] = {
                "event": "pause" if is_pause else "answer" if asked else "attempt",
                **about,
                "span_id": attempt,
                "parent_id": span,
                "state": at.state,
                "visit": at.visit,
                "attempt": at.attempt,
                "start_ns": began_us * 1000,
                "end_ns": now_us * 1000,
            }
            if isinstance(event, Ended):
                (command,) = advance.commands
                found |= {
                    "outcome": event.outcome,
                    "label": event.label,
                    "input": plain(command.arguments) if isinstance(command, Attempt) else plain(at.arguments),
                    "output": plain(event.value),
                    "message": event.message,
                    "complaints": list(event.complaints),
                    "use": dict(zip(("tool_calls", "tokens", "micro_usd"), event.use or (0, 0, 0), strict=True)),
                    "retry_after_us": event.retry_after_us,
                    "draw": event.draw,
                }
                if event.steps != 1:
                    found["steps"] = event.steps
            yield found
            if event.outcome != "cancelled" if isinstance(event, Ended) else True:
                advance = semantics.advance(run.machine, at, event)
        self.ended_us, self.spent = now_us, tuple(advance.configuration.spent)
        (command,) = advance.commands
        if not isinstance(command, Finish) and not run.is_cancelled:
            return
        yield {
            "event": "end",
            **about,
            "span_id": span,
            "end": command.state if isinstance(command, Finish) else "cancelled",
            "kind": command.kind if isinstance(command, Finish) else "cancelled",
            "end_ns": now_us * 1000,
            "output": plain(command.output) if isinstance(command, Finish) else None,
            "error": plain(advance.configuration.values.get("error")),
            "spent": advance.configuration.spent._asdict(),
        }

    def _id(self) -> str:
        return f"{next(self.ids):016x}"
