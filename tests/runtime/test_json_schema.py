"""The schema of a type: it takes the answers that the runtime takes."""

from __future__ import annotations

import dataclasses
import enum
import typing
from collections.abc import Callable
from typing import Any, Literal, TypedDict

import attrs
import jsonschema
import pydantic
import pytest

from fsmflow.runtime.complaints import Rejected
from fsmflow.runtime.json_schema import is_object, is_strict, json_schema
from fsmflow.runtime.validation import validator
from tests.runtime.shapes import Filter
from tests.runtime.shapes import Pair as NamedPair


@attrs.frozen
class Passage:
    """What is cited."""

    name: str
    score: float = 0.0


@dataclasses.dataclass
class Answer:
    """What is answered."""

    text: str
    passages: list[Passage]
    best: Passage | None
    kind: Literal["long", "short"] = "short"


@attrs.frozen
class Tree:
    """What holds itself."""

    name: str
    below: list[Tree]


class Point(pydantic.BaseModel):
    """A point."""

    x: int
    y: int


class Line(pydantic.BaseModel):
    """A model in a model."""

    start: Point
    end: Point


class Needed(TypedDict):
    """A mapping with a key of its own."""

    text: str


class Options(Needed, total=False):
    """One more, which may be left out."""

    limit: int


class Colour(enum.Enum):
    """One of a few."""

    RED = "red"
    BLUE = "blue"


class Odd(pydantic.BaseModel):
    """A model that holds what has no schema."""

    call: Callable[[], int]


class Pair(enum.Enum):
    """Values that JSON does not have."""

    ONE = (1, 2)


class UserId(str):
    """A text of a class of its own."""

    __slots__ = ()


Name = typing.NewType("Name", str)
T = typing.TypeVar("T")


@attrs.frozen
class Found(typing.Generic[T]):
    """A class of so and so."""

    what: T
    others: list[T]


PASSAGE = {"name": "a", "score": 1.5}
CASES = [
    (str, "a", 1),
    (int, 1, "1"),
    (float, 1.5, "1"),
    (bool, True, 1),
    (type(None), None, 0),
    (list, [1], {}),
    (dict, {"a": 1}, []),
    (list[int], [1], ["a"]),
    (dict[str, int], {"a": 1}, {"a": "b"}),
    (Literal["a", 2], 2, "b"),
    (int | None, None, "a"),
    (Passage | int, PASSAGE, "a"),
    (Passage, PASSAGE, {"name": "a", "score": 1, "more": 1}),
    (Answer, {"text": "a", "passages": [PASSAGE], "best": None, "kind": "long"}, {"text": "a"}),
    (Tree, {"name": "a", "below": [{"name": "b", "below": []}]}, {"name": "a", "below": [1]}),
    (list[Tree], [{"name": "b", "below": []}], [{"name": "b"}]),
    (Point, {"x": 1, "y": 2}, {"x": "a", "y": 2}),
    (Line, {"start": {"x": 1, "y": 2}, "end": {"x": 1, "y": 2}}, {"start": {"x": 1, "y": 2}}),
    (list[Line], [{"start": {"x": 1, "y": 2}, "end": {"x": 1, "y": 2}}], [{}]),
    (Options, {"text": "a"}, {"text": "a", "limit": "b"}),
    (Colour, "red", "green"),
    (Filter, {"text": "a"}, {"text": "a", "limit": "b"}),
    (NamedPair, {"name": "a", "count": 1}, {"name": "a", "count": "b"}),
    (set[int], [1], ["a"]),
    (tuple[int, ...], [1, 2], ["a"]),
    (tuple[int, str], [1, "a"], [1, None]),
    (typing.Sequence[Colour], ["red"], ["green"]),
    (UserId, "u1", 1),
    (Name, "a", 1),
    (Found[int], {"what": 1, "others": [2]}, {"what": 1, "others": ["a"]}),
    (list[Found[Name] | Found[int]], [{"what": "b", "others": []}], [{"what": None, "others": []}]),
]


@pytest.mark.parametrize(("kind", "good", "bad"), CASES, ids=lambda value: str(value)[:40])
def test_a_schema_says_what_the_validator_does(kind, good, bad):
    """An answer that fits the schema fits the type, and what the schema refuses the type refuses too."""
    schema = json_schema(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    check = jsonschema.Draft202012Validator(schema)

    assert check.is_valid(good)
    assert not check.is_valid(bad)
    validator(kind)(good)
    with pytest.raises(Rejected):
        validator(kind)(bad)


@pytest.mark.parametrize(
    ("kind", "object_", "strict"),
    [
        (Passage, True, True),
        (Answer, True, True),
        (Tree, True, True),
        (list[Tree], False, True),
        (Options, True, False),
        (dict[str, int], True, False),
        (dict, True, False),
        (list, False, False),
        (typing.List, False, False),  # noqa: UP006 - as an author may write it
        (typing.Dict, True, False),  # noqa: UP006
        (list[Any], False, False),
        (Passage | Point, False, False),
        (int | None, False, True),
        (Point, True, False),
    ],
)
def test_what_can_be_asked_of_an_endpoint(kind, object_, strict):
    """A whole answer is an object; an endpoint can be strict where each object lists all that it holds."""
    schema = json_schema(kind)

    assert is_object(schema) is object_
    assert is_strict(schema) is strict


def test_anything():
    """What has no schema is left open."""
    assert json_schema(Any) == {}
    assert json_schema(object) == {}
    assert json_schema(Odd) == {}
    assert json_schema(Pair) == {}
