"""The changes of a comparison in words: each on a line, together with those of the same state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from attrs import frozen

from fsmflow.analysis.comparing.changes import ANOTHER_ATTEMPT, ITSELF, Change, Key, Said, Sign
from fsmflow.reporting.amounts import NAMES, ONE, counted, worded
from fsmflow.reporting.visible import visible

SIGNS: Mapping[Sign, str] = {"added": "+", "removed": "−", "changed": "Δ", "renamed": "→"}

LONGEST = 160
"""How many characters of one side of a change are shown."""

_OF_THE_WHOLE = {"workflow": "workflow", "budget": "budget", "policy": "policies", "price": "prices"}
_MINOR = ("factor", "longest pause", "jitter", "heeds Retry-After")
_ON_WHAT = ("with", "show", "options")
"""What a state is given, of which a state that is new or gone tells nothing: it would be too much."""


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

    @property
    def number(self) -> int:
        """How many changes these are; a state that is new or gone is one, whatever belongs to it."""
        if self.sign in ("added", "removed"):
            return 1
        return len(self.lines) + (self.sign == "renamed")


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
    one = ONE.get(key.metric or "")
    if one is not None and isinstance(said, int):
        return f"{key.name} {counted(said, one)}"
    amount = _said(key, said) or ""
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
