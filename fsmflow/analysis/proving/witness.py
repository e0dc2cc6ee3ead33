"""From a path of the counter machine to a run that really takes it, event by event.

A path says which edges are taken. A run also needs to know how much each attempt uses, so that the
caps admit it or refuse it just where the path says so, and what each step and each person gives, so that
each choice takes the arm that it should. Then it is played on the reference meaning: a witness has happened.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from attrs import evolve, frozen

from fsmflow import semantics
from fsmflow.analysis.proving.counter_machine import METRICS, CounterMachine, Edge, Metric
from fsmflow.analysis.proving.decisions import Decisions
from fsmflow.analysis.proving.usage import Amounts, Move, Plan
from fsmflow.machine import Ask, Caps, Machine, Resources, State, Wait, Work
from fsmflow.runtime.events import Elapsed, Ended, Event

_JUST_BELOW_ONE = 1 - 2**-53


@frozen
class Entry:
    """One transition of a run: what happened in which state, and what it used, a retry's pause included."""

    state: str
    outcome: str
    use: Resources


@frozen
class Witness:
    """A run that was played on the reference meaning.

    Attributes:
        path: The edges of the counter machine that it takes.
        given: The input of the run.
        events: What happened, in order.
        entries: The transitions that it takes.
        whole: Whether that is all of the path that was asked for; if not, it is a beginning of it.
        drawn_pauses: How many of its pauses are drawn below a level, which none quite comes up to.
    """

    path: tuple[int, ...]
    given: Any
    events: tuple[Event, ...]
    entries: tuple[Entry, ...]
    whole: bool
    drawn_pauses: int

    def used(self, metric: Metric) -> int:
        """Give how much of a metric the run uses."""
        if metric == "transitions":
            return len(self.entries)
        index = METRICS.index(metric) - 1
        return sum(entry.use.amounts()[index] for entry in self.entries)


def realise(machine: Machine, counting: CounterMachine, path: Sequence[int], *, capped: bool) -> Witness:
    """Find a run of `machine` that takes `path`, or as much of its beginning as there is a run for.

    Of the runs that take it, this one uses the most, of every resource at once.

    Args:
        machine: The machine.
        counting: The counter machine that it was lowered to.
        path: The numbers of edges, from the start.
        capped: Whether the caps of the budget hold.
    """
    played = machine if capped else evolve(machine, caps=Caps(), reserve=Resources())
    path, whole = tuple(path), True
    while True:
        if not path:
            return Witness((), None, (), (), whole, 0)
        edges = [counting.edges[number] for number in path]
        plan = Plan.of(played, counting, edges)
        decisions = Decisions.of(played, [edge.way for edge in edges if edge.way is not None])
        breaks = [at for at in (plan.breaks_at, decisions.breaks_at) if at is not None]
        if not breaks:
            events = list(_happenings(played, plan, decisions))
            at = _play(played, decisions.given, edges, events)
            if at is None:
                entries = tuple(map(_entry, edges, _used(plan)))
                return Witness(
                    path=path,
                    given=decisions.given,
                    events=tuple(event for some in events for event in some),
                    entries=entries,
                    whole=whole,
                    drawn_pauses=sum(map(_is_drawn, edges)),
                )
            breaks = [at]
        path, whole = path[: min(breaks)], False


def _used(plan: Plan) -> list[tuple[Amounts, int]]:
    return list(zip(plan.uses, plan.pauses, strict=True))


def _entry(edge: Edge, used: tuple[Amounts, int]) -> Entry:
    amounts, pause_us = used
    assert edge.way is not None
    return Entry(edge.way.source, edge.label, Resources(*amounts) + Resources(time_us=pause_us))


def _events(state: State, move: Move, use: Amounts, pause_us: int) -> Iterator[Event]:
    """Give what happens on one move: an answer, the end of a wait, or that of an attempt and its pause."""
    way = move.edge.way
    assert way is not None
    match state:
        case Ask():
            yield Ended(way.on, way.label)
        case Wait() if way.kind != "exceeded":
            yield Elapsed(use[4])
        case Work() if move.edge.outcome is not None:
            yield _ended(move, move.edge.outcome, use, pause_us)
            if way.pause is not None:
                yield Elapsed(pause_us)


def _ended(move: Move, outcome: str, use: Amounts, pause_us: int) -> Ended:
    """Give the end of an attempt, and of what the pause after it comes to be as long as it is planned."""
    way = move.edge.way
    assert way is not None
    pause = way.pause
    wish, draw = move.wish_us, _JUST_BELOW_ONE
    if pause is not None and pause.retry_after:
        wish, draw = pause_us, 0.0
    elif pause is not None and pause.jitter == "full" and pause_us < move.pause[1]:
        draw = (pause_us + 0.5) / (move.pause[1] + 1)
    elif move.refused_after is not None:
        draw = 0.0
    steps, tool_calls, tokens, micro_usd, time_us = use
    return Ended(
        outcome,
        way.label if outcome == "success" else None,
        use=(tool_calls, tokens, micro_usd),
        elapsed_us=time_us,
        retry_after_us=wish,
        draw=draw,
        steps=steps,
    )


def _is_drawn(edge: Edge) -> bool:
    pause = None if edge.way is None else edge.way.pause
    return pause is not None and pause.jitter == "full" and not pause.retry_after


def _happenings(machine: Machine, plan: Plan, decisions: Decisions) -> Iterator[list[Event]]:
    """Give what happens on each move, with the value that its step, or the person, must give."""
    for number, (move, used) in enumerate(zip(plan.moves, _used(plan), strict=True)):
        assert move.edge.way is not None
        events = list(_events(machine.states[move.edge.way.source], move, *used))
        if number in decisions.values:
            ended, *rest = events
            assert isinstance(ended, Ended)
            events = [ended._replace(value=decisions.values[number]), *rest]
        yield events


def _play(
    machine: Machine, given: Any, edges: Sequence[Edge], happenings: Sequence[Sequence[Event]]
) -> int | None:
    """Play what happens on the reference meaning; give where the run leaves the path, or None."""
    position = 0
    try:
        advance = semantics.launch(machine, given)
    except semantics.Endless:
        # Choices that lead round for ever come to nothing that could be shown.
        return position
    for number in range(-1, len(edges)):
        for event in happenings[number] if number >= 0 else (None,):
            if event is not None:
                try:
                    advance = semantics.advance(machine, advance.configuration, event)
                except semantics.Endless:
                    return position
            for way in advance.taken:
                if position == len(edges):
                    break
                if edges[position].way is not way:
                    return position
                position += 1
        if position <= number:
            return position
    return None
