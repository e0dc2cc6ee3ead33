"""`fsmflow explore`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from attrs import define, field

from fsmflow.backends.transitions import Walk, build, feed
from fsmflow.cli.output import wants_color
from fsmflow.machine import End, Machine, Resources, Wait
from fsmflow.runtime import Elapsed, Ended

_WORDS = ("steps", "tool calls", "tokens", "money", "time")


@click.command("explore")
@click.argument("spec", type=click.Path(path_type=Path))
@click.option("--input", "given", default="{}", help="The run's input, as JSON; guards may read it.")
def command(spec: Path, given: str) -> None:
    """Step through the workflow SPEC by hand: nothing is called, you say how each attempt ends.

    At each state you see where every outcome leads, the counters and what is spent. Type the number
    of an outcome, then, if a guard is to read it, the output as JSON. `u` undoes, `r` starts again,
    `q` quits. An attempt uses all that it declares, and takes no time.
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
        if text and isinstance(event, Ended):
            try:
                event = event._replace(value=json.loads(text))
            except (ValueError, RecursionError) as error:
                _say(f"  that is no JSON: {error}")
                return
        self.events.append(event)

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
        _say(f"  {click.style('spent', dim=True)}     {_ledger(walk)}")
        counters = [f"{name} {walk.counts.get(name, 0)}/{c.cap}" for name, c in self.machine.counters.items()]
        if counters:
            _say(f"  {click.style('counters', dim=True)}  {' · '.join(counters)}")
        _say("")
        for number, event in enumerate(choices, 1):
            _say(f"  {number}  {_name(event):18} → {self._preview(event)}")
        _say(click.style("  u undo · r restart · q quit", dim=True))

    def _preview(self, event: Ended | Elapsed) -> str:
        """Say where an event would lead."""
        walk = self._walk()
        before = (walk.place, walk.visits.get(walk.place))
        feed(walk, event)
        if walk.is_pausing:
            return f"{walk.place}, after a pause of {walk.pending_us / 1_000_000:.3g} s"
        if (walk.place, walk.visits.get(walk.place)) == before:
            return f"{walk.place}, attempt {walk.attempt}"
        return walk.place


def _choices(walk: Walk) -> list[Ended | Elapsed]:
    """Give an event for each trigger that may come next."""
    found: list[Ended | Elapsed] = []
    state = walk.ir.states[walk.place]
    for trigger in walk.enabled():
        outcome, _, label = trigger.partition("_")
        if trigger == "elapsed":
            found.append(Elapsed(state.duration_us if isinstance(state, Wait) else walk.pending_us))
        elif outcome == "success":
            found.append(Ended("success", label or None))
        else:
            complaints = ("rejected by hand",) if trigger == "invalid" else ()
            found.append(Ended(trigger, message="said by hand", complaints=complaints, draw=1 - 2**-53))
    return found


def _name(event: Ended | Elapsed) -> str:
    if isinstance(event, Elapsed):
        return "time passes"
    return event.label or event.outcome


def _ledger(walk: Walk) -> str:
    shown = []
    for word, amount, cap in zip(_WORDS, walk.spent.amounts(), walk.ir.caps.amounts(), strict=True):
        if cap is not None or amount:
            limit = "" if cap is None else f"/{_amount(word, cap)}"
            shown.append(f"{word} {_amount(word, amount)}{limit}")
    aside = walk.ir.reserve
    state = walk.ir.states[walk.place]
    if aside != Resources() and not getattr(state, "reserve", False) and not isinstance(state, End):
        shown.append("some of it set aside")
    return " · ".join(shown) or "nothing is counted"


def _amount(word: str, amount: int) -> str:
    match word:
        case "money":
            return f"${amount / 1_000_000:g}"
        case "time":
            return f"{amount / 1_000_000:g} s"
    return f"{amount:,}"


def _say(text: str) -> None:
    click.echo(text, color=wants_color(sys.stdout))
