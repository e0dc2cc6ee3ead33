"""What no trace may hold: what an author marked, and what a spec makes of it.

A *way* leads to something secret: `input.card` to a field of what goes in, `output` to all that comes out. It
goes through lists, item by item. What is marked once is secret wherever the spec hands it on: a value of
which a secret argument is made, and an argument that is made of a secret value. What a step gives is not
secret for its arguments' sake, as nobody can tell what it made of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from attrs import evolve

from fsmflow import machine as ir
from fsmflow import spec
from fsmflow.expressions import (
    ITEM,
    Constant,
    DictTemplate,
    EachTemplate,
    ListTemplate,
    Reference,
    Template,
)

INPUT, OUTPUT = "input", "output"

ALL = (INPUT, OUTPUT)

Way = tuple[str, ...]


def declared(state: spec.State) -> tuple[str, ...]:
    """Give the ways to what an author marked in a state."""
    secret: spec.Secret = getattr(state, "secret", False)
    if isinstance(secret, bool):
        return ALL if secret else ()
    # The fields of a map are those of each of its items.
    within = f"{INPUT}.items" if isinstance(state, spec.Map) else INPUT
    return tuple(way if way.split(".")[0] == OUTPUT else f"{within}.{way}" for way in secret)


def of_input(secret: spec.Secret) -> tuple[str, ...]:
    """Give the ways to what is secret of a workflow's input."""
    if isinstance(secret, bool):
        return (INPUT,) if secret else ()
    return _written((INPUT, *way.split(".")) for way in secret)


def spread(
    states: Mapping[str, ir.State], given: Collection[str]
) -> tuple[dict[str, ir.State], tuple[str, ...]]:
    """Mark all that is secret for what is marked, and give the ways to what of the input is.

    Args:
        states: The states, with what their authors marked.
        given: The ways to what is marked of the input.
    """
    if not given and not any(isinstance(s, ir.Work | ir.Ask) and s.secret for s in states.values()):
        return dict(states), ()
    known: dict[str, list[Way]] = {INPUT: [_read(way)[1:] for way in given]}
    for state in states.values():
        if isinstance(state, ir.Work | ir.Ask):
            marked = within(map(_read, state.secret), OUTPUT)
            known.setdefault(state.value, []).extend(marked)
            for root, way in _sources(state):
                known.setdefault(root, []).append(way)
    found = {name: _marked(state, known) for name, state in states.items()}
    return found, _written((INPUT, *way) for way in known[INPUT])


def within(ways: Iterable[Way], name: str) -> list[Way]:
    """Give the ways that lead through `name`, from there on."""
    return [way[1:] for way in ways if way[:1] == (name,)]


def _sources(state: ir.Work | ir.Ask) -> Iterator[tuple[str, Way]]:
    """Give the values of which secret arguments are made, with the ways into them."""
    marked = within(map(_read, state.secret), INPUT)
    for name, template in state.arguments:
        for way in marked:
            if way[:1] in ((), (name,)):
                yield from _source(template, way[1:])


def _source(template: Template, way: Way) -> Iterator[tuple[str, Way]]:
    """Give the values of which a part of what a template makes is made."""
    match template:
        case Reference(root=root, path=path):
            yield root, (*path, *way)
        case DictTemplate(items=pairs):
            for name, item in pairs:
                if way[:1] in ((), (name,)):
                    yield from _source(item, way[1:])
        case ListTemplate(items=items):
            for item in items:
                yield from _source(item, way)
        case EachTemplate(over=over, item=item):
            for root, of_item in _source(item, way):
                if root == ITEM:
                    yield from _source(over, of_item)
                else:
                    yield root, of_item


def _marked(state: ir.State, known: Mapping[str, Iterable[Way]]) -> ir.State:
    """Give a state with all that is secret in it."""
    if not isinstance(state, ir.Work | ir.Ask | ir.End):
        return state
    ways = [*map(_read, state.secret), *_made(state, known)]
    if not isinstance(state, ir.End):
        ways += ((OUTPUT, *way) for way in known[state.value])
    return evolve(state, secret=_written(ways)) if ways else state


def _made(state: ir.State, known: Mapping[str, Iterable[Way]]) -> Iterator[Way]:
    """Give the ways to what in a state is made of what is secret."""
    match state:
        case ir.Work(arguments=arguments) | ir.Ask(arguments=arguments):
            for name, template in arguments:
                yield from ((INPUT, name, *way) for way in _of(template, known))
        case ir.End(output=output):
            yield from ((OUTPUT, *way) for way in _of(output, known))


def _of(template: Template, known: Mapping[str, Iterable[Way]]) -> list[Way]:
    """Give the ways to what is secret in what a template makes."""
    match template:
        case Constant():
            return []
        case Reference(root=root, path=path):
            size = len(path)
            return [
                secret[size:]
                for secret in known.get(root, ())
                if secret[:size] == path or path[: len(secret)] == secret
            ]
        case DictTemplate(items=pairs):
            return [(name, *way) for name, item in pairs for way in _of(item, known)]
        case ListTemplate(items=items):
            return [way for item in items for way in _of(item, known)]
        case EachTemplate(over=over, item=item):
            return _of(item, {**known, ITEM: _of(over, known)})


def _read(way: str) -> Way:
    return tuple(way.split("."))


def _written(ways: Iterable[Way]) -> tuple[str, ...]:
    """Write ways in order, each once, without those that lead into what is secret as a whole."""
    found: list[Way] = []
    # The shorter of two comes first, and all that lead into it come right after it.
    for way in sorted(set(ways)):
        if not found or way[: len(found[-1])] != found[-1]:
            found.append(way)
    return tuple(".".join(way) for way in found)
