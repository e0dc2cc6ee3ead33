"""Values as a journal keeps them, and as they are read back."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pydantic
import pytest

from fsmflow.engines.keeping import Unkeepable, read, written
from fsmflow.runtime.validation import validator


class Paid(pydantic.BaseModel):
    """A model with what JSON has no word for."""

    on: date
    amount: Decimal = pydantic.Field(alias="sum")


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


@pytest.mark.parametrize("value", [Hidden(token=pydantic.SecretStr("a")), Odd(what=object())])
def test_a_model_that_is_another_one_once_it_is_read_is_not_kept(value: object) -> None:
    """What can't be written, or would be read back as something else, is refused."""
    with pytest.raises(Unkeepable, match="can't be kept"):
        written(value)
