"""What stands above the drawing of a change: how much of it there is, and what it does to the proof."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping

from fsmflow.analysis.comparing.changes import Change, Sign
from fsmflow.analysis.comparing.difference import Difference, WorstCase
from fsmflow.analysis.proof import Ending, Proof
from fsmflow.analysis.proving.bounds import Bound
from fsmflow.analysis.proving.counter_machine import Metric
from fsmflow.backends._palette import Ink
from fsmflow.backends._wording import plain
from fsmflow.backends.overlay import EdgeMark, Emphasis, Line, NodeMark, Words
from fsmflow.backends.verdict import verdict, worded

_SIGNS: Mapping[Emphasis, str] = {"added": "+", "removed": "−", "changed": "Δ"}
_OF_CHANGES: Mapping[Sign, Emphasis] = {
    "added": "added",
    "removed": "removed",
    "changed": "changed",
    "renamed": "changed",
}
_ENDINGS: Mapping[Ending, str] = {
    "always": "every run ends",
    "for-these-caps": "every run ends for these caps",
}
_METRICS: tuple[Metric, ...] = ("micro_usd", "microseconds", "steps", "tool_calls", "tokens")
_MOST_POLICIES = 3
_LONGEST_POLICY = 90
_GAP = "    "


def header(
    difference: Difference, nodes: Mapping[str, NodeMark], ways: Collection[EdgeMark]
) -> tuple[Line, ...]:
    """Word the head of a drawn change: counts, the worst case, the verdict, policies that broke."""
    counts = (
        *_counted("States", (mark.emphasis for mark in nodes.values())),
        *_counted("Transitions", (mark.emphasis for mark in ways)),
        *_of_the_whole(difference.changes),
    )
    return (
        counts or (Words("No state and no transition differs", "muted"),),
        *_budget(difference.changes),
        _worst_case(difference),
        *_verdict(difference),
        *_broken(difference.broken),
    )


def _counted(what: str, emphases: Iterable[Emphasis]) -> Iterator[Words]:
    """Word how many of a kind were added, removed and changed; nothing where none was."""
    numbers = Counter(emphases)
    shown = [(one, sign) for one, sign in _SIGNS.items() if numbers[one]]
    if shown:
        yield Words(what, "muted", bold=True)
        for one, sign in shown:
            yield Words(f"  {sign}{numbers[one]:,}", one, bold=True)
        yield Words(_GAP)


def _of_the_whole(changes: Iterable[Change]) -> Iterator[Words]:
    """Count the changes that no state and no edge shows."""
    for topic, what in (("workflow", "Workflow"), ("policy", "Policies"), ("price", "Prices")):
        of_it = (c for c in changes if c.key.topic == topic and c.key.name != "start")
        yield from _counted(what, (_OF_CHANGES[c.sign] for c in of_it))


def _budget(changes: Iterable[Change]) -> Iterator[Line]:
    words: list[Words] = []
    for change in changes:
        metric = change.key.metric
        if change.key.topic == "budget" and metric is not None:
            before, after = (
                "no cap" if said is None else worded(metric, int(said))
                for said in (change.before, change.after)
            )
            words += [*_became(before, after, "changed"), Words(_GAP)]
    if words:
        yield (Words("Budget  ", "muted", bold=True), *words)


def _worst_case(difference: Difference) -> Line:
    title = Words("Worst case  ", "muted", bold=True)
    cases = {case.metric: case for case in difference.worst_cases}
    differing = [cases[metric] for metric in _METRICS if metric in cases and cases[metric].differs]
    if differing:
        return (title, *(words for case in differing for words in _of_a_case(case)))
    known = [case for case in cases.values() if case.before or case.after]
    is_unclear = difference.new is not None and difference.new.proved is None
    if is_unclear or not known:
        return (title, Words("not known: errors leave unclear what the workflow means", "failed"))
    bounds = [cases[metric].after or cases[metric].before for metric in _METRICS]
    words = " · ".join(_bound(bound) for bound in bounds if bound and bound.upper != 0)
    both = all(case.before and case.after for case in known)
    return (title, Words(words), *((Words("  as before", "muted"),) if both else ()))


def _of_a_case(case: WorstCase) -> Iterator[Words]:
    assert case.before is not None
    assert case.after is not None
    ink: Ink = "removed" if case.rises_by_more_than(0) else "added"
    rise = "" if case.percent is None else f" {'+' if case.percent > 0 else '−'}{abs(case.percent):,.0f} %"
    yield from _became(_bound(case.before), _bound(case.after) + rise, ink)
    yield Words(_GAP)


def _verdict(difference: Difference) -> Iterator[Line]:
    """Say how runs end now, and what the budget does about it; and before, where that was otherwise."""
    before, after = (
        None if side is None or side.proved is None else side.proved.proof
        for side in (difference.old, difference.new)
    )
    proof = before if difference.new is None else after
    if proof is None:
        return
    now = verdict(proof)
    sign, ink = {"within": ("●", "success"), "stopped": ("■", "budget"), "endless": ("×", "failed")}[now.kind]
    told = _told(proof)
    yield (Words(f"{sign} {told}", ink, bold=True),)
    if before is not None and after is not None:
        was = _told(before)
        if was != told:
            yield (Words("before  ", "muted", bold=True), Words(was, "muted"))


def _told(proof: Proof) -> str:
    """Word how runs end, and what the budget does about it: once, where the one is the other."""
    ending, text = _ENDINGS.get(proof.terminates), verdict(proof).text
    return text if ending is None else " · ".join(dict.fromkeys((ending, text)))


def _broken(policies: Collection[str]) -> Iterator[Line]:
    for number, policy in enumerate(policies):
        if number == _MOST_POLICIES:
            yield (Words(f"and {len(policies) - number:,} more policies", "failed"),)
            return
        told = plain(policy, _LONGEST_POLICY).split("`")  # every other piece is a name
        pieces = (Words(piece, bold=place % 2 == 1) for place, piece in enumerate(told) if piece)
        yield (Words("× breaks  ", "failed", bold=True), *pieces)


def _became(before: str, after: str, ink: Ink) -> tuple[Words, ...]:
    return Words(before, "muted", struck=True), Words(" → ", ink), Words(after, ink, bold=True)


def _bound(bound: Bound) -> str:
    if bound.upper is None:
        return "no bound"
    return ("" if bound.is_exact else "≤ ") + worded(bound.metric, bound.upper)
