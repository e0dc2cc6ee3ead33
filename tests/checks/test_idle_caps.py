"""A cap that is said never to be in the way is never in the way."""

from __future__ import annotations

from random import Random

from fsmflow.analysis.proving.counting import structural
from fsmflow.checks.cap_never_binds import check
from fsmflow.compiler import compile_spec
from tests.analysis.counter_machines import explore
from tests.strategies import workflow


def test_what_is_said_is_true_of_all_runs():
    """In no configuration of a state whose edge has such a cap is the counter at that cap."""
    told = 0
    for seed in range(100):
        analysis = compile_spec(workflow(Random(seed))).analysis
        assert analysis is not None
        found = [d for d in check(analysis) if d.message.startswith("this cap is never in the way")]
        if not found:
            continue
        counting = structural(analysis.machine)
        truth = explore(counting, 4_000)
        if truth is None:
            continue
        places = {
            tuple(d.route[:-1]): way
            for d in found
            for way in analysis.machine.transitions
            if way.below and (*analysis.route(way)[:-1], "times") == d.route
        }
        for way in places.values():
            state = counting.states.index(way.source)
            numbers = [counting.counters.index(name) for name in way.below]
            told += 1

            assert any(
                all(values[c] < counting.caps[c] for at, values in truth.configurations if at == state)
                for c in numbers
            )
    assert told > 5
