"""A reserve that is dearer than the budget: the first attempt is refused, and no verdict says otherwise."""

from __future__ import annotations

from fsmflow.analysis.policies import Refuted
from fsmflow.analysis.proof import prove
from tests.sample import machine


def test_what_uses_nothing_is_refused_too_where_more_is_set_aside_than_there_is():
    """A policy that no run comes to `exceeded` is broken by the run that begins there."""
    flow = machine(
        """
        look: {run: m:f, success: say, effect: none, timeout: 1s, fallback: bad}
        say: {run: m:f, cost: {tool_calls: 3}, success: bad, effect: none, fallback: bad, reserve: true}
        bad: {end: failed}
        """,
        budget="{tool_calls: 2, exceeded: bad}",
        policies="[{never: look.exceeded}, {never: bad}]",
    )

    assert [type(found.verdict) for found in prove(flow).policies] == [Refuted, Refuted]
