"""No run that keeps to what it declares breaks a policy that was proved."""

from __future__ import annotations

from random import Random

import pytest
from attrs import evolve

from fsmflow import semantics
from fsmflow.analysis.policies import Policies, Proved, Refuted
from fsmflow.lowering import lower
from fsmflow.machine import Machine
from tests.analysis.policy_oracle import PATTERNS, drawn, events_of, is_broken
from tests.events import honest
from tests.strategies import CALLEES, ending, plain, workflow


def run(random: Random, machine: Machine):
    """Play a run to its end; give what happened."""
    advance = semantics.launch(machine, plain(random))
    taken = list(advance.taken)
    while not isinstance(advance.commands[0], semantics.Finish):
        advance = semantics.advance(machine, advance.configuration, honest(random, machine, advance))
        taken += advance.taken
        if len(taken) > 400:
            break
    ended = isinstance(advance.commands[0], semantics.Finish)
    return events_of(machine.start, taken), ended


@pytest.mark.parametrize("seeds", range(6))
def test_what_is_proved_holds(seeds):
    """Of many runs of a random workflow none breaks what was proved; what is refuted is broken by one."""
    proved = 0
    for seed in range(20 * seeds, 20 * seeds + 20):
        random = Random(seed)
        machine = lower(ending(workflow(random, wide=True)), CALLEES)
        caps = zip(machine.caps.amounts(), machine.reserve.amounts(), strict=True)
        if any(cap is not None and kept > cap for cap, kept in caps):
            continue
        outcomes = {f"{way.source}.{name}" for way in machine.transitions for name in (way.name, way.kind)}
        names = [*machine.states, *machine.states, *sorted(outcomes)]
        policies = [
            drawn(random, names, pattern, scoped=scoped) for pattern in PATTERNS for scoped in (False, True)
        ]
        judged = Policies.of(evolve(machine, policies=tuple(policies)))
        held = [j.policy for j in judged.judgements.values() if isinstance(j.verdict, Proved)]
        proved += len(held)
        for happened, ended in [run(random, machine) for _ in range(30)]:
            assert [policy for policy in held if is_broken(policy, happened, ended=ended)] == []
        for judgement in judged.judgements.values():
            if isinstance(judgement.verdict, Refuted):
                edges = [judged.counting.edges[number] for number in judgement.verdict.path]
                happened = events_of(machine.start, [edge.way for edge in edges if edge.way is not None])
                last = edges[-1].target if edges else judged.counting.start
                ended = not judged.counting.outgoing[last]

                assert is_broken(judgement.policy, happened, ended=ended)
    assert proved > 40
