"""Values that decide: plain data in which paths lead somewhere, and guards hold or just do not."""

from __future__ import annotations

import itertools
import math
from collections.abc import Container, Iterable, Iterator, Mapping
from random import Random
from typing import Any

from fsmflow.expressions import Compare, Guard, Length, Operand, Path, Truth, Value, Within, atoms

MOST = 200
"""How many assignments are tried for one set of guards."""

Names = tuple[str, ...]


def shaped(paths: Iterable[Names], mark: str, lists: Container[Names] = ()) -> dict[str, Any]:
    """Give values in which each path leads to a text of its own, with `mark` in it, or to a list of one."""
    values: dict[str, Any] = {}
    for names in sorted(set(paths), key=lambda names: (len(names), names)):
        text = f"{mark} {'.'.join(names)}"
        _put(values, names, [text] if names in lists else text)
    return values


def assignments(guards: Iterable[Guard]) -> Iterator[dict[str, Any]]:
    """Give values that put the guards' paths on their literals, and on those literals' neighbours.

    A path that is compared with another one is put where that is put too. All combinations if they are few;
    else each path in turn over everything, and a fixed sample. Null, which fits few types, comes last;
    what is null has no parts.
    """
    wanted: dict[Names, list[Any]] = {}
    guards = tuple(guards)
    for guard in guards:
        for path, candidates in _candidates(guard):
            _add(wanted.setdefault((path.root, *path.path), []), candidates)
    for left, right in itertools.chain.from_iterable(map(_pairs, guards)):
        first, second = wanted[left.root, *left.path], wanted[right.root, *right.path]
        _add(first, second)
        _add(second, first)
    wanted = {names: sorted(values, key=lambda value: value is None) for names, values in wanted.items()}
    for chosen in _combinations(wanted):
        values: dict[str, Any] = {}
        for names in sorted(wanted, key=len):
            if not any(chosen.get(names[:size], 0) is None for size in range(1, len(names))):
                _put(values, names, chosen[names])
        yield values


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one tree of values over another."""
    result = dict(below)
    for name, value in above.items():
        under = result.get(name)
        result[name] = merged(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return result


def _combinations(wanted: Mapping[Names, list[Any]]) -> Iterator[dict[Names, Any]]:
    if not wanted:
        return
    if math.prod(len(candidates) for candidates in wanted.values()) <= MOST:
        for chosen in itertools.product(*wanted.values()):
            yield dict(zip(wanted, chosen, strict=True))
        return
    first = {names: candidates[0] for names, candidates in wanted.items()}
    for names, candidates in wanted.items():
        for candidate in candidates:
            yield {**first, names: candidate}
    random = Random(0)  # noqa: S311 - a fixed sample, and no secret
    for _ in range(MOST):
        yield {names: random.choice(candidates) for names, candidates in wanted.items()}


def _put(values: dict[str, Any], names: Names, value: Any) -> None:
    *way, last = names
    for name in way:
        inner = values.get(name)
        if not isinstance(inner, dict):
            inner = values[name] = {}
        values = inner
    values[last] = value


def _add(known: list[Any], values: Iterable[Any]) -> None:
    known += [value for value in values if not any(_is_same(value, each) for each in known)]


def _pairs(guard: Guard) -> Iterator[tuple[Path, Path]]:
    """Give the paths that are compared with one another."""
    for atom in atoms(guard):
        match atom:
            case Compare(left=Path() as left, right=Path() as right):
                yield left, right


def _is_same(left: Any, right: Any) -> bool:
    return type(left) is type(right) and bool(left == right)


def _candidates(guard: Guard) -> Iterator[tuple[Path, list[Any]]]:
    for atom in atoms(guard):
        match atom:
            case Truth(of=path):
                yield path, [True, False, None]
            case Within(left=left, items=items):
                yield from _of(left, list(items))
            case Compare(left=left, right=right):
                literals = [side.value for side in (left, right) if isinstance(side, Value)]
                yield from _of(left, literals or [1])
                yield from _of(right, literals or [1])


def _of(operand: Operand, literals: list[Any]) -> Iterator[tuple[Path, list[Any]]]:
    match operand:
        case Path():
            yield operand, [*literals, *(n for x in literals for n in _neighbours(x)), None]
        case Length(of=path):
            sizes = {n for x in literals if type(x) is int for n in (x - 1, x, x + 1) if 0 <= n <= 1000}
            yield path, [["x"] * size for size in sorted(sizes or {0, 1})]


def _neighbours(literal: Any) -> list[Any]:
    match literal:
        case bool():
            return [not literal, int(literal)]
        case int() | float():
            return [literal - 1, literal + 1]
        case str():
            return [literal + "x", ""]
    return [0]
