"""Strategies for whole runs: how every attempt ends, what it uses and how long it takes.

A run is drawn as one flat list of acts that know nothing of states: the n-th act is what happens at
the n-th attempt, read in the terms of whatever state that attempt is in. So Hypothesis can cut,
reorder and simplify runs freely, which a state machine of rules would not let it do.
"""

from __future__ import annotations

import math
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from attrs import evolve, field, frozen
from hypothesis import reject
from hypothesis import strategies as st
from hypothesis.errors import HypothesisException, ResolutionFailed

from fsmflow import semantics
from fsmflow.analysis.proving.valuations import Names, shaped
from fsmflow.analysis.proving.witness import Witness
from fsmflow.diagnostics import FsmflowError
from fsmflow.expressions import EachTemplate, Template, references
from fsmflow.machine import Ask, End, Machine, State, Work
from fsmflow.runtime import Ended
from fsmflow.runtime.complaints import Rejected
from fsmflow.runtime.instances import is_class, is_pydantic
from fsmflow.runtime.steps import resolve_type
from fsmflow.runtime.validation import validator
from fsmflow.testing.deciding import decisive, whole
from fsmflow.testing.drawing import simplest
from fsmflow.testing.generics import given_types
from fsmflow.testing.patterns import Above, matching
from fsmflow.testing.picky import let_pass
from fsmflow.testing.subject import Subject
from fsmflow.typeexpr import TypeExpr

LONGEST = 60
"""How many attempts of a run are planned at most; past them the plan begins anew."""

LONGEST_FOLLOWED = 500
"""How many attempts a run of the proof may have to be followed by plans."""

MOST_CHANGES = 4
"""How many acts of such a run are changed."""

TRIES = 50
"""How often a value is drawn in an example before that is given up."""

MOST_REFUSED = 40
"""How many examples are given up before a type is taken to refuse all."""

MOODS = {
    "fair": "ssssssss ttt iii ff",
    "smooth": "sssssssssssss t i f",
    "flaky": "sssss tttttttttt if",
    "picky": "sssss iiiiiiiiii tf",
    "wearing": "ssssssss tttt iiii",
}
"""How likely each outcome is in a run of a mood: a letter for each of sixteen chances or so."""

WEARING = "wearing"
"""The mood that uses budgets up: each attempt takes all of its cost and its time."""

OUTCOMES = {"s": "success", "t": "transient", "i": "invalid", "f": "failure"}


@frozen
class Act:
    """What happens at one attempt, in terms that any state can read.

    Attributes:
        outcome: Which of the chances of the plan's mood, counted round.
        label: Which of its labels, counted round.
        value: Which of the sample values for its type, counted round.
        use: How much of its declared cost it charges, in quarters; 5 charges nothing.
        latency: How much of its deadline it takes, in quarters; more than 4 runs into it.
        retry_after_us: What a server asks for, if it fails in passing.
        event: How an attempt of another run ended, to be repeated as far as this state allows; nothing
            else in the act counts then.
    """

    outcome: int = 0
    label: int = 0
    value: int = 0
    use: int = 5
    latency: int = 1
    retry_after_us: int | None = None
    event: Ended | None = None


@frozen
class Plan:
    """A whole run.

    Attributes:
        given: The input.
        acts: What happens at each attempt, round and round; all goes well if there are none.
        samples: Sample values by type, as specs write it.
        draws: What the source of jitter gives, round and round.
        mood: How likely each outcome is: loops and retries are used up only by runs that lean to them.
        lean: A label that every attempt gives, whatever its act says, if it succeeds.
        pace: A latency that every attempt has, whatever its act says.
    """

    given: Any = None
    acts: tuple[Act, ...] = ()
    samples: Mapping[str, tuple[Any, ...]] = field(factory=dict)
    draws: tuple[float, ...] = (0.5,)
    mood: str = "fair"
    lean: int | None = None
    pace: int | None = None

    def act(self, number: int) -> Act:
        """Give what happens at attempt `number`, from 0; past the last act they begin anew."""
        act = self.acts[number % len(self.acts)] if self.acts else Act()
        if act.event is not None:
            return act
        label = act.label if self.lean is None else self.lean
        pace = 4 if self.pace is None and self.mood == WEARING else self.pace
        use = 5 if self.mood == WEARING else act.use
        return evolve(act, label=label, latency=act.latency if pace is None else pace, use=use)

    def outcome(self, act: Act) -> str:
        """Give how an attempt ends, in this plan's mood."""
        if act.event is not None:
            return act.event.outcome
        chances = MOODS[self.mood].replace(" ", "")
        return OUTCOMES[chances[act.outcome % len(chances)]]


_WISHES = (None, None, 0, 1_000, 1_000_000, 60_000_000, 3_600_000_000)
_PARTS = (18, 12, 3, 6, 6, len(_WISHES))


def _act(number: int) -> Act:
    """Read an act off one number, in mixed radix: one draw an act keeps long runs quick to draw."""
    parts = []
    for size in _PARTS:
        number, part = divmod(number, size)
        parts.append(part)
    outcome, label, value, use, latency, wish = parts
    return Act(outcome, label, value, 5 - use, latency, _WISHES[wish])


_ACTS = st.integers(0, math.prod(_PARTS) - 1).map(_act)


def plans(subject: Subject) -> st.SearchStrategy[Plan]:
    """Give plans of runs of `subject`: typed inputs and outputs, and up to sixty acts.

    One plan in four follows a run that was proved to be among the worst there are, with up to four
    of its acts changed: chance alone hardly ever comes near those.
    """
    given, sampled = inputs(subject), samples(subject)
    usual = st.builds(
        Plan,
        given=given,
        acts=st.lists(_ACTS, max_size=LONGEST).map(tuple),
        samples=sampled,
        draws=st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=3).map(tuple),
        mood=st.sampled_from([*sorted(MOODS), WEARING]),
        lean=st.none() | st.integers(0, 11),
        pace=st.none() | st.integers(0, 5),
    )
    worst = [plan for plan in worst_plans(subject) if 0 < len(plan.acts) <= LONGEST_FOLLOWED]
    every = st.one_of(usual, usual, usual, _changed(worst, given, sampled)) if worst else usual

    # Hypothesis words a strategy whenever an example is given up, and warns where that takes long.
    @st.composite
    def planned(draw: st.DrawFn) -> Plan:
        return draw(every)

    return planned()


def inputs(subject: Subject) -> st.SearchStrategy[Any]:
    """Give inputs of a workflow."""
    machine = subject.machine
    return _shaped(machine) if machine.input is None else _decisive(subject, ("input",), str(machine.input))


def _shaped(machine: Machine) -> st.SearchStrategy[Any]:
    """Give inputs of a workflow that declares no type: anything, or with all that its states read of it."""
    read = list(_read(machine))
    whole = shaped((names for names, _ in read), "given", {names for names, is_list in read if is_list})
    return st.just(whole.get("input")) | _ANYTHING


def _read(machine: Machine) -> Iterator[tuple[Names, bool]]:
    """Give the paths into the input that states read, and whether a list is wanted there."""
    for state in machine.states.values():
        for template in _templates(state):
            over = template.over if isinstance(template, EachTemplate) else None
            for reference in references(template):
                if reference.root == "input":
                    yield (reference.root, *reference.path), reference is over


def _templates(state: State) -> Iterator[Template]:
    match state:
        case Work() | Ask():
            yield from (template for _, template in state.arguments)
        case End():
            yield state.output


def is_parallel(subject: Subject, name: str) -> bool:
    """Tell whether a state runs children side by side, so that it gives the output of each by its key."""
    children = getattr(subject.machine.states[name], "children", None)
    return children is not None and children.kind == "parallel"


def outputs(subject: Subject, name: str, gives: str) -> st.SearchStrategy[Any]:
    """Give outputs of the step of a state, of the type `gives`."""
    state = subject.machine.states[name]
    if isinstance(state, Work) and state.children is not None and is_parallel(subject, name):
        callees = state.children.callees.items()
        return st.fixed_dictionaries(
            {key: values(subject, str(callee.output or "Any")) for key, callee in callees}
        )
    return _decisive(subject, (subject.runner.stages[name].value,), gives)


def samples(subject: Subject) -> st.SearchStrategy[dict[str, tuple[Any, ...]]]:
    """Give a value or two for each type that the workflow's steps give."""
    states = subject.machine.states.values()
    named: dict[str, list[str]] = {}
    for state in states:
        if isinstance(state, Work | Ask):
            for kind in _given(state):
                named.setdefault(str(kind), []).append(state.value)
    children = [s.children for s in states if isinstance(s, Work) and s.children is not None]
    for callee in (callee for each in children for callee in each.callees.values()):
        named.setdefault(str(callee.output or "Any"), [])
    each = {kind: _decisive(subject, named[kind], kind) for kind in sorted(named)}
    return st.fixed_dictionaries(
        {kind: st.lists(one, min_size=1, max_size=2).map(tuple) for kind, one in each.items()}
    )


def _given(state: Work | Ask) -> Iterable[TypeExpr | None]:
    """Give the types of what a success of a state gives: one for each tool, if a model calls them."""
    if isinstance(state, Work) and state.tools:
        return state.tools.values()
    return () if state.gives is None else (state.gives,)


def _decisive(subject: Subject, roots: Sequence[str], kind: str) -> st.SearchStrategy[Any]:
    """Give values of a type, and often those on which choices that read them under `roots` turn."""
    usual = values(subject, kind)
    key = (subject.machine.digest, *roots, kind)
    if key not in _DECISIVE:
        resolved = resolve_type(kind, subject.runner.folder) if kind else Any
        _DECISIVE[key] = decisive(subject.machine, roots, resolved, _sample)
    return usual | st.sampled_from(_DECISIVE[key]) if _DECISIVE[key] else usual


_DECISIVE: dict[tuple[str, ...], tuple[Any, ...]] = {}
"""What was found so far: to look for it inside of a test would be to draw while drawing."""


@st.composite
def _changed(
    draw: st.DrawFn,
    worst: Sequence[Plan],
    given: st.SearchStrategy[Any],
    sampled: st.SearchStrategy[dict[str, tuple[Any, ...]]],
) -> Plan:
    """Draw a plan that follows one of the worst, but for a few of its acts."""
    plan = draw(st.sampled_from(worst))
    whole = len(plan.acts)
    # Most plans follow the whole run; a failure is still found in its shortest beginning.
    acts = list(plan.acts[: draw(st.one_of(st.integers(0, whole), st.just(whole), st.just(whole)))])
    for _ in range(draw(st.integers(0, MOST_CHANGES)) if acts else 0):
        place = draw(st.integers(0, len(acts) - 1))
        match draw(st.sampled_from(("replace", "insert", "drop"))):
            case "replace":
                acts[place] = draw(_ACTS)
            case "insert":
                acts.insert(place, draw(_ACTS))
            case "drop" if len(acts) > 1:
                del acts[place]
    return evolve(plan, given=draw(given), samples=draw(sampled), acts=tuple(acts))


def worst_plans(subject: Subject) -> tuple[Plan, ...]:
    """Give the plans of the runs that the proof names as the worst, without sample values of their own."""
    return tuple(plan_of(subject, witness) for witness in subject.witnesses)


def plan_of(subject: Subject, witness: Witness) -> Plan:
    """Give the plan that repeats a run; what the proof knows of values, a part, is made whole."""
    given = witness.given
    if given is not None and subject.machine.input is not None:
        given = _whole(subject, str(subject.machine.input), given)
    acts = tuple(Act(event=event) for event in _ends(subject, witness))
    draws = tuple(act.event.draw for act in acts if act.event and act.event.outcome == "transient")
    return Plan(given=given, acts=acts, draws=draws or (0.5,))


def _ends(subject: Subject, witness: Witness) -> Iterator[Ended]:
    """Give how the attempts of a run end, each with a value that fits where one is known."""
    now, *_ = semantics.launch(subject.machine, witness.given)
    for event in witness.events:
        state = subject.machine.states[now.state]
        now, *_ = semantics.advance(subject.machine, now, event)
        if not isinstance(event, Ended):
            continue
        if event.value is not None and isinstance(state, Work | Ask) and state.gives is not None:
            kind = state.tools.get(event.label or "") if isinstance(state, Work) else None
            event = event._replace(value=_whole(subject, str(kind or state.gives), event.value))
        yield event


def _whole(subject: Subject, kind: str, known: Any) -> Any:
    """Give a value of which the proof knows a part; None if its type refuses it, so that another is drawn."""
    resolved = resolve_type(kind, subject.runner.folder)
    made, validate = whole(known, resolved, _sample), validator(resolved)
    try:
        return made if validate is None else validate(made)
    except Rejected:
        return None


@cache
def _sample(kind: Any) -> Any:
    """Give the simplest value of a type."""
    return simplest(_fitting(repr(kind), kind))


class NoValues(FsmflowError):
    """Hypothesis can't make values of a type that the spec names; the message says what to do."""


def values(subject: Subject, kind: str) -> st.SearchStrategy[Any]:
    """Give values of a type as specs write it: of a class, instances; of `Any`, plain data."""
    return values_of(kind, subject.runner.folder)


def values_of(kind: str, folder: Path) -> st.SearchStrategy[Any]:
    """Give values of a type as specs in `folder` write it."""
    resolved = resolve_type(kind, folder)
    return _ANYTHING if resolved is Any else _fitting(kind, resolved)


_ANYTHING = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5)


def _from_type(resolved: Any, above: Above = ()) -> st.SearchStrategy[Any]:
    """Give values of a type; Hypothesis has none for an `Any` inside one, and knows of no patterns."""
    parts = typing.get_args(resolved)
    if resolved is Any:
        return _ANYTHING
    if resolved in above:
        return st.nothing()
    if typing.get_origin(resolved) is list:
        return st.lists(_from_type(parts[0], above))
    if typing.get_origin(resolved) is dict:
        return st.dictionaries(_from_type(parts[0], above), _from_type(parts[1], above))
    if typing.get_origin(resolved) is tuple and ... not in parts:
        return st.tuples(*(_from_type(part, above) for part in parts))
    if typing.get_origin(resolved) in (tuple, Sequence):
        return st.lists(_from_type(parts[0], above)).map(tuple)
    if typing.get_origin(resolved) in (typing.Union, types.UnionType):
        return st.one_of(*(_from_type(part, above) for part in parts))
    made = given_types(resolved, _from_type, above)
    if made is None:
        made = matching(resolved, _from_type, above)
    strategy = st.from_type(resolved) if made is None else made
    return let_pass(resolved, strategy) if is_class(resolved) or is_pydantic(resolved) else strategy


def _fitting(kind: str, resolved: Any) -> st.SearchStrategy[Any]:
    """Give what the validators of the classes involved let pass.

    An example in which they let nothing pass is given up: what Hypothesis begins with is the simplest value
    of all, again and again, and many a class refuses that.

    Raises:
        NoValues: On drawing, if they never do, or if there is no strategy for one of the classes.
    """
    refused = 0.0
    # Not when it is drawn from: what a picky class lets pass is looked for outside of any example.
    strategy = _from_type(resolved)

    @st.composite
    def fitting(draw: st.DrawFn) -> Any:
        nonlocal refused
        for _ in range(TRIES):
            try:
                value = draw(strategy)
            except ResolutionFailed as error:
                raise _no_values(kind, error) from error
            except HypothesisException:
                raise
            except Exception as error:  # noqa: BLE001 - a class's own validators may raise anything
                refusal = error
            else:
                refused = -math.inf
                return value
        refused += 1
        if refused < MOST_REFUSED:
            reject()
        raise _no_values(kind, refusal) from refusal

    return fitting()


def _no_values(kind: str, error: Exception) -> NoValues:
    return NoValues(
        f"Hypothesis can't make a value of `{kind}` ({type(error).__name__}: {error}); tell it how with "
        "`hypothesis.strategies.register_type_strategy`, in a conftest.py beside the generated tests"
    )
