"""Steps that the checks' examples and cases name. They are read, never run."""

from __future__ import annotations

import dataclasses
from enum import Enum, StrEnum
from typing import Any, Literal

from attrs import field, frozen
from pydantic import BaseModel, ConfigDict

from fsmflow.runtime import Outcome, StepContext

LIMIT = 5
Mark = Literal["good", "bad"]


@frozen
class Question:
    """What is asked; a field with a default, one without, and a property."""

    text: str
    limit: int = 4
    tags: list[str] = field(factory=list)

    @property
    def words(self) -> list[str]:
        """The words."""
        return self.text.split()


@dataclasses.dataclass
class Answer:
    """What is answered."""

    text: str
    score: float = 0.0
    kind: Literal["long", "short"] = "short"


class Size(Enum):
    """An enum whose members are nothing else."""

    SMALL = "small"
    LARGE = "large"


class Speed(StrEnum):
    """An enum whose members are strings."""

    SLOW = "slow"


class Label(BaseModel):
    """A model that keeps the values of its enums."""

    model_config = ConfigDict(use_enum_values=True)
    size: Size


@frozen
class Parcel:
    """Something with enums in it."""

    size: Size
    speed: Speed
    label: Label
    other: Size | None = None


class Plain:
    """A class whose fields can't be told."""


def f(**anything: Any):
    """Take and give anything."""


def verdict(**anything: Any) -> Literal["yes", "no"]:
    """Give a label."""


def mark(**anything: Any) -> Mark:
    """Give a label by way of an alias."""


def count(text: str = "") -> int:
    """Count something."""


def answer(question: str, limit: int = 3, ctx: StepContext | None = None) -> Answer:
    """Answer a question."""


def revise(answer: Answer | None, why: str | None = None) -> Answer:
    """Make an answer better, or a first one."""


def merge(answers: list[Answer]) -> Answer:
    """Make one answer of several."""


async def choose(question: Question) -> Outcome:
    """Give a label and a value."""


def sort(question: Question) -> Outcome:
    """Give one of three labels, and a value."""
    if not question.text:
        return Outcome(label="none", value="")
    return Outcome("low" if question.limit < 3 else "high", question.text)


def sort_somehow(question: Question) -> Outcome:
    """Give a label that is there to be read, or one that is worked out, and a value."""

    def other() -> Outcome:
        return Outcome("another", "")

    return other() if question.limit else Outcome("low", question.text)


def by_position(text: str, /) -> str:
    """Take an argument that has no name."""


def is_long(answer: Answer, limit: int = 3) -> list[str]:
    """Accept an answer."""


def is_short(text: str) -> list[str]:
    """Accept a string."""
