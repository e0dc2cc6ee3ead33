"""How amounts of what a budget caps are told."""

from __future__ import annotations

import pytest

SPEC = """\
fsmflow: 1
workflow: sample
budget: {tool_calls: 2, exceeded: quote}
states:
  first: {run: m:f, effect: none, cost: {tool_calls: 1}, success: second, fallback: quote}
  second: {run: m:f, effect: none, cost: {tool_calls: %s}, success: done, fallback: poor}
  quote: {run: m:f, effect: none, cost: {tool_calls: 1}, reserve: true, success: plain, fallback: failed}
  done: {end: success}
  poor: {end: degraded}
  plain: {end: degraded}
  failed: {end: failed}
"""


@pytest.mark.parametrize(("cost", "said"), [(1, "1 tool call set aside"), (7, "7 tool calls")])
def test_one_of_a_thing_is_told_as_one(compiled, cost, said):
    """One tool call is a tool call, and several are tool calls."""
    messages = "\n".join(f"{d.message} {d.hint}" for d in compiled(SPEC % cost).diagnostics)

    assert said in messages
    assert "1 tool calls" not in messages
