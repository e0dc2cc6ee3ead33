"""The counter machine allows what the machine can do: no more where no budget binds, and never less."""

from __future__ import annotations

from random import Random

import pytest

from fsmflow import semantics
from fsmflow.analysis.proving.admission import RESOURCES
from fsmflow.analysis.proving.counter_machine import METRICS, CounterMachine, Edge, Valuation
from fsmflow.analysis.proving.counting import budgeted, structural
from fsmflow.analysis.proving.witness import realise
from fsmflow.machine import Ask, Machine, Wait, Work
from fsmflow.runtime import Elapsed, Ended, Late
from fsmflow.runtime.events import Event
from fsmflow.semantics import Attempt, Finish, Question
from fsmflow.semantics import Pause as Pausing
from tests.events import draw_event
from tests.strategies import wide_machine

LONGEST = 40
MACHINES = 150


def binding(machine: Machine) -> set[str]:
    """Give the resources that have a cap."""
    return {name for name, cap in zip(RESOURCES, machine.caps.amounts(), strict=True) if cap is not None}


class Follower:
    """Follows a run of the machine on its counter machine, edge by edge."""

    def __init__(self, counting: CounterMachine) -> None:
        self.counting = counting
        self.state = counting.start
        self.values: Valuation = (0,) * len(counting.caps)

    def take(self, way: object, outcome: str | None) -> Edge | None:
        """Take the edge for a transition; of several, the dearest."""
        edges = [self.counting.edges[number] for number in self.counting.outgoing[self.state]]
        fit = [
            edge
            for edge in edges
            if edge.way is way and edge.outcome == outcome and self.counting.is_enabled(edge, self.values)
        ]
        if not fit:
            return None
        edge = max(fit, key=lambda each: each.weights)
        self.values = self.counting.after(edge, self.values)
        self.state = edge.target
        return edge


def possible(machine: Machine, event: Event, command: semantics.Command) -> Event | None:
    """Make `event` one that happens when clocks are exact and steps keep their word; None if it is not."""
    match event:
        case Late():
            return None
        case Elapsed():
            assert isinstance(command, Pausing)
            return Elapsed(command.duration_us)
        case Ended() if isinstance(command, Question):
            return event
        case Ended():
            assert isinstance(command, Attempt)
            deadline = command.deadline_us
            state = machine.states[command.state]
            assert isinstance(state, Work)
            longest = min((at for at in (deadline, state.timeout_us) if at is not None), default=None)
            own = longest == state.timeout_us or state.effect == "once"
            if event.outcome == "exceeded" and own:
                return None
            elapsed = event.elapsed_us if longest is None else max(0, min(event.elapsed_us, longest))
            use = event.use or command.cost
            kept = tuple(min(max(0, used), cost) for used, cost in zip(use, command.cost, strict=True))
            return event._replace(elapsed_us=elapsed, use=kept)
    return None


@pytest.mark.parametrize("seed", range(MACHINES))
def test_whatever_a_run_does_its_counter_machine_does_too(seed: int) -> None:
    """Each transition of each run is an enabled edge, and uses no more than that edge weighs."""
    random = Random(seed)
    machine = wide_machine(random)
    counting = budgeted(machine, binding(machine))
    for _ in range(4):
        follower = Follower(counting)
        advance = semantics.launch(machine, None)
        for way in advance.taken:
            assert follower.take(way, None), way
        for _ in range(LONGEST):
            (command,) = advance.commands
            if isinstance(command, Finish):
                break
            event = possible(machine, draw_event(random, machine, advance.configuration, command), command)
            if event is None:
                continue
            before = advance.configuration
            advance = semantics.advance(machine, before, event)
            attempt = event if isinstance(event, Ended) and isinstance(command, Attempt) else None
            for number, way in enumerate(advance.taken):
                ended = attempt if number == 0 else None
                edge = follower.take(way, ended and ended.outcome)
                assert edge, (way, event, before)
                if ended is not None:
                    used = (ended.steps, *(ended.use or (0, 0, 0)))
                    assert all(u <= w for u, w in zip(used, edge.weights[1:5], strict=True))
            assert machine.states[advance.configuration.state].name == counting.states[follower.state]


@pytest.mark.parametrize("seed", range(MACHINES))
def test_without_budget_and_choices_each_path_is_a_run(seed: int) -> None:
    """Any path of the counter machine without its choices happens, and uses all that it weighs."""
    random = Random(seed)
    machine = wide_machine(random)
    counting = structural(machine)
    path: list[int] = []
    state, values = counting.start, (0,) * len(counting.caps)
    while len(path) < LONGEST and isinstance(machine.states[counting.states[state]], Work | Wait | Ask):
        enabled = [
            number
            for number in counting.outgoing[state]
            if counting.is_enabled(counting.edges[number], values)
        ]
        path.append(random.choice(enabled))
        edge = counting.edges[path[-1]]
        state, values = edge.target, counting.after(edge, values)
    witness = realise(machine, counting, path, capped=False)
    assert witness.whole
    for metric in METRICS[:5]:
        weighed = sum(counting.edges[number].weights[METRICS.index(metric)] for number in path)
        assert witness.used(metric) == weighed
    weighed = sum(counting.edges[number].weights[5] for number in path)
    # A drawn pause comes within a microsecond of its level.
    assert weighed - len(path) <= witness.used("microseconds") <= weighed


def test_guards_are_within_the_counters() -> None:
    """Each guard is a range of values that its counter can have, and an increment is below the cap."""
    for seed in range(MACHINES):
        machine = wide_machine(Random(seed))
        for counting in (structural(machine), budgeted(machine, binding(machine))):
            for edge in counting.edges:
                ranges = {counter: (lo, hi) for counter, lo, hi in edge.guards}
                assert len(ranges) == len(edge.guards)
                assert all(0 <= lo <= hi <= counting.caps[counter] for counter, (lo, hi) in ranges.items())
                assert all(ranges[counter][1] < counting.caps[counter] for counter in edge.increments)
