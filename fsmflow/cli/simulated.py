"""What a campaign of simulated runs came to, for a person or a program."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click
from attrs import evolve

from fsmflow import glance
from fsmflow.analysis.traces.coverage import can_be_taken
from fsmflow.analysis.traces.recording import Recording, read
from fsmflow.cli.output import wants_color
from fsmflow.machine import Transition
from fsmflow.reporting.amounts import NAMES, counted, worded
from fsmflow.reporting.style import Style
from fsmflow.runtime.log import RunLog
from fsmflow.runtime.trace import new_span_id
from fsmflow.testing.campaign import METRICS, Campaign, Judge, Violation
from fsmflow.testing.clock import SimulatedClock
from fsmflow.testing.simulator import Simulated, Simulator, derived

MOST_TOLD = 20
"""How many violations, and ways that were never taken, are told; what else there is is counted."""

_SIGNS = {
    "success": ("●", "green"),
    "degraded": ("▲", "yellow"),
    "handoff": ("→", "magenta"),
    "failed": ("×", "red"),
    "cancelled": ("■", "yellow"),
}


def as_text(campaign: Campaign, spec: Path, *, color: bool) -> str:
    """Say for a person what a campaign came to."""
    return "\n".join(_Printer(campaign, spec, color).lines())


def as_json(campaign: Campaign) -> str:
    """Say for a program what a campaign came to."""
    machine = campaign.machine
    found = {
        "schema": "fsmflow.simulation/1",
        "workflow": machine.name,
        "digest": machine.digest,
        "seed": campaign.simulator.seed,
        "runs": campaign.runs,
        "ends": [{"end": end, "kind": kind, "runs": runs} for (end, kind), runs in _ends(campaign)],
        "used": {row.metric: row.document() for row in _rows(campaign)},
        "breaches": {"runs": campaign.breaches, "most_beyond": campaign.beyond._asdict()},
        "transitions": [
            {
                "source": way.source,
                "name": way.name,
                "target": way.target,
                "on": way.on,
                "possible": can_be_taken(machine, way),
                "taken": campaign.taken[number],
            }
            for number, way in enumerate(machine.transitions)
        ],
        "violations": [{"run": each.number, "message": each.message} for each in campaign.violations],
    }
    return json.dumps(found, ensure_ascii=False, indent=2, allow_nan=False)


def show_run(simulator: Simulator, number: int, form: str) -> None:
    """Print one run as `fsmflow trace show` would."""
    from fsmflow.cli.trace import columns
    from fsmflow.reporting import trace_json, trace_text

    recording = _recording(simulator, simulator.run(number))
    if form == "json":
        click.echo(trace_json.render(recording, None))
        return
    machine = simulator.subject.machine
    color = wants_color(sys.stdout)
    text = trace_text.render(recording, color=color, columns=columns(), machine=machine)
    click.echo(text.rstrip("\n"), color=True)


def _recording(simulator: Simulator, simulated: Simulated) -> Recording:
    """Write the trace of a run, and read it back."""
    machine, runner = simulator.subject.machine, simulator.subject.runner
    run = runner.restore(simulated.configuration, f"{simulator.seed}-{simulated.number}")
    lines: list[str] = []
    clock = SimulatedClock()
    log = RunLog(
        machine.name, machine.digest, None, run, clock, lambda event: lines.append(json.dumps(event))
    )
    end_us = 0
    for span in simulated.trace:
        log.span(span, new_span_id())
        end_us = max(end_us, span.start_us + span.elapsed_us)
    log.end(simulated.end, simulated.kind, simulated.output, end_us)
    trace_id = f"{derived(machine.name, simulator.seed, simulated.number):032x}"
    return evolve(read("\n".join([*lines, ""])), trace_id=trace_id)


class _Row:
    """What the runs of a campaign used of one metric."""

    def __init__(self, metric: Any, used: Sequence[int], cap: int | None, bound: int | None) -> None:
        ordered = sorted(used)
        self.metric = metric
        self.cap = cap
        self.bound = bound
        self.median = ordered[(len(ordered) - 1) // 2]
        self.most_of_all = ordered[max(0, -(-95 * len(ordered) // 100) - 1)]
        self.worst = ordered[-1]

    def document(self) -> dict[str, int | None]:
        return {
            "median": self.median,
            "percentile_95": self.most_of_all,
            "worst": self.worst,
            "proved": self.bound,
            "budget": self.cap,
        }

    def cells(self) -> tuple[str, ...]:
        # Times that were drawn are told to three digits; a bound is told exactly.
        word = glance.time if self.metric == "microseconds" else partial(worded, self.metric)
        seen = [word(each) for each in (self.median, self.most_of_all, self.worst)]
        bound, cap = (
            "none" if each is None else worded(self.metric, each) for each in (self.bound, self.cap)
        )
        return (NAMES[self.metric], *seen, bound, cap)


def _rows(campaign: Campaign) -> Iterator[_Row]:
    bounds = Judge(campaign.simulator.subject).bounds
    for index, (metric, cap, bound) in enumerate(
        zip(METRICS, campaign.machine.caps.amounts(), bounds, strict=True)
    ):
        used = [each[index] for each in campaign.used]
        if bound or cap or any(used):
            yield _Row(metric, used, cap, bound)


def _ends(campaign: Campaign) -> list[tuple[tuple[str, str], int]]:
    order = [*_SIGNS, *sorted({kind for _, kind in campaign.ends} - set(_SIGNS))]
    return sorted(campaign.ends.items(), key=lambda item: (order.index(item[0][1]), -item[1], item[0]))


class _Printer:
    """The printing of one campaign."""

    def __init__(self, campaign: Campaign, spec: Path, color: bool) -> None:
        self.campaign = campaign
        self.spec = spec
        self.style = Style(color)

    def lines(self) -> Iterator[str]:
        campaign = self.campaign
        runs = counted(campaign.runs, "run")
        yield self.style(campaign.machine.name, bold=True) + f"  {runs}, seed {campaign.simulator.seed}"
        yield ""
        yield from self.ends()
        yield ""
        yield from self.used()
        yield ""
        yield from self.ways()
        if campaign.breaches:
            runs = counted(campaign.breaches, "run")
            yield f"  {runs} charged more than was declared; what was too much is left out above"
        yield ""
        yield from self.verdict()

    def ends(self) -> Iterator[str]:
        found = _ends(self.campaign)
        widest = max(len(end) for (end, _), _ in found)
        kinds = max(len(kind) for (_, kind), _ in found)
        for (end, kind), runs in found:
            sign, hue = _SIGNS.get(kind, ("×", "red"))
            said = "" if kind == end else kind
            share = glance.percent(runs, self.campaign.runs)
            yield f"  {self.style(sign, hue)} {end:{widest}}  {said:{kinds}}  {runs:>9,}  {share:>5}"

    def used(self) -> Iterator[str]:
        head = ("used", "median", "95 %", "worst", "proved", "budget")
        rows = [row.cells() for row in _rows(self.campaign)]
        widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
        for number, row in enumerate([head, *rows]):
            cells = [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]
            yield self.style("  " + "  ".join(cells), dim=number == 0)

    def ways(self) -> Iterator[str]:
        subject = self.campaign.simulator.subject
        missed = self.campaign.missed
        taken = subject.possible - len(missed)
        yield f"  {taken} of {subject.possible} transitions that can be taken were taken"
        for way in missed[:MOST_TOLD]:
            yield f"    never: {_said(way)}"
        if len(missed) > MOST_TOLD:
            yield f"    … and {len(missed) - MOST_TOLD:,} more"

    def verdict(self) -> Iterator[str]:
        violations = self.campaign.violations
        if not violations:
            yield self.style(
                "● every run ended, kept to its caps and to the proof, and agrees with the reference", "green"
            )
            return
        for each in violations[:MOST_TOLD]:
            yield from self.violation(each)
        if len(violations) > MOST_TOLD:
            yield f"  … and {len(violations) - MOST_TOLD:,} more"

    def violation(self, violation: Violation) -> Iterator[str]:
        yield self.style(f"× run {violation.number}: {violation.message}", "red")
        seed = self.campaign.simulator.seed
        spec = shlex.quote(self.spec.as_posix())
        yield f"    fsmflow simulate {spec} --seed {seed} --run {violation.number}"


def _said(way: Transition) -> str:
    used_up = f", {way.used_up} used up" if way.used_up else ""
    return f"{way.source}: {way.label or way.on} ({way.kind}{used_up}) → {way.target}"
