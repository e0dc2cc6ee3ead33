"""A proof for people who never heard of one: does it end, what can it cost, and how would that come about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import click

from fsmflow.analysis.bounds import Bound
from fsmflow.analysis.counter_machine import METRICS, Metric
from fsmflow.analysis.paths import written
from fsmflow.analysis.policies import Judgement, Proved, Refuted
from fsmflow.analysis.policies import spoken as in_words
from fsmflow.analysis.proof import CapPrice, Proof
from fsmflow.analysis.witness import Entry, Witness
from fsmflow.reporting.amounts import NAMES, worded
from fsmflow.reporting.folded import folded

_ENDINGS = {
    "always": ("green", "every run ends, however high the caps on its loops and retries are set"),
    "for-these-caps": ("green", "every run ends, with the caps as they are"),
    "by-budget-only": ("yellow", "every run ends, but only because the budget stops it"),
    "no": ("red", "a run can go on for ever"),
    "unknown": ("red", "it could not be told whether every run ends"),
}

_STOPS = {
    "never": ("The cap on {} never stops a run.", "The caps on {} never stop a run."),
    "all": ("The cap on {} lets no run succeed.", "The caps on {} let no run succeed."),
}

MOST_PRICES = 3
"""How many of the dearest caps are told."""


MOST_STATES = 8
"""How many parts of a sum are written out."""


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
        self.color = color

    def style(self, text: str, hue: str | None = None, *, bold: bool = False, dim: bool = False) -> str:
        return click.style(text, fg=hue, bold=bold or None, dim=dim or None) if self.color else text

    def lines(self) -> Iterator[str]:
        hue, said = _ENDINGS[self.proof.terminates]
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
            if metric == "transitions" or not (
                bound.upper is None or bound.upper or bound.budget is not None
            ):
                continue
            rows.append([NAMES[metric], *_told(bound), *_against(bound), _free(free, bound)])
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
            yield self.style(f"  No state declares a cost in {_listed(unused, 'or')}.", dim=True)
        for stops, said in _STOPS.items():
            capped = [NAMES[cap.metric] for cap in proof.caps if cap.stops == stops]
            if capped:
                yield f"  {said[len(capped) > 1].format(_listed(capped))}"
        for bound in proof.budgeted.bounds.values():
            if bound.endless:
                names = ", ".join(f"`{name}`" for name in bound.endless[:4])
                yield f"  Time has no bound: nothing cuts off an attempt of {names}. A `timeout` does."

    def _witnesses(self) -> Iterator[str]:
        """Give the runs that come up to the bounds, each once."""
        assert self.proof.budgeted is not None
        told: dict[tuple[Entry, ...], list[Metric]] = {}
        bounds = self.proof.budgeted.bounds
        witnesses: dict[tuple[Entry, ...], Witness] = {}
        for metric in NAMES:
            witness = bounds[metric].witness
            if metric != "transitions" and witness is not None and bounds[metric].lower:
                told.setdefault(witness.entries, []).append(metric)
                witnesses[witness.entries] = witness
        for entries, metrics in told.items():
            yield ""
            names = _listed([NAMES[metric] for metric in metrics])
            known = all(bounds[metric].is_exact for metric in metrics)
            singular = metrics[-1] in ("micro_usd", "microseconds") and len(metrics) == 1
            verb = "comes about so" if singular else "come about so"
            title = f"The most {names}" if known else f"The most {names} that are known of"
            yield f"  {self.style(title, bold=True)} {verb}:"
            yield f"    {_path(entries)}"
            for metric in metrics:
                sum_up = _sum(metric, witnesses[entries])
                yield f"    {NAMES[metric]:<10} {sum_up}{_rest(bounds[metric])}"

    def _prices(self) -> Iterator[str]:
        prices = [price for price in self.proof.prices if price.amount > 0][:MOST_PRICES]
        if not prices:
            return
        yield ""
        title = "What one more turn would add, without the budget" if self.proof.structural else ""
        yield f"  {self.style(title, bold=True)}"
        shown = [(_turn(self.proof, price), _added(price)) for price in prices]
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
        words = in_words(judgement.policy)
        if isinstance(verdict, Proved):
            yield f"    {self.style('kept', 'green')}     {words}"
            return
        edges = (self.proof.judged.edges[number] for number in verdict.path or ())
        ways = [edge.way for edge in edges if edge.way is not None]
        path = written(ways, self.proof.machine.start)
        if isinstance(verdict, Refuted):
            yield f"    {self.style('broken', 'red')}   {words}"
            yield f"             {path}"
        else:
            yield f"    {self.style('unknown', 'yellow')}  {words}: {verdict.why}"
            if verdict.path:
                yield f"             {path}"


def _told(bound: Bound) -> tuple[str, str]:
    """Give a bound, and whether a run comes up to it."""
    if bound.upper is None:
        return "no bound", ""
    if bound.is_exact:
        return worded(bound.metric, bound.upper), "exact"
    return worded(bound.metric, bound.upper), f"a run is known with {worded(bound.metric, bound.lower)}"


def _against(bound: Bound) -> tuple[str, str]:
    if bound.budget is None:
        return "", ""
    headroom = 0 if bound.upper is None else bound.budget - bound.upper
    return worded(bound.metric, bound.budget), worded(bound.metric, headroom) if headroom else "none"


def _free(free: Bound | None, bound: Bound) -> str:
    """Give the bound without the budget, where the budget makes a difference."""
    if bound.budget is None and free is not None and free.upper == bound.upper:
        return ""
    if free is None or free.upper is None:
        return "no bound" if bound.budget is not None else ""
    about = "" if free.is_exact else "≤ "
    return "" if free.upper == bound.upper else about + worded(free.metric, free.upper)


def _path(entries: Sequence[Entry]) -> str:
    """Write a run: its states, an attempt each; and where the budget stops it."""
    names: list[str] = []
    for entry in entries:
        stops = entry.outcome == "exceeded"
        if stops and not entry.use.steps:
            names.append(f"{entry.state} (no budget left)")
        else:
            names.append(f"{entry.state} (cut off)" if stops else entry.state)
    return folded(names)


def _sum(metric: Metric, witness: Witness) -> str:
    """Write how the parts of a run add up: `15 × 1,500 draft + 3 × 200 check = 23,100`."""
    index = METRICS.index(metric) - 1
    parts = Counter((e.state, e.use.amounts()[index]) for e in witness.entries if e.use.amounts()[index])
    total = worded(metric, witness.used(metric))
    if metric == "microseconds":
        return f"{_times(witness)} = {total}"
    if metric == "steps":
        words = [f"{count:,} {state}" for (state, _), count in parts.items()]
    else:
        words = [
            f"{count:,} × {worded(metric, amount)} {state}"
            if count > 1
            else f"{worded(metric, amount)} {state}"
            for (state, amount), count in parts.items()
        ]
    if len(words) > MOST_STATES:
        words = [*words[:MOST_STATES], f"… ({len(words) - MOST_STATES:,} more)"]
    return f"{' + '.join(words)} = {total}"


def _rest(bound: Bound) -> str:
    """Say what becomes of the attempts for which the budget leaves nothing."""
    if bound.metric == "microseconds" or bound.witness is None or bound.lower != bound.budget:
        return ""
    index = METRICS.index(bound.metric) - 1
    uses = [(entry.state, entry.use.amounts()[index]) for entry in bound.witness.entries if entry.use.steps]
    dear = {state for state, amount in uses if amount}
    none = sum(1 for state, amount in uses if state in dear and not amount)
    if not none:
        return ", all of the budget"
    return f", all of the budget: {none:,} more attempt{'s' * (none > 1)} can happen only by using none"


def _times(witness: Witness) -> str:
    """Write how long a run is in each state, pauses included, to the millisecond."""
    spent: Counter[str] = Counter()
    for entry in witness.entries:
        spent[entry.state] += entry.use.time_us
    shown = [(state, round(us, -3)) for state, us in spent.items() if round(us, -3)]
    words = [f"{worded('microseconds', us)} {state}" for state, us in shown[:MOST_STATES]]
    if len(shown) > MOST_STATES:
        words.append(f"… ({len(shown) - MOST_STATES:,} more)")
    return " + ".join(words)


def _turn(proof: Proof, price: CapPrice) -> str:
    """Say what one more turn of a capped edge is: a retry, a re-ask, a loop."""
    way = next(way for way in proof.machine.transitions if price.counter in way.below)
    cap = proof.machine.counters[price.counter].cap
    if way.kind == "retry":
        return f"retry of {way.source} ({cap:,} now)"
    if way.same_visit:
        return f"re-ask of {way.source} ({cap:,} now)"
    label = f" [{way.label}]" if way.label else ""
    return f"{way.source} → {way.target}{label} ({cap:,} now)"


def _added(price: CapPrice) -> str:
    amount = worded(price.metric, price.amount)
    if price.metric == "micro_usd":
        return f"+ {amount}"
    name = NAMES[price.metric]
    return f"+ {amount} {name.removesuffix('s') if price.amount == 1 else name}"


def _listed(names: Iterable[str], word: str = "and") -> str:
    *most, last = names
    return f"{', '.join(most)} {word} {last}" if most else last
