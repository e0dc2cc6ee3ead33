"""From prices that a solver found in floating point to a potential that holds exactly.

Prices are rounded to fractions; what each state is worth by itself is then computed in integers, as the
longest path of what the edges use beyond their prices. If some cycle still gains, the rounding was no
good; a mix with prices that leave every cycle far behind always is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from math import lcm
from operator import mul

from attrs import define, field

from fsmflow.analysis.graph import components
from fsmflow.analysis.proving.counter_machine import METRICS, CounterMachine, Metric
from fsmflow.analysis.proving.potential import Potential
from fsmflow.analysis.proving.ranking import Ranking
from fsmflow.analysis.proving.rows import Incidence, Row, taken

_DENOMINATORS = (1, 12, 5_040, 1_000_000)
"""To what fractions prices are rounded: the coarsest that is as good as any later one is taken."""

_MIXES = (Fraction(1, 1_000_000), Fraction(1, 1_000), Fraction(1, 20), Fraction(1, 2), Fraction(1))
"""How much of the prices that always do is mixed in where no rounding does."""

_TOLERANCE = 1e-9
"""How far apart numbers may be that the solver would call equal, as a share of them."""


@define
class Pricing:
    """The exact side of the bounds of one machine.

    Attributes:
        machine: The machine.
        edges: The edges that may fire.
        ranking: Why every run ends.
        incidence: Which of them change which rows.
    """

    machine: CounterMachine
    edges: Sequence[int]
    ranking: Ranking
    incidence: Incidence
    _parts: list[list[int]] = field(init=False)
    _outgoing: dict[int, list[int]] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        targets: dict[int, list[int]] = {}
        for number in self.edges:
            edge = self.machine.edges[number]
            self._outgoing.setdefault(edge.source, []).append(number)
            targets.setdefault(edge.source, []).append(edge.target)
        self._parts = components([self.machine.start, *targets], targets)

    def potential(
        self,
        metric: Metric,
        guess: Mapping[Row, float],
        split: tuple[int, ...] = (),
        *,
        value: float = 0.0,
    ) -> Potential:
        """Give the best potential that rounding prices leads to.

        Args:
            metric: What is bounded.
            guess: The prices, as far as the solver could tell.
            split: What the potential says was unrolled.
            value: The bound that the solver expects; the first potential that comes up to it is taken.
        """
        index = METRICS.index(metric)
        weights = {number: self.machine.edges[number].weights[index] for number in self.edges}
        best: Potential | None = None
        for prices in self._roundings(guess):
            found = self._exact(metric, weights, prices, split)
            if found is not None and (best is None or found.bound < best.bound):
                best = found
                if best.bound <= value * (1 + _TOLERANCE) + _TOLERANCE:
                    break
        if best is not None:
            return best
        sure = self._sure(weights)
        for share in _MIXES:
            mixed = {row: _rounded(price, 5_040) * (1 - share) for row, price in guess.items()}
            for row, price in sure.items():
                mixed[row] = mixed.get(row, Fraction(0)) + share * price
            best = self._exact(metric, weights, mixed, split)
            if best is not None:
                return best
        raise AssertionError("a machine that is ranked has prices")

    def _roundings(self, guess: Mapping[Row, float]) -> Iterator[Mapping[Row, Fraction]]:
        before: Mapping[Row, Fraction] | None = None
        for denominator in _DENOMINATORS:
            rounded = ((row, _rounded(price, denominator)) for row, price in guess.items())
            prices = {row: price for row, price in rounded if price > 0}
            if prices != before:
                yield prices
            before = prices

    def _exact(
        self,
        metric: Metric,
        weights: Mapping[int, int],
        prices: Mapping[Row, Fraction],
        split: tuple[int, ...],
    ) -> Potential | None:
        """Give the least potential with these prices; None if some cycle gains."""
        scale = lcm(*(price.denominator for price in prices.values()))
        whole = {row: int(price * scale) for row, price in prices.items()}
        phi = self._longest({n: w * scale for n, w in weights.items()}, whole)
        if phi is None:
            return None
        return Potential(
            metric=metric,
            split=split,
            machine=self.machine,
            phi={state: Fraction(worth, scale) for state, worth in sorted(phi.items()) if worth},
            terms=tuple(row.priced(price) for row, price in prices.items() if price),
        )

    def _longest(
        self, weights: Mapping[int, int], prices: Mapping[Row, int], within: frozenset[int] | None = None
    ) -> dict[int, int] | None:
        """Give the heaviest path from each state, of uses beyond prices; None if some cycle gains."""
        gains = self._gains(weights, prices)
        edges = self.machine.edges
        worth: dict[int, int] = {}
        for part in self._parts:
            states = [state for state in part if within is None or state in within]
            ahead: list[tuple[int, int, int]] = []
            for state in states:
                worth[state] = 0
                ahead.extend(
                    (state, edges[number].target, gains[number])
                    for number in self._outgoing.get(state, ())
                    if number in gains and (within is None or edges[number].target in within)
                )
            for _ in range(len(states) + 1):
                grown = False
                for source, target, gain in ahead:
                    found = worth[target] + gain
                    if found > worth[source]:
                        worth[source] = found
                        grown = True
                if not grown:
                    break
                # There and back (Yen 1970), so that a long way is gone in a few turns.
                ahead.reverse()
            else:
                return None
        return worth

    def _gains(self, weights: Mapping[int, int], prices: Mapping[Row, int]) -> dict[int, int]:
        """Give what each edge uses beyond the least that it takes from all rows of each counter together."""
        gains = dict(weights)
        of_counter: dict[int, list[Row]] = {}
        for row in prices:
            of_counter.setdefault(row.counter, []).append(row)
        for counter, rows in of_counter.items():
            if len(rows) == 1:
                for number, least in self.incidence.coefficients(rows[0]):
                    if number in gains:
                        gains[number] -= prices[rows[0]] * least
                continue
            changed: dict[int, list[Row]] = {}
            for row in rows:
                for number in self.incidence.changing(row):
                    if number in gains:
                        changed.setdefault(number, []).append(row)
            for number, together in changed.items():
                combinations = taken(self.machine, together, self.machine.edges[number], counter)
                amounts = [prices[row] for row in together]
                gains[number] -= min(sum(map(mul, amounts, each)) for each in combinations)
        return gains

    def _sure(self, weights: Mapping[int, int]) -> dict[Row, int]:
        """Give prices under which every cycle loses: each region is worth more than all that is inside."""
        prices: dict[Row, int] = {}
        edges = self.machine.edges
        for states, counters, depth in sorted(self.ranking.components, key=lambda found: -found[2]):
            # Edges that a region around this one counts lose there already.
            lost = self._counted_around(states, depth)
            inside = [
                n
                for n in self.edges
                if {edges[n].source, edges[n].target} <= states and lost.isdisjoint(edges[n].increments)
            ]
            inner = {
                row: price for row, price in prices.items() if row.region is not None and row.region <= states
            }
            rest = {n: weights[n] for n in inside if counters.isdisjoint(edges[n].increments)}
            worth = self._longest(rest, inner, states)
            assert worth is not None
            most = max(worth.values(), default=0)
            most += sum(price * (row.hi - row.lo + 1) for row, price in inner.items())
            most += max((weights[n] for n in inside), default=0) + 1
            for counter in sorted(counters):
                prices[Row("ahead", counter, 0, self.machine.caps[counter] - 1, states)] = most
        return prices

    def _counted_around(self, states: frozenset[int], depth: int) -> set[int]:
        """Give the counters that run out in regions around one."""
        outer = (found for found in self.ranking.components if found[2] < depth and states <= found[0])
        return {counter for _, counters, _ in outer for counter in counters}


def _rounded(price: float, denominator: int) -> Fraction:
    """Give a fraction near `price`: a whole number if there is one within the solver's tolerance."""
    nearest = round(price)
    if denominator == 1 or abs(price - nearest) <= _TOLERANCE * max(1.0, price):
        return Fraction(nearest)
    return Fraction(price).limit_denominator(denominator)
