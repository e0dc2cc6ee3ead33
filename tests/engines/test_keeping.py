"""Values as a journal keeps them, and as they are read back."""

from __future__ import annotations

import enum
from datetime import date
from decimal import Decimal

import pydantic
import pydantic.dataclasses
import pytest
from attrs import frozen

from fsmflow.engines.keeping import Unkeepable, read, read_by_field, written
from fsmflow.runtime.validation import validator


class Paid(pydantic.BaseModel):
    """A model with what JSON has no word for."""

    on: date
    amount: Decimal = pydantic.Field(alias="sum")


@pydantic.dataclasses.dataclass
class Place:
    """A dataclass that pydantic validates."""

    name: str
    tags: list[str]


class Hidden(pydantic.BaseModel):
    """A model that does not tell what it holds."""

    token: pydantic.SecretStr


class Odd(pydantic.BaseModel, arbitrary_types_allowed=True):
    """A model with what nobody can write."""

    what: object


def test_a_model_is_kept_as_it_says_it_is_written() -> None:
    """A date and a decimal of a pydantic model are read back as they were, wherever the model stands."""
    paid = Paid(on=date(2026, 1, 31), sum=Decimal("1.50"))
    validate = validator(list[Paid])
    assert validate is not None

    assert validate(read(written([paid]))) == [paid]


def test_a_dataclass_of_pydantics_is_kept_as_any_other() -> None:
    """It is no model, which says how it is written, but has fields."""
    place = Place("Rome", ["old"])
    validate = validator(Place)
    assert validate is not None

    assert validate(read(written(place))) == place


class Level(enum.Enum):
    """An enumeration of words."""

    LOW = "low"


class Size(enum.IntEnum):
    """An enumeration of numbers."""

    ONE = 1


class UserId(str):
    """A text of a class of its own, which shows itself otherwise."""

    __slots__ = ()

    def __str__(self) -> str:
        return "somebody"


@frozen
class Account:
    """A class with fields of these."""

    owner: UserId
    level: Level
    size: Size


def test_what_derives_from_a_scalar_is_made_again() -> None:
    """Members of enumerations, and classes that derive from text, are read back as what they were."""
    validate = validator(Account)
    account = Account(UserId("u1"), Level.LOW, Size.ONE)
    assert validate is not None

    found = validate(read(written(account)))

    assert found == account
    assert [type(each) for each in (found.owner, found.level, found.size)] == [UserId, Level, Size]
    assert written(account) == '{"owner":"u1","level":"low","size":1}'


@pytest.mark.parametrize("value", [Hidden(token=pydantic.SecretStr("a")), Odd(what=object())])
def test_a_model_that_is_another_one_once_it_is_read_is_not_kept(value: object) -> None:
    """What can't be written, or would be read back as something else, is refused."""
    with pytest.raises(Unkeepable, match="can't be kept"):
        written(value)


class Order(pydantic.BaseModel):
    """A model whose fields are written under other names, and one that holds such models."""

    sums: list[Paid]
    to: str = pydantic.Field(alias="$to")
    note: str


def test_what_is_told_of_a_model_has_the_names_of_its_fields() -> None:
    """A model is read again under its aliases, and told by the names that a spec has for its parts."""
    order = Order(**{"sums": [Paid(on=date(2026, 1, 31), sum=Decimal(1))], "$to": "a", "note": "$b"})
    validate = validator(Order)
    assert validate is not None
    text = written(order)

    assert validate(read(text)) == order
    assert read_by_field(text) == {"sums": [{"on": "2026-01-31", "amount": "1"}], "to": "a", "note": "$b"}
