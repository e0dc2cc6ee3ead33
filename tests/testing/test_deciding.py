"""Values on which choices turn: of their types, and where guards decide."""

from __future__ import annotations

from typing import Generic, TypeVar

from attrs import frozen

from fsmflow.analysis.proving.valuations import assignments
from fsmflow.expressions import All, Compare, Path, Value
from fsmflow.testing.deciding import decisive, whole
from fsmflow.testing.drawing import several
from fsmflow.testing.plans import inputs
from fsmflow.testing.subject import Subject
from tests.generated import runner_of
from tests.runtime.shapes import Point
from tests.sample import machine

POINT = "tests.runtime.shapes:Point"
Item = TypeVar("Item")


@frozen
class Page(Generic[Item]):
    """A generic class."""

    items: list[Item]
    more: str


STATES = """
pick: {choose: [{when: input.x > 100 and input.y <= input.x, to: far}, {to: near}]}
far: {end: success}
near: {end: degraded}
"""


def found(states: str = STATES, root: str = "input") -> tuple[Point, ...]:
    return decisive(machine(states, input=POINT), [root], Point, lambda _: Point(7, 8))


def test_values_lie_on_literals_and_beside_them() -> None:
    """Each path that a guard reads is put on its literal, and just above and below."""
    assert {100, 99, 101} <= {point.x for point in found()}


def test_values_are_of_their_type() -> None:
    """What no guard reads is as in the sample, and what does not fit the type is left out."""
    points = found(STATES.replace(" and input.y <= input.x", ""))

    assert all(isinstance(point, Point) and point.y == 8 for point in points)
    assert None not in {point.x for point in points}


def test_what_is_compared_is_put_where_the_other_is() -> None:
    """A path that is compared with another takes the values that decide about that too."""
    assert {100, 101} <= {point.y for point in found()}


def test_where_nothing_is_read_nothing_turns() -> None:
    """A value that no guard reads has none that decide."""
    assert found(root="other") == ()


def test_inputs_take_every_arm() -> None:
    """Among a hundred made-up inputs are some for each arm of a choice, however far off its literal is."""
    lowered = machine(STATES, input=POINT)
    subject = Subject(lowered, runner_of(lowered))
    points = several(inputs(subject), 100, 0)

    assert {point.x > 100 and point.y is not None and point.y <= point.x for point in points} == {True, False}


def test_what_is_known_is_made_whole() -> None:
    """A part takes its place in a value of the type, and what stands for an item becomes one."""

    def made(known: object, kind: object) -> object:
        return whole(known, kind, {Point: Point(1, 2), Page[Point]: Page([], "yes"), int: 7}.__getitem__)

    assert made({"y": 3}, Point) == {"x": 1, "y": 3}
    assert made(["x", "x"], list[Point]) == [{"x": 1, "y": 2}] * 2
    assert made(["x"], list[str]) == ["x"]
    assert made(["x", 3], list[int]) == [7, 3]
    assert made({"x": ["x"]}, dict[str, list[str]]) == {"x": ["x"]}
    assert made({"y": 3}, Point | None) == {"x": 1, "y": 3}
    assert made({"x": "x"}, dict[str, Point]) == {"x": {"x": 1, "y": 2}}
    assert made({"items": ["x", "x"]}, Page[Point]) == {"items": [{"x": 1, "y": 2}] * 2, "more": "yes"}
    assert made(None, Point | None) is None
    assert made("no number", int) == "no number"


def test_null_comes_last() -> None:
    """Where a value of a type does, null is not taken for it."""
    guard = All((Compare("<=", Path("a", ("x",)), Value(3)), Compare("<", Path("a", ("x",)), Path("b", ()))))
    first = next(iter(assignments([guard])))
    everything = list(assignments([guard]))

    assert first["a"]["x"] is not None
    assert everything[-1] == {"a": {"x": None}, "b": None}


def test_what_has_parts_may_be_null_itself():
    """Where a guard asks whether a value is there, and for a part of it, it is not there in some."""
    guards = (Compare("==", Path("a", ()), Value(None)), Compare(">", Path("a", ("x",)), Value(3)))

    assert {None, 3} <= {None if each["a"] is None else each["a"]["x"] for each in assignments(guards)}
    assert {"a": None} in list(assignments(guards))


def test_a_type_is_sampled_once() -> None:
    """However many values decide, what no guard looks at is made up once for each type."""
    asked: list[object] = []

    def sample(kind: object) -> Point:
        asked.append(kind)
        return Point(7, 8)

    assert len(decisive(machine(STATES, input=POINT), ["input"], Point, sample)) > 1
    assert asked == [Point]
