"""Workflows that ask people and run other workflows, and traces of them, told by hand.

A run is played on the reference meaning by what is said to happen, so its trace is one that a runner could
write: visits, attempts and ledgers are right, and it can be followed again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from attrs import define, evolve, field, frozen

from fsmflow import semantics
from fsmflow.analysis.traces.recording import CHARGED, Recording, read
from fsmflow.lowering import lower
from fsmflow.machine import Ask, Callee, Caps, Machine
from fsmflow.runtime.events import Elapsed, Ended
from fsmflow.runtime.run import Configuration
from fsmflow.runtime.trace import SCHEMA, plain
from fsmflow.semantics import Finish
from tests.sample import flow

SOURCE = """
fetch: {run: m:fetch, with: {url: $input}, cost: {tool_calls: 1}, timeout: 5s, effect: none, success: note,
 retry: {times: 1, jitter: none}, fallback: lost}
note: {run: m:note, with: {text: $fetch}, cost: {tokens: 700, usd: 0.01}, timeout: 10s, effect: none,
 success: noted, fallback: lost}
noted: {end: success, output: $note}
lost: {end: failed}
"""
"""What is done with one source: it is fetched, and what it says is noted."""

REPORT = """
plan: {run: m:plan, timeout: 20s, effect: none, success: look, fallback: short}
look: {parallel: {web: {call: source, with: {url: $plan}}, docs: {call: source, with: {url: $plan}}},
 success: read, fallback: short}
read: {map: source, over: $plan, with: {url: $item}, at_most: 20, width: 4, tolerate: 2, success: approve,
 fallback: short}
approve: {ask: Is this report fit to be sent?, show: {notes: $read}, role: editor, timeout: 2d,
 success: {send: publish, again: {to: plan, times: 1, else: short}}, fallback: short}
publish: {call: source, with: {url: $plan}, success: done, fallback: short}
short: {run: m:short, timeout: 2s, effect: none, success: partial, fallback: lost}
done: {end: success, output: $publish}
partial: {end: degraded}
lost: {end: failed}
"""
"""Sources are read side by side, a person looks at the report, and one more run publishes it."""

DESK = """
work: {call: report, with: {text: $input}, success: fine, fallback: bad}
fine: {end: success}
bad: {end: failed}
"""
"""What runs a report, and so, below it, sources."""


def named(name: str, states: str, callees: Sequence[Callee] = (), **more: str) -> Machine:
    """Give the machine of the workflow `name`."""
    joined = states.replace(",\n ", ", ")
    return lower(evolve(flow(joined, **more), workflow=name), {callee.name: callee for callee in callees})


def specs(folder: Path) -> Path:
    """Write the specs of `report` and of `source`, with their steps, and give the path of the first."""
    for name, states in (("source", SOURCE), ("report", REPORT)):
        body = "".join(f"  {line}\n" for line in states.strip().replace(",\n ", ", ").splitlines())
        text = f"fsmflow: 1\nworkflow: {name}\nstates:\n{body}"
        (folder / f"{name}.fsm.yaml").write_text(text, encoding="utf-8")
    steps = {"fetch": "url", "note": "text", "plan": "", "short": ""}
    code = "".join(f"def {name}({given}):\n    return None\n\n\n" for name, given in steps.items())
    (folder / "m.py").write_text(code, encoding="utf-8")
    return folder / "report.fsm.yaml"


def callee(machine: Machine, **most: int) -> Callee:
    """Give what a caller knows of `machine`."""
    return Callee(name=machine.name, digest=machine.digest, most=Caps(**most))


SOURCE_MACHINE = named("source", SOURCE)
SOURCE_CALLEE = callee(
    SOURCE_MACHINE, steps=3, tool_calls=2, tokens=700, micro_usd=10_000, time_us=80_000_000
)
REPORT_MACHINE = named("report", REPORT, [SOURCE_CALLEE])
DESK_MACHINE = named("desk", DESK, [callee(REPORT_MACHINE, steps=200, tokens=20_000)])
MIDDLE_MACHINE = named(
    "middle",
    "each: {map: source, over: $input, with: {url: $item}, at_most: 9, success: good, fallback: bad}\n"
    "good: {end: success}\nbad: {end: failed}",
    [SOURCE_CALLEE],
)
TOP_MACHINE = named(
    "top",
    "go: {call: middle, with: {list: $input}, success: good, fallback: bad}\n"
    "good: {end: success}\nbad: {end: failed}",
    [callee(MIDDLE_MACHINE, steps=30)],
)
MACHINES = {
    machine.name: machine
    for machine in (SOURCE_MACHINE, REPORT_MACHINE, DESK_MACHINE, MIDDLE_MACHINE, TOP_MACHINE)
}


@frozen
class Told:
    """A run to be told: of which machine, on what, and what happens in it, in order."""

    machine: Machine
    events: tuple[Ended | Elapsed | Ran, ...] = ()
    given: Any = None
    key: int | str | None = None


@frozen
class Ran:
    """The end of an attempt that ran children."""

    outcome: str
    runs: tuple[Told, ...]
    message: str = ""


def well(value: Any = "x", us: int = 40_000, **use: int) -> Ended:
    """An attempt that goes well."""
    return Ended("success", value=value, use=_use(**use), elapsed_us=us)


def badly(message: str = "refused", outcome: str = "failure", **use: int) -> Ended:
    """An attempt that does not."""
    return Ended(outcome, message=message, use=_use(**use), elapsed_us=30_000)


def answered(label: str | None, value: Any = None) -> Ended:
    """What a person picks, after two hours."""
    return Ended("success", label, value, elapsed_us=7_200_000_000)


def _use(tool_calls: int = 0, tokens: int = 0, micro_usd: int = 0) -> tuple[int, int, int]:
    return (tool_calls, tokens, micro_usd)


def source(key: int | str | None = None, *, fails: str = "", us: int = 40_000, tokens: int = 500) -> Told:
    """A run of `source`; one that fails does so in `fetch`, with a message."""
    if fails:
        return Told(SOURCE_MACHINE, (badly(fails, tool_calls=1),), f"url {key}", key)
    noted = well("note", tokens=tokens, micro_usd=4_000)
    return Told(SOURCE_MACHINE, (well("text", us, tool_calls=1), noted), f"url {key}", key)


def sources(number: int, failing: Sequence[int] = ()) -> tuple[Told, ...]:
    """Some runs of `source`, told apart by their numbers."""
    return tuple(source(key, fails="HTTP 404" if key in failing else "") for key in range(number))


def report(*events: Ended | Elapsed | Ran, items: int = 4) -> Told:
    """A run of `report`: planned and looked up well, and then what is said."""
    planned = well([f"url {number}" for number in range(items)])
    looked = Ran("success", (source("web"), source("docs")))
    return Told(REPORT_MACHINE, (planned, looked, *events), {"text": "why?"})


GOOD = report(Ran("success", sources(4, [1])), answered("send"), Ran("success", (source(),)))
"""A run that succeeds, though one of its children does not."""

BAD = report(Ran("failure", sources(20, [3, 7, 9]), "3 of 20 children failed, and 2 may"), well(), items=20)
"""A run that ends by its fallback, since too many of its children failed."""


MIDDLE = Told(
    MIDDLE_MACHINE,
    (Ran("failure", (source(0), source(1, fails="HTTP 500"), source(2)), "1 of 3"),),
    [1, 2, 3],
)
CHAIN = Told(TOP_MACHINE, (Ran("failure", (MIDDLE,)),))
"""A run that fails since a child of it does, since a child of that does."""


def lines(run: Told) -> list[dict[str, Any]]:
    """Tell a run as the events of its trace."""
    return list(_Telling().tell(run, None, 1_000_000))


def text(run: Told) -> str:
    """Tell a run as the text of its trace."""
    return written(lines(run))


def written(events: Sequence[Mapping[str, Any]]) -> str:
    """Write events as a trace."""
    return "".join(f"{json.dumps(event, ensure_ascii=False)}\n" for event in events)


def recording(run: Told) -> Recording:
    """Give what is read of the trace of a run."""
    return read(text(run))


@define
class _Telling:
    """The telling of one trace; ids are numbers in the order of their first use."""

    ids: Iterator[int] = field(factory=lambda: count(1))
    ended_us: int = 0
    spent: tuple[int, ...] = ()

    def tell(self, run: Told, parent: str | None, start_us: int) -> Iterator[dict[str, Any]]:
        """Tell a run and its children; `ended_us` and `spent` are then its own."""
        span, now_us = self.id(), start_us
        opening = {
            "schema": SCHEMA,
            "event": "run",
            "trace_id": "a" * 32,
            "span_id": span,
            "run_id": f"run-{span[-4:]}",
            "workflow": run.machine.name,
            "digest": run.machine.digest,
            "profile": None,
            "start_ns": start_us * 1000,
            "input": plain(run.given),
        }
        yield opening if parent is None else opening | {"parent_id": parent, "child": run.key}
        advance = semantics.launch(run.machine, run.given)
        for happened in run.events:
            attempt = self.id()
            event: Ended | Elapsed
            if isinstance(happened, Ran):
                event = yield from self.children(happened, attempt, now_us)
            else:
                event = happened
            now = advance.configuration
            told = _span(run.machine, now, event, now_us)
            now_us += event.elapsed_us
            yield {"span_id": attempt, "parent_id": span, **told}
            advance = semantics.advance(run.machine, now, event)
        spent = advance.configuration.spent
        self.ended_us, self.spent = now_us, tuple(spent)
        (command,) = advance.commands
        if isinstance(command, Finish):
            yield {
                "event": "end",
                "trace_id": "a" * 32,
                "span_id": span,
                "end": command.state,
                "kind": command.kind,
                "end_ns": now_us * 1000,
                "output": plain(command.output),
                "error": plain(advance.configuration.values.get("error")),
                "spent": spent._asdict(),
            }

    def children(self, ran: Ran, attempt: str, start_us: int) -> Any:
        """Tell the runs that an attempt starts, all at once, and give the event that it is then."""
        last_us, all_spent = start_us, []
        for child in ran.runs:
            yield from self.tell(child, attempt, start_us)
            all_spent.append(self.spent)
            last_us = max(last_us, self.ended_us)
        steps, *use = (sum(amounts) for amounts in zip(*all_spent, strict=True))
        return Ended(
            ran.outcome,
            value=["noted"] * len(ran.runs) if ran.outcome == "success" else None,
            message=ran.message,
            use=(use[0], use[1], use[2]),
            elapsed_us=last_us - start_us,
            steps=1 + steps,
        )

    def id(self) -> str:
        return f"{next(self.ids):016x}"


def _span(machine: Machine, now: Configuration, event: Ended | Elapsed, start_us: int) -> dict[str, Any]:
    """Tell what happened in a state."""
    asks = isinstance(machine.states[now.state], Ask)
    found: dict[str, Any] = {
        "event": "pause" if isinstance(event, Elapsed) else "answer" if asks else "attempt",
        "trace_id": "a" * 32,
        "state": now.state,
        "visit": now.visit,
        "attempt": now.attempt,
        "start_ns": start_us * 1000,
        "end_ns": (start_us + event.elapsed_us) * 1000,
    }
    if isinstance(event, Elapsed):
        return found
    return {
        **found,
        "outcome": event.outcome,
        "label": event.label,
        "input": plain(now.arguments),
        "output": plain(event.value),
        "message": event.message,
        "complaints": list(event.complaints),
        "use": dict(zip(CHARGED, event.use or (0, 0, 0), strict=True)),
        "retry_after_us": event.retry_after_us,
        "draw": event.draw,
        **({} if event.steps == 1 else {"steps": event.steps}),
    }
