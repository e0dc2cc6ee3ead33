"""What is seen of a run, in the words of the cases: the same from every engine."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve, field, frozen

from fsmflow.machine import Ask, Machine, Work
from fsmflow.runtime import Configuration, Elapsed, Ended, Late, Lost, Span, Spent
from fsmflow.runtime.trace import plain
from fsmflow.spec import Duration, Money
from tests.conformance.case import Case

Call = tuple[str, int, int, Any, tuple[str, ...]]
"""What a step, or a person, was told: state, visit, attempt, arguments, and what was wrong before."""

_TIME = re.compile(r" in \S+$")


@frozen
class Observed:
    """A run as it was seen, or as it must be.

    `calls` are what each step and each person was told. Cases do not say them: they must be those of the
    reference meaning.
    """

    trace: tuple[str, ...]
    ledger: Mapping[str, Any]
    end: str
    output: Any
    error: str
    entered: Mapping[str, int]
    calls: tuple[Call, ...] = field(default=(), eq=False)

    @property
    def timeless(self) -> Observed:
        """The same without how long anything took."""
        ledger = {name: amount for name, amount in self.ledger.items() if name != "time"}
        return evolve(self, trace=tuple(_TIME.sub("", line) for line in self.trace), ledger=ledger)


def expected(case: Case) -> Observed:
    """Give what must be seen of a case."""
    return Observed(case.trace, case.ledger, case.end, case.output, case.error, case.entered)


def observed(
    machine: Machine, spans: Iterable[Span], now: Configuration, kind: str, end: str, output: Any
) -> Observed:
    """Put a run into words.

    Args:
        machine: The workflow.
        spans: What happened, in order.
        now: Where the run ended.
        kind: The kind of its end.
        end: The name of that.
        output: What it gives.
    """
    error = now.values.get("error")
    return Observed(
        trace=tuple(line(machine, span) for span in spans),
        ledger=_ledger(now.spent),
        end=f"{end} {kind}",
        output=plain(output),
        error="" if error is None else f"{error.state} {error.outcome}",
        entered=dict(now.visits),
    )


def line(machine: Machine, span: Span) -> str:
    """Put one attempt, answer, pause or late charge into words."""
    event = span.event
    if isinstance(event, Late):
        return f"late {_amounts(event.use)}"
    state = machine.states[span.state]
    said = f"{span.state} {span.visit}.{span.attempt}"
    if isinstance(event, Elapsed):
        return f"{said} pause{_time(event.elapsed_us)}"
    assert isinstance(state, Work | Ask)
    if isinstance(event, Lost):
        assert isinstance(state, Work)
        return f"{said} lost{_amounts(state.cost.amounts()[1:4], ', ')}{_time(event.elapsed_us)}"
    said += f" {event.outcome}" if event.label is None else f" {event.label}"
    if event.outcome == "success" and event.value not in (None, event.label):
        said += f" {json.dumps(plain(event.value))}"
    if isinstance(state, Ask):
        return said + _time(event.elapsed_us)
    if event.steps > 1:
        said += f", {event.steps} steps"
    used = state.cost.amounts()[1:4] if event.use is None else event.use
    return f"{said}{_amounts(used, ', ')}{_time(event.elapsed_us)}"


def _amounts(use: tuple[int, ...], lead: str = "") -> str:
    tool_calls, tokens, micro_usd = use
    said = [f"{tool_calls} tool calls"] if tool_calls else []
    said += [f"{tokens} tokens"] if tokens else []
    said += [f"${Money(micro_usd)}"] if micro_usd else []
    return lead + ", ".join(said) if said else ""


def _time(us: int) -> str:
    return f" in {Duration(us)}" if us else ""


def _ledger(spent: Spent) -> dict[str, Any]:
    """Give what was used of each resource, without those of which nothing was."""
    found = {
        "steps": spent.steps,
        "tool_calls": spent.tool_calls,
        "tokens": spent.tokens,
        "usd": spent.micro_usd and str(Money(spent.micro_usd)),
        "time": spent.time_us and str(Duration(spent.time_us)),
    }
    return {name: amount for name, amount in found.items() if amount}


def span_of(now: Configuration, event: Ended | Elapsed | Late | Lost) -> Span:
    """Give what happens where a run stands, as an engine's trace has it; times are left to it."""
    if isinstance(event, Late):
        return Span(now.state, 0, 0, {}, 0, event)
    return Span(now.state, now.visit, now.attempt, now.arguments, 0, event)
