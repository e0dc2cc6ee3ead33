"""Families: states of a large machine that differ in names alone, and so share their code.

A module with functions for each of 10,000 states takes a gigabyte and seconds to compile. Beyond a thousand
states, the functions of a state are written once for all that are like it, inside a function whose
parameters are the names; each state is then a line of names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import zip_longest
from operator import attrgetter
from typing import Any

from attrs import evolve, fields, frozen

from fsmflow.backends._python import Parameter, literal, wrapped
from fsmflow.backends._python_states import StateFunctions
from fsmflow.expressions import (
    All,
    AnyOf,
    Compare,
    DictTemplate,
    EachTemplate,
    Length,
    ListTemplate,
    Not,
    Path,
    Reference,
    Truth,
    Within,
)
from fsmflow.machine import Ask, Choice, Counter, End, Machine, Resources, State, Transition, Wait, Work

LARGE = 1_000
"""Beyond how many states a module is written by families."""

_NAMED: Mapping[type, frozenset[str]] = {
    Work: frozenset({"name", "call", "value"}),
    Ask: frozenset({"name", "value"}),
    Choice: frozenset({"name"}),
    Wait: frozenset({"name"}),
    End: frozenset({"name"}),
    Transition: frozenset({"source", "target", "below", "used_up"}),
    Reference: frozenset({"root"}),
    Path: frozenset({"root"}),
    Resources: frozenset(),
    **dict.fromkeys(
        (ListTemplate, DictTemplate, EachTemplate, Compare, Within, Truth, Not, All, AnyOf, Length),
        frozenset(),
    ),
}
"""Which fields hold names, of what is looked into; of anything else, the code has every part."""


def _getter(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    """Make what gives the parts of a value by these names, at once."""
    # With one name more it gives a tuple, however few there are.
    parts = attrgetter(*names, "__class__", "__class__")
    return lambda value: parts(value)[:-2]


_UNWRITTEN = frozenset({"title", "secret"})
"""Fields that the functions of a state do not have."""

_FIELDS = {
    cls: tuple((a.name, a.name in named) for a in fields(cls) if a.name not in _UNWRITTEN)
    for cls, named in _NAMED.items()
}
_PARTS = {
    cls: tuple(_getter([name for name, is_named in parts if is_named is wanted]) for wanted in (True, False))
    for cls, parts in _FIELDS.items()
}
"""What gives the parts of a value that hold names, and what gives the others."""

_PLAIN = frozenset({str, bool, type(None)})
"""What is the same if it is equal, and equal to none of the others."""


@frozen
class Family:
    """The code of states that are alike.

    Attributes:
        name: The function that makes a state's.
        example: One of the states.
        code: The lines of that function.
    """

    name: str
    example: str
    code: tuple[str, ...]


@frozen
class Families:
    """A machine by families: their code, and the names of each state, in the order of the states."""

    families: tuple[Family, ...]
    members: tuple[tuple[str, tuple[str, ...]], ...]


Commands = Callable[[StateFunctions, State], Iterable[str]]
"""Writes the commands of a state: what makes its attempt, its question, its pause or its end."""


def families(machine: Machine, commands: Commands) -> Families:
    """Sort the states of `machine` into families, and write the code of each."""
    found: dict[tuple[Any, ...], Family] = {}
    members = []
    for state in machine.states.values():
        names: dict[str, int] = {}
        shape = tuple(_shape(machine, state, names))
        if shape not in found:
            name = f"family_{len(found)}"
            found[shape] = Family(name, state.name, tuple(_written(machine, state, names, name, commands)))
        members.append((found[shape].name, tuple(names)))
    return Families(tuple(found.values()), tuple(members))


def _shape(machine: Machine, state: State, names: dict[str, int]) -> list[Any]:
    """Give all that the functions of `state` are made of, names by number, and number the names."""
    shape: list[Any] = []
    _look(state, shape, names)
    for way in machine.outgoing[state.name]:
        _look(way, shape, names)
        shape.append(isinstance(machine.states[way.target], Choice))
        shape.extend(machine.counters[counter].cap for counter in way.below)
    resets = machine.resets[state.name]
    shape.append(len(resets))
    shape.extend(names.setdefault(counter, len(names)) for counter in resets)
    return shape


def _look(value: Any, shape: list[Any], names: dict[str, int]) -> None:
    cls = value.__class__
    if cls in _PARTS:
        shape.append(cls)
        named, others = _PARTS[cls]
        for part in named(value):
            if part.__class__ is str:
                shape.append(names.setdefault(part, len(names)))
            elif not part:
                shape.append(part)
            else:
                shape.append(len(part))
                shape.extend(names.setdefault(each, len(names)) for each in part)
        rest = others(value)
        if _PLAIN.issuperset(map(type, rest)):
            shape.append(rest)
            return
        for part in rest:
            _look(part, shape, names)
    elif cls is tuple:
        shape.append(len(value))
        for part in value:
            _look(part, shape, names)
    elif cls in _PLAIN:
        shape.append(value)
    else:
        # With its class: 1, 1.0 and True are equal, and not the same.
        shape.append((cls, value if cls is int else repr(value)))


def _written(
    machine: Machine, state: State, names: Mapping[str, int], name: str, commands: Commands
) -> Iterator[str]:
    """Write the function that makes a state's functions of its names."""
    called = {each: Parameter(f"n{number}") for each, number in names.items()}
    alone = _alone(machine, state, called)
    functions = StateFunctions(alone)
    like = alone.states[called[state.name]]
    parameters = [*(f"{parameter}: str" for parameter in called.values()), "to: Sequence[Enter]"]
    yield from wrapped(f"def {name}(", parameters, ") -> Member:")
    yield f'    """Make a state such as `{state.name}` of its names."""'
    made = [*commands(functions, like)]
    body = [*functions.of(like)][1:]
    kinds = [line.partition("(")[0].removeprefix("def ") for line in body if line.startswith("def ")]
    # Functions within one stand a line apart.
    spaced = [line for line, after in zip_longest(body, body[1:]) if line or after]
    for line in (*made, *spaced):
        yield f"    {line}" if line else ""
    yield ""
    told = [f"{kind}={kind}" for kind in (*(["command"] if made else []), *kinds) if kind != "admit"]
    follows = functions.follows(like)
    if follows is not None:
        told.append(f"succeed={literal(follows)}")
    yield from wrapped("return Member(", told, ")", "    ")


def _alone(machine: Machine, state: State, called: Mapping[str, Parameter]) -> Machine:
    """Give as much of a machine as the functions of one state look at, by the parameters for its names."""
    ways = machine.outgoing[state.name]
    states: dict[str, State] = {called[way.target]: machine.states[way.target] for way in ways}
    resets = machine.resets[state.name]
    counters = {counter for way in ways for counter in way.below} | {*resets}
    return evolve(
        machine,
        states=states | {called[state.name]: _renamed(state, called)},
        transitions=tuple(_renamed(way, called) for way in ways),
        counters={
            called[name]: Counter(called[name], counter.cap, called[state.name] if name in resets else None)
            for name, counter in machine.counters.items()
            if name in counters
        },
    )


def _renamed(value: Any, called: Mapping[str, Parameter]) -> Any:
    cls = value.__class__
    if cls is tuple:
        return tuple(_renamed(part, called) for part in value)
    if cls not in _FIELDS:
        return value
    changes: dict[str, Any] = {}
    for name, is_named in _FIELDS[cls]:
        part = getattr(value, name)
        if part is None:
            continue
        if not is_named:
            changes[name] = _renamed(part, called)
        elif part.__class__ is tuple:
            changes[name] = tuple(called[each] for each in part)
        else:
            changes[name] = called[part]
    return evolve(value, **changes)


def rows(members: Iterable[tuple[str, tuple[str, ...]]]) -> Iterator[str]:
    """Write each state as a line: its family, and its names."""
    written: dict[str, str] = {}
    for family, names in members:
        texts = [written.get(name) or written.setdefault(name, literal(name)) for name in names]
        yield f"    ({family}, ({', '.join(texts)}{',' if len(texts) == 1 else ''})),"
