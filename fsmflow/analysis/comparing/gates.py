"""Limits that a change to a workflow must keep: on its worst case, and on how much that may rise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from attrs import frozen

from fsmflow.analysis.comparing.difference import Difference, WorstCase
from fsmflow.analysis.proving.counter_machine import Metric
from fsmflow.spec import Money

Why = Literal["above", "no bound", "rises", "not known", "was not known"]


@frozen
class Tripped:
    """A limit that is not kept.

    Attributes:
        gate: The limit, as it was asked for.
        workflow: The workflow that does not keep it.
        why: The worst case is above it, has no bound, rises by too much, is not known, or was not, so that
            nobody can tell by how much it rises.
        case: The worst case, if one is known.
    """

    gate: str
    workflow: str
    why: Why
    case: WorstCase | None = None


@frozen
class Gates:
    """The limits that were asked for; None where there is none.

    Attributes:
        micro_usd: The most money that a run may use, in micro-dollars.
        tokens: The most tokens.
        steps: The most steps.
        percent: By how much any worst case may rise. What is new has nothing to rise from.
    """

    micro_usd: int | None = None
    tokens: int | None = None
    steps: int | None = None
    percent: float | None = None

    def tripped(self, difference: Difference) -> Iterator[Tripped]:
        """Give every limit that the new version does not keep; a workflow that is gone keeps all."""
        if difference.new is None:
            return
        name = difference.name
        usd = None if self.micro_usd is None else Money(self.micro_usd)
        limits: tuple[tuple[str, Metric, int | None], ...] = (
            (f"--max-usd {usd}", "micro_usd", self.micro_usd),
            (f"--max-tokens {self.tokens}", "tokens", self.tokens),
            (f"--max-steps {self.steps}", "steps", self.steps),
        )
        cases = {case.metric: case for case in difference.worst_cases}
        for gate, metric, most in limits:
            bound = cases[metric].after
            if most is None:
                continue
            if bound is None:
                yield Tripped(gate, name, "not known")
            elif bound.upper is None:
                yield Tripped(gate, name, "no bound", cases[metric])
            elif bound.upper > most:
                yield Tripped(gate, name, "above", cases[metric])
        if self.percent is None:
            return
        gate = f"--fail-on-increase {self.percent:g}"
        if difference.new.proved is None:
            yield Tripped(gate, name, "not known")
        elif difference.old is not None and difference.old.proved is None:
            yield Tripped(gate, name, "was not known")
        for case in difference.worst_cases:
            if case.rises_by_more_than(self.percent):
                yield Tripped(gate, name, "rises", case)
