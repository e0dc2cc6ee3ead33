"""What each state had of whole runs: its time and its cost, as bars."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from attrs import frozen

from fsmflow.analysis.traces.recording import Recording
from fsmflow.backends._wording import money
from fsmflow.backends.overlay import Bar
from fsmflow.backends.overlays._words import share
from fsmflow.glance import time


@frozen
class Shares:
    """The time and the cost of each state over some runs, and in all.

    The cost is money where the runs spent any, and tokens where they did not.
    """

    times: Mapping[str, int]
    costs: Mapping[str, int]
    whole: tuple[int, int]
    in_money: bool

    @classmethod
    def of(cls, recordings: Iterable[Recording]) -> Shares:
        """Add up the stages of runs; what people took to answer is on no ledger, and has no share."""
        runs = tuple(recordings)
        stages = [stage for run in runs for stage in run.stages]
        in_money = any(run.spent["micro_usd"] for run in runs) or any(s.use["micro_usd"] for s in stages)
        unit = "micro_usd" if in_money else "tokens"
        times: Counter[str] = Counter()
        costs: Counter[str] = Counter()
        for stage in stages:
            if stage.kind != "question":
                times[stage.state] += stage.ledger_us
            costs[stage.state] += stage.use[unit]
        # A late charge is in the ledger, and no state's.
        spent = sum(run.spent[unit] for run in runs), sum(run.spent["time_us"] for run in runs)
        whole = max(spent[1], times.total()), max(spent[0], costs.total())
        return cls(times, costs, whole, in_money)

    def bars(self, state: str) -> tuple[Bar, ...]:
        """Give the bars of a state that was in a stage."""
        found = []
        if state in self.times and self.whole[0]:
            used = self.times[state]
            found.append(Bar("time", share(used, self.whole[0]), time(used)))
        if self.costs.get(state):
            used = self.costs[state]
            part = share(used, self.whole[1])
            found.append(
                Bar("cost", part, money(used)) if self.in_money else Bar("tokens", part, f"{used:,}")
            )
        return tuple(found)
