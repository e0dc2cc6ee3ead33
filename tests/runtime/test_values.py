"""Reading and comparing values: total, whatever they are."""

import pytest

from fsmflow.runtime import Missing, ge, gt, le, length, lt, maybe, read, same, within


class Hostile:
    """An object that raises whatever is done with it."""

    def __eq__(self, other):
        raise RuntimeError

    def __len__(self):
        raise RuntimeError

    __hash__ = __bool__ = __len__
    __lt__ = __eq__

    @property
    def part(self):
        raise RuntimeError


class HostileNumber(int):
    """A number that raises when it is compared."""

    def __lt__(self, other):
        raise RuntimeError

    __le__ = __gt__ = __ge__ = __lt__


@pytest.mark.parametrize("compare", [lt, le, gt, ge])
@pytest.mark.parametrize(
    ("left", "right"),
    [
        (1, "1"),
        (None, 1),
        (True, 0),
        ([1], [2]),
        ({}, {}),
        (Hostile(), 1),
        (1j, 2),
        (HostileNumber(1), HostileNumber(2)),
    ],
)
def test_things_in_no_order_are_in_no_order(compare, left, right):
    """Only two numbers, or two strings, are in an order."""
    assert compare(left, right) is False
    assert compare(right, left) is False


def test_numbers_and_strings_are_in_order():
    """They compare as Python has them; NaN is in no order."""
    nan = float("nan")

    assert lt(1, 1.5)
    assert le("a", "b")
    assert gt("b", "a")
    assert ge(2, 2)
    assert not any(compare(nan, nan) for compare in (lt, le, gt, ge))


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        (True, True, True),
        (None, None, True),
        ("a", "a", True),
        ([1], [1], True),
        (Hostile(), 1, False),
        (1, Hostile(), False),
    ],
)
def test_what_is_the_same(left, right, expected):
    """Values are the same if they are equal; a truth value equals no number."""
    assert same(left, right) is expected
    assert within(left, (right,)) is expected


def test_lengths_are_total():
    """What has no length, or none that can be told, has length 0."""
    assert [length(v) for v in ("ab", [1], {}, None, 5, Hostile())] == [2, 1, 0, 0, 0, 0]


def test_paths_lead_through_keys_and_fields_and_never_to_code():
    """A path is followed through mappings and attributes; a method, or what raises, is not there."""
    values = {"a": {"b": {"c": 1}, "copy": 2}, "h": Hostile(), "s": "text"}

    assert read(values, "a", "b", "c") == 1
    assert read(values, "a", "copy") == 2
    for path in (("x",), ("a", "x"), ("s", "upper"), ("h", "part"), ("a", "b", "c", "d")):
        assert maybe(values, *path) is None
        with pytest.raises(Missing, match=r"^\$" + r"\.".join(path)):
            read(values, *path)
