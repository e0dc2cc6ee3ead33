"""A machine's canonical text is that of its fields, sorted, with nothing told that is not there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from random import Random

import pytest
from attrs import frozen

from fsmflow.canonical import Form
from fsmflow.machine import Caps, Machine, Resources, canonical
from tests.strategies import wide_machine

PLAIN = Form(frozenset(), {}, {})


@frozen
class Pair:
    """Any two values."""

    b: object
    a: object


def plain(value):
    """Turn attrs values into tagged plain data, slowly and in sight."""
    if hasattr(type(value), "__attrs_attrs__"):
        found = {a.name: plain(getattr(value, a.name)) for a in type(value).__attrs_attrs__}
        return (
            found if isinstance(value, Machine | Resources | Caps) else {**found, "is": type(value).__name__}
        )
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, tuple | list) else value


@pytest.mark.parametrize("seed", range(40))
def test_it_is_the_json_of_the_fields(seed):
    """The text is what `json` makes of the fields, without titles, profiles, and what is not there."""
    machine = wide_machine(Random(seed))
    found = plain(machine)
    del found["title"], found["profiles"]
    for part in (found, *found["states"].values()):
        for name in ("secret", "model", "children"):
            if name in part and not part[name]:
                del part[name]
        if part is not found:
            del part["title"]
        for name in ("tools", "options"):
            if part.get("model") and not part["model"][name]:
                del part["model"][name]

    assert canonical(machine) == json.dumps(found, sort_keys=True, separators=(",", ":"))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("ключ\u2028\"'\\", '"\\u043a\\u043b\\u044e\\u0447\\u2028\\"\'\\\\"'),
        ((True, 1, 1.0, 10**20, -0.0, None, False), "[true,1,1.0,100000000000000000000,-0.0,null,false]"),
        ({"b": 1, "a": [{}]}, '{"a":[{}],"b":1}'),
        (Pair(Pair(0, ""), False), '{"a":false,"b":{"a":"","b":0,"is":"Pair"},"is":"Pair"}'),
    ],
)
def test_every_kind_of_value_has_one_text(value, text):
    """Keys are sorted, texts are ASCII, and what is equal but of another type is written otherwise."""
    assert PLAIN.written(value) == text


@pytest.mark.parametrize("value", [float("nan"), Pair(float("inf"), 1)])
def test_what_is_no_number_has_no_text(value):
    """A number that JSON lacks is refused, wherever it stands."""
    with pytest.raises(ValueError, match="Out of range"):
        PLAIN.written(value)
