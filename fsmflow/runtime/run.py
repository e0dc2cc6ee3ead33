"""A run: its state, counters, ledger and values, advanced in place by a compiled machine.

Generated code owns the transitions; what every machine does alike stands here. Nothing in this
module sleeps, reads a clock, draws a random number or catches a step's exception.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from fsmflow.runtime.commands import Stage
from fsmflow.runtime.events import Ended


class Error(NamedTuple):
    """The latest way out that a run took: `$error` in a spec."""

    state: str
    outcome: str
    message: str
    complaints: tuple[str, ...] = ()
    value: Any = None


class Unbound(NamedTuple):
    """Arguments that could not be bound, since a reference among them leads nowhere."""

    reason: str

    @classmethod
    def of(cls, missing: LookupError) -> Unbound:
        """Say which reference led nowhere: `read` says it whole, a bare look-up by its key."""
        return cls(f"${missing.args[0]} is not set" if isinstance(missing, KeyError) else str(missing))


class Spent(NamedTuple):
    """What a run has used; money in micro-dollars, time in microseconds."""

    steps: int = 0
    tool_calls: int = 0
    tokens: int = 0
    micro_usd: int = 0
    time_us: int = 0


class Limits(NamedTuple):
    """Caps of a run, each None where there is none; the order is that of `Spent`."""

    steps: int | None = None
    tool_calls: int | None = None
    tokens: int | None = None
    micro_usd: int | None = None
    time_us: int | None = None


class Run:
    """The configuration of one run, changed in place by its machine.

    `counts` holds the counter of each capped edge, from 0, and `visits` how often each state was entered that
    was; `values` the values by name, with `input` and, after a way out, `error` among them. `gives`
    tells whether the end that was reached declares an output. `child_steps` are those of the `steps` that
    children took, as far as the run was followed from its beginning.
    """

    __slots__ = (
        "_output",
        "_run_id",
        "_trace_id",
        "arguments",
        "attempt",
        "child_steps",
        "counts",
        "feedback",
        "gives",
        "micro_usd",
        "pausing",
        "state",
        "steps",
        "time_us",
        "tokens",
        "tool_calls",
        "values",
        "visits",
    )

    def __init__(
        self,
        run_id: str,
        given: Any,
        counters: Mapping[str, int],
        trace_id: str = "",
    ) -> None:
        self._run_id = run_id
        self._trace_id = trace_id
        self.state = ""
        self.attempt = 0
        self.steps = self.tool_calls = self.tokens = self.micro_usd = self.time_us = 0
        self.child_steps = 0
        self.counts = dict(counters)
        self.visits: dict[str, int] = {}
        self.values: dict[str, Any] = {"input": given}
        self.arguments: dict[str, Any] | Unbound = {}
        self.feedback: tuple[str, ...] = ()
        self.pausing = False
        self._output: Any = None
        self.gives = False

    @property
    def output(self) -> Any:
        """What the end gives that was reached; null if it declares nothing."""
        return self._output

    @output.setter
    def output(self, output: Any) -> None:
        self._output = output
        self.gives = True

    @property
    def run_id(self) -> str:
        """The run's id: random, unless it was given one."""
        if not self._run_id:
            self._run_id = os.urandom(16).hex()
        return self._run_id

    @property
    def trace_id(self) -> str:
        """The run's W3C trace id: 32 hex digits (W3C Trace Context §3.2.2.3)."""
        if not self._trace_id:
            self._trace_id = os.urandom(16).hex()
        return self._trace_id

    @trace_id.setter
    def trace_id(self, trace_id: str) -> None:
        self._trace_id = trace_id

    @property
    def spent(self) -> Spent:
        """What the run has used so far."""
        return Spent(self.steps, self.tool_calls, self.tokens, self.micro_usd, self.time_us)

    @property
    def visit(self) -> int:
        """How often the present state has been entered."""
        return self.visits[self.state]

    def configuration(self) -> Configuration:
        """Give everything that the run's future depends on, as a value."""
        return Configuration(
            self.state,
            self.visits[self.state],
            self.attempt,
            {name: count for name, count in self.counts.items() if count},
            dict(self.visits),
            self.spent,
            dict(self.values),
            self.arguments,
            self.feedback,
            self.pausing,
        )

    def enter(self, state: str, feedback: tuple[str, ...]) -> None:
        """Begin a visit to a state that takes no arguments."""
        self.state = state
        self.visits[state] = self.visits.get(state, 0) + 1
        self.attempt = 1
        self.arguments = {}
        self.feedback = feedback

    def settle(self, stage: Stage, event: Ended) -> None:
        """Put an attempt on the ledger: its steps, its time, and what it used, or all that it declared."""
        self.steps += event.steps
        self.child_steps += event.steps - 1
        self.time_us += event.elapsed_us
        self.book(stage.cost if event.use is None else event.use)

    def book(self, use: tuple[int, int, int]) -> None:
        """Add tool calls, tokens and micro-dollars to the ledger."""
        self.tool_calls += use[0]
        self.tokens += use[1]
        self.micro_usd += use[2]

    def again(self, event: Ended) -> None:
        """Begin another attempt in the same visit, which hears what was wrong with this one."""
        self.attempt += 1
        self.feedback += event.complaints

    def fail(self, event: Ended, *, reason: str = "") -> None:
        """Record the way out that is being taken, for `$error`."""
        self.values["error"] = Error(
            self.state,
            event.label or event.outcome,
            event.message or reason,
            event.complaints,
            event.value if event.outcome == "invalid" else None,
        )

    def exceed(self, limits: Limits, reserve: Spent, needs: Spent) -> None:
        """Record, for `$error`, which caps leave no room for what would come next."""
        said = shortfall(self.spent, limits, reserve, needs)
        self.values["error"] = Error(self.state, "exceeded", said)


class Configuration(NamedTuple):
    """Everything that the future of a run depends on; equal configurations behave alike."""

    state: str
    visit: int
    attempt: int
    counts: dict[str, int]
    visits: dict[str, int]
    spent: Spent
    values: dict[str, Any]
    arguments: dict[str, Any] | Unbound
    feedback: tuple[str, ...] = ()
    pausing: bool = False


def shortfall(spent: Spent, limits: Limits, reserve: Spent, needs: Spent) -> str:
    """Say which caps leave no room for what an attempt, or a wait, needs to begin, beside the reserve."""
    lacking = []
    for name, used, need, aside, cap in zip(Spent._fields, spent, needs, reserve, limits, strict=True):
        if cap is not None and used + need + aside > cap:
            lacking.append(f"{WORDS[name]}: {written(name, used)} of {written(name, cap)} used")
            if aside:
                lacking[-1] += f", {written(name, aside)} set aside"
    return "no room for what comes next (" + "; ".join(lacking) + ")"


WORDS = {
    "steps": "steps",
    "tool_calls": "tool calls",
    "tokens": "tokens",
    "micro_usd": "money",
    "time_us": "time",
}
"""What each resource of `Spent` is called."""


def written(name: str, amount: int) -> str:
    """Write an amount of a resource of `Spent`, with its unit where it has one."""
    match name:
        case "micro_usd":
            dollars, cents = f"{amount / 1_000_000:.6f}".split(".")
            return f"${dollars}.{cents.rstrip('0').ljust(2, '0')}"
        case "time_us":
            return f"{amount / 1_000_000:.3f}".rstrip("0").rstrip(".") + " s"
    return str(amount)
