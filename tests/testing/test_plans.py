"""Plans of whole runs, and playing them."""

from __future__ import annotations

import asyncio
import re
import sys
from functools import partial
from pathlib import Path
from random import Random
from types import ModuleType

import hypothesis
import pytest
from attrs import evolve
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fsmflow.compiler import compile_file
from fsmflow.runtime import Ended, load_runner
from fsmflow.testing import Act, Plan, Subject, plans, play
from fsmflow.testing.drawing import several, simplest
from fsmflow.testing.plans import MOODS, WEARING, NoValues, samples, values
from tests.generated import runner_of
from tests.sample import machine

SPECS = Path(__file__).parents[2] / "specs"
# Why a value was found, which Hypothesis would look for at length, is asked by nobody.
find = partial(hypothesis.find, settings=settings(database=None, phases=[Phase.generate, Phase.shrink]))
ENDS = "done: {end: success}\nlost: {end: failed}"
LOOP = (
    "draft: {run: m:f, cost: {tokens: 10}, timeout: 4s, success: check,"
    " retry: {times: 2, jitter: none}, invalid: {times: 1}, fallback: lost}\n"
    "check: {run: m:f, timeout: 4s, success: {ok: done, again: {to: draft, times: 2, else: lost}},"
    " fallback: lost}\n" + ENDS
)


def subject(states: str = LOOP, **more: str) -> Subject:
    lowered = machine(states, **more)
    return Subject(lowered, runner_of(lowered))


def plan_of(letters: str, **more: object) -> Plan:
    """Make a plan whose acts have these outcomes: s, t, i or f."""
    chances = MOODS["fair"].replace(" ", "")
    return Plan(acts=tuple(Act(chances.index(letter)) for letter in letters), **more)


def test_a_plan_is_read_in_the_terms_of_each_state():
    """The n-th act is what happens at the n-th attempt, in whatever state that is."""
    played = play(subject(), plan_of("tisst", lean=1))

    assert [span.state for span in played.result.trace][:5] == ["draft", "draft", "draft", "draft", "check"]
    assert played.edges[:4] == (
        ("draft", "retry", "draft"),
        ("draft", "invalid", "draft"),
        ("draft", "success", "check"),
        ("check", "again", "draft"),
    )


def test_without_acts_all_goes_well():
    """The simplest plan succeeds everywhere and gives every first label."""
    played = play(subject(), Plan())

    assert played.edges == (("draft", "success", "check"), ("check", "ok", "done"))
    assert played.spent.tokens == 10


def test_acts_go_round():
    """A plan of one failure fails until nothing is left to try."""
    played = play(subject(), plan_of("t"))

    assert played.result.end == "lost"
    assert played.spent.steps == 3


def test_a_latency_beyond_the_deadline_is_cut_off():
    """More than four quarters of the deadline runs into it: a timeout, and in full."""
    played = play(subject(), Plan(pace=5))

    assert {span.event.outcome for span in played.result.trace if hasattr(span.event, "outcome")} == {
        "transient"
    }
    assert played.spent.tokens == 30


def test_a_wearing_plan_uses_all_that_it_may():
    """In the mood that wears, every attempt takes all of its time and cost, whatever its act says."""
    act = Plan(acts=(Act(use=0, latency=0),), mood=WEARING).act(7)

    assert (act.use, act.latency) == (5, 4)
    assert Plan(acts=(Act(use=0, latency=0),), mood=WEARING, pace=1).act(7).latency == 1


def test_the_total_is_added_up_over_the_trace():
    """What a run used, added up, is its ledger."""
    played = play(subject(budget="{time: 60s, tokens: 100}"), plan_of("ttsi", pace=2))

    assert played.total == played.spent
    assert played.spent.time_us > 0


def test_a_failure_comes_out_as_the_simplest_run(monkeypatch: pytest.MonkeyPatch):
    """Plans shrink: the least run that loses is one act, with nothing else about it."""
    # Runs that follow the proof are told apart by more than their acts; the others shrink to the least.
    monkeypatch.setattr(Subject, "witnesses", ())

    under_test = subject()
    # Of some sixty seeds two or so leave another mood, where the act means something else in each.
    found = find(
        plans(under_test),
        lambda plan: play(under_test, plan).result.end == "lost",
        random=Random(0),
    )

    assert len(found.acts) <= 1
    assert (found.mood, found.lean, found.samples) in [("fair", None, {}), ("fair", 1, {})]


def test_a_run_that_goes_on_and_on_is_an_error():
    """A workflow that nothing bounds is stopped, and said to have no end."""
    endless = subject(f"draft: {{run: m:f, success: draft, fallback: lost}}\n{ENDS}")

    with pytest.raises(AssertionError, match="still had not ended"):
        play(endless, Plan())


def test_a_run_that_goes_where_the_spec_does_not_says_where():
    """Of a runner that goes another way than the spec, both places are told, and no error of the oracle's."""
    wrong = Subject(
        subject().machine, runner_of(machine(LOOP.replace("retry: {times: 2", "retry: {times: 3")))
    )

    with pytest.raises(
        AssertionError, match="the runner is in `draft`, and by the spec the run is in `lost`"
    ):
        play(wrong, plan_of("t"))


def test_waiting_on_and_on_is_an_error_too():
    """A loop of waits is stopped as well."""
    endless = subject("a: {wait: 1s, success: b}\nb: {wait: 1s, success: a}")

    with pytest.raises(AssertionError, match="still had not ended"):
        play(endless, Plan())


def test_a_played_run_waits_for_nothing_real():
    """Plays need no event loop, and so can be used inside of one."""

    async def inside() -> str:
        return play(subject(), Plan()).result.end

    assert asyncio.run(inside()) == "done"


def test_no_step_is_imported():
    """A play needs no step's code: a script stands in for each."""
    nowhere = subject(LOOP.replace("m:f", "no_such_module:f"))

    assert play(nowhere, Plan()).result.kind == "success"


def test_children_keep_to_their_time_in_what_another_attempt_did():
    """What took long elsewhere takes no longer in the place of children than they themselves could."""
    compiled = compile_file(SPECS / "research.fsm.yaml").analysis
    assert compiled is not None
    long = Act(event=Ended("success", elapsed_us=200_000_000))
    plan = Plan({"text": "sets"}, (Act(), long), {"list[str]": (["a", "b"],)})
    under_test = Subject(compiled.machine, load_runner(SPECS.parent / "generated" / "research_fsm.py"), SPECS)
    find = play(under_test, plan).result.trace[1]

    assert (find.state, find.event.elapsed_us) == ("find", compiled.machine.states["find"].timeout_us)


def test_the_transitions_that_were_taken_are_counted():
    """A subject keeps count over all plays."""
    under_test = subject()
    play(under_test, Plan())
    play(under_test, Plan())

    ways = under_test.machine.transitions
    (number,) = (n for n, way in enumerate(ways) if (way.source, way.kind) == ("draft", "success"))
    assert (under_test.runs, under_test.counts[number]) == (2, 2)
    assert 0 < len(under_test.missed) < under_test.possible


@pytest.fixture
def shapes(monkeypatch):
    """A module of types: one that refuses most values, one that refuses all, and one that can't be made."""
    module = ModuleType("odd_shapes")
    source = """
from abc import ABC, abstractmethod
from attrs import define, field
from pydantic import BaseModel, Field, field_validator
from dataclasses import dataclass
from collections.abc import Sequence
from typing import Any, ClassVar, Generic, Literal, NamedTuple, Self, TypedDict, TypeVar

@define
class Even:
    number: int = field()
    @number.validator
    def _even(self, attribute, value):
        if value % 2:
            raise ValueError("odd")

@define
class Never:
    number: int
    def __attrs_post_init__(self):
        raise ValueError("never")

T = TypeVar("T")

@dataclass
class Page(Generic[T]):
    number: int
    rows: list[T]
    left: "Page[T] | None" = None

EvenPage = Page[Even]

@define
class Tree(Generic[T]):
    _leaf: T
    trees: "list[Tree[T]]"

EvenTree = Tree[Even]

class Abstract(ABC):
    @abstractmethod
    def act(self): ...

@define
class Positive:
    number: int = field()
    @number.validator
    def _positive(self, attribute, value):
        if value < 1:
            raise ValueError("not positive")

class Mail(BaseModel):
    asked: ClassVar[int] = 0
    to: str
    @field_validator("to")
    @classmethod
    def _has_an_at(cls, value):
        cls.asked += 1
        if "@" not in value:
            raise ValueError("no @")
        return value

class Line(BaseModel):
    code: str = Field(pattern=r"^[A-Z]{3}-\\d+$", alias="Code")
    amount: int = Field(ge=0)

class Invoice(BaseModel):
    number: str = Field(pattern=r"^INV-\\d+$")
    lines: list[Line] = Field(min_length=1)
    part_of: "Invoice | None" = None

Invoice.model_rebuild(_types_namespace=globals())

class Refund(BaseModel):
    kind: Literal["refund"]
    cents: int = Field(gt=0, le=100_000)

class Told(BaseModel):
    kind: Literal["told"]
    text: str

class Approval(BaseModel):
    note: str | None = None

class Figures(BaseModel):
    text: str
    figures: list[float] = Field(default_factory=list, max_length=3)
    lines: dict[str, list[int]] = Field(default_factory=dict)
    limit: int = Field(default=100, ge=1, le=1000)

@define
class Loose:
    meta: dict[str, Any]
    number: int = 0

@dataclass
class LooseData:
    meta: tuple[str, Any]
    inner: Loose | None = None

class LooseModel(BaseModel):
    meta: Sequence[Any] = Field(min_length=1)
    inner: list[Mail] = []

class LooseKeys(TypedDict):
    meta: Any
    inner: LooseData | None

class LooseTuple(NamedTuple):
    meta: tuple[Any, ...]
    number: int = 0

@define
class Node:
    name: str
    below: Self | None = None
    beside: list[Self] = field(factory=list)

@dataclass
class Branch:
    name: str
    node: Node
    below: Self | None = None

class Link(NamedTuple):
    name: str
    after: Self | None = None

class Sorted(BaseModel):
    urgent: Literal["low", "urgent"]
    labels: list[Literal["billing", "bug", "other"]]
    action: Refund | Told = Field(discriminator="kind")
    sure: float = Field(ge=0, le=1)
    @field_validator("labels")
    @classmethod
    def _some(cls, value):
        if not value:
            raise ValueError("at least one label")
        return value
"""
    monkeypatch.setitem(sys.modules, "odd_shapes", module)
    exec(compile(source, "odd_shapes", "exec", dont_inherit=True), module.__dict__)
    return module


brief = settings(
    max_examples=30, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)


@pytest.mark.parametrize("kind", ["odd_shapes:Even", "list[odd_shapes:Even]", "odd_shapes:Even | None"])
def test_values_that_a_class_refuses_are_drawn_again(shapes, kind):
    """A validator that rejects half of all values keeps no test from running."""

    @brief
    @given(values(subject(), kind))
    def draw(value):
        assert all(even.number % 2 == 0 for even in (value if isinstance(value, list) else [value]) if even)

    draw()


@pytest.mark.parametrize("kind", ["odd_shapes:Line", "list[odd_shapes:Line]", "odd_shapes:Invoice | None"])
def test_patterns_of_a_pydantic_model_are_matched(shapes, kind):
    """A field with a pattern, in a model or in one that it holds, keeps no test from running."""

    @brief
    @given(values(subject(), kind))
    def draw(value):
        assert all(re.match("[A-Z]{3}-", line.code) for line in getattr(value, "lines", ()))

    draw()


def test_no_example_is_given_up_for_a_model_whose_defaults_are_made(shapes, monkeypatch):
    """What Hypothesis takes for the default of such a field is none, and the model would refuse it."""
    monkeypatch.setattr(sys.modules[plans.__module__], "reject", lambda: pytest.fail("refused"))

    assert several(values(subject(), "odd_shapes:Figures"), 30, 0)


@pytest.mark.parametrize("field", ["figures", "lines", "limit"])
@pytest.mark.parametrize("is_default", [True, False])
def test_a_default_of_a_pydantic_model_is_one_value_among_others(shapes, field, is_default):
    """A field with a default, written or made, is left out of some values and not of others."""
    usual = getattr(shapes.Figures(text=""), field)

    find(
        values(subject(), "odd_shapes:Figures"), lambda value: (getattr(value, field) == usual) is is_default
    )


@pytest.mark.parametrize("name", ["Loose", "LooseData", "LooseModel", "LooseKeys", "LooseTuple"])
def test_a_field_that_may_hold_anything_keeps_no_test_from_running(shapes, name):
    """Hypothesis makes no value of `Any`: plain data stands there, in classes of every make."""
    drawn = several(values(subject(), f"list[odd_shapes:{name}]"), 40, 0)
    metas = [one["meta"] if isinstance(one, dict) else one.meta for many in drawn for one in many]

    assert len({repr(meta) for meta in metas}) > 5


@pytest.mark.parametrize("name", ["Node", "Branch", "Link"])
def test_values_are_drawn_of_a_class_that_holds_others_of_itself(shapes, name):
    """Hypothesis knows of no `Self`; fields beside it are drawn as ever."""
    drawn = several(values(subject(), f"list[odd_shapes:{name}]"), 40, 0)

    assert len({one.name for many in drawn for one in many}) > 5


def test_what_stands_beside_a_field_that_may_hold_anything_is_drawn_too(shapes):
    """A field with a default is left out of some values and not of others."""
    find(values(subject(), "odd_shapes:Loose"), lambda value: value.number > 1)


@pytest.mark.parametrize("kind", ["odd_shapes:Mail", "list[odd_shapes:Mail]", "odd_shapes:Mail | None"])
def test_a_class_that_refuses_nearly_everything_is_asked_once(shapes, kind):
    """What such a class lets pass is looked for before the first example, and then drawn from that."""
    strategy = values(subject(), kind)
    asked = shapes.Mail.asked

    @brief
    @given(strategy)
    def draw(value):
        pass

    draw()

    assert (asked > 0, shapes.Mail.asked) == (True, asked)


def test_values_are_made_though_the_simplest_of_all_is_refused(shapes):
    """A validator that refuses what Hypothesis tries first, such as zero, keeps no test from running."""

    @brief
    @given(values(subject(), "odd_shapes:Positive"))
    def draw(value):
        assert value.number > 0

    draw()


def test_a_sample_is_made_of_a_model_that_wants_a_list_not_to_be_empty(shapes):
    """A validator for which most of what Hypothesis begins with is too short refuses no whole workflow."""
    states = (
        "sort: {run: m:f, gives: odd_shapes:Sorted, success: ask, fallback: lost}\n"
        "ask: {run: m:f, gives: odd_shapes:Approval, success: pick, fallback: lost}\n"
        "pick: {choose: [{when: \"sort.action.kind == 'refund' and sort.action.cents > 5\", to: lost},"
        f" {{to: done}}]}}\n{ENDS}"
    )

    assert all(each.labels for each in simplest(samples(subject(states)))["odd_shapes:Sorted"])


def test_a_generic_class_is_filled_with_what_it_is_given(shapes):
    """A dataclass of so and so holds such values, and no others."""

    @brief
    @given(values(subject(), "list[odd_shapes:EvenPage]"))
    def draw(value):
        assert all(isinstance(row, shapes.Even) for page in value for row in page.rows)

    draw()


def test_a_generic_class_that_holds_itself_ends(shapes):
    """A tree of so and so is made as deep as it has to be."""
    tree = find(values(subject(), "odd_shapes:EvenTree"), lambda _: True)

    assert (type(tree), tree.trees) == (shapes.Tree, [])


def test_what_hypothesis_was_told_of_a_generic_class_is_used(shapes):
    """A strategy that was registered for a generic class goes before one that is made of its fields."""
    page = shapes.Page(7, [])
    st.register_type_strategy(shapes.Page, lambda _: st.just(page))

    assert find(values(subject(), "odd_shapes:EvenPage"), lambda _: True) is page


def test_what_hypothesis_was_told_of_a_model_with_patterns_is_used(shapes):
    """A strategy that was registered goes before one that is made of the patterns."""
    line = shapes.Line(Code="ABC-1", amount=1)
    st.register_type_strategy(shapes.Line, st.just(line))

    assert find(values(subject(), "odd_shapes:Line"), lambda _: True) is line


@pytest.mark.parametrize("name", ["Never", "Abstract"])
def test_a_type_without_values_says_what_to_do(shapes, name):
    """A class that can't be made up names itself, and how to tell Hypothesis of it."""

    @brief
    @given(values(subject(), f"odd_shapes:{name}"))
    def draw(value):
        raise AssertionError

    with pytest.raises(NoValues, match=rf"odd_shapes:{name}.*register_type_strategy"):
        draw()


def test_a_registered_strategy_is_used(shapes):
    """What `register_type_strategy` was told is what is drawn."""
    st.register_type_strategy(shapes.Never, st.just("made"))

    assert find(values(subject(), "odd_shapes:Never"), lambda _: True) == "made"


@pytest.mark.parametrize(
    "kind", ["Any", "str", "int", "list[str]", "dict[str, int]", "Literal['a', 'b']", "None"]
)
def test_plain_types_have_values(kind):
    """Every type that a spec can write without code can be drawn."""
    find(values(subject(), kind), lambda _: True)


def test_outputs_of_a_type_are_drawn_once_for_all_states():
    """Samples go by type, so that states which give the same share them."""
    typed = subject(LOOP.replace("run: m:f,", "run: m:f, gives: str,"), input="int")
    plan = find(plans(typed), lambda _: True)

    assert list(plan.samples) == ["str"]
    assert isinstance(plan.given, int)
    assert (
        play(typed, evolve(plan, samples={"str": ("text",)})).result.configuration.values["draft"] == "text"
    )


def test_what_plans_are_drawn_from_is_told_in_a_word():
    """Hypothesis writes it down at each example that is given up, and warns where that is long."""
    assert len(repr(plans(subject(LOOP)))) < 100


def test_what_plans_are_drawn_from_is_put_together_once(monkeypatch):
    """No strategy of values is made while plans are drawn: that would cost more than the run itself."""
    lowered = machine(LOOP.replace("cost:", "with: {text: $input}, gives: str, cost:"), input="str")
    drawn = plans(Subject(lowered, runner_of(lowered)))
    monkeypatch.setattr(sys.modules[plans.__module__], "values", lambda *_: pytest.fail("made while drawing"))

    assert several(drawn, 40, 0)
