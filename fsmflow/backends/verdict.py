"""What a diagram's header says of the proof: the worst case, and what the budget does about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from attrs import frozen

from fsmflow.analysis.proof import Proof
from fsmflow.analysis.proving.bounds import Bound
from fsmflow.analysis.proving.counter_machine import Metric
from fsmflow.analysis.proving.stopping import Cap
from fsmflow.backends._wording import count, duration, money

_ORDER: tuple[Metric, ...] = ("micro_usd", "microseconds", "steps", "tool_calls", "tokens")


@frozen
class Verdict:
    """How the worst case compares with the budget, and how to say it.

    Attributes:
        kind: Whether runs keep `within` the budget by themselves, are `stopped` by it, or may be
            `endless`.
        text: That in words, with what runs would use if the budget did not stop them.
    """

    kind: Literal["within", "stopped", "endless"]
    text: str


def worst_case(proof: Proof) -> str | None:
    """Word the most that a run can use under the budget; None where nothing bounds it."""
    words = " · ".join(_amounts(proof.bounds, _ORDER))
    return words or None


def verdict(proof: Proof) -> Verdict:
    """Judge the worst case by the budget."""
    if proof.budgeted is None:
        ends = "does not end" if proof.terminates == "no" else "not proved to end"
        return Verdict("endless", ends)
    if proof.structural is None:
        return Verdict("stopped", "ends by its budget only")
    if not proof.caps:
        return Verdict("within", "every run ends")
    if all(cap.stops == "never" for cap in proof.caps):
        return Verdict("within", "within budget")
    over = list(_over(proof.structural.bounds, proof.caps))
    if not over:
        return Verdict("stopped", "may be stopped by the budget")  # it is full, or some of it is set aside
    return Verdict("stopped", f"stopped by the budget; without it {' · '.join(over)}")


def _over(alone: Mapping[Metric, Bound], caps: Iterable[Cap]) -> Iterator[str]:
    """Word what a run would use beyond its caps."""
    capped = {cap.metric: cap.cap for cap in caps}
    beyond = [
        metric
        for metric in _ORDER
        if metric in capped and ((upper := alone[metric].upper) is None or upper > capped[metric])
    ]
    yield from _amounts(alone, beyond)
    if any(alone[metric].upper is None for metric in beyond):
        yield "any time"


def _amounts(bounds: Mapping[Metric, Bound], metrics: Iterable[Metric]) -> Iterator[str]:
    """Word the bounds that say something: of metrics that are capped, or that runs use."""
    for metric in metrics:
        bound = bounds.get(metric)
        if bound is not None and bound.upper is not None and (bound.upper or bound.budget is not None):
            yield worded(metric, bound.upper)


def worded(metric: Metric, amount: int) -> str:
    """Word an amount of a metric, with its unit."""
    match metric:
        case "micro_usd":
            return money(amount)
        case "microseconds":
            return duration(amount)
        case "tool_calls":
            return count(amount, "tool call")
        case _:
            return count(amount, metric.removesuffix("s"))
