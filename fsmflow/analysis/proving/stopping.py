"""Which caps of a budget ever stop a run, and which of them let no run succeed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from attrs import frozen

from fsmflow.analysis.affordability import Approaches, happy_end
from fsmflow.analysis.proving.bounds import Bound
from fsmflow.analysis.proving.counter_machine import METRICS, Metric
from fsmflow.machine import Machine

Stops = Literal["never", "some", "all"]


@frozen
class Cap:
    """A cap of the budget.

    Attributes:
        metric: What is capped.
        cap: The most that a run may use.
        least: What a run to success must at least be allowed to use, at full declared cost and with
            what is set aside; None if no run succeeds.
        stops: Whether it never stops a run, some, or all that would succeed.
    """

    metric: Metric
    cap: int
    least: int | None
    stops: Stops


def caps_of(machine: Machine, alone: Mapping[Metric, Bound] | None) -> tuple[Cap, ...]:
    """Judge each cap of the budget.

    Args:
        machine: The machine.
        alone: What a run can use at most without the budget; None if nothing bounds it.
    """
    found: list[Cap] = []
    amounts = zip(METRICS[1:], machine.caps.amounts(), machine.reserve.amounts(), strict=True)
    for index, (metric, cap, aside) in enumerate(amounts):
        if cap is None:
            continue
        approaches = Approaches.of(machine, index)
        end = happy_end(machine, approaches)
        least = None if end is None else approaches.amounts[end] + aside
        upper = None if alone is None else alone[metric].upper
        stops: Stops = "some"
        if least is not None and least > cap:
            stops = "all"
        elif upper is not None and upper + aside + (metric == "microseconds") <= cap:
            # An attempt needs a microsecond, at least, to begin.
            stops = "never"
        found.append(Cap(metric, cap, least, stops))
    return tuple(found)
