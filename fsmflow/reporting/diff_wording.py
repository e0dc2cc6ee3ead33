"""What a difference is called: the words that the text and the Markdown of a comparison share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import assert_never

from attrs import frozen

from fsmflow.analysis.comparing.changes import ANOTHER_ATTEMPT, ITSELF, Change, Key, Said, Sign
from fsmflow.analysis.comparing.difference import Difference, WorstCase
from fsmflow.analysis.comparing.gates import Tripped
from fsmflow.analysis.comparing.needed import Needed
from fsmflow.analysis.proof import Ending
from fsmflow.analysis.proving.bounds import Bound
from fsmflow.diagnostics import Severity
from fsmflow.reporting.amounts import NAMES, counted, worded
from fsmflow.reporting.excerpt import visible
from fsmflow.reporting.proof_wording import ENDINGS as OF_A_PROOF
from fsmflow.reporting.proof_wording import listed

SIGNS: Mapping[Sign, str] = {"added": "+", "removed": "−", "changed": "Δ", "renamed": "→"}

ENDINGS: Mapping[Ending, str] = {
    **OF_A_PROOF,
    # Shorter, as it may be told twice in a sentence.
    "always": "every run ends, however high its caps are set",
}

STILL_NEEDED = "Runs in flight keep to the old version, and still need"

LONGEST = 160
"""How many characters of one side of a change are shown."""

_OF_THE_WHOLE = {"workflow": "workflow", "budget": "budget", "policy": "policies", "price": "prices"}
_MINOR = ("factor", "longest pause", "jitter", "heeds Retry-After")
_COUNTED = {"steps": "step", "tool_calls": "tool call", "tokens": "token"}
_ON_WHAT = ("with", "show", "options")
"""What a state is given, of which a state that is new or gone tells nothing: it would be too much."""


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


@frozen
class Line:
    """One change in words: of what, and what that was and is.

    `before` and `after` are None where there is none. `note` is what is said in their place.
    """

    sign: Sign
    what: str
    before: str | None
    after: str | None
    note: str = ""


@frozen
class Group:
    """The changes of one state, or of one part of the workflow; whether `title` is a name of the spec's."""

    sign: Sign
    title: str
    is_state: bool
    note: str
    lines: tuple[Line, ...]


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
    number = sum(map(_counted, groups(difference.changes)))
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
        "fewer": [metric for metric in falling if metric in _COUNTED],
        "less": [metric for metric in falling if metric not in _COUNTED],
    }
    return [
        f"{how} {listed([NAMES[each] for each in metrics])}" for how, metrics in amounts.items() if metrics
    ]


def _counted(group: Group) -> int:
    """Count a state that is new or gone as one change, whatever belongs to it."""
    if group.sign in ("added", "removed"):
        return 1
    return len(group.lines) + (group.sign == "renamed")


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


def groups(changes: Sequence[Change]) -> tuple[Group, ...]:
    """Put changes in words, together with those of the same state."""
    found: dict[tuple[str, str], list[Change]] = {}
    for change in changes:
        part = "" if change.key.state else _OF_THE_WHOLE[change.key.topic]
        found.setdefault((change.key.state, part), []).append(change)
    return tuple(_group(state, part, its) for (state, part), its in found.items())


def _group(state: str, part: str, changes: Sequence[Change]) -> Group:
    own = {c.key.name: c for c in changes if c.key.topic == "state"}
    rest = [c for c in changes if c.key.topic != "state"]
    if "" in own and own[""].sign in ("added", "removed"):
        whole = own[""].sign
        note = visible(str(own[""].after or own[""].before))
        return Group(whole, visible(state), True, note, tuple(_of_a_whole_state(whole, rest)))
    sign: Sign = "renamed" if "name" in own else "changed"
    note = f"was {visible(str(own['name'].before))}" if "name" in own else ""
    kind = [Line("changed", "kind", str(own[""].before), str(own[""].after))] if "" in own else []
    return Group(sign, visible(state) or part, bool(state), note, (*kind, *_lines(rest)))


def _of_a_whole_state(sign: Sign, changes: Sequence[Change]) -> Iterator[Line]:
    """Say on one line what a state promises, and on one each where it leads."""
    contract = [c for c in changes if c.key.topic == "contract" and c.key.name not in _ON_WHAT]
    if contract:
        words = " · ".join(_in_short(c.key, _present(c)) for c in contract)
        yield Line(sign, "", *((None, words) if sign == "added" else (words, None)))
    yield from _lines([c for c in changes if c.key.topic != "contract"])


def _lines(changes: Sequence[Change]) -> Iterator[Line]:
    """Say each change on a line; a way that is new or gone is one line with all that belongs to it."""
    ways: dict[tuple[str, str], list[Change]] = {}
    for change in changes:
        if change.key.kind:
            ways.setdefault((change.key.kind, change.key.name), []).append(change)
    told: set[tuple[str, str]] = set()
    for change in changes:
        way = (change.key.kind, change.key.name)
        its = ways.get(way, [])
        signs = {c.sign for c in its}
        whole = len(signs) == 1 and "changed" not in signs and any(_is_the_way(c.key) for c in its)
        if _is_of_a_child(change):
            yield Line("changed", visible(change.key.aspect), None, None, "itself changed")
        elif not whole:
            yield Line(
                change.sign,
                _what(change.key),
                _said(change.key, change.before),
                _said(change.key, change.after),
            )
        elif way not in told:
            told.add(way)
            yield _whole_way(its)


def _whole_way(changes: Sequence[Change]) -> Line:
    (main,) = (c for c in changes if _is_the_way(c.key))
    target = _present(main)
    words = [target if target == ANOTHER_ATTEMPT else f"to {visible(str(target))}"]
    for change in changes:
        if change is not main and change.key.aspect not in _MINOR:
            said = _said(change.key, _present(change)) or ""
            words.append(
                f"≤{said}"
                if change.key.topic == "cap" and not change.key.aspect
                else _named(change.key, said)
            )
    text = " · ".join(words)
    return Line(main.sign, _way(main.key), *((None, text) if main.sign == "added" else (text, None)))


def _is_of_a_child(change: Change) -> bool:
    """Tell whether it is a workflow that a state runs that is not what it was."""
    return change.key.topic == "contract" and change.key.name == ITSELF


def _is_the_way(key: Key) -> bool:
    return key.topic == "transition" and not key.aspect


def _present(change: Change) -> Said:
    found = change.before if change.after is None else change.after
    assert found is not None
    return found


def _named(key: Key, said: str) -> str:
    return f"{key.aspect}: {said}" if key.aspect == "at its cap" else f"{key.aspect} {said}"


def _in_short(key: Key, said: Said) -> str:
    """Write a promise in a row of them: `timeout 5 s`, `cost 1,500 tokens`."""
    amount = _said(key, said) or ""
    if key.metric in _COUNTED:
        return f"{key.name} {amount} {_COUNTED[key.metric]}{'' if said == 1 else 's'}"
    return key.name if amount == "true" else f"{key.name} {amount}"


def _what(key: Key) -> str:
    """Name what a change is of, as its state or its part of the workflow is told already."""
    if key.kind:
        words = [_way(key)]
    elif key.topic == "policy":
        words = []
    else:
        words = [NAMES[key.metric] if key.topic == "budget" and key.metric else visible(key.name)]
    if key.topic == "cap":
        words.append("cap")
    if key.aspect and key.topic != "policy":
        words.append(NAMES[key.metric] if key.name == "cost" and key.metric else visible(key.aspect))
    return " ".join(words)


def _way(key: Key) -> str:
    return visible(key.name) or {"invalid": "re-ask"}.get(key.kind, key.kind)


def _said(key: Key, said: Said | None) -> str | None:
    if said is None:
        return None
    text = (
        worded(key.metric, said) if key.metric is not None and isinstance(said, int) else visible(str(said))
    )
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


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
