"""What a difference is called: the words that the text and the Markdown of a comparison share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import assert_never

from attrs import frozen

from fsmflow.analysis.comparing.difference import Difference, WorstCase
from fsmflow.analysis.comparing.gates import Tripped
from fsmflow.analysis.comparing.needed import Needed
from fsmflow.analysis.proof import Ending
from fsmflow.analysis.proving.bounds import Bound
from fsmflow.diagnostics import Severity
from fsmflow.reporting.amounts import NAMES, ONE, counted, worded
from fsmflow.reporting.diff_lines import groups
from fsmflow.reporting.proof_wording import ENDINGS as OF_A_PROOF
from fsmflow.reporting.proof_wording import listed

ENDINGS: Mapping[Ending, str] = {
    **OF_A_PROOF,
    # Shorter, as it may be told twice in a sentence.
    "always": "every run ends, however high its caps are set",
}

STILL_NEEDED = "Runs in flight keep to the old version, and still need"


@frozen
class Comparison:
    """Two versions of some workflows, compared.

    Attributes:
        old: What the old side was called on the command line.
        new: What the new side was called.
        differences: One for each workflow, in order.
        tripped: The limits that are not kept.
    """

    old: str
    new: str
    differences: tuple[Difference, ...]
    tripped: tuple[Tripped, ...] = ()

    @property
    def unchanged(self) -> tuple[Difference, ...]:
        """The workflows that mean what they did."""
        return tuple(d for d in self.differences if not is_told(d))


def is_told(difference: Difference) -> bool:
    """Tell whether there is more to say of a workflow than that it means what it did."""
    return difference.is_of_meaning or bool(difference.failing or difference.passing)


def headline(difference: Difference) -> str:
    """Sum a difference up in a clause."""
    if difference.old is None:
        return "a new workflow"
    if difference.new is None:
        return "the workflow is gone"
    for side, version in (("old", difference.old), ("new", difference.new)):
        if version.analysis is None:
            return f"the {side} version can't be read as a workflow"
    if not difference.is_of_meaning:
        return unchanged(difference)
    if not difference.changes:
        if difference.new.is_clear:
            return "the errors that left the old version unclear are gone"
        return "errors leave unclear what the new version means"
    number = sum(group.number for group in groups(difference.changes))
    said = f"{counted(number, 'change')}{_errors(difference)}"
    if moves := _moves([each for each in difference.worst_cases if each.metric != "transitions"]):
        return f"{said}; at worst, a run uses {listed(moves)}"
    if difference.new.proved is None or difference.old.proved is None:
        return said
    return f"{said}; the worst case is the same"


def _errors(difference: Difference) -> str:
    """Count the errors that were not there before: what they leave says little of what is meant."""
    number = sum(found.severity is Severity.ERROR for found in difference.failing)
    return f" and {counted(number, 'new error')}" if number else ""


def _moves(worst_cases: Sequence[WorstCase]) -> list[str]:
    """Say of what a run uses more at worst, and of what less."""
    rising = [each.metric for each in worst_cases if each.rises_by_more_than(0)]
    falling = [each.metric for each in worst_cases if _falls(each)]
    amounts = {
        "more": rising,
        "fewer": [metric for metric in falling if metric in ONE],
        "less": [metric for metric in falling if metric not in ONE],
    }
    return [
        f"{how} {listed([NAMES[each] for each in metrics])}" for how, metrics in amounts.items() if metrics
    ]


def unchanged(difference: Difference) -> str:
    """Say that nothing changed in meaning, and what else did."""
    if difference.cosmetic:
        return f"no change in meaning; only {listed(difference.cosmetic)} differ"
    return "no change in meaning"


def ending(difference: Difference) -> str:
    """Say how every run ends, before and after."""
    before, after = difference.endings
    if not difference.is_of_meaning:
        return ""
    if after is None:
        unknown = "" if difference.new is None else "; now, that is not known"
        return "" if before is None else f"before, {ENDINGS[before]}{unknown}"
    if before is None:
        return ENDINGS[after]
    if before == after:
        return f"{ENDINGS[after]}, as before"
    return f"before, {ENDINGS[before]}; now, {ENDINGS[after]}"


def unclear(difference: Difference) -> str:
    """Say which version has no worst case, and why; nothing if both have one."""
    sides = [
        side
        for side, version in (("old", difference.old), ("new", difference.new))
        if version is not None and version.analysis is not None and version.proved is None
    ]
    if not sides:
        return ""
    versions = f"the {' and the '.join(sides)} version"
    return f"The worst case of {versions} is not known: errors leave unclear what it means."


def amount(bound: Bound | None) -> str:
    """Write a bound: `31`, `≤ 31` if no run is known that comes up to it, `no bound`, or nothing."""
    if bound is None:
        return ""
    if bound.upper is None:
        return "no bound"
    return ("" if bound.is_exact else "≤ ") + worded(bound.metric, bound.upper)


def rise(case: WorstCase) -> str:
    """Write by how much a worst case rises or falls: `+12.9 %`, `same`, `now bounded`."""
    if case.before is None or case.after is None:
        return ""
    if not case.differs:
        return "same"
    if case.after.upper is None:
        return "no longer bounded"
    if case.before.upper is None:
        return "now bounded"
    if case.percent is None:
        return "from nothing"
    shown = f"{abs(case.percent):,.1f}".removesuffix(".0")
    return f"{'+' if case.percent > 0 else '−'}{shown} %"


def cases_told(difference: Difference) -> tuple[tuple[WorstCase, WorstCase], ...]:
    """Give the worst cases worth a row, each with what it would be without the budget.

    Where nothing changed in meaning there are none: they are what they were. Nor is there one of what no
    run uses: where only the budget ends runs, nothing is proved without it, and that is no bound.
    """
    if not difference.is_of_meaning:
        return ()
    pairs = {
        case.metric: (case, free)
        for case, free in zip(difference.worst_cases, difference.without_the_budget, strict=True)
    }
    return tuple(pair for pair in map(pairs.__getitem__, NAMES) if any(_used(pair)))


def free(case: WorstCase, of: WorstCase) -> str:
    """Write what a worst case would be without the budget, where that is another amount."""
    if (amount(case.before), amount(case.after)) == (amount(of.before), amount(of.after)):
        return ""
    before, after = amount(case.before), amount(case.after)
    if not before or not after:
        return before or after
    return f"{before}, {rise(case)}" if before == after else f"{before} → {after}, {rise(case)}"


def tripped(trip: Tripped) -> str:
    """Say which limit is not kept, and by what."""
    case = trip.case
    if trip.why == "was not known":
        return f"{trip.gate}: no worst case to compare with: the old version of {trip.workflow} has errors"
    if case is None:
        return f"{trip.gate}: the worst case of {trip.workflow} is not known"
    name = NAMES[case.metric]
    if trip.why == "rises":
        way = f"{amount(case.before)} → {amount(case.after)}"
        return f"{trip.gate}: {name} of {trip.workflow}: {way} ({rise(case)})"
    if trip.why == "no bound":
        return f"{trip.gate}: nothing bounds the {name} of {trip.workflow}"
    used = amount(case.after) + ("" if case.metric == "micro_usd" else f" {name}")
    return f"{trip.gate}: a run of {trip.workflow} can use {used}"


def need(needed: Needed) -> str:
    """Say what it is to its state that runs in flight still need: `the step of`."""
    match needed.kind:
        case "step":
            return "the step of"
        case "prompt":
            return "a prompt of"
        case "accept":
            return "in accept of"
        case _:
            assert_never(needed.kind)


def _falls(case: WorstCase) -> bool:
    return case.differs and not case.rises_by_more_than(0)


def _used(pair: tuple[WorstCase, WorstCase]) -> Iterator[bool]:
    """Tell of each bound of a metric, under the budget and without it, whether it says that a run uses it."""
    for case in pair:
        for bound in (case.before, case.after):
            if bound is not None:
                yield bool(bound.upper) if bound.upper is not None else case is pair[0]
