"""What is secret in a machine: what an author marked, and what the spec makes of it."""

import pytest

from fsmflow.engines.machines import read_machine
from fsmflow.lowering import lower
from fsmflow.machine import canonical
from fsmflow.spec import Ask, Branch, Call, Duration, End, Map, Parallel
from tests.runtime.workbench import step, workflow


def lowered(states, **options):
    """Give the ways to what is secret, by state, of a workflow of `states`."""
    machine = lower(workflow(states, **options))
    return {name: state.secret for name, state in machine.states.items() if getattr(state, "secret", ())}


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (step(secret=True), ("input", "output")),
        (step(with_={"card": 1}, secret=["card", "output.email"]), ("input.card", "output.email")),
        (step(with_={"card": 1}, secret=["card", "card.number"]), ("input.card",)),
        (step(secret=False), ()),
        (Ask(ask="?", secret=["output"], success="done", fallback="failed"), ("output",)),
        (Call(call="x", with_={"a": 1}, secret=["a"], success="done", fallback="failed"), ("input.a",)),
        (
            Map(map="x", over="$input", at_most=2, secret=["a", "output.b"], success="done"),
            ("input.items.a", "output.b"),
        ),
        (
            Parallel(parallel={"l": Branch(call="x")}, secret=["l.a", "output.l"], success="done"),
            ("input.l.a", "output.l"),
        ),
    ],
)
def test_what_is_marked(state, expected):
    """All that goes in and out is secret, or what is named; an item's fields are those of each item."""
    assert lowered({"a": state}).get("a", ()) == expected


def test_an_argument_made_of_a_secret_is_secret():
    """References into a secret, to it and to what holds it count, through mappings, lists and items."""
    states = {
        "a": step(
            with_={
                "whole": "$input",
                "number": "$input.card.number",
                "among": {"x": [1, "$input.card"], "y": "$input.name"},
                "name": "$input.name",
            },
            secret=["output.pin"],
            success="b",
        ),
        "b": step(with_={"pin": "$a.pin", "all": "$a", "none": "$a.name"}, success="each"),
        "each": Map(
            map="x",
            over="$a",
            at_most=3,
            with_={"pin": "$item.pin", "name": "$item.name"},
            success="tell",
            fallback="failed",
        ),
        "tell": Ask(
            ask="?", show={"card": "$input.card"}, timeout=Duration(1), success="end", fallback="failed"
        ),
        "end": End(
            end="success", output={"pin": "$a.pin", "card": "$input.card.or_null", "n": "$input.name"}
        ),
    }

    assert lowered(states, secret=["card"]) == {
        "a": ("input.among.x", "input.number", "input.whole.card", "output.pin"),
        "b": ("input.all.pin", "input.pin"),
        "each": ("input.items.pin",),
        "tell": ("input.card",),
        "end": ("output.card", "output.pin"),
    }


def test_what_a_secret_argument_is_made_of_is_secret():
    """A value handed on as a secret is secret where it comes from: the input, a state, each item."""
    states = {
        "a": step(as_="found", success="b"),
        "b": step(
            with_={"card": "$input.card", "more": {"x": "$found.deep", "y": "$found.open"}, "n": 1},
            secret=["card.number", "more.x"],
            success="each",
        ),
        "each": Map(
            map="x",
            over="$input.all",
            at_most=3,
            with_={"pin": "$item.pin", "name": ["$item.name"], "own": "$input.name"},
            secret=["pin", "own"],
            success="end",
            fallback="failed",
        ),
        "end": End(end="success", output={"number": "$input.card", "found": "$found"}),
    }
    machine = lower(workflow(states))

    assert machine.secret == ("input.all.pin", "input.card.number", "input.name")
    assert lowered(states) == {
        "a": ("output.deep",),
        "b": ("input.card.number", "input.more.x"),
        "each": ("input.items.own", "input.items.pin"),
        "end": ("output.found.deep", "output.number.number"),
    }


def test_what_is_secret_belongs_to_the_machine_and_travels_with_it():
    """A run that is taken up from its machine keeps its secrets; a machine without any is as it was."""
    plain = lower(workflow({"a": step()}))
    marked = lower(workflow({"a": step(secret=True)}, secret=["card"]))

    assert "secret" not in canonical(plain)
    assert plain.digest != marked.digest
    again = read_machine(canonical(marked), marked.digest)
    assert (again.secret, again.states["a"].secret) == (("input.card",), ("input", "output"))
