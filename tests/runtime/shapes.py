"""Types for outputs: attrs classes, dataclasses, pydantic models, and what they may hold."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Sequence
from datetime import date
from typing import Any, Generic, Literal, NamedTuple, NotRequired, Required, Self, TypedDict, TypeVar

import attrs
import pydantic
import typing_extensions

T = TypeVar("T")


@attrs.frozen
class Passage:
    """An attrs class."""

    text: str
    score: float = 0.0


@attrs.frozen
class Answer:
    """An attrs class that holds others."""

    text: str
    citations: list[Passage]
    mood: Literal["sure", "unsure"] = "sure"


@attrs.frozen
class Positive:
    """An attrs class with a validator of its own."""

    amount: int = attrs.field(validator=attrs.validators.gt(0))


class Filter(TypedDict):
    """A typed dictionary that may lack a key, and holds itself."""

    text: str
    limit: NotRequired[int]
    below: NotRequired[list[Filter]]


class Asked(TypedDict, total=False):
    """A typed dictionary that needs but one key."""

    text: Required[str]
    limit: int


class Pair(NamedTuple):
    """A named tuple."""

    name: str
    count: int = 1


@dataclasses.dataclass
class Point:
    """A dataclass."""

    x: int
    y: int | None = None


class Model(pydantic.BaseModel):
    """A pydantic model."""

    name: str
    age: int


class Holder(pydantic.BaseModel):
    """A pydantic model that holds another."""

    held: Model


class Mood(enum.StrEnum):
    """Words of which there are only so many."""

    SURE = "sure"
    UNSURE = "unsure"


class Size(enum.IntEnum):
    """Numbers of which there are only so many."""

    SMALL = 1
    LARGE = 2


class Name(str):
    """A string of a class of its own."""

    __slots__ = ()


@attrs.frozen
class Box(Generic[T]):
    """An attrs class that holds anything."""

    held: T


@dataclasses.dataclass
class Bag:
    """A dataclass with collections, and more that JSON has no word of its own for."""

    words: set[str] = dataclasses.field(default_factory=set)
    more: Sequence[str] = ()
    rest: tuple[int, ...] = ()
    span: tuple[int, str] = (0, "")
    raw: bytes = b""
    box: Box[int] | None = None
    any: object = None


@attrs.frozen
class Noted:
    """An attrs class whose validator adds a note to its error."""

    a: int = attrs.field()

    @a.validator
    def _is_large(self, _: Any, a: int) -> None:
        error = ValueError("too small")
        error.add_note("it has to be larger")
        raise error


@attrs.frozen
class Dated:
    """An attrs class that holds a date."""

    on: date


@dataclasses.dataclass
class Open(Generic[T]):
    """A dataclass of which nobody says what it holds."""

    held: T


@attrs.frozen
class Node:
    """An attrs class that holds others of itself."""

    name: str
    below: Self | None = None
    beside: list[Self] = attrs.field(factory=list)


@dataclasses.dataclass
class Branch:
    """A dataclass that does so."""

    name: str
    below: Self | None = None


class Link(NamedTuple):
    """Named tuples that do so."""

    name: str
    after: Self | None = None


class Settled(typing_extensions.TypedDict):
    """A typed dictionary, as in later Pythons, with keys that are not to be changed."""

    name: typing_extensions.ReadOnly[str]
    limit: typing_extensions.NotRequired[typing_extensions.ReadOnly[int]]
