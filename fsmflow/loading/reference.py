"""The language, to be read: a page for each kind of state, and for each mapping that stands in one.

The pages are made from the classes of `fsmflow.spec` alone, as the schema for editors is.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

import attrs

from fsmflow import spec
from fsmflow.loading.converter import keys_of, without_none
from fsmflow.loading.emitter import flow

TOPICS: Mapping[str, type] = {
    "workflow": spec.Workflow,
    **spec.KINDS,
    "target": spec.Target,
    "retry": spec.Retry,
    "invalid": spec.Invalid,
    "cost": spec.Cost,
    "budget": spec.Budget,
    "prices": spec.Price,
    "policies": spec.Policy,
}
"""What has a page of its own, by the key under which it stands."""

NAMES = {cls: name for name, cls in TOPICS.items()}
"""The name of the page that each has."""

_WIDTH = 88


def pages() -> dict[str, str]:
    """Give the page of each topic: what it is, and its keys, each with an example and what it says."""
    return {name: "\n".join(_page(cls)) for name, cls in TOPICS.items()}


def keys() -> dict[str, str]:
    """Give for each key what it says, and where it stands: one of several meanings has several places."""
    found: dict[str, dict[str, list[str]]] = {}
    for name, cls in TOPICS.items():
        places = {f"`{name}`": cls}
        for key, attribute in keys_of(cls).items():
            inners = [inner for inner in _mappings(attribute.type) if inner not in NAMES]
            places |= {f"`{key}` of `{name}`": inner for inner in inners}
        for place, holder in places.items():
            for key, attribute in keys_of(holder).items():
                found.setdefault(key, {}).setdefault("\n".join(_key(key, attribute)), []).append(place)
    return {key: "\n\n".join(_told(told)) for key, told in found.items()}


def _told(told: Mapping[str, list[str]]) -> Iterator[str]:
    for text, places in told.items():
        yield f"In {', '.join(places)}:\n\n{text}"


def _page(cls: type) -> Iterator[str]:
    yield inspect.cleandoc(cls.__doc__ or "")
    yield ""
    yield from _keys(cls)
    for key, attribute in keys_of(cls).items():
        for inner in _mappings(attribute.type):
            if inner not in NAMES:
                yield f"\nIn `{key}`: {inspect.cleandoc(inner.__doc__ or '')}\n"
                yield from _keys(inner)


def _keys(cls: type) -> Iterator[str]:
    for key, attribute in keys_of(cls).items():
        yield from _key(key, attribute)


def _key(key: str, attribute: attrs.Attribute[Any]) -> Iterator[str]:
    head = f"  {key}: {flow(attribute.metadata['examples'][0])}"
    if attribute.default is attrs.NOTHING:
        head += "   (needed)"
    elif (default := _default(attribute)) is not None:
        head += f"   (unless said: {default})"
    yield head
    said = attribute.metadata["help"]
    type_ = without_none(attribute.type)
    if get_origin(type_) is Literal and len(get_args(type_)) > 1:
        said += f" One of {', '.join(f'`{choice}`' for choice in get_args(type_))}."
    own = [NAMES[inner] for inner in _mappings(type_) if inner in NAMES]
    if own:
        said += f" See {' and '.join(f'`{name}`' for name in own)}."
    yield textwrap.fill(said, _WIDTH, initial_indent="      ", subsequent_indent="      ")


def _default(attribute: attrs.Attribute[Any]) -> str | None:
    """Write what a key means that is left out; None if it means nothing at all."""
    default = attribute.default
    if isinstance(default, spec.Duration | spec.Money):
        return str(default)
    return flow(default) if isinstance(default, bool | int | str) else None


def _mappings(type_: Any) -> Iterator[type]:
    """Give the mappings of the language that a key may hold, but for the states."""
    if type_ == spec.State:
        return
    if attrs.has(type_) and type_ not in (spec.Duration, spec.Money):
        yield type_
    found = (inner for argument in get_args(type_) for inner in _mappings(argument))
    yield from dict.fromkeys(found)
