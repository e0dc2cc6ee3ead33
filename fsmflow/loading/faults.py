"""What cattrs found wrong, as diagnostics with their places, each with a cure.

A cure is an edit that lets structuring go on past the fault, so that one bad key doesn't keep
the rest of a file from being checked. It is never a guess at what the author meant, except
that a misspelt key is read as the one it resembles.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import attrs
from attrs import frozen
from cattrs import AttributeValidationNote, IterableValidationNote
from cattrs.errors import BaseValidationError, ClassValidationError, ForbiddenExtraKeysError

from fsmflow.diagnostics import Diagnostic, did_you_mean, nearest
from fsmflow.loading.converter import KindMisfit, Misfit, key_of, keys_of, without_none
from fsmflow.loading.names import shown
from fsmflow.loading.reference import NAMES
from fsmflow.source import Route
from fsmflow.spec import KINDS, Arm, Branch, Duration, Money, Run, State, Success, Workflow

MAX_UNKNOWN_KEYS = 20
"""How many unknown keys of one mapping are told one by one."""


@frozen
class Drop:
    """Leave the entry at `route` out."""

    route: Route


@frozen
class Put:
    """Put something that structures at `route`."""

    route: Route
    value: Any


@frozen
class Rename:
    """Read the key at `route` as another."""

    route: Route
    key: str


Cure = Drop | Put | Rename


@frozen
class Fault:
    """A diagnostic, and the edits that lead past it."""

    diagnostic: Diagnostic
    cures: tuple[Cure, ...]


@frozen
class _Slot:
    """What a place in the tree is declared to hold. A field that is not required may be left out."""

    type: Any
    required: bool
    example: Any = None


def faults(error: BaseException, tree: Any) -> Iterator[Fault]:
    """Give every fault in an error that cattrs raised when it structured `tree`."""
    haven = _haven(tree)
    pending: list[tuple[BaseException, Route, Any, _Slot]] = [(error, (), tree, _Slot(Workflow, True))]
    while pending:
        problem, route, data, slot = pending.pop()
        if isinstance(problem, BaseValidationError):
            if isinstance(problem, ClassValidationError):
                yield from _key_faults(problem, route, data, haven)
            pending.extend(reversed(list(_within(problem, route, data))))
        elif isinstance(problem, KindMisfit):
            cures = _kind_cures(problem, route, data)
            told = _diagnostic(problem, route, slot)
            if isinstance(cures[0], Rename):
                told = attrs.evolve(told, route=cures[0].route, key=True)
            yield Fault(told, cures)
        elif isinstance(problem, Misfit):
            cure = Put(route, neutral(slot.type, haven)) if slot.required else Drop(route)
            yield Fault(_diagnostic(problem, route, slot), (cure,))
        else:
            raise problem


def neutral(type_: Any, haven: str) -> Any:
    """Give plain data that structures as `type_`; where a state must be named, it is `haven`."""
    type_ = without_none(type_)
    if type_ in (Arm, Success):
        return haven
    if type_ == State:
        return {"end": "failed"}
    if get_origin(type_) is Literal:
        return get_args(type_)[0]
    container = get_origin(type_) or type_
    plain = {str: haven, int: 1, bool: False, list: [], dict: {}, Duration: "1s", Money: 0}
    if container in plain:
        return plain[container]
    return {key: neutral(a.type, haven) for key, a in keys_of(type_).items() if a.default is attrs.NOTHING}


def _haven(tree: Any) -> str:
    """Name the first end, else the first state."""
    states = tree.get("states") if isinstance(tree, dict) else None
    if not isinstance(states, dict) or not states:
        return "unnamed"
    ends = (name for name, state in states.items() if isinstance(state, dict) and "end" in state)
    return str(next(ends, next(iter(states))))


def _within(
    group: BaseValidationError, route: Route, data: Any
) -> Iterator[tuple[BaseException, Route, Any, _Slot]]:
    """Give the errors in a group, with the place, the data and the declaration of each."""
    for problem in group.exceptions:
        for note in getattr(problem, "__notes__", ()):
            if isinstance(note, AttributeValidationNote):
                if isinstance(problem, KeyError):
                    continue
                key = key_of(note.name)
                attribute = keys_of(group.cl)[key]
                example = next(iter(attribute.metadata.get("examples", ())), None)
                slot = _Slot(attribute.type, attribute.default is attrs.NOTHING, example)
                yield problem, (*route, key), data[key], slot
            elif isinstance(note, IterableValidationNote):
                # An item that is left out would move those after it away from their places in the text, and
                # without its states, labels or branches a mapping may be one that holds too little.
                required = isinstance(data, list) or without_none(note.type) in (State, Arm, Branch)
                yield problem, (*route, note.index), data[note.index], _Slot(note.type, required)


def _key_faults(
    error: ClassValidationError, route: Route, data: dict[str, Any], haven: str
) -> Iterator[Fault]:
    """Give the unknown and the missing keys of one mapping."""
    known = keys_of(error.cl)
    unknown = [key for key in data if key not in known]
    missing = [
        key_of(note.name)
        for problem in error.exceptions
        if isinstance(problem, KeyError)
        for note in getattr(problem, "__notes__", ())
        if isinstance(note, AttributeValidationNote)
    ]
    assert not unknown or any(isinstance(p, ForbiddenExtraKeysError) for p in error.exceptions)
    renamed: set[str] = set()
    for key in unknown[:MAX_UNKNOWN_KEYS]:
        free = [k for k in known if k not in data and k not in renamed]
        fault = _unknown_key(error.cl, key, route, free, haven)
        renamed |= {cure.key for cure in fault.cures if isinstance(cure, Rename)}
        yield fault
    if len(unknown) > MAX_UNKNOWN_KEYS:
        rest = tuple(Drop((*route, key)) for key in unknown[MAX_UNKNOWN_KEYS:])
        first = (*route, unknown[MAX_UNKNOWN_KEYS])
        yield Fault(Diagnostic("unknown-key", f"{len(rest)} more unknown keys", first, key=True), rest)
    for key in missing:
        if key not in renamed:
            attribute = known[key]
            yield Fault(
                Diagnostic(
                    "missing-key", f"the key `{key}` is missing", (*route, key), hint=_example(attribute)
                ),
                (Put((*route, key), neutral(attribute.type, haven)),),
            )


def _unknown_key(cls: type, key: str, route: Route, free: list[str], haven: str) -> Fault:
    owners = [kind for kind, owner in KINDS.items() if key in keys_of(owner)]
    cures: tuple[Cure, ...] = (Drop((*route, key)),)
    if cls in KINDS.values() and owners:
        *most, last = (f"`{kind}`" for kind in owners)
        hint = (
            f"it belongs to {', '.join(most)} and {last} states" if most else f"it belongs to {last} states"
        )
    else:
        hint = "a colon needs a space after it" if ":" in key else did_you_mean(key, keys_of(cls))
        near = nearest(key, free)
        if near is not None and hint == f"did you mean `{near}`?":
            cures = (Rename((*route, key), near),)
        if (meant := key.partition(":")[0]) in free:
            # What stands behind the colon is no value yet.
            value = neutral(keys_of(cls)[meant].type, haven)
            cures = (Rename((*route, key), meant), Put((*route, meant), value))
        if hint.endswith("…") and cls in NAMES:
            hint += f"; `fsmflow explain {NAMES[cls]}` tells them all"
    diagnostic = Diagnostic("unknown-key", f"unknown key `{shown(key)}`", (*route, key), key=True, hint=hint)
    return Fault(diagnostic, cures)


def _kind_cures(problem: KindMisfit, route: Route, data: dict[str, Any]) -> tuple[Cure, ...]:
    """Read a misspelt kind as the near one, and of two kinds keep the first."""
    if problem.found:
        kept = keys_of(KINDS[problem.found[0]])
        return tuple(Drop((*route, key)) for key in data if key not in kept)
    for key in data:
        near = nearest(key, KINDS) if problem.hint and key not in keys_of(Run) else None
        if near is not None and problem.hint == f"did you mean `{near}`?":
            return (Rename((*route, key), near),)
    return (Put(route, {"end": "failed"}),)


def _diagnostic(problem: Misfit, route: Route, slot: _Slot) -> Diagnostic:
    hint = problem.hint
    if not hint and slot.example is not None and isinstance(route[-1], str):
        hint = f"for example `{route[-1]}: {_flow(slot.example)}`"
    return Diagnostic(problem.check, problem.message, route, hint=hint)


def _example(attribute: attrs.Attribute[Any]) -> str:
    examples = attribute.metadata.get("examples", ())
    return f"for example `{key_of(attribute.name)}: {_flow(examples[0])}`" if examples else ""


def _flow(example: Any) -> str:
    """Write an example on one line, as YAML."""
    match example:
        case dict():
            return "{" + ", ".join(f"{key}: {_flow(value)}" for key, value in example.items()) + "}"
        case list():
            return "[" + ", ".join(map(_flow, example)) + "]"
        case str():
            return example
    return json.dumps(example)
