"""Many runs of children, folded: of those that came out alike one is shown, and what stands out among all."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence

from attrs import frozen

from fsmflow.reporting.trace_summary import Run, Visit

FEW = 2
"""So many runs are shown one by one, whatever they did."""

MOST_KINDS = 6
"""Of how many kinds of runs one is shown."""


@frozen
class Folded:
    """Runs that are not shown one by one.

    Attributes:
        runs: The runs.
        kinds: How many kinds of runs they are.
    """

    runs: tuple[Run, ...]
    kinds: int = 1


def folded(runs: Sequence[Run], is_marked: Callable[[Visit], bool]) -> Iterator[Run | Folded]:
    """Give the runs that are shown, and after those of a kind the others of it.

    Shown are those in which a visit is marked, the slowest and the costliest of all, and of each kind at
    least one: first of those that failed.
    """
    if len(runs) <= FEW:
        yield from runs
        return
    groups: dict[Hashable, list[Run]] = {}
    for run in runs:
        groups.setdefault(shape(run), []).append(run)
    told = {id(run) for run in (slowest(runs), costliest(runs)) if run is not None}
    told |= {id(run) for run in runs if any(map(is_marked, run.walk()))}
    kept = sorted(groups, key=lambda each: _is_of_no_note(groups[each], told))[:MOST_KINDS]
    rest: list[list[Run]] = []
    for each, group in groups.items():
        if each not in kept:
            rest.append(group)
            continue
        shown = [run for run in group if id(run) in told] or group[:1]
        yield from shown
        left = tuple(run for run in group if all(run is not other for other in shown))
        if left:
            yield Folded(left)
    if rest:
        yield Folded(tuple(run for group in rest for run in group), len(rest))


def slowest(runs: Sequence[Run]) -> Run | None:
    """Give the run that took longer than any of the others, if there are several and one did."""
    return _first_of(runs, lambda run: run.recording.total_us)


def costliest(runs: Sequence[Run]) -> Run | None:
    """Give the run that cost more than any of the others, in money or else in tokens, likewise."""
    unit = "micro_usd" if any(run.recording.spent["micro_usd"] for run in runs) else "tokens"
    return _first_of(runs, lambda run: run.recording.spent[unit])


def _first_of(runs: Sequence[Run], amount: Callable[[Run], int]) -> Run | None:
    first, *others = sorted(runs, key=amount, reverse=True)
    return first if others and amount(first) > amount(others[0]) else None


def _is_of_no_note(group: Sequence[Run], told: set[int]) -> tuple[bool, bool]:
    return (not any(id(run) in told for run in group), not group[0].has_failed)


def shape(run: Run) -> Hashable:
    """Give what two runs that came out alike have in common: where they were, and how each stage ended."""
    recording = run.recording
    stages = tuple(
        (stage.kind, stage.state, stage.visit, stage.outcome, stage.label) for stage in recording.stages
    )
    below = {shape(child): None for visit in run.visits for child in visit.runs}
    return (recording.workflow, recording.kind, recording.end, stages, tuple(below))
