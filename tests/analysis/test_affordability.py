"""The cheapest ways to states, at full declared cost."""

from __future__ import annotations

from random import Random

import pytest

from fsmflow.analysis.affordability import Approaches, Capped, happy_end
from fsmflow.machine import End, Wait, Work
from tests.analysis.specs import analysed
from tests.strategies import wide_machine


def use(state, resource):
    """Give what one attempt, or a wait, takes outside of the reserve."""
    if isinstance(state, End) or state.reserve:
        return 0
    if isinstance(state, Work):
        return (1 + state.cost.steps, state.cost.tool_calls, state.cost.tokens, state.cost.micro_usd, 0)[
            resource
        ]
    return state.duration_us if resource == 4 and isinstance(state, Wait) else 0


def least(machine, resource, passes):
    """Find the least amounts by going on until nothing changes (Bellman and Ford)."""
    found = {machine.start: use(machine.states[machine.start], resource)}
    changed = True
    while changed:
        changed = False
        for way in filter(passes, machine.transitions):
            if way.source in found:
                amount = found[way.source] + use(machine.states[way.target], resource)
                if amount < found.get(way.target, amount + 1):
                    found[way.target] = amount
                    changed = True
    return found


@pytest.mark.parametrize("failing", [False, True], ids=["successes", "whatever"])
@pytest.mark.parametrize("seed", range(40))
def test_no_way_is_cheaper(seed, failing):
    """The amounts are the least there are, in order, and each path takes just its amount."""
    machine = wide_machine(Random(seed))

    def passes(way):
        return way.kind != "exceeded" if failing else way.on == "success" and way.used_up is None

    for resource in range(5):
        approaches = Approaches.of(machine, resource, failing=failing)

        assert approaches.amounts == least(machine, resource, passes)
        assert list(approaches.amounts.values()) == sorted(approaches.amounts.values())
        for name, amount in approaches.amounts.items():
            path = approaches.path(name)
            states = [machine.start, *(way.target for way in path)]

            assert all(passes(way) for way in path)
            assert [way.source for way in path] == states[:-1]
            assert states[-1] == name
            assert amount == sum(use(machine.states[state], resource) for state in states)


def test_the_happy_end_is_the_cheapest_of_success():
    """Of the ends of success it is the one that takes least, or stands first; other ends do not count."""
    machine = analysed(
        """\
workflow: little
states:
  sort: {run: m:f, cost: {tokens: 5}, success: {a: dear, b: cheap, c: none}, fallback: failed}
  dear: {run: m:f, cost: {tokens: 9}, success: first, fallback: failed}
  cheap: {run: m:f, cost: {tokens: 2}, success: second, fallback: failed}
  none: {wait: 1s, success: plain}
  first: {end: success}
  second: {end: success}
  plain: {end: degraded}
  failed: {end: failed}
"""
    ).machine

    assert happy_end(machine, Approaches.of(machine, 2)) == "second"
    assert happy_end(machine, Approaches.of(machine, 4)) == "first"
    assert Approaches.of(machine, 2).amounts["second"] == 7
    assert "failed" not in Approaches.of(machine, 2).amounts


def test_there_may_be_no_way_to_success():
    """Where only failures lead to an end of success, there is no happy end."""
    machine = analysed(
        """\
workflow: little
states:
  work: {run: m:f, success: failed, fallback: done}
  done: {end: success}
  failed: {end: failed}
"""
    ).machine

    assert happy_end(machine, Approaches.of(machine, 0)) is None
    assert happy_end(machine, Approaches.of(machine, 0, failing=True)) == "done"


def test_a_cap_affords_what_is_left_beside_the_reserve():
    """An amount may come up to the cap less what is set aside; resources without a cap are not asked."""
    machine = analysed(
        """\
workflow: little
budget: {tokens: 1000, exceeded: last}
states:
  work: {run: m:f, cost: {tokens: 800}, success: done, fallback: failed}
  last: {run: m:f, reserve: true, cost: {tokens: 100}, success: failed, fallback: failed}
  done: {end: success}
  failed: {end: failed}
"""
    ).machine

    (capped,) = [each for each in Capped.of(machine) if each.resource.key == "tokens"]

    assert (capped.affords(900), capped.affords(901), capped.affords_success) == (True, False, True)
    assert capped.written(1_800) == "1,800 tokens, with 100 tokens set aside"
    assert capped.enough_for(1_800) == "1,900 tokens"
