"""What is said of children that are run, in words."""

from __future__ import annotations

import pytest

HEAD = """\
fsmflow: 1
workflow: sample
input: m:Question
budget: {{tokens: 20000, steps: {steps}}}
states:
  run: {{{keys}, success: done, fallback: failed}}
  done: {{end: success}}
  failed: {{end: failed}}
"""


@pytest.fixture
def said(compiled):
    """Compile a workflow of one state, and give what is said of it, with the hints."""

    def compile_state(keys: str, steps: int = 100) -> list[tuple[str, str, str]]:
        found = compiled(HEAD.format(keys=keys, steps=steps)).diagnostics
        return [(d.check, d.message, d.hint) for d in found]

    return compile_state


def test_how_a_fan_out_comes_to_its_amount(said):
    """A `map` that is dearer than a cap is told with the factors of what it may take."""
    each = "map: summarise, over: $input.tags, at_most: {}, with: {{text: $item}}"
    hint = "raise the cap, lower `at_most`, or lower what `summarise` may use"

    assert said(each.format(20)) == [
        (
            "attempt-above-cap",
            "`run` may take 30,000 tokens at once (20 × 1,500 tokens); the cap is 20,000 tokens",
            hint,
        )
    ]
    assert said(each.format(13), steps=13) == [
        (
            "attempt-above-cap",
            "`run` may take 14 steps at once (13 × 1 step + its own); the cap is 13 steps",
            hint,
        )
    ]
    assert said(each.format(13), steps=14) == []


def test_how_children_side_by_side_come_to_their_amount(said):
    """A `parallel` that is dearer than a cap is told with the terms of what it may take."""
    branches = ", ".join(
        f"b{n}: {{call: {'compare' if n else 'summarise'}, with: {{text: a}}}}" for n in range(14)
    )
    ((check, message, hint),) = said(f"parallel: {{{branches}}}")

    assert check == "attempt-above-cap"
    assert "may take 21,000 tokens at once (1,500 tokens + 1,500 tokens + " in message
    assert hint == "raise the cap, or lower what `summarise` and `compare` may use"


def test_a_step_is_not_all_that_a_child_takes(said):
    """A state that runs a child takes a step besides those of the child."""
    assert [check for check, _, _ in said("call: summarise, with: {text: a}", steps=1)] == [
        "attempt-above-cap"
    ]
    assert said("call: summarise, with: {text: a}", steps=2) == []


def test_an_item_outside(said):
    """Where there is no item, it is said where there is one, or what came of all of them."""
    outside = "`$item` is there only in the `with` of a `map` state"

    assert said("call: summarise, with: {text: $item}") == [("bad-reference", outside, "")]
    assert said("map: count_words, over: $item, at_most: 2") == [
        ("bad-reference", outside, "`over` is read once, before there are items")
    ]
