"""Loops that nothing bounds: found exactly, against searches of all that a machine can do."""

from __future__ import annotations

from hypothesis import given, settings

from fsmflow.analysis.termination import Termination
from fsmflow.machine import End, Machine, Transition, Wait, Work
from tests.analysis.specs import analysed, specs

Node = tuple[str, tuple[tuple[str, int], ...]]


def moves(machine: Machine, node: Node) -> list[tuple[Transition, Node]]:
    """Give what can follow a state and its counters, whatever outcomes and guards say."""
    state, counts = node[0], dict(node[1])
    found = []
    tried: dict[tuple[str, str | None], bool] = {}
    for way in machine.outgoing[state]:
        place = (way.on, way.label)
        if tried.get(place) and way.on != "exceeded":
            continue
        if any(counts.get(name, 0) >= machine.counters[name].cap for name in way.below):
            continue
        # The first way that is open is taken; after a retry, whose pause may be too long, the next may be.
        tried[place] = way.pause is None
        after = dict(counts)
        for name in way.below:
            after[name] = after.get(name, 0) + 1
        if not way.same_visit:
            for name in machine.resets[way.target]:
                after.pop(name, None)
        found.append((way, (way.target, tuple(sorted(after.items())))))
    return found


def repeats(machine: Machine) -> bool:
    """Search every configuration of state and counters for a cycle."""
    start: Node = (machine.start, ())
    seen = {start}
    on_path = {start}
    stack = [(start, iter(moves(machine, start)))]
    while stack:
        node, rest = stack[-1]
        step = next(rest, None)
        if step is None:
            stack.pop()
            on_path.discard(node)
            continue
        following = step[1]
        if following in on_path:
            return True
        if following not in seen and not isinstance(machine.states[following[0]], End):
            seen.add(following)
            on_path.add(following)
            stack.append((following, iter(moves(machine, following))))
    return False


@settings(max_examples=150, deadline=None)
@given(specs(budget=False))
def test_what_is_found_to_end_ends(text):
    """Without a loop that is told, no run can come back to where it was, counters and all."""
    machine = analysed(text).machine

    if not Termination.of(machine).loops:
        assert not repeats(machine)


@settings(max_examples=150, deadline=None)
@given(specs())
def test_a_loop_is_a_closed_walk(text):
    """A loop is told as transitions that join, begins where the document does, and holds its culprit."""
    machine = analysed(text).machine
    position = list(machine.states).index

    for loop in Termination.of(machine).loops:
        assert all(
            a.target == b.source for a, b in zip(loop.ways, loop.ways[1:] + loop.ways[:1], strict=True)
        )
        assert position(loop.ways[0].source) == min(position(way.source) for way in loop.ways)
        assert loop.culprit in loop.ways


@settings(max_examples=150, deadline=None)
@given(specs())
def test_every_counter_of_a_loop_is_set_back_in_it(text):
    """A loop that is told can be gone round for ever: what it counts, it sets back."""
    machine = analysed(text).machine

    for loop in Termination.of(machine).loops:
        entered = {way.target for way in loop.ways if not way.same_visit}
        assert all(machine.counters[name].per in entered for way in loop.ways for name in way.below)


@settings(max_examples=200, deadline=None)
@given(specs(budget=True))
def test_what_the_budget_stops_spends_it(text):
    """A loop that only the budget stops starts a step or waits; one that it does not does neither."""
    machine = analysed(text).machine

    for loop in Termination.of(machine).loops:
        spent = [
            way
            for way in loop.ways
            if way.kind != "exceeded" and isinstance(machine.states[way.source], Work | Wait)
        ]
        assert bool(spent) == loop.budgeted


def test_asking_again_and_again_bounds_nothing():
    """A loop of questions is told like any other, and no budget stops it, since a question uses nothing."""
    text = """\
workflow: little
budget: {steps: 9, time: 1h, exceeded: bad}
states:
  ask: {ask: Well?, timeout: 1s, success: {"yes": good, "no": sort}, fallback: ask}
  sort: {choose: [{when: ask == "no", to: ask}, {to: good}]}
  good: {end: success}
  bad: {end: failed}
"""
    loops = analysed(text).termination.loops

    assert [[way.name for way in loop.ways] for loop in loops] == [["fallback"]]
    assert [loop.budgeted for loop in loops] == [False]
    capped = text.replace("fallback: ask", "fallback: bad")
    loops = analysed(capped).termination.loops
    assert [[way.name for way in loop.ways] for loop in loops] == [["no", "arm_1"]]
    assert [loop.budgeted for loop in loops] == [False]
    ended = capped.replace('"no": sort', '"no": {to: sort, times: 2, else: bad}')
    assert analysed(ended).termination.loops == ()


def test_running_children_again_and_again_uses_up_steps():
    """Children are a step at the least, whatever they do: a cap on steps stops a loop of them."""
    text = """\
workflow: little
budget: {steps: 9}
states:
  go: {call: other, success: go, fallback: bad}
  bad: {end: failed}
"""
    (loop,) = analysed(text).termination.loops

    assert loop.budgeted
    (unbounded,) = analysed(text.replace("steps: 9", "tokens: 9")).termination.loops
    assert not unbounded.budgeted


def test_a_chain_and_a_circle_of_ten_thousand():
    """Ten thousand states in a row, and in a circle, are decided without a stack."""
    row = [f"  s{i}: {{wait: 1s, success: s{i + 1}}}" for i in range(9_998)]
    head = "workflow: big\nstates:\n"

    assert analysed(head + "\n".join(row) + "\n  s9998: {end: success}\n").termination.loops == ()
    (loop,) = analysed(head + "\n".join(row) + "\n  s9998: {wait: 1s, success: s0}\n").termination.loops
    assert len(loop.ways) == 9_999
    assert (loop.ways[0].source, loop.culprit.target) == ("s0", "s0")
