"""Steps are called by what they are given, in whatever way: what they take is theirs alone."""

from __future__ import annotations

import functools

import pytest

from fsmflow.runtime.calling import caller
from fsmflow.spec import End
from tests.runtime.workbench import run, step


def one(a):
    return [a]


def two(a, b):
    return [a, b]


def three(a, b, c):
    return [a, b, c]


def by_name(*, a):
    return [a]


def defaulted(a, b=None):
    return [a, b]


def anything(**given):
    return list(given.values())


@functools.wraps(one)
def wrapped(**given):
    return one(**given)


class Called:
    def __call__(self, a):
        return [a]

    def method(self, a):
        return [a]


FUNCTIONS = [
    (one, 1),
    (two, 2),
    (three, 3),
    (by_name, 1),
    (defaulted, 1),
    (defaulted, 2),
    (anything, 2),
    (wrapped, 1),
    (Called(), 1),
    (Called().method, 1),
    (functools.partial(two, b=None), 1),
]


@pytest.mark.parametrize(("function", "count"), FUNCTIONS)
def test_arguments_reach_their_parameters_by_name(function, count):
    """Whatever the order in which they stand, each argument is passed as the parameter of its name."""
    given = {name: name.upper() for name in "cba"[3 - count :]}

    assert sorted(filter(None, caller(function)(given))) == sorted(given.values())
    if count == 2 and function is not anything:
        assert caller(function)(given) == ["A", "B"]


@pytest.mark.parametrize("function", [one, two, three, by_name, wrapped, Called()])
@pytest.mark.parametrize("names", ["", "x", "ax", "abx", "abcd"])
def test_arguments_that_do_not_fit_are_refused_as_python_does(function, names):
    """A name that is missing, or too many, is a TypeError, never passed by position."""
    with pytest.raises(TypeError):
        caller(function)(dict.fromkeys(names, 1))


@pytest.mark.parametrize(("function", "count"), FUNCTIONS)
@pytest.mark.parametrize("value", [[1, [2]], {"k": [1]}, {1, 2}, ([1],), bytearray(b"1")])
def test_containers_are_copied_for_the_step(function, count, value):
    """A list, mapping or set that a step is given is equal to what others hold, and not the same."""
    given = dict.fromkeys("abc"[:count], value)
    taken = [each for each in caller(function)(given) if each is not None]

    assert taken == [value] * count
    assert not any(each is value for each in taken)


def test_what_is_too_deep_to_be_copied_is_passed_as_it_is():
    """A list nested beyond what Python follows is no error: the step has it as it is."""
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]

    assert caller(one)({"a": deep})[0] is deep


async def later():
    return 7


async def gives_what_gives():
    return later()


@functools.wraps(later)
def wrapped():
    return 77


@functools.wraps(later)
def wrapped_around():
    return later()


@pytest.mark.parametrize("options", [{}, {"trace": lambda event: None}], ids=["unwatched", "watched"])
@pytest.mark.parametrize(
    ("function", "value"),
    [(gives_what_gives, 7), (wrapped, 77), (wrapped_around, 7), (functools.partial(later), 7)],
    ids=["a coroutine of a coroutine", "a sync wrapper", "a wrapper around it", "a part of it"],
)
def test_what_a_step_gives_is_awaited_as_far_as_it_can_be(function, value, options):
    """Watched or not, a run takes no coroutine for an output, and a wrapper for what it is itself."""
    states = {"work": step(success="given", gives="int"), "given": End(end="success", output="$work")}
    result = run(states, {"work": function}, options=options)

    assert (result.end, result.output) == ("given", value)
