"""Guards on the length of a list before a `map` over it: told where they let more through than it takes."""

from __future__ import annotations

import pytest

SPEC = """\
fsmflow: 1
workflow: maps
input: m:Question
states:
  any:
    choose: [ARMS]
  each: {map: count_words, over: $input.tags, at_most: 40, success: done, fallback: failed}
  done: {end: success}
  failed: {end: failed}
"""

TAGS = "len(input.tags)"


@pytest.mark.parametrize(
    ("arms", "index"),
    [
        (f"{{when: {TAGS} <= 41, to: each}}, {{to: failed}}", 0),
        (f"{{when: {TAGS} < 42, to: each}}, {{to: failed}}", 0),
        (f"{{when: {TAGS} == 50, to: each}}, {{to: failed}}", 0),
        (f"{{when: 41 >= {TAGS}, to: each}}, {{to: failed}}", 0),
        (f"{{when: {TAGS} > 0 and {TAGS} <= 60, to: each}}, {{to: failed}}", 0),
        (f"{{when: not {TAGS} > 41, to: each}}, {{to: failed}}", 0),
        (f"{{when: {TAGS} > 41, to: failed}}, {{to: each}}", 0),
        (f"{{when: {TAGS} == 0 or {TAGS} >= 42, to: failed}}, {{to: each}}", 0),
        (f"{{when: {TAGS} > 99, to: failed}}, {{when: {TAGS} < 60, to: each}}, {{to: failed}}", 1),
    ],
)
def test_a_guard_that_lets_too_many_through(compiled, arms, index):
    """The guard that says the least is told."""
    found = [d for d in compiled(SPEC.replace("ARMS", arms)).diagnostics if d.check == "guard-above-at-most"]

    assert [d.route for d in found] == [("states", "any", "choose", index, "when")]


@pytest.mark.parametrize(
    "arms",
    [
        f"{{when: {TAGS} <= 40, to: each}}, {{to: failed}}",
        f"{{when: {TAGS} < 41, to: each}}, {{to: failed}}",
        f"{{when: {TAGS} > 40, to: failed}}, {{to: each}}",
        f"{{when: {TAGS} > 0, to: each}}, {{to: failed}}",
        f"{{when: {TAGS} <= 60 or input.limit > 3, to: each}}, {{to: failed}}",
        f"{{when: {TAGS} > 60 and input.limit > 3, to: failed}}, {{to: each}}",
        f"{{when: {TAGS} <= 60, to: failed}}, {{to: each}}",
        "{when: len(input.text) <= 60, to: each}, {to: failed}",
        f"{{when: {TAGS} > 99, to: failed}}, {{when: {TAGS} < 41, to: each}}, {{to: failed}}",
    ],
)
def test_a_guard_that_says_nothing_of_too_many(compiled, arms):
    """It keeps to what the `map` takes, or does not speak of the most there may be."""
    found = compiled(SPEC.replace("ARMS", arms)).diagnostics

    assert [d for d in found if d.check == "guard-above-at-most"] == []
