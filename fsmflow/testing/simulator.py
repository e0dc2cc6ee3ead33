"""Whole runs made up from a seed: the generated runner, driven on its pure core through faults.

There is no clock, no event loop and no task: time is what attempts and pauses are said to take. So
thousands of runs a second can be made, each from the campaign's seed and its own number alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

from attrs import evolve, field, frozen

from fsmflow.machine import Work
from fsmflow.runtime import Elapsed, Ended, Late, Lost, Run, Span, Spent, Stage
from fsmflow.runtime.commands import Command, End, Pause, Question
from fsmflow.runtime.run import Configuration, Unbound
from fsmflow.runtime.steps import resolve_type
from fsmflow.runtime.validation import Validate, validator
from fsmflow.runtime.verdict import cancelled
from fsmflow.testing.drawing import several
from fsmflow.testing.fates import MOODS, WEARING, Fates, Part, Temper, fitting
from fsmflow.testing.plans import inputs, is_parallel, outputs, values
from fsmflow.testing.subject import Subject

MOST_VALUES = 24
"""How many values of each type are made up at most."""

LONGEST_RUN = 5_000
"""How many attempts a run without a cap on steps may take before it is taken to have no end."""

CANCELLED = "cancelled"
ENDLESS = "endless"

Happening = Ended | Elapsed | Late | Lost
"""What can happen to a run."""

_MOODS = (*MOODS, WEARING)


@frozen
class Simulated:
    """A run that was made up.

    Attributes:
        number: Its number in the campaign.
        given: Its input.
        end: The end that it came to, `cancelled`, or `endless`.
        kind: The kind of that end, or one of the same words.
        output: What the end gives.
        configuration: Where it stood then.
        trace: What happened, in order.
        beyond: What was charged beyond what was declared; time and steps never are.
    """

    number: int
    given: Any
    end: str
    kind: str
    output: Any
    configuration: Configuration
    trace: tuple[Span, ...]
    beyond: Spent = Spent()

    @property
    def spent(self) -> Spent:
        """What the run used, by its own ledger."""
        return self.configuration.spent

    @property
    def kept(self) -> Spent:
        """What it used without what was charged beyond what was declared."""
        return Spent(*(a - b for a, b in zip(self.spent, self.beyond, strict=True)))


@frozen
class Guide:
    """The beginning of a run that came to some rare place, to be gone again.

    Attributes:
        given: The input of the run.
        events: What happened, late charges and pauses among it, up to that place.
    """

    given: Any
    events: tuple[Happening, ...]


@frozen
class Simulator:
    """Makes up the runs of one workflow, from a seed.

    Attributes:
        subject: The workflow.
        seed: The seed of the campaign.
        guides: Beginnings of runs, of which half of all runs follow one.
    """

    subject: Subject
    seed: int
    guides: tuple[Guide, ...] = ()
    _inputs: tuple[Any, ...] = ()
    _fates: Fates = field(kw_only=True)
    _answers: Mapping[str, tuple[Any, ...]] = field(factory=dict, kw_only=True)

    @classmethod
    def of(cls, subject: Subject, seed: int) -> Simulator:
        """Make up the inputs and the outputs that runs will have.

        Raises:
            NoValues: Hypothesis can't make a value that an attempt should give.
            StepNotFound: A type is not where the spec says.
        """
        runner = subject.runner
        number = derived(subject.machine.name, seed, "values")
        # All types are looked up first: what Hypothesis makes up depends on the modules that are loaded.
        for kind in _kinds(subject):
            resolve_type(kind, runner.folder)
        parts = {}
        known: dict[str, tuple[Any, ...]] = {"": (None,)}
        for name, stage in runner.stages.items():
            fit: dict[str | None, tuple[Any, ...]] = {}
            for label, gives in _gives(stage).items():
                kind = gives if not is_parallel(subject, name) else f"{gives} of {name}"
                if kind not in known:
                    known[kind] = several(outputs(subject, name, gives), MOST_VALUES, number)
                fit[label] = fitting(known[kind], _validate(gives, runner.folder))
            parts[name] = Part.of(stage, fit, _validate(stage.gives, runner.folder))
        answers: dict[str, tuple[Any, ...]] = {}
        for name, question in runner.questions.items():
            if question.gives not in known:
                known[question.gives] = several(values(subject, question.gives), MOST_VALUES, number)
            answers[name] = known[question.gives]
        given = several(inputs(subject), MOST_VALUES, number)
        return cls(subject, seed, inputs=given, fates=Fates(runner, parts), answers=answers)

    def guided(self, guides: tuple[Guide, ...]) -> Simulator:
        """Let half of all runs begin as one of `guides` does."""
        return evolve(self, guides=guides)

    def runs(self, number: int) -> Iterator[Simulated]:
        """Make up the first `number` runs."""
        return map(self.run, range(number))

    def run(self, number: int) -> Simulated:
        """Make up one run: it is told by the campaign's seed and its own number alone."""
        chance = Random(derived(self.subject.machine.name, self.seed, number))  # noqa: S311 - no secret
        given = self._inputs[int(chance.random() * len(self._inputs))]
        guide: tuple[Happening, ...] = ()
        if self.guides and chance.random() < 0.5:
            found = self.guides[int(chance.random() * len(self.guides))]
            whole = len(found.events)
            # Half go the whole way there, the others leave it somewhere before.
            given, guide = found.given, found.events[: min(whole, int(chance.random() * 2 * (whole + 1)))]
        temper = Temper(
            _MOODS[int(chance.random() * len(_MOODS))],
            int(chance.random() * 12) if chance.random() < 0.5 else None,
            int(chance.random() * 4) if chance.random() < 0.25 else None,
        )
        cancelled_at = int(chance.random() * 12) if chance.random() < 0.02 else -1
        return _Running(self, number, given, temper, cancelled_at).finish(guide, chance)

    @property
    def fates(self) -> Fates:
        """What tells how attempts end."""
        return self._fates

    @property
    def answers(self) -> Mapping[str, tuple[Any, ...]]:
        """What people fill in, by the state that asks."""
        return self._answers


def _gives(stage: Stage) -> Mapping[str | None, str]:
    """Give the type of what a success gives: by label, if a model calls tools."""
    tools = () if stage.model is None else stage.model.tools
    return dict(tools) if tools else {None: stage.gives}


def _validate(gives: str, folder: Path) -> Validate | None:
    return validator(resolve_type(gives, folder)) if gives else None


def _kinds(subject: Subject) -> Iterator[str]:
    """Give the types of all that runs are given and give."""
    runner = subject.runner
    yield from filter(None, (runner.given, *(stage.gives for stage in runner.stages.values())))
    yield from filter(None, (question.gives for question in runner.questions.values()))
    for state in subject.machine.states.values():
        if isinstance(state, Work) and state.children is not None:
            yield from (str(callee.output or "Any") for callee in state.children.callees.values())


def derived(workflow: str, seed: int, what: int | str) -> int:
    """Derive a seed that no hash seed, platform or version changes."""
    found = hashlib.blake2b(f"{workflow}/{seed}/{what}".encode(), digest_size=8)
    return int.from_bytes(found.digest(), "big")


class _Running:
    """One run, while it is being made up."""

    def __init__(
        self, simulator: Simulator, number: int, given: Any, temper: Temper, cancelled_at: int
    ) -> None:
        self._fates = simulator.fates
        self._answers = simulator.answers
        self._runner = simulator.subject.runner
        self._number = number
        self._given = given
        self._temper = temper
        self._cancelled_at = cancelled_at
        self._left = 4 * max(simulator.subject.machine.caps.steps or 0, LONGEST_RUN)
        self._run: Run = self._runner.new_run(given, f"{simulator.seed}-{number}")
        self._now = 0
        self._late: list[tuple[int, int, int]] = []
        self._trace: list[Span] = []
        self._beyond = [0, 0, 0]

    def finish(self, guide: tuple[Happening, ...], chance: Random) -> Simulated:
        """Let happen what a guide says, and then what chance brings, until the run ends."""
        run, runner = self._run, self._runner
        command = runner.begin(run)
        for event in guide:
            if isinstance(event, Late):
                self._book(event)
            elif isinstance(command, End):
                break
            elif not isinstance(event, Lost):
                self._note(event)
                command = runner.step(run, event)
        for number in range(self._left):
            if isinstance(command, End):
                break
            while self._late and chance.random() < 0.5:
                # What was left behind may charge whenever it likes.
                self._book(Late(self._late.pop(0)))
            event = self._happening(command, chance)
            if number == self._cancelled_at:
                return self._cancel(event)
            self._note(event)
            command = runner.step(run, event)
        else:
            return self._simulated(ENDLESS, ENDLESS, None)
        while self._late:
            self._book(Late(self._late.pop(0)))
        kind = "failed" if isinstance(run.output, Unbound) else command.kind
        return self._simulated(command.name, kind, run.output)

    def _happening(self, command: Command, chance: Random) -> Ended | Elapsed:
        """Let chance say what comes of a command."""
        if isinstance(command, Pause):
            return Elapsed(command.duration_us)
        if isinstance(command, Question):
            return self._answer(command, chance)
        return self._fates.ended(self._run, chance.getrandbits(64), self._temper, self._now, self._late)

    def _answer(self, question: Question, chance: Random) -> Ended:
        """Let chance say what a person answers, and whether anybody does."""
        longest = 86_400_000_000 if question.timeout_us is None else question.timeout_us
        if isinstance(self._run.arguments, Unbound):
            return Ended("failure", message=self._run.arguments.reason, use=(0, 0, 0))
        if chance.random() < 0.25:
            return Ended("failure", message="nobody answered", use=(0, 0, 0), elapsed_us=longest)
        labels = question.labels or (None,)
        lean = self._temper.lean
        label = labels[int(chance.random() * len(labels)) if lean is None else lean % len(labels)]
        values = self._answers[question.name]
        value = label if not question.gives else values[int(chance.random() * len(values))]
        elapsed = int(chance.random() * longest)
        return Ended("success", label, value, use=(0, 0, 0), elapsed_us=elapsed)

    def _note(self, event: Ended | Elapsed) -> None:
        run = self._run
        self._trace.append(
            Span(run.state, run.visits[run.state], run.attempt, run.arguments, self._now, event)
        )
        self._now += event.elapsed_us
        if isinstance(event, Ended) and event.use is not None and run.state in self._runner.stages:
            self._exceed(event.use, self._runner.stages[run.state].cost)

    def _book(self, late: Late) -> None:
        """Put on the ledger what an attempt charged after it was cut off."""
        self._run.book(late.use)
        self._trace.append(Span(self._run.state, 0, 0, {}, self._now, late))
        self._exceed(late.use, (0, 0, 0))

    def _exceed(self, use: tuple[int, int, int], cost: tuple[int, int, int]) -> None:
        for i in range(3):
            if use[i] > cost[i]:
                self._beyond[i] += use[i] - cost[i]

    def _cancel(self, event: Ended | Elapsed) -> Simulated:
        """Cancel the run in the midst of an attempt or a pause."""
        run, elapsed = self._run, event.elapsed_us // 2
        if isinstance(event, Elapsed):
            run.time_us += elapsed
            self._note(Elapsed(elapsed))
        elif run.state in self._runner.questions:
            self._note(Ended(CANCELLED, message="the run was cancelled", use=(0, 0, 0), elapsed_us=elapsed))
        else:
            stage = self._runner.stages[run.state]
            ended = cancelled(stage, elapsed, stage.cost)._replace(steps=stage.steps)
            run.settle(stage, ended._replace(use=None))
            self._note(ended)
            if ended.outcome != CANCELLED:
                self._runner.go_on(run, ended)
        return self._simulated(CANCELLED, CANCELLED, None)

    def _simulated(self, end: str, kind: str, output: Any) -> Simulated:
        beyond = Spent(0, *self._beyond)
        return Simulated(
            self._number,
            self._given,
            end,
            kind,
            output,
            self._run.configuration(),
            tuple(self._trace),
            beyond,
        )
