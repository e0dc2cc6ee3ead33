"""One step of a recorded run in full: all that went into its attempts and came out, in children too."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define

from fsmflow import glance
from fsmflow.analysis.traces.recording import Recording, Stage
from fsmflow.reporting import trace_amounts as amounts
from fsmflow.reporting.amounts import counted
from fsmflow.reporting.readable import readable
from fsmflow.reporting.style import Style
from fsmflow.reporting.trace_layout import document, listed, wrapped
from fsmflow.reporting.trace_rows import GOOD, outcome
from fsmflow.reporting.trace_summary import Summary, Visit
from fsmflow.reporting.visible import visible, width


def render(recording: Recording, step: str, *, color: bool, columns: int = 80) -> str:
    """Write every attempt of one step with its input, output and complaints, in full.

    Args:
        recording: The run.
        step: The name of a state, of the run or of a child; behind those of the states that ran the
            children, if it has to be told apart: `read/fetch`.
        color: Whether to use ANSI colours. Nothing in the run can bring in its own.
        columns: How wide the terminal is.
    """
    return "\n".join(_Printer(Style(color), columns).lines(matching(Summary.of(recording), step))) + "\n"


def matching(summary: Summary, step: str) -> list[Visit]:
    """Give the visits to a step, in the run and in its children."""
    wanted = tuple(part.strip() for part in step.split("/"))
    return [visit for visit in summary.whole.walk() if visit.path[-len(wanted) :] == wanted]


def steps(summary: Summary) -> list[str]:
    """Give the names by which steps can be asked for, each once."""
    paths = dict.fromkeys(visit.path for visit in summary.whole.walk())
    return list(dict.fromkeys((*(path[-1] for path in paths), *("/".join(path) for path in paths))))


@define
class _Printer:
    """The printing of some visits."""

    style: Style
    columns: int

    def lines(self, visits: list[Visit]) -> Iterator[str]:
        first = True
        for visit in visits:
            for stage in visit.stages:
                yield from () if first else ("",)
                first = False
                yield from self.stage(visit, stage)

    def stage(self, visit: Visit, stage: Stage) -> Iterator[str]:
        hue = None if stage.outcome in GOOD else "red"
        what = f"attempt {stage.attempt:,}" if stage.kind == "attempt" else stage.kind
        facts = [glance.time(stage.elapsed_us)]
        facts += [amounts.amount(name, used) for name, used in stage.use.items() if used]
        facts += [counted(stage.steps, "step")] if stage.steps > 1 else []
        is_told = stage.kind in ("attempt", "question")
        said = visible(outcome(stage)) if is_told else ""
        *most, last = wrapped(f"{visit.place}, {what}", self.columns - width(said) - 2)
        yield from (self.style(line, bold=True) for line in most)
        yield f"{self.style(last, bold=True)}  {self.style(said, hue)}".rstrip()
        for line in listed(facts, self.columns - 2):
            yield self.style(f"  {line}", dim=True)
        if not is_told:
            return
        given = "shown" if stage.kind == "question" else "input"
        yield from self.block(given, document(readable(stage.given), self.columns - 4))
        if stage.output is not None or stage.outcome == "success":
            name = "rejected" if stage.outcome == "invalid" else "output"
            yield from self.block(name, document(readable(stage.output), self.columns - 4))
        if stage.complaints:
            yield from self.block("complaints", document(list(stage.complaints), self.columns - 4))
        elif stage.error:
            yield from self.block("message", wrapped(stage.error, self.columns - 4))
        if stage.where:
            yield from self.block("raised at", wrapped(stage.where, self.columns - 4))
        if stage.retry_after_us is not None:
            yield from self.block("asked to be left alone for", iter([glance.time(stage.retry_after_us)]))

    def block(self, name: str, lines: Iterator[str]) -> Iterator[str]:
        yield self.style(f"  {name}", "cyan")
        yield from (f"    {line}" for line in lines)
