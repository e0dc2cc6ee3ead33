"""A comparison as a comment on a pull request, in GitHub's Markdown.

Whatever a spec says stands in code spans, where nothing is a link, a mention or markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from attrs import frozen

from fsmflow.analysis.comparing.difference import Difference
from fsmflow.diagnostics import Diagnostic
from fsmflow.reporting import diff_wording as words
from fsmflow.reporting.amounts import NAMES
from fsmflow.reporting.diff_lines import SIGNS, Group, Line, groups
from fsmflow.reporting.diff_wording import Comparison
from fsmflow.reporting.visible import visible

MOST_CHARACTERS = 60_000
"""How long a comment may be; GitHub refuses some thousands more."""

MOST_GROUPS = 60
"""How many states are told of in each workflow."""

_SIGNS = {sign: "\\+" if glyph == "+" else glyph for sign, glyph in SIGNS.items()}
"""A plus sign would begin a list."""

_TOO_LARGE = "_The drawings are left out: they are larger than GitHub draws._"


@frozen
class Drawings:
    """Both versions as Mermaid flowcharts; empty where there is none, None where it is too large."""

    before: str | None
    after: str | None


def render(comparison: Comparison, drawings: Mapping[str, Drawings]) -> str:
    """Write a comparison.

    Args:
        comparison: The comparison.
        drawings: The drawings of each workflow that is told of, by its name. As many are in the comment
            as there is room for.
    """
    told = [d for d in comparison.differences if words.is_told(d)]
    sections = ["\n".join(_section(difference)) for difference in told]
    ending = "\n".join(_ending(comparison))
    room = MOST_CHARACTERS - len(ending) - sum(map(len, sections))
    blocks: list[str] = []
    for difference, section in zip(told, sections, strict=True):
        drawn = _drawn(drawings.get(difference.name))
        fits = len(drawn) <= room
        room -= len(drawn) if fits else len(_TOO_LARGE)
        blocks += [section, drawn if fits else _TOO_LARGE]
    return "\n\n".join(block for block in (*blocks, ending) if block) + "\n"


def _section(difference: Difference) -> Iterator[str]:
    yield f"### {_code(difference.name)}: {words.headline(difference)}"
    ending, unclear = words.ending(difference), words.unclear(difference)
    if ending:
        yield f"\n{ending[0].upper()}{ending[1:]}."
    if unclear:
        yield f"\n{unclear}"
    yield from _table(difference)
    found = groups(difference.changes)
    if found:
        yield "\n**What changed**\n"
        for group in found[:MOST_GROUPS]:
            yield from _group(group)
        if len(found) > MOST_GROUPS:
            yield f"- … and {len(found) - MOST_GROUPS:,} more"
    yield from _list("Policies newly broken", map(_policy, difference.broken))
    yield from _list("Policies newly kept", map(_policy, difference.kept))
    yield from _list("Checks newly failing", map(_finding, difference.failing))
    yield from _list("Checks newly passing", map(_finding, difference.passing))
    needed = (f"{_code(each.what)}, {words.need(each)} {_code(each.state)}" for each in difference.needed)
    yield from _list(words.STILL_NEEDED, needed)


def _table(difference: Difference) -> Iterator[str]:
    pairs = words.cases_told(difference)
    if not pairs:
        return
    frees = [words.free(free, case) for case, free in pairs]
    yield "\n| at most | before | after | change |" + (" without the budget |" if any(frees) else "")
    yield "|:--|--:|--:|--:|" + (":--|" if any(frees) else "")
    for (case, _), free in zip(pairs, frees, strict=True):
        change = words.rise(case)
        if case.rises_by_more_than(0):
            change = f"**{change}**"
        cells = [NAMES[case.metric], words.amount(case.before), words.amount(case.after), change]
        yield f"| {' | '.join([*cells, *([free] if any(frees) else [])])} |"


def _group(group: Group) -> Iterator[str]:
    title = _code(group.title) if group.is_state else f"**{group.title}**"
    note = f" ({_note(group.note)})" if group.note else ""
    yield f"- {_SIGNS[group.sign]} {title}{note}"
    for line in group.lines:
        yield f"  - {_line(line)}"


def _line(line: Line) -> str:
    if line.note:
        return f"{_SIGNS[line.sign]} {_code(line.what)} {line.note}"
    said = " → ".join(_code(side) for side in (line.before, line.after) if side is not None)
    return f"{_SIGNS[line.sign]} {f'{_code(line.what)}: ' if line.what else ''}{said}"


def _note(note: str) -> str:
    was, _, name = note.partition("was ")
    return note if was or not name else f"was {_code(name)}"


def _list(title: str, entries: Iterable[str]) -> Iterator[str]:
    told = list(entries)
    if told:
        yield f"\n**{title}**\n"
        yield from (f"- {entry}" for entry in told[:MOST_GROUPS])
        if len(told) > MOST_GROUPS:
            yield f"- … and {len(told) - MOST_GROUPS:,} more"


def _policy(spoken: str) -> str:
    return _code(spoken.replace("`", ""))


def _finding(diagnostic: Diagnostic) -> str:
    return f"{diagnostic.severity.value} {_code(diagnostic.check)}: {_code(diagnostic.message)}"


def _drawn(drawings: Drawings | None) -> str:
    """Fold the flowcharts away, so that a reader who wants them opens them."""
    if drawings is None or drawings == Drawings("", ""):
        return ""
    if drawings.before is None and drawings.after is None:
        return _TOO_LARGE
    parts: list[str] = []
    for title, chart in (("Before", drawings.before), ("After", drawings.after)):
        if chart != "":
            parts += [f"**{title}**", _TOO_LARGE if chart is None else f"```mermaid\n{chart.rstrip()}\n```"]
    return "\n\n".join(["<details><summary>Before and after, drawn</summary>", *parts, "</details>"])


def _ending(comparison: Comparison) -> Iterator[str]:
    same: dict[str, list[str]] = {}
    for difference in comparison.unchanged:
        same.setdefault(words.unchanged(difference), []).append(_code(difference.name))
    for said, names in same.items():
        yield f"{', '.join(names)}: {said}."
    if comparison.tripped:
        yield ("\n" if same else "") + "**Limits that are not kept**\n"
        yield from (f"- × {_code(words.tripped(trip))}" for trip in comparison.tripped)


def _code(text: str) -> str:
    """Put `text` in a code span, whatever backticks it holds."""
    line = visible(text) or " "
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    space = " " if line[0] == "`" or line[-1] == "`" else ""
    return f"{fence}{space}{line}{space}{fence}"
