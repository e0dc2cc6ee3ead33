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
from fsmflow.runtime.models.json_schema import is_object, is_strict, json_schema
from fsmflow.runtime.validation import validator
from tests.runtime.shapes import Filter, Link, Node, Settled
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
    (Node, {"name": "a", "below": None, "beside": []}, {"name": "a", "below": {"name": 1}, "beside": []}),
    (Link, {"name": "a", "after": None}, {"name": "a", "after": {"name": 1, "after": None}}),
    (Settled, {"name": "a"}, {"name": "a", "limit": "b"}),
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


class Strict(pydantic.BaseModel, extra="forbid"):
    """A model that lists all that it holds, and allows nothing else."""

    name: str
    point: Literal["a", "b"]


class Bounded(pydantic.BaseModel, extra="forbid"):
    """The same, but of a text that is not too long."""

    name: str = pydantic.Field(max_length=5)


class Around(pydantic.BaseModel, extra="forbid"):
    """One that holds such a text further down, where it is defined and referred to."""

    inner: Bounded


class Described(pydantic.BaseModel, extra="forbid"):
    """The same, but with words beside a reference."""

    inner: Strict = pydantic.Field(description="What is within.")


class Node(pydantic.BaseModel):
    """A model that holds itself."""

    below: list[Node]


class Level(enum.IntEnum):
    """Numbers by name."""

    LOW = 1


def parts(schema: Any) -> typing.Iterator[dict[str, Any]]:
    """Give a schema, and all that stand in it, but for those that are open."""
    if not schema:
        return
    yield schema
    held = (*schema.get("properties", {}).values(), *schema.get("$defs", {}).values())
    for each in (*held, *schema.get("anyOf", ()), schema.get("items")):
        yield from parts(each)


KINDS = [*(kind for kind, _, _ in CASES), typing.List, typing.Dict, Literal[True, None, "a"], Level]  # noqa: UP006


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_each_part_says_all_that_endpoints_insist_on(kind):
    """Each part says its type, each list what is in it, and each object which properties it has."""
    for part in parts(json_schema(kind)):
        assert part.keys() & {"type", "anyOf", "$ref"}, part
        assert part.get("type") != "array" or "items" in part
        if part.get("type") == "object":
            # Nothing listed, and nothing said of all else, is taken for nothing allowed.
            assert part["properties"] or "additionalProperties" in part


@pytest.mark.parametrize("kind", [Tree, Node])
def test_what_holds_itself_is_an_object_at_its_root(kind):
    """A class that holds itself says that it is an object where endpoints look for that, at the root."""
    schema = json_schema(kind)

    assert schema["type"] == "object"
    assert schema["properties"]["below"]["items"] == {"$ref": f"#/$defs/{kind.__name__}"}
    assert jsonschema.Draft202012Validator(schema).is_valid({"name": "a", "below": []})


def test_a_tuple_of_one_type_is_a_list_of_it():
    """What may be of one type alone is not said to be of one of several."""
    assert json_schema(tuple[int, int]) == {"type": "array", "items": {"type": "integer"}}


def test_the_type_of_values():
    """Values say what they are; an enumeration's member is no JSON, and leaves open what is."""
    assert json_schema(Literal["a", "b"]) == {"type": "string", "enum": ["a", "b"]}
    assert json_schema(Literal[1, True, None]) == {
        "type": ["integer", "boolean", "null"],
        "enum": [1, True, None],
    }
    assert json_schema(Level) == {"type": "integer", "enum": [1]}
    assert json_schema(Literal[Colour.RED]) == {}


@pytest.mark.parametrize(
    ("kind", "strict"),
    [(Strict, True), (Bounded, False), (Around, False), (Described, False), (Level, True)],
    ids=str,
)
def test_what_an_endpoint_refuses_is_not_asked_of_it_strictly(kind, strict):
    """A keyword that no endpoint has to know, or one beside a reference, is asked for in words alone."""
    assert is_strict(json_schema(kind)) is strict
