"""A proof for people who never heard of one: does it end, what can it cost, and how would that come about."""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow.analysis.paths import written
from fsmflow.analysis.policies import Judgement, Proved, Refuted
from fsmflow.analysis.policies import spoken as in_words
from fsmflow.analysis.proof import Ending, Proof
from fsmflow.reporting import proof_wording as words
from fsmflow.reporting.amounts import NAMES
from fsmflow.reporting.style import Style

_HUES: dict[Ending, str] = {
    "always": "green",
    "for-these-caps": "green",
    "by-budget-only": "yellow",
    "no": "red",
    "unknown": "red",
}


def render(proof: Proof, *, color: bool) -> str:
    """Write a proof for a terminal.

    Args:
        proof: The proof.
        color: Whether to use ANSI colours.
    """
    printer = _Printer(proof, color)
    return "\n".join(printer.lines()) + "\n"


class _Printer:
    """The printing of one proof."""

    def __init__(self, proof: Proof, color: bool) -> None:
        self.proof = proof
        self.style = Style(color)

    def lines(self) -> Iterator[str]:
        hue, said = _HUES[self.proof.terminates], words.ENDINGS[self.proof.terminates]
        yield f"{self.style(self.proof.machine.name, bold=True)}: {self.style(said, hue, bold=True)}"
        yield from self._cycle()
        if self.proof.budgeted is not None:
            yield ""
            yield from self._table()
            yield from self._witnesses()
        yield from self._prices()
        yield from self._policies()

    def _cycle(self) -> Iterator[str]:
        cycle = self.proof.cycle
        if cycle is None:
            return
        yield ""
        title = "a run that does not end"
        if self.proof.terminates == "unknown":
            title = "this run would not end, if it can happen"
        if self.proof.budgeted is not None:
            title = "without the budget, this run would not end"
        yield f"  {self.style(title, bold=True)}"
        stem = cycle.stem
        while stem and stem[-len(cycle.loop) :] == cycle.loop:
            stem = stem[: -len(cycle.loop)]
        if stem:
            yield f"    first     {written(stem)}"
        yield f"    for ever  {written(cycle.loop)}"

    def _table(self) -> Iterator[str]:
        """Give the table of metrics: the worst case, what the budget allows, and what it would be without."""
        proof = self.proof
        assert proof.budgeted is not None
        alone = None if proof.structural is None else proof.structural.bounds
        rows = [["", "at most", "", "budget", "headroom", "without the budget"]]
        for metric in NAMES:
            bound = proof.budgeted.bounds[metric]
            free = None if alone is None else alone[metric]
            if words.is_told(bound):
                alone_told = words.without_the_budget(free, bound)
                rows.append([NAMES[metric], *words.told(bound), *words.against(bound), alone_told])
        if all(not row[5] for row in rows[1:]):
            rows = [row[:5] for row in rows]
        if all(not row[3] for row in rows[1:]):
            rows = [[*row[:3], *row[5:]] for row in rows]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        for number, row in enumerate(rows):
            cells = [
                cell.ljust(width) if column in (0, 2) else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            line = f"  {'  '.join(cells)}".rstrip()
            yield self.style(line, dim=True) if number == 0 else line
        unused = [
            NAMES[m]
            for m in NAMES
            if m != "transitions"
            and proof.budgeted.bounds[m].upper == 0
            and proof.budgeted.bounds[m].budget is None
        ]
        if "steps" in unused:
            yield "  No attempt is ever made."
        elif unused:
            yield self.style(f"  No state declares a cost in {words.listed(unused, 'or')}.", dim=True)
        yield from (f"  {said}" for said in words.stops(proof))
        for bound in proof.budgeted.bounds.values():
            if bound.endless:
                names = ", ".join(f"`{name}`" for name in bound.endless[:4])
                yield f"  Time has no bound: nothing cuts off an attempt of {names}. A `timeout` does."

    def _witnesses(self) -> Iterator[str]:
        """Give the runs that come up to the bounds, each once."""
        assert self.proof.budgeted is not None
        bounds = self.proof.budgeted.bounds
        for worst in words.worst_runs(bounds):
            yield ""
            metrics = worst.metrics
            singular = metrics[-1] in ("micro_usd", "microseconds") and len(metrics) == 1
            verb = "comes about so" if singular else "come about so"
            yield f"  {self.style(words.heading(worst, bounds), bold=True)} {verb}:"
            yield f"    {words.path(worst.witness.entries)}"
            for metric in metrics:
                sum_up = words.sum_up(metric, worst.witness, self.proof.machine)
                yield f"    {NAMES[metric]:<10} {sum_up}{words.rest(bounds[metric])}"

    def _prices(self) -> Iterator[str]:
        prices = words.dearest(self.proof)
        if not prices:
            return
        yield ""
        title = "What one more turn would add, without the budget" if self.proof.structural else ""
        yield f"  {self.style(title, bold=True)}"
        shown = [(words.turn(self.proof, price), words.added(price)) for price in prices]
        width = max(len(turn) for turn, _ in shown)
        yield from (f"    {turn:<{width}}  {added}" for turn, added in shown)

    def _policies(self) -> Iterator[str]:
        if not self.proof.policies:
            return
        yield ""
        yield f"  {self.style('Policies', bold=True)}"
        for judgement in self.proof.policies:
            yield from self._policy(judgement)

    def _policy(self, judgement: Judgement) -> Iterator[str]:
        verdict = judgement.verdict
        policy = in_words(judgement.policy)
        if isinstance(verdict, Proved):
            yield f"    {self.style('kept', 'green')}     {policy}"
            return
        edges = (self.proof.judged.edges[number] for number in verdict.path or ())
        ways = [edge.way for edge in edges if edge.way is not None]
        path = written(ways, self.proof.machine.start)
        if isinstance(verdict, Refuted):
            yield f"    {self.style('broken', 'red')}   {policy}"
            yield f"             {path}"
        else:
            yield f"    {self.style('unknown', 'yellow')}  {policy}: {verdict.why}"
            if verdict.path:
                yield f"             {path}"
