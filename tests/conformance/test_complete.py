"""The suite, held to the language: nothing that can happen in a run goes without a case."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from fsmflow import semantics
from fsmflow.machine import BUILTIN_END, Ask, Choice, End, Machine, State, Transition, Wait, Work
from fsmflow.runtime import Configuration, Elapsed, Ended, Event, Late, Lost
from fsmflow.runtime.run import Unbound
from fsmflow.semantics import Attempt, Finish, Pause
from fsmflow.spec import KINDS
from tests.conformance.case import Case, cases
from tests.conformance.engines import ENGINES
from tests.conformance.folding import happens

STEP = (
    "success",
    "success with a label",
    "success with a label and a value",
    "transient",
    "invalid",
    "failure",
    "failure without a call",
    "unknown",
    "exceeded",
    "refused",
)
CHILDREN = ("success", "failure", "failure without a call", "exceeded", "refused")

HAPPENS = {
    "run": STEP,
    "llm": STEP,
    "choose": ("an arm", "a later arm", "the last arm", "an arm that is used up"),
    "wait": ("success", "refused"),
    "ask": (
        "success",
        "success with a label",
        "success with a label and a value",
        "failure",
        "failure without a call",
    ),
    "map": (*CHILDREN, "success with a null"),
    "parallel": CHILDREN,
    "call": CHILDREN,
    "end": ("success", "degraded", "handoff", "failed", "built in"),
}
"""What can happen in a state of each kind: its outcomes, or that it is refused for want of budget."""

WAYS = {
    "success on success",
    "retry on transient",
    "invalid on invalid",
    "fallback on transient",
    "fallback on invalid",
    "fallback on failure",
    "unknown on unknown",
    "exceeded on exceeded",
    "a used-up success",
    "a used-up retry",
    "a used-up re-ask",
    "a used-up fallback",
    "a used-up way of an unknown result",
    "complaints that go elsewhere",
    "another attempt of the visit",
    "a count per visit",
    "a count per run",
    "a count per another state",
    "a lost attempt that is made again",
    "a lost attempt that is exceeded",
    "a late charge",
    "a wish that is waited for",
    "a wish that is not waited for",
    "the reserve",
    "a breach",
}
"""The ways that lead through a machine, and what else befalls a run."""


def kind_of(state: State) -> str:
    """Name the kind of a state, as specs do."""
    match state:
        case Work(children=None, model=None):
            return "run"
        case Work(children=None):
            return "llm"
        case Work(children=children):
            assert children is not None
            return children.kind
        case Ask():
            return "ask"
        case Choice():
            return "choose"
        case Wait():
            return "wait"
        case End():
            return "end"


class Seen:
    """What happens in one case, by the reference meaning."""

    def __init__(self, case: Case) -> None:
        self.pairs: set[tuple[str, str]] = set()
        self.ways: set[str] = set()
        self._machine = case.machine
        now, (command,), taken = semantics.launch(case.machine, case.given)
        self._take(taken, None)
        plan = iter(case.plan)
        while not isinstance(command, Finish):
            pause = command.duration_us if isinstance(command, Pause) else None
            deadline = command.deadline_us if isinstance(command, Attempt) else None
            for event in happens(case, now, plan, pause, deadline):
                self._note(now, event)
                now, commands, taken = semantics.advance(case.machine, now, event)
                self._take(taken, event)
                command = commands[0] if commands else command
        end = case.machine.states[command.state]
        assert isinstance(end, End)
        self.pairs.add(("end", "built in" if end.name == BUILTIN_END else end.kind))

    def _note(self, now: Configuration, event: Event) -> None:
        state = self._machine.states[now.state]
        if isinstance(event, Late):
            self.ways.add("a late charge")
        elif isinstance(event, Elapsed):
            self.pairs |= {(kind_of(state), "success")} if isinstance(state, Wait) else set()
        elif isinstance(event, Ended):
            assert isinstance(state, Work | Ask)
            self.pairs.add((kind_of(state), said_of(state, now, event)))
            if isinstance(state, Work) and any(
                u > c for u, c in zip(event.use or (), state.cost.amounts()[1:4], strict=False)
            ):
                self.ways.add("a breach")
        if isinstance(state, Work | Wait) and state.reserve:
            self.ways.add("the reserve")

    def _take(self, taken: Iterable[Transition], event: Event | None) -> None:
        cut = isinstance(event, Ended) and event.outcome == "exceeded"
        if isinstance(event, Lost):
            self.ways.add(f"a lost attempt that is {'exceeded' if taken else 'made again'}")
        for way in taken:
            kind = kind_of(self._machine.states[way.source])
            if kind == "choose":
                self.pairs.add((kind, arm_of(way)))
            elif way.kind == "exceeded" and not cut:
                self.pairs.add((kind, "refused"))
            self.ways |= set(ways_of(self._machine, way, event))


def said_of(state: Work | Ask, now: Configuration, event: Ended) -> str:
    """Name how an attempt, or a question, ended."""
    if event.outcome != "success":
        return "failure without a call" if isinstance(now.arguments, Unbound) else event.outcome
    if event.label is not None:
        return "success with a label" if state.gives is None else "success with a label and a value"
    is_null = isinstance(state, Work) and kind_of(state) == "map" and None in event.value
    return "success with a null" if is_null else "success"


def arm_of(way: Transition) -> str:
    """Name an arm of a choice."""
    if way.used_up is not None:
        return "an arm that is used up"
    if way.when is None:
        return "the last arm"
    return "an arm" if way.label == "arm_1" else "a later arm"


def ways_of(machine: Machine, way: Transition, event: Event | None) -> Iterator[str]:
    """Name what a transition shows of the language."""
    yield f"{way.kind} on {way.on}"
    if way.used_up is not None:
        ended = way.used_up.rpartition(".")[2]
        yield f"a used-up {USED_UP.get(ended, 'success')}"
    if way.feedback and not way.same_visit:
        yield "complaints that go elsewhere"
    if way.same_visit and way.pause is None:
        yield "another attempt of the visit"
    for name in way.below:
        per = machine.counters[name].per
        yield f"a count per {'run' if per is None else 'visit' if per == way.source else 'another state'}"
    wish = event.retry_after_us if isinstance(event, Ended) else None
    if wish is not None:
        yield f"a wish that is {'' if way.pause is not None else 'not '}waited for"


USED_UP = {
    "retry": "retry",
    "invalid": "re-ask",
    "fallback": "fallback",
    "unknown": "way of an unknown result",
}


@cache
def seen() -> tuple[frozenset[tuple[str, str]], frozenset[str]]:
    """Give all that happens in the cases."""
    each = [Seen(case) for case in cases()]
    pairs = frozenset(pair for one in each for pair in one.pairs)
    return pairs, frozenset(way for one in each for way in one.ways)


def test_what_can_happen_is_said_of_every_kind_of_state() -> None:
    """A new kind of state has to say what can happen in it."""
    assert set(HAPPENS) == set(KINDS)


def test_each_pair_of_kind_and_outcome_has_a_case() -> None:
    """In the cases all happens that can, in states of each kind, and nothing else does."""
    pairs, _ = seen()

    assert pairs == {(kind, outcome) for kind, outcomes in HAPPENS.items() for outcome in outcomes}


def test_each_way_through_a_machine_has_a_case() -> None:
    """Each kind of transition is taken, each kind of cap is used up, and each mishap befalls a run."""
    _, ways = seen()

    assert ways == WAYS


def test_there_are_many_cases_each_under_a_name_of_its_own() -> None:
    """A case is told by its name alone."""
    names = [case.name for case in cases()]

    assert len(names) >= 200
    assert len(names) == len(set(names))


def test_each_case_is_run_by_two_engines_or_more() -> None:
    """What a single engine does is compared with nothing."""
    for case in cases():
        assert sum(case.needs - {"draws"} <= engine.can for engine in ENGINES) >= 2, case.name
