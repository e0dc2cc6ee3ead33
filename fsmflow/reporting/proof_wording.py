"""What a proof is called: the words that its text and the review page share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from attrs import frozen

from fsmflow.analysis.proof import CapPrice, Ending, Proof
from fsmflow.analysis.proving.bounds import Bound
from fsmflow.analysis.proving.counter_machine import METRICS, Metric
from fsmflow.analysis.proving.stopping import Stops
from fsmflow.analysis.proving.witness import Entry, Witness
from fsmflow.machine import Machine, State, Work
from fsmflow.reporting.amounts import NAMES, counted, worded
from fsmflow.reporting.folded import folded

ENDINGS: Mapping[Ending, str] = {
    "always": "every run ends, however high the caps on its loops and retries are set",
    "for-these-caps": "every run ends, with the caps as they are",
    "by-budget-only": "every run ends, but only because the budget stops it",
    "no": "a run can go on for ever",
    "unknown": "it could not be told whether every run ends",
}

STOPS: Mapping[Stops, tuple[str, str]] = {
    "never": ("The cap on {} never stops a run.", "The caps on {} never stop a run."),
    "all": ("The cap on {} lets no run succeed.", "The caps on {} let no run succeed."),
}

MOST_PRICES = 3
"""How many of the dearest caps are told."""

MOST_STATES = 8
"""How many parts of a sum are written out."""


@frozen
class Worst:
    """A run that uses the most of some metrics, of those that are known."""

    metrics: tuple[Metric, ...]
    witness: Witness


def is_told(bound: Bound) -> bool:
    """Tell whether a bound is worth a row: where nothing can be used, and nothing is capped, it is not."""
    return bound.metric != "transitions" and (
        bound.upper is None or bool(bound.upper) or bound.budget is not None
    )


def worst_runs(bounds: Mapping[Metric, Bound]) -> Iterator[Worst]:
    """Give the runs that come up to the bounds, each once."""
    found: dict[tuple[Entry, ...], Worst] = {}
    for metric in NAMES:
        witness = bounds[metric].witness
        if metric == "transitions" or witness is None or not bounds[metric].lower:
            continue
        known = found.get(witness.entries)
        found[witness.entries] = Worst((*(known.metrics if known else ()), metric), witness)
    yield from found.values()


def heading(worst: Worst, bounds: Mapping[Metric, Bound]) -> str:
    """Say what a run uses the most of: `The most steps and tokens`."""
    known = all(bounds[metric].is_exact for metric in worst.metrics)
    names = listed([NAMES[metric] for metric in worst.metrics])
    return f"The most {names}" if known else f"The most {names} that are known of"


def stops(proof: Proof) -> Iterator[str]:
    """Say which caps of the budget never stop a run, and which let none succeed."""
    for how, said in STOPS.items():
        capped = [NAMES[cap.metric] for cap in proof.caps if cap.stops == how]
        if capped:
            yield said[len(capped) > 1].format(listed(capped))


def dearest(proof: Proof) -> tuple[CapPrice, ...]:
    """Give the caps whose next turn adds the most."""
    return tuple(price for price in proof.prices if price.amount > 0)[:MOST_PRICES]


def told(bound: Bound) -> tuple[str, str]:
    """Give a bound, and whether a run comes up to it."""
    if bound.upper is None:
        return "no bound", ""
    if bound.is_exact:
        return worded(bound.metric, bound.upper), "exact"
    return worded(bound.metric, bound.upper), f"a run is known with {worded(bound.metric, bound.lower)}"


def against(bound: Bound) -> tuple[str, str]:
    """Give the budget, and what a run leaves of it at worst."""
    if bound.budget is None:
        return "", ""
    headroom = 0 if bound.upper is None else bound.budget - bound.upper
    return worded(bound.metric, bound.budget), worded(bound.metric, headroom) if headroom else "none"


def without_the_budget(free: Bound | None, bound: Bound) -> str:
    """Give the bound without the budget, where the budget makes a difference."""
    if bound.budget is None and free is not None and free.upper == bound.upper:
        return ""
    if free is None or free.upper is None:
        return "no bound" if bound.budget is not None else ""
    about = "" if free.is_exact else "≤ "
    return "" if free.upper == bound.upper else about + worded(free.metric, free.upper)


def path(entries: Sequence[Entry]) -> str:
    """Write a run: its states, an attempt each; and where the budget stops it."""
    names: list[str] = []
    for entry in entries:
        stops = entry.outcome == "exceeded"
        if stops and not entry.use.steps:
            names.append(f"{entry.state} (no budget left)")
        else:
            names.append(f"{entry.state} (cut off)" if stops else entry.state)
    return folded(names)


def sum_up(metric: Metric, witness: Witness, machine: Machine) -> str:
    """Write how the parts of a run add up: `15 × 1,500 draft + 3 × 200 check = 23,100`.

    What a state uses that runs a workflow for each item is told by the item: `20 × 700 read`.
    """
    index = METRICS.index(metric) - 1
    parts = Counter((e.state, e.use.amounts()[index]) for e in witness.entries if e.use.amounts()[index])
    total = worded(metric, witness.used(metric))
    if metric == "microseconds":
        return f"{_times(witness)} = {total}"
    words = [_part(machine, metric, state, amount, count) for (state, amount), count in parts.items()]
    if len(words) > MOST_STATES:
        words = [*words[:MOST_STATES], f"… ({len(words) - MOST_STATES:,} more)"]
    return f"{' + '.join(words)} = {total}"


def _part(machine: Machine, metric: Metric, state: str, amount: int, count: int) -> str:
    """Write what a state uses that uses the same `count` times."""
    if metric == "steps" and amount == 1:
        return f"{count:,} {state}"
    items, of_each = _by_item(machine.states[state], metric, amount)
    factors = [f"{number:,}" for number in (count, items) if number > 1]
    return f"{' × '.join((*factors, worded(metric, of_each)))} {state}"


def _by_item(state: State, metric: Metric, amount: int) -> tuple[int, int]:
    """Give for how many items a state uses an amount, and how much for each of them."""
    children = state.children if isinstance(state, Work) else None
    if children is None or children.kind != "map" or metric == "steps":
        return 1, amount
    assert isinstance(state, Work)
    whole = state.cost.amounts()[METRICS.index(metric) - 1]
    return (children.at_most, amount // children.at_most) if amount == whole else (1, amount)


def rest(bound: Bound) -> str:
    """Say what becomes of the attempts for which the budget leaves nothing."""
    if bound.metric == "microseconds" or bound.witness is None or bound.lower != bound.budget:
        return ""
    index = METRICS.index(bound.metric) - 1
    uses = [(entry.state, entry.use.amounts()[index]) for entry in bound.witness.entries if entry.use.steps]
    dear = {state for state, amount in uses if amount}
    none = sum(1 for state, amount in uses if state in dear and not amount)
    if not none:
        return ", all of the budget"
    return f", all of the budget: {counted(none, 'more attempt')} can happen only by using none"


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


def turn(proof: Proof, price: CapPrice) -> str:
    """Say what one more turn of a capped edge is: a retry, a re-ask, a loop."""
    way = next(way for way in proof.machine.transitions if price.counter in way.below)
    cap = proof.machine.counters[price.counter].cap
    if way.kind == "retry":
        return f"retry of {way.source} ({cap:,} now)"
    if way.same_visit:
        return f"re-ask of {way.source} ({cap:,} now)"
    label = f" [{way.label}]" if way.label else ""
    return f"{way.source} → {way.target}{label} ({cap:,} now)"


def added(price: CapPrice) -> str:
    """Say what one more turn adds."""
    amount = worded(price.metric, price.amount)
    if price.metric == "micro_usd":
        return f"+ {amount}"
    name = NAMES[price.metric]
    return f"+ {amount} {name.removesuffix('s') if price.amount == 1 else name}"


def listed(names: Iterable[str], word: str = "and") -> str:
    """Give names in a row: `steps, tokens and time`."""
    *most, last = names
    return f"{', '.join(most)} {word} {last}" if most else last
