"""Types for outputs: attrs classes, dataclasses, a pydantic model."""

from __future__ import annotations

import dataclasses
from typing import Literal

import attrs
import pydantic


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


@dataclasses.dataclass
class Point:
    """A dataclass."""

    x: int
    y: int | None = None


class Model(pydantic.BaseModel):
    """A pydantic model."""

    name: str
    age: int
