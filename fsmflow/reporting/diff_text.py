"""A comparison for a terminal: what changed, whether it still ends, and what it can cost now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fsmflow.analysis.comparing.changes import Sign
from fsmflow.analysis.comparing.difference import Difference
from fsmflow.diagnostics import Diagnostic
from fsmflow.reporting import diff_wording as words
from fsmflow.reporting.amounts import NAMES
from fsmflow.reporting.diff_lines import SIGNS, Group, Line, groups
from fsmflow.reporting.diff_wording import Comparison
from fsmflow.reporting.style import Style
from fsmflow.reporting.visible import visible

_HUES: dict[Sign, str] = {"added": "green", "removed": "red", "changed": "yellow", "renamed": "cyan"}


def render(comparison: Comparison, *, color: bool) -> str:
    """Write a comparison; nothing, where nothing differs.

    Args:
        comparison: The comparison.
        color: Whether to use ANSI colours. Every sign is there without them.
    """
    return "".join(f"{line}\n" for line in _Printer(comparison, color).lines())


class _Printer:
    """The printing of one comparison."""

    def __init__(self, comparison: Comparison, color: bool) -> None:
        self.comparison = comparison
        self.style = Style(color)

    def lines(self) -> Iterator[str]:
        between = False
        for difference in self.comparison.differences:
            if words.is_told(difference):
                if between:
                    yield ""
                yield from self._difference(difference)
                between = True
        # Of what did not change at all there is nothing to say.
        edited = [difference for difference in self.comparison.unchanged if difference.cosmetic]
        if between and edited:
            yield ""
        for difference in edited:
            yield f"{self.style(visible(difference.name), bold=True)}: {words.unchanged(difference)}"
        if self.comparison.tripped:
            yield ""
        for trip in self.comparison.tripped:
            yield self.style(f"× {visible(words.tripped(trip))}", "red", bold=True)

    def _difference(self, difference: Difference) -> Iterator[str]:
        yield f"{self.style(visible(difference.name), bold=True)}: {words.headline(difference)}"
        yield from self._worst_case(difference)
        for group in groups(difference.changes):
            yield ""
            yield from self._group(group)
        yield from self._section("Policies newly broken", difference.broken, "red")
        yield from self._section("Policies newly kept", difference.kept, "green")
        yield from self._section("Checks newly failing", map(_finding, difference.failing), "red")
        yield from self._section("Checks newly passing", map(_finding, difference.passing), "green")
        needed = (f"{each.what}, {words.need(each)} {each.state}" for each in difference.needed)
        yield from self._section(words.STILL_NEEDED, needed, "yellow")
        if difference.changes and difference.cosmetic:
            yield ""
            yield self.style(f"  Beside the meaning, {' and '.join(difference.cosmetic)} differ.", dim=True)

    def _worst_case(self, difference: Difference) -> Iterator[str]:
        ending, unclear = words.ending(difference), words.unclear(difference)
        if ending:
            yield f"  {ending[0].upper()}{ending[1:]}."
        if unclear:
            yield f"  {self.style(unclear, 'yellow')}"
        pairs = words.cases_told(difference)
        if not pairs:
            return
        rows = [["at most", "before", "after", "change", "without the budget"]]
        for case, free in pairs:
            amounts = [words.amount(case.before), words.amount(case.after)]
            rows.append([NAMES[case.metric], *amounts, words.rise(case), words.free(free, case)])
        kept = [column for column in range(5) if any(row[column] for row in rows[1:])]
        widths = {column: max(len(row[column]) for row in rows) for column in kept}
        yield ""
        for number, row in enumerate(rows):
            cells = [row[c].ljust(widths[c]) if c in (0, 4) else row[c].rjust(widths[c]) for c in kept]
            line = f"  {'  '.join(cells)}".rstrip()
            if number == 0:
                line = self.style(line, dim=True)
            elif pairs[number - 1][0].rises_by_more_than(0):
                line = self.style(line, bold=True)
            yield line

    def _group(self, group: Group) -> Iterator[str]:
        note = f"  {self.style(group.note, dim=True)}" if group.note else ""
        yield f"  {self._sign(group.sign)} {self.style(group.title, bold=True)}{note}"
        width = max((len(line.what) for line in group.lines), default=0)
        yield from (f"      {self._line(line, width)}".rstrip() for line in group.lines)

    def _line(self, line: Line, width: int) -> str:
        said = line.note or " → ".join(side for side in (line.before, line.after) if side is not None)
        what = f"{line.what:<{width}}  " if line.what else ""
        return f"{self._sign(line.sign)} {what}{said}"

    def _sign(self, sign: Sign) -> str:
        return self.style(SIGNS[sign], _HUES[sign], bold=True)

    def _section(self, title: str, entries: Iterable[str], hue: str) -> Iterator[str]:
        told = list(entries)
        if told:
            yield ""
            yield f"  {self.style(title, hue, bold=True)}"
            yield from (f"      {visible(entry)}" for entry in told)


def _finding(diagnostic: Diagnostic) -> str:
    return f"{diagnostic.severity.value}[{diagnostic.check}]  {diagnostic.message}"
