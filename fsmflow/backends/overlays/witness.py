"""The worst case, laid over a diagram: the run that comes up to a bound, and how its parts add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Literal

from attrs import define

from fsmflow.analysis.proof import Proof
from fsmflow.analysis.proving.bounds import Bound, Form
from fsmflow.analysis.proving.counter_machine import METRICS, Metric
from fsmflow.analysis.proving.witness import Entry, Witness
from fsmflow.backends._wording import count, money, plain
from fsmflow.backends.diagram import LONGEST_NAME, Diagram
from fsmflow.backends.overlay import EdgeMark, Line, NodeMark, Overlay, Words
from fsmflow.backends.overlays.ways import Drawn, Moves
from fsmflow.glance import percent, time
from fsmflow.machine import End

_UNITS: Mapping[Metric, str] = {
    "steps": "step",
    "tool_calls": "tool call",
    "tokens": "token",
    "transitions": "transition",
}
_NOUNS: Mapping[Metric, str] = {
    **{metric: f"{unit}s" for metric, unit in _UNITS.items()},
    "micro_usd": "money",
    "microseconds": "time",
}
_MOST_PARTS = 3
_SHOWN_US = 1_000


def of_witness(
    proof: Proof,
    diagram: Diagram,
    metric: Metric,
    form: Literal["budgeted", "structural"] = "budgeted",
) -> Overlay:
    """Lay the run over a diagram that uses the most of a metric, of those that are known.

    Args:
        proof: What is proved of the machine.
        diagram: The diagram of that machine.
        metric: What the run uses the most of.
        form: Whether it keeps to the budget, or shows what the workflow would use without one.
    """
    found = proof.budgeted if form == "budgeted" else proof.structural
    if found is None:
        why = "it is not proved that every run ends"
        return Overlay(header=((Words(f"No worst case: {why}", "failed", bold=True),),))
    if found.bounds[metric].upper == 0:
        # Every path would be as bad as any other.
        why = f"no run uses any {_NOUNS[metric]}, by what its states declare"
        return Overlay(header=((Words(f"No worst case: {why}", "muted", bold=True),),))
    return _Worst(proof, diagram, found, metric, budgeted=form == "budgeted").overlay()


@define(slots=False)
class _Worst:
    """One bound being laid over a diagram."""

    proof: Proof
    diagram: Diagram
    form: Form
    metric: Metric
    budgeted: bool

    def overlay(self) -> Overlay:
        exact = self._bound.is_exact
        has_ghosts = len(self._moves.entered) < len(self.diagram.nodes)
        return Overlay(
            header=tuple(self._header()),
            nodes={
                node.name: self._node(node.name)
                for node in self.diagram.nodes
                if node.name in self._moves.entered
            },
            edges={
                way: EdgeMark("witness", after=_times(len(numbers)), count=len(numbers))
                for way, numbers in self._moves.edges.items()
            },
            start=EdgeMark("witness" if self._moves.entered else "ghost"),
            budget=EdgeMark("witness", count=len(self._moves.budget))
            if self._moves.budget
            else EdgeMark("ghost"),
            legend=(
                ("witness", "worst-case path" if exact else "the worst path that is known"),
                *((("ghost", "off path"),) if has_ghosts else ()),
            ),
        )

    @property
    def _bound(self) -> Bound:
        return self.form.bounds[self.metric]

    @cached_property
    def _witness(self) -> Witness | None:
        witness = self._bound.witness
        return witness if witness is not None and witness.path else None

    @cached_property
    def _moves(self) -> Moves:
        moves = Moves(Drawn(self.proof.machine, self.diagram))
        if self._witness is not None:
            moves.start()
            edges = (self.form.counting.edges[number] for number in self._witness.path)
            moves.take(edge.way for edge in edges if edge.way is not None)
        return moves

    @cached_property
    def _entries(self) -> Mapping[str, list[Entry]]:
        """What happened in each state."""
        found: dict[str, list[Entry]] = {}
        for entry in self._witness.entries if self._witness is not None else ():
            found.setdefault(entry.state, []).append(entry)
        return found

    @cached_property
    def _totals(self) -> Mapping[str, int]:
        return {state: sum(map(self._used, entries)) for state, entries in self._entries.items()}

    @cached_property
    def _dominant(self) -> str | None:
        """The state that uses the most, if any uses anything."""
        state = max(self._totals, key=lambda name: self._totals[name], default=None)
        return state if state is not None and self._totals[state] else None

    def _used(self, entry: Entry) -> int:
        if self.metric == "transitions":
            return 1
        return entry.use.amounts()[METRICS.index(self.metric) - 1]

    def _node(self, name: str) -> NodeMark:
        visits = self._moves.entered[name]
        if isinstance(self.proof.machine.states[name], End):
            kind = "worst case" if self._bound.is_exact else "this run"
            return NodeMark("witness", facts=((Words(f"{kind} ends here"),),))
        sum_up = self._sum(name)
        return NodeMark(
            "dominant" if name == self._dominant else "witness",
            pill=_times(visits),
            policy=((Words(sum_up),),) if sum_up else (),
        )

    def _sum(self, name: str) -> str:
        """Write how the uses of one state add up: `3 visits × 3 calls × $0.018 = $0.162`."""
        entries, total = self._entries.get(name, []), self._totals.get(name, 0)
        parts = Counter(filter(None, map(self._used, entries)))
        visits, calls = self._moves.entered[name], parts.total()
        match self.metric:
            case "transitions":
                return count(total, "transition") if total else ""
            case "steps" if all(each == 1 for each in parts):
                return self._attempts(visits, total)
            case "steps":  # the children of an attempt make steps too
                return f"{count(calls, 'attempt')}: {count(total, 'step')}"
            case "microseconds" if total < _SHOWN_US:
                return ""
            case "microseconds" if len(parts) > 1:
                # Each is what just fills the budget, to the microsecond: their sum says more.
                return f"{count(len(entries), 'attempt')}: {time(total)}"
        if not parts:
            return ""
        if len(parts) > _MOST_PARTS:
            return f"{count(calls, 'call')}: {self._amount(total)}"
        if len(parts) > 1:
            terms = (
                f"{times:,} × {self._amount(each)}" if times > 1 else self._amount(each)
                for each, times in parts.items()
            )
            return f"{' + '.join(terms)} = {self._amount(total)}"
        (each,) = parts
        factors = self._factors(visits, calls, len(entries))
        if not factors:
            return self._amount(total)
        none = f" · {len(entries) - calls:,} more at none" if calls < len(entries) else ""
        return f"{factors} × {self._amount(each)} = {self._amount(total)}{none}"

    @staticmethod
    def _attempts(visits: int, total: int) -> str:
        each, rest = divmod(total, visits)
        if visits > 1 and each > 1 and not rest:
            return f"{visits:,} visits × {count(each, 'attempt')} = {total:,}"
        return count(total, "attempt") if total else ""

    def _factors(self, visits: int, calls: int, entries: int) -> str:
        """Write how many calls there are: so many in each visit, where that is the same for all."""
        if calls == 1:
            return ""
        if visits == 1 or calls % visits or calls != entries:
            return count(calls, "call")
        each = calls // visits
        return f"{visits:,} visits" if each == 1 else f"{visits:,} visits × {count(each, 'call')}"

    def _amount(self, amount: int) -> str:
        match self.metric:
            case "micro_usd":
                return money(amount)
            case "microseconds":
                return time(amount)
        return f"{amount:,}"

    def _whole(self, amount: int) -> str:
        unit = _UNITS.get(self.metric)
        return self._amount(amount) if unit is None else count(amount, unit)

    def _header(self) -> Iterator[Line]:
        yield self._title()
        if self._dominant is not None:
            used = self._totals[self._dominant]
            all_of_it = self._witness.used(self.metric) if self._witness is not None else used
            yield (
                Words(
                    f"{percent(used, all_of_it)} of it is {plain(self._dominant, LONGEST_NAME)}:  ",
                    "muted",
                    bold=True,
                ),
                Words(self._sum(self._dominant)),
            )
        if self._witness is not None:
            others = " · ".join(self._others(self._witness))
            if others:
                yield (Words("The same run:  ", "muted", bold=True), Words(others))
        else:
            yield (Words("No run is known that comes near it", "muted"),)

    def _title(self) -> Line:
        """Tell the bound, how it compares with the budget, and whether a run comes up to it."""
        bound = self._bound
        if bound.upper is None:
            names = ", ".join(plain(name, LONGEST_NAME) for name in bound.endless[:3])
            why = f": nothing cuts off an attempt of {names}" if names else ""
            return (Words(f"no bound{why}", "failed", bold=True),)
        line = [Words(self._whole(bound.upper), "witness", bold=True)]
        line.append(Words("  at worst" if bound.is_exact else "  at most"))
        if bound.budget is not None:
            line.append(Words(f", of {self._amount(bound.budget)}"))
            if bound.upper >= bound.budget:
                line.append(Words("   ■ all of the budget", "budget", bold=True))
            else:
                line.append(
                    Words(f"   ● within budget ({percent(bound.upper, bound.budget)})", "success", bold=True)
                )
        elif not self.budgeted:
            line.append(Words(" without the budget"))
        if not bound.is_exact:
            line.append(Words(f"   ▲ a run is known with {self._whole(bound.lower)}, shown here", "degraded"))
        return tuple(line)

    def _others(self, witness: Witness) -> Iterator[str]:
        """Word what the run uses of other things."""
        for metric in ("micro_usd", "microseconds", "steps", "tool_calls", "tokens"):
            used = witness.used(metric)
            if metric == self.metric or not used:
                continue
            match metric:
                case "micro_usd":
                    yield money(used)
                case "microseconds":
                    yield time(used)
                case _:
                    yield count(used, metric.replace("_", " ").removesuffix("s"))


def _times(number: int) -> str:
    return f"×{number:,}" if number > 1 else ""
