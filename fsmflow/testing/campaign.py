"""Many simulated runs: what must hold of each, and what they came to together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from attrs import define, field, frozen

from fsmflow.analysis.proving.counter_machine import Metric
from fsmflow.analysis.traces.coverage import can_be_taken
from fsmflow.machine import End, Machine, Transition
from fsmflow.runtime import Ended, Late, Spent
from fsmflow.testing.play import replay
from fsmflow.testing.simulator import CANCELLED, ENDLESS, Simulated, Simulator
from fsmflow.testing.subject import Subject

METRICS: tuple[Metric, ...] = ("steps", "tool_calls", "tokens", "micro_usd", "microseconds")
"""What a ledger counts, in its order, as the proof calls it."""


@frozen
class Violation:
    """What a run broke.

    Attributes:
        number: The run's number: with the campaign's seed it makes the run again.
        message: What does not hold.
    """

    number: int
    message: str


@define
class Campaign:
    """What many runs came to.

    Attributes:
        simulator: What makes the runs.
        runs: How many there were.
        ends: How many came to each end, by its name and kind.
        taken: How often each transition was taken, by its number in the machine.
        used: What each run used, without what was charged beyond what was declared.
        breaches: How many runs charged more than was declared.
        beyond: The most that any of them charged so, of each resource.
        violations: What does not hold of which run.
    """

    simulator: Simulator
    runs: int = 0
    ends: Counter[tuple[str, str]] = field(factory=Counter)
    taken: Counter[int] = field(factory=Counter)
    used: list[Spent] = field(factory=list)
    breaches: int = 0
    beyond: Spent = Spent()
    violations: list[Violation] = field(factory=list)

    @classmethod
    def of(cls, simulator: Simulator, numbers: Iterable[int]) -> Campaign:
        """Make runs, and look at each."""
        campaign = cls(simulator)
        judge = Judge(simulator.subject)
        for number in numbers:
            campaign.note(simulator.run(number), judge)
        return campaign

    def note(self, run: Simulated, judge: Judge) -> None:
        """Count one run, and hold it to what must hold."""
        self.runs += 1
        self.ends[run.end, run.kind] += 1
        self.used.append(run.kept)
        if any(run.beyond):
            self.breaches += 1
            self.beyond = Spent(*map(max, self.beyond, run.beyond))
        said, ways = judge.judged(run)
        self.violations += [Violation(run.number, message) for message in said]
        self.taken.update(ways)

    @property
    def machine(self) -> Machine:
        """The machine that ran."""
        return self.simulator.subject.machine

    @property
    def missed(self) -> tuple[Transition, ...]:
        """The transitions that a run can take and none took."""
        return tuple(
            way
            for number, way in enumerate(self.machine.transitions)
            if not self.taken[number] and can_be_taken(self.machine, way)
        )


class Judge:
    """Holds simulated runs of one workflow to what must hold of every run."""

    def __init__(self, subject: Subject) -> None:
        self._machine = subject.machine
        self._caps = subject.machine.caps.amounts()
        bounds = subject.proof.bounds
        self._bounds = tuple(bounds[metric].upper if metric in bounds else None for metric in METRICS)
        self._costs = {name: stage.cost for name, stage in subject.runner.stages.items()}
        self._questions = frozenset(subject.runner.questions)
        self._numbers = {id(way): number for number, way in enumerate(subject.machine.transitions)}

    @property
    def bounds(self) -> tuple[int | None, ...]:
        """The most that a run can use of each metric, as proved."""
        return self._bounds

    def judged(self, run: Simulated) -> tuple[Sequence[str], Sequence[int]]:
        """Say what does not hold of a run, and which transitions it took, by their numbers."""
        said = [*self._ended(run), *self._kept(run), *self._added_up(run)]
        found, ways = self._meant(run)
        return [*said, *found], ways

    def _ended(self, run: Simulated) -> Iterator[str]:
        if run.end == ENDLESS:
            yield f"it went on for {len(run.trace):,} events, and still had not ended"
        elif run.end != CANCELLED and not isinstance(self._machine.states.get(run.end), End):
            yield f"it ended in `{run.end}`, which is no end"

    def _kept(self, run: Simulated) -> Iterator[str]:
        """Hold what was used to the caps and to the proof, which speaks of steps that keep their word."""
        honest = not any(run.beyond)
        for metric, used, cap, bound in zip(METRICS, run.kept, self._caps, self._bounds, strict=True):
            if cap is not None and used > cap:
                yield f"it used {used:,} {metric}, and the cap is {cap:,}"
            elif honest and bound is not None and used > bound:
                yield f"it used {used:,} {metric}, and {bound:,} was proved to be the most"

    def _added_up(self, run: Simulated) -> Iterator[str]:
        """Hold the ledger to the sum of what happened."""
        steps = time_us = tool_calls = tokens = micro_usd = 0
        for span in run.trace:
            event = span.event
            if span.state in self._questions and event.__class__ is Ended:
                continue
            if not isinstance(event, Late):
                time_us += event.elapsed_us
            if event.__class__ is Ended:
                steps += event.steps
                use = event.use or self._costs[span.state]
            elif event.__class__ is Late:
                use = event.use
            else:
                continue
            tool_calls += use[0]
            tokens += use[1]
            micro_usd += use[2]
        total = Spent(steps, tool_calls, tokens, micro_usd, time_us)
        if total != run.spent:
            yield f"its ledger says {tuple(run.spent)}, and its attempts add up to {tuple(total)}"

    def _meant(self, run: Simulated) -> tuple[Sequence[str], Sequence[int]]:
        """Hold where the run ended to where the reference meaning ends, fed with its events."""
        whole = run.end not in (CANCELLED, ENDLESS)
        trace = run.trace if whole else run.trace[:-1]
        try:
            configuration, ways = replay(self._machine, run.given, trace)
        except ValueError as parted:
            return [f"the reference meaning goes another way: {parted}"], ()
        taken = [self._numbers[id(way)] for way in ways]
        if whole and configuration != run.configuration:
            differ = [
                name
                for name, ours, theirs in zip(
                    configuration._fields, run.configuration, configuration, strict=True
                )
                if ours != theirs
            ]
            return [f"the reference meaning ends elsewhere: {', '.join(differ)}"], taken
        return (), taken
