"""`fsmflow explore`."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from attrs import define, field

from fsmflow.analysis.proving.counter_machine import Metric
from fsmflow.backends.transitions import Walk, build, feed
from fsmflow.cli.output import wants_color
from fsmflow.glance import time
from fsmflow.machine import Ask, Children, Choice, End, Machine, Resources, State, Wait, Work
from fsmflow.reporting.amounts import NAMES, worded
from fsmflow.reporting.visible import visible
from fsmflow.runtime import Elapsed, Ended

_OF_CHILDREN = ("success", "failure", "exceeded")
"""How an attempt can end that runs other workflows: what goes wrong in them is told by their ends."""

_LEAD = 12
"""How far what is listed stands from the left."""

_METRICS: tuple[Metric, ...] = ("steps", "tool_calls", "tokens", "micro_usd", "microseconds")


@click.command("explore")
@click.argument("spec", type=click.Path(path_type=Path))
@click.option("--input", "given", default="{}", help="The run's input, as JSON; guards may read it.")
def command(spec: Path, given: str) -> None:
    """Step through the workflow SPEC by hand: nothing is called, you say how each attempt ends.

    At each state you see where every outcome leads, the counters and what is spent. Type the number
    of an outcome, then, if a guard is to read it, the output as JSON. `u` undoes, `r` starts again,
    `q` quits. An attempt uses all that it declares, and one that runs other workflows all that is set
    aside for them, unless you type a share too, as in `1 30%`. It takes no time.
    """
    from fsmflow.cli.load import compile_one

    compilation = compile_one(spec)
    assert compilation.analysis is not None
    try:
        start = json.loads(given)
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"--input is no JSON: {error}") from error
    _Session(compilation.analysis.machine, start).loop()


@define
class _Session:
    """One exploration: the events so far, from which the walk is made anew at each undo."""

    machine: Machine
    given: Any
    events: list[Ended | Elapsed] = field(factory=list)

    def loop(self) -> None:
        """Show, ask, step; until the input ends."""
        while True:
            walk = self._walk()
            choices = _choices(walk)
            self._show(walk, choices)
            try:
                answer = input("> ").strip()
            except EOFError:
                _say("")
                return
            if not self._obey(answer, choices):
                return

    def _obey(self, answer: str, choices: Sequence[Ended | Elapsed]) -> bool:
        """Do what was typed; false to quit."""
        word, _, rest = answer.partition(" ")
        match word:
            case "q" | "quit":
                return False
            case "u" | "undo":
                if self.events:
                    self.events.pop()
                else:
                    _say("  there is nothing to undo")
            case "r" | "restart":
                self.events.clear()
            case _ if word.isascii() and word.isdigit() and 1 <= int(word) <= len(choices):
                self._choose(choices[int(word) - 1], rest.strip())
            case _:
                _say(
                    f"  expected a number from 1 to {len(choices)}, or u, r, q" if choices else "  u, r or q"
                )
        return True

    def _choose(self, event: Ended | Elapsed, text: str) -> None:
        share = re.match(r"([0-9]{1,3})%\s*", text)
        if share and isinstance(event, Ended):
            if int(share[1]) > 100:
                _say("  an attempt uses 100% at most")
                return
            event, text = _used(self._place(), event, int(share[1])), text[share.end() :]
        if text and isinstance(event, Ended):
            try:
                event = event._replace(value=json.loads(text))
            except (ValueError, RecursionError) as error:
                _say(f"  that is no JSON: {error}")
                return
        self.events.append(event)

    def _place(self) -> State:
        walk = self._walk()
        return self.machine.states[walk.place]

    def _walk(self) -> Walk:
        walk = build(self.machine, self.given)
        for event in self.events:
            feed(walk, event)
        return walk

    def _show(self, walk: Walk, choices: Sequence[Ended | Elapsed]) -> None:
        place = self.machine.states[walk.place]
        head = click.style(walk.place, bold=True)
        notes = [f"visit {walk.visits[walk.place]}"]
        if walk.attempt > 1 or walk.is_pausing:
            notes.append(f"attempt {walk.attempt}")
        if walk.is_pausing:
            notes.append("pausing before the next")
        if isinstance(place, End):
            notes = [f"an end: {place.kind}"]
        _say(f"\n{head}  {click.style(', '.join(notes), dim=True)}")
        for name, words in _does(place):
            _say(f"  {click.style(f'{name:<9}', dim=True)} {visible(words)}")
        _list("spent", _ledger(walk))
        counters = [f"{name} {walk.counts.get(name, 0)}/{c.cap}" for name, c in self.machine.counters.items()]
        if counters:
            _list("counters", counters)
        _say("")
        choosing: list[str] = []
        for number, event in enumerate(choices, 1):
            after = self._after(event)
            way = after.trail[len(walk.trail) :]
            _say(f"  {number}  {_name(event, place):18} → {_preview(walk, after, way)}")
            choosing += (f"`{name}`" for name in way if isinstance(self.machine.states[name], Choice))
        if choosing:
            names = list(dict.fromkeys(choosing))
            verb = "chooses" if len(names) == 1 else "choose"
            _say(f"  {' and '.join(names)} {verb} by values: give an output, as JSON, behind the number")
        _say(click.style("  u undo · r restart · q quit", dim=True))

    def _after(self, event: Ended | Elapsed) -> Walk:
        """Go on by an event that has not been chosen."""
        walk = self._walk()
        feed(walk, event)
        return walk


def _preview(walk: Walk, after: Walk, way: Sequence[str]) -> str:
    """Say where an event leads, and by which states that a run does not stay in."""
    if after.is_pausing:
        return f"{after.place}, after a pause of {time(after.pending_us)}"
    return " → ".join(way) or f"{walk.place}, attempt {after.attempt}"


def _choices(walk: Walk) -> list[Ended | Elapsed]:
    """Give an event for each trigger that may come next."""
    found: list[Ended | Elapsed] = []
    state = walk.ir.states[walk.place]
    runs_children = isinstance(state, Work) and state.children is not None
    for trigger in walk.enabled():
        outcome, _, label = trigger.partition("_")
        if runs_children and outcome not in _OF_CHILDREN:
            continue
        if trigger == "elapsed":
            found.append(Elapsed(state.duration_us if isinstance(state, Wait) else walk.pending_us))
        elif outcome == "success":
            found.append(_used(state, Ended("success", label or None), 100))
        else:
            complaints = ("rejected by hand",) if trigger == "invalid" else ()
            ended = Ended(trigger, message="said by hand", complaints=complaints, draw=1 - 2**-53)
            found.append(_used(state, ended, 100))
    return found


def _used(state: State, event: Ended, percent: int) -> Ended:
    """Let an attempt have used a share of what it declares; its own step is always made."""
    if not isinstance(state, Work):
        return event
    steps, *use = (amount * percent // 100 for amount in state.cost.amounts()[:4])
    return event._replace(steps=1 + steps, use=(use[0], use[1], use[2]))


def _does(state: State) -> Iterator[tuple[str, str]]:
    """Say what a person is asked in a state, or which workflows are run."""
    match state:
        case Ask(question=question, role=role):
            yield "asks", question + (f" ({role})" if role else "")
        case Work(children=Children(kind="map") as children):
            (name,) = children.callees
            width = f", {children.width:,} at a time" if children.at_most > 1 else ""
            yield "runs", f"{name}, for {children.at_most:,} items at most{width}"
        case Work(children=Children(callees=callees)):
            told = (key if key == callee.name else f"{key}: {callee.name}" for key, callee in callees.items())
            yield "runs", ", ".join(told)


def _name(event: Ended | Elapsed, state: State) -> str:
    if isinstance(event, Elapsed):
        return "time passes"
    if isinstance(state, Ask) and event.outcome == "failure":
        return "nobody answers"
    if isinstance(state, Ask) and event.label is None:
        return "an answer"
    return event.label or event.outcome


def _ledger(walk: Walk) -> list[str]:
    shown = []
    for metric, amount, cap in zip(_METRICS, walk.spent.amounts(), walk.ir.caps.amounts(), strict=True):
        if cap is not None or amount:
            limit = "" if cap is None else f"/{worded(metric, cap)}"
            shown.append(f"{NAMES[metric]} {worded(metric, amount)}{limit}")
    aside = walk.ir.reserve
    state = walk.ir.states[walk.place]
    if aside != Resources() and not getattr(state, "reserve", False) and not isinstance(state, End):
        shown.append("some of it set aside")
    return shown or ["nothing is counted"]


def _list(name: str, parts: Sequence[str]) -> None:
    """Say what there is of something; what does not fit into the terminal stands below the first."""
    width = shutil.get_terminal_size((80, 24)).columns - _LEAD
    lines = [parts[0]]
    for part in parts[1:]:
        if len(lines[-1]) + len(f" · {part} ·") <= width:
            lines[-1] += f" · {part}"
        else:
            lines[-1] += " ·"
            lines.append(part)
    _say(f"  {click.style(f'{name:{_LEAD - 2}}', dim=True)}" + f"\n{'':{_LEAD}}".join(lines))


def _say(text: str) -> None:
    click.echo(text, color=wants_color(sys.stdout))
