"""Holding outputs to their types."""

import math
import pickle
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import attrs
import pydantic
import pytest

from fsmflow.runtime import Rejected, StepNotFound
from fsmflow.runtime.complaints import MOST
from fsmflow.runtime.steps import resolve_type
from fsmflow.runtime.validation import validator
from tests.runtime.shapes import (
    Answer,
    Bag,
    Box,
    Branch,
    Dated,
    Holder,
    Link,
    Model,
    Mood,
    Name,
    Node,
    Open,
    Pair,
    Passage,
    Point,
    Positive,
    Size,
)
from tests.runtime.workbench import outcomes, run, step

S = "tests.runtime.shapes"


def hold(kind, value):
    """Hold `value` to the type that `kind` writes."""
    return validator(resolve_type(kind, Path()))(value)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("int", 5, 5),
        ("float", 5, 5.0),
        ("float", 1.5, 1.5),
        ("str", "", ""),
        ("bool", False, False),
        ("None", None, None),
        ("list", [1, "a"], [1, "a"]),
        ("list[int]", (1, 2), [1, 2]),
        ("dict", {"a": 1}, {"a": 1}),
        ("dict[str, list[int]]", {"a": [1]}, {"a": [1]}),
        ("dict[int, str]", {1: "a"}, {1: "a"}),
        ("int | None", None, None),
        ("int | str", "5", "5"),
        ("bool | int", True, True),
        ('Literal["a", "b"]', "a", "a"),
        ("Literal[1, 2]", 2, 2),
        (f"{S}:Passage", {"text": "t", "score": 1}, Passage("t", 1.0)),
        (f"{S}:Passage", Passage("t"), Passage("t")),
        (f"{S}:Answer", {"text": "a", "citations": [{"text": "c"}]}, Answer("a", [Passage("c")])),
        (f"{S}:Answer", {"text": "a", "citations": [Passage("c")]}, Answer("a", [Passage("c")])),
        (f"list[{S}:Point]", [{"x": 1}, Point(2, 3)], [Point(1), Point(2, 3)]),
        (f"{S}:Model", {"name": "n", "age": 3}, Model(name="n", age=3)),
        (f"{S}:Model", Model(name="n", age=3), Model(name="n", age=3)),
        (f"{S}:Passage | {S}:Point", {"x": 1}, Point(1)),
        (f"{S}:Passage | None", None, None),
        (f"{S}:Mood", "sure", Mood.SURE),
        (f"{S}:Mood", Mood.SURE, Mood.SURE),
        (f"{S}:Size", 2, Size.LARGE),
        (f"{S}:Size", Size.LARGE, Size.LARGE),
        (f"{S}:Name", "Ada", Name("Ada")),
        (f"{S}:Name", Name("Ada"), Name("Ada")),
        (f"{S}:Bag", {"words": ["a"]}, Bag(words={"a"})),
        (f"{S}:Bag", Bag(words={"a"}, span=(1, "b")), Bag(words={"a"}, span=(1, "b"))),
        (f"{S}:Bag", {"words": {"a"}, "span": [1, "b"]}, Bag(words={"a"}, span=(1, "b"))),
        (f"{S}:Bag", {"more": ["a"], "rest": (1, 2)}, Bag(more=("a",), rest=(1, 2))),
        (f"{S}:Bag", {"box": {"held": 1}, "raw": b"x", "any": [1]}, Bag(box=Box(1), raw=b"x", any=[1])),
        (f"{S}:Bag", Bag(box=Box(1)), Bag(box=Box(1))),
        (f"{S}:Open", {"held": 1}, Open(1)),
        (f"{S}:Open", Open("a"), Open("a")),
        (f"{S}:Filter", {"text": "a"}, {"text": "a"}),
        (f"{S}:Filter", {"text": "a", "below": [{"text": "b"}]}, {"text": "a", "below": [{"text": "b"}]}),
        (f"{S}:Asked", {"text": "a"}, {"text": "a"}),
        (f"{S}:Pair", {"name": "a"}, Pair("a")),
        (f"{S}:Pair", Pair("a", 2), Pair("a", 2)),
        (f"{S}:Pair", ["a", 2], Pair("a", 2)),
        (f"{S}:Node", {"name": "a", "below": {"name": "b"}}, Node("a", Node("b"))),
        (f"{S}:Node", Node("a", beside=[Node("b")]), Node("a", beside=[Node("b")])),
        (f"{S}:Branch", {"name": "a", "below": {"name": "b"}}, Branch("a", Branch("b"))),
        (f"{S}:Link", {"name": "a", "after": {"name": "b"}}, Link("a", Link("b"))),
        (f"{S}:Settled", {"name": "a"}, {"name": "a"}),
        (f"{S}:Settled", {"name": "a", "limit": 1}, {"name": "a", "limit": 1}),
    ],
)
def test_what_fits_is_structured(kind, value, expected):
    """Plain data becomes an instance of its type; an instance stays one."""
    found = hold(kind, value)

    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("int", True),
        ("int", "5"),
        ("int", 5.0),
        ("int", None),
        ("int", "٣"),
        ("float", True),
        ("float", "1.5"),
        ("float", Decimal(1)),
        ("str", 5),
        ("str", None),
        ("str", b"x"),
        ("bool", "false"),
        ("bool", 0),
        ("bool", 1),
        ("None", 0),
        ("None", ""),
        ("list", "abc"),
        ("list[str]", "abc"),
        ("list[str]", {"a": 1}),
        ("list[str]", {"a"}),
        ("list[int]", [True]),
        ("dict", [("a", 1)]),
        ("dict[str, int]", {1: 1}),
        ("dict[int, int]", {"1": 1}),
        ("int | None", "5"),
        ('Literal["a"]', "b"),
        ('Literal["a"]', None),
        ("Literal[1]", True),
        ("Literal[1]", 1.0),
        ("Literal[True]", 1),
        (f"{S}:Passage", {"text": 5}),
        (f"{S}:Passage", {"text": "t", "score": "high"}),
        (f"{S}:Passage", {"text": "t", "extra": 1}),
        (f"{S}:Passage", {}),
        (f"{S}:Passage", None),
        (f"{S}:Passage", "text"),
        (f"{S}:Passage", [("text", "t")]),
        (f"{S}:Passage", Passage(5)),
        (f"{S}:Answer", Answer("a", [Passage(1)])),
        (f"{S}:Answer", Answer("a", [], mood="odd")),
        (f"{S}:Positive", {"amount": -1}),
        (f"{S}:Point", Point("1")),
        (f"{S}:Model", {"name": "n", "age": "3"}),
        (f"{S}:Model", {"name": "n", "age": True}),
        (f"{S}:Model", {"name": "n"}),
        (f"{S}:Model", Model.model_construct(name=1, age="x")),
        (f"{S}:Model", 5),
        (f"{S}:Mood", "merry"),
        (f"{S}:Mood", 1),
        (f"{S}:Size", True),
        (f"{S}:Size", 2.0),
        (f"{S}:Size", "2"),
        (f"{S}:Name", 5),
        (f"{S}:Bag", {"words": "abc"}),
        (f"{S}:Bag", {"words": {"a": 1}}),
        (f"{S}:Bag", {"words": [["a"]]}),
        (f"{S}:Bag", {"more": "abc"}),
        (f"{S}:Bag", {"rest": "ab"}),
        (f"{S}:Bag", {"rest": ["a"]}),
        (f"{S}:Bag", {"span": [1]}),
        (f"{S}:Bag", {"span": [1, 2]}),
        (f"{S}:Bag", {"raw": 5}),
        (f"{S}:Bag", {"raw": [1, 2]}),
        (f"{S}:Bag", {"raw": "eA=="}),
        (f"{S}:Bag", {"box": {"held": "a"}}),
        (f"{S}:Bag", Bag(words="abc")),
        (f"{S}:Bag", Bag(box=Box("a"))),
        (f"{S}:Holder", Holder(held=Model.model_construct(name=1, age=2))),
    ],
)
def test_nothing_is_coerced(kind, value):
    """What does not fit just as it is is rejected, with at least one complaint."""
    with pytest.raises(Rejected) as caught:
        hold(kind, value)

    assert caught.value.complaints
    assert all(isinstance(c, str) and c for c in caught.value.complaints)


@pytest.mark.parametrize(
    ("kind", "value", "complaints"),
    [
        ("int", "5", ("expected a whole number, found a string",)),
        (
            "list[int]",
            ["a", 1, None],
            ("[0]: expected a whole number, found a string", "[2]: expected a whole number, found null"),
        ),
        ("dict[str, int]", {"a": "x"}, ("['a']: expected a whole number, found a string",)),
        (
            f"{S}:Answer",
            {"text": 1, "citations": [{"text": "c"}, {"score": 2}]},
            (
                ".text: expected a string, found a whole number",
                ".citations[1].text: missing",
            ),
        ),
        (
            f"{S}:Answer",
            Answer("a", [Passage("c"), Passage(2)]),
            (".citations[1].text: expected a string, found a whole number",),
        ),
        (f"{S}:Passage", {"text": "t", "b": 1, "a": 2}, ("unexpected 'a', 'b'",)),
        (f"{S}:Passage", {}, (".text: missing",)),
        ('Literal["a", "b"]', "c", ("expected one of 'a', 'b', found 'c'",)),
        ("Literal[1]", True, ("expected one of 1, found True",)),
        (f"list[{S}:Model]", [{"name": "n", "age": "x"}], ("[0].age: Input should be a valid integer",)),
        (f"{S}:Mood", "merry", ("expected one of 'sure', 'unsure', found 'merry'",)),
        (f"{S}:Bag", {"span": [1]}, (".span: expected 2 items, found 1",)),
        (f"{S}:Bag", {"span": [1, 2]}, (".span[1]: expected a string, found a whole number",)),
        (f"{S}:Bag", {"raw": "eA=="}, (".raw: expected bytes, found a string",)),
        (f"list[{S}:Noted]", [{"a": 1}], ("[0]: too small",)),
        (
            f"{S}:Filter",
            {"limit": "x", "more": 1, "below": [{"text": 1}]},
            (
                ".limit: expected a whole number, found a string",
                ".below[0].text: expected a string, found a whole number",
                ".text: missing",
                "unexpected 'more'",
            ),
        ),
        (f"{S}:Asked", {"limit": 1}, (".text: missing",)),
        (f"{S}:Pair", Pair("a", "b"), (".count: expected a whole number, found a string",)),
        (f"{S}:Pair", ["a", 1, 2], ("expected a mapping, found a list",)),
        (
            f"{S}:Node",
            {"name": "a", "beside": [{"name": 1}]},
            (".beside[0].name: expected a string, found a whole number",),
        ),
        (
            f"{S}:Settled",
            {"limit": "x"},
            (".limit: expected a whole number, found a string", ".name: missing"),
        ),
    ],
)
def test_complaints_say_where_and_how(kind, value, complaints):
    """Every fault is named at once, with the path to it."""
    with pytest.raises(Rejected) as caught:
        hold(kind, value)

    assert caught.value.complaints == complaints


def test_complaints_are_few():
    """However much is wrong, the complaints can be read."""
    with pytest.raises(Rejected) as caught:
        hold("list[int]", ["x"] * 10_000)

    assert len(caught.value.complaints) == MOST


def test_not_a_number_is_a_float_and_stays_one():
    """NaN is a float: it is neither refused nor changed."""
    assert math.isnan(hold("float", math.nan))


def test_a_deeply_nested_value_is_rejected_not_fatal():
    """A value nested deeper than the stack is a rejected output."""
    value = []
    for _ in range(100_000):
        value = [value]

    with pytest.raises(Rejected):
        hold("list[list[list[int]]]", value)


def test_a_value_that_holds_itself_is_held_to_its_type():
    """A list that holds itself ends as any other value does."""
    value = []
    value.append(value)

    with pytest.raises(Rejected):
        hold("list[list[int]]", value)


def test_any_and_nothing_take_everything():
    """`Any` holds a value to nothing."""
    assert validator(resolve_type("Any", Path())) is None


@pytest.mark.parametrize("value", [float("nan"), "5", None, {"a": 1}])
def test_an_output_that_does_not_fit_is_a_rejected_one(value):
    """A step's unfit output is `invalid`, and its fallback hears what it was."""

    async def work():
        return value

    result = run({"work": step(gives="int")}, {"work": work})

    assert outcomes(result) == [("work", "invalid")]
    assert result.error.value is value


def test_the_runtime_needs_no_heavy_library():
    """Importing the runtime loads neither attrs nor cattrs nor a YAML reader, nor the compiler."""
    script = "import sys, fsmflow.runtime; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())

    assert loaded.isdisjoint(
        {"attr", "attrs", "cattrs", "yaml", "transitions", "hypothesis", "click", "rich"}
    )
    assert {m for m in loaded if m.startswith("fsmflow.") and not m.startswith("fsmflow.runtime")} == set()


def test_a_classs_own_validator_has_its_say():
    """A class's own validator holds for plain data that satisfies it."""
    assert hold(f"{S}:Positive", {"amount": 1}) == Positive(1)


def test_what_json_has_no_word_for_is_given_as_text():
    """A date and a decimal of a pydantic model are taken as JSON has them, and as they are."""

    class Paid(pydantic.BaseModel):
        on: date
        amount: Decimal = pydantic.Field(alias="sum")
        by: dict[str, int] = {}

    validate = validator(Paid)
    paid = Paid(on=date(2026, 1, 31), sum=Decimal("1.5"))

    assert validate({"on": "2026-01-31", "sum": "1.5"}) == paid
    assert validate(paid) == paid
    assert validate({"on": date(2026, 1, 31), "sum": Decimal("1.5")}) == paid
    for wrong in ({"on": "soon", "sum": "1.5"}, {"on": "2026-01-31", "sum": "1.5", "by": {1: 1}}):
        with pytest.raises(Rejected):
            validate(wrong)


def test_a_pydantic_model_that_was_made_stays_the_very_one():
    """What pydantic has made is given on as it is: not made again out of what it would be written as."""

    class Event(pydantic.BaseModel):
        model_config = {"extra": "forbid"}
        on: date = pydantic.Field(exclude=True)
        at: date = pydantic.Field(validation_alias="when")
        word: str
        _seen: int = 0

        @pydantic.computed_field
        @property
        def year(self) -> int:
            return self.on.year

        @pydantic.field_serializer("at")
        def _written(self, at: date) -> str:
            return str(at)

        @pydantic.field_validator("word")
        @classmethod
        def _louder(cls, word: str) -> str:
            return f"{word}!"

    class Party(Event):
        guests: int

    made = Party(on=date(2026, 1, 31), when=date(2026, 2, 1), word="hello", guests=2)

    assert validator(Event)(made) is made
    assert validator(list[Event])([made])[0] is made
    assert made.word == "hello!"


@pytest.mark.parametrize(("kind", "named"), [(Dated, "Dated"), (list[Dated], f"list[{S}.Dated]")])
def test_a_type_that_nothing_can_be_held_to_is_named(kind, named):
    """A class with a field of a type that has no word in JSON is refused before any value is seen."""
    with pytest.raises(StepNotFound) as caught:
        validator(kind)

    assert str(caught.value) == (
        f"no value can be held to the type {named}: JSON has no word of its own for date;"
        " a pydantic model may hold it"
    )


def test_a_rejection_is_the_same_when_it_comes_from_another_process():
    """Its words and its complaints survive being pickled."""
    found = pickle.loads(pickle.dumps(Rejected(("a", "b"))))

    assert (str(found), found.complaints) == ("a; b", ("a", "b"))


class Broken(Exception):
    """An error whose words can't be read, and that has what pydantic's errors have."""

    def errors(self):
        return 5

    def __str__(self):
        raise ValueError


def test_complaints_are_made_of_any_error():
    """Whatever a class raises is a complaint: with its words, or by its name."""

    @attrs.frozen
    class Fussy:
        a: int = attrs.field()

        @a.validator
        def _check(self, *_):
            raise Broken

    with pytest.raises(Rejected) as rejected:
        validator(Fussy)({"a": 1})

    assert rejected.value.complaints == ("Broken",)


def test_a_fault_of_the_whole_value_has_no_place():
    """What is wrong with a pydantic model as a whole is said without a place, or with that of the whole."""

    class Fussy(pydantic.BaseModel):
        a: int

    for kind, value, begins in ((Fussy, 5, "Input should"), (list[Fussy], [5], "[0]: Input should")):
        with pytest.raises(Rejected) as rejected:
            validator(kind)(value)

        assert rejected.value.complaints[0].startswith(begins)


def test_a_number_that_is_too_large_does_not_fit():
    """A whole number beyond all floats is no number, wherever it stands."""
    for kind, value in ((float, 10**400), (list[float], [10**400])):
        with pytest.raises(Rejected, match="too large"):
            validator(kind)(value)
