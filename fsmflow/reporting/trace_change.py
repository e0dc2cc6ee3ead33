"""Two runs beside each other: how the end, the time and the cost changed, and whether they are the same."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve

from fsmflow.analysis.traces.recording import LEDGER, Recording, Stage
from fsmflow.glance import time
from fsmflow.reporting.style import Style
from fsmflow.reporting.trace_amounts import money
from fsmflow.reporting.trace_layout import padded
from fsmflow.reporting.visible import visible, width

_NAMES = {
    "steps": "steps",
    "tool_calls": "tool calls",
    "tokens": "tokens",
    "micro_usd": "money",
    "time_us": "time",
}


def differences(before: Recording, after: Recording) -> Iterator[str]:
    """Say what of a recorded run came out otherwise; nothing, if it was repeated exactly."""
    for place, (then, now) in enumerate(zip(before.stages, after.stages, strict=False), 1):
        if _alike(then) != _alike(now):
            states = [f"`{visible(stage.state)}`" for stage in (then, now)]
            what = states[0] if states[0] == states[1] else " became ".join(states)
            yield f"step {place:,}, {what}"
            break
    else:
        if len(before.stages) != len(after.stages):
            yield f"{len(before.stages):,} attempts and pauses then, {len(after.stages):,} now"
    if before.kind not in (None, "cancelled"):
        if (before.end, before.kind) != (after.end, after.kind):
            kinds = [f" ({run.kind})" if before.end == after.end else "" for run in (before, after)]
            ends = [f"`{visible(run.end or '')}`" for run in (before, after)]
            yield "the end: " + " became ".join(map(str.__add__, ends, kinds))
        if before.output != after.output:
            yield "the output"
        if dict(before.spent) != dict(after.spent):
            yield "what was used"


def _alike(stage: Stage) -> Stage:
    """Leave out what differs however alike two runs are: times of day, and the ids of children's runs."""
    return evolve(stage, start_us=0, children=())


def render(before: Recording, after: Recording, *, color: bool) -> str:
    """Write a table of what changed from one run to another."""
    rows: list[tuple[str, ...]] = [("", "before", "after", "Δ")]
    ends = [visible(run.end or "not over") for run in (before, after)]
    kinds = [run.kind or "–" for run in (before, after)]
    rows += [("end", *ends, "" if ends[0] == ends[1] else "»")]
    rows += [("outcome", *kinds, "" if kinds[0] == kinds[1] else "»")]
    for resource in LEDGER:
        then, now = before.spent[resource], after.spent[resource]
        if then or now or resource == "steps":
            rows.append(
                (
                    _NAMES[resource],
                    _amount(resource, then),
                    _amount(resource, now),
                    _change(resource, now - then),
                )
            )
    sizes = [max(width(row[column]) for row in rows) for column in range(4)]
    lines = []
    for number, row in enumerate(rows):
        cells = [padded(row[0], sizes[0]), *(padded(row[c], sizes[c], right=True) for c in (1, 2, 3))]
        line = f"  {'  '.join(cells)}".rstrip()
        lines.append(Style(color)(line, dim=True) if number == 0 else line)
    return "\n".join(lines) + "\n"


def _amount(resource: str, used: int) -> str:
    match resource:
        case "micro_usd":
            return money(used)
        case "time_us":
            return time(used)
    return f"{used:,}"


def _change(resource: str, by: int) -> str:
    if not by:
        return ""
    return ("+" if by > 0 else "–") + _amount(resource, abs(by))
