"""Certificates: written from proofs, accepted by the checker, small, and always the same."""

from __future__ import annotations

import json
from math import floor

import pytest
from attrs import evolve

from fsmflow.analysis.proof import prove
from fsmflow.analysis.proving.certificate import Part, certificate, written
from fsmflow.analysis.proving.counter_machine import METRICS, Metric
from fsmflow.analysis.proving.flow import Relaxation
from fsmflow.analysis.proving.intervals import Invariant
from fsmflow.analysis.proving.ranking import Ranking, rank
from fsmflow.analysis.verify import verify
from fsmflow.backends.certificate import certified as certify
from tests.analysis.certified import certified, is_true, part_of
from tests.analysis.counter_machines import chain, eight, explore, random_machine
from tests.analysis.specs import analysed


@pytest.mark.parametrize("seed", range(60))
def test_what_is_proved_is_accepted(seed: int) -> None:
    """The checker accepts every certificate that is made of a proof, and what it claims is true."""
    document = certified(random_machine(seed), {"tokens": 7})
    if document is None:
        return

    verify(document)

    assert is_true(document)


@pytest.mark.parametrize("seed", range(0, 60, 3))
def test_what_is_proved_by_unrolling_is_accepted(seed: int) -> None:
    """The checker unrolls counters by itself, and comes to the states that the prover named."""
    machine = random_machine(seed)
    document = certified(machine, split=tuple(range(min(2, len(machine.caps)))))
    if document is None:
        return

    verify(document)

    assert is_true(document)


def test_a_whole_unrolling_is_exact() -> None:
    """Where all counters are unrolled, the certified bounds are the maxima."""
    machine = eight(loop=1, outer=1, retry=1, valid=1)
    truth = explore(machine)
    document = certified(machine, split=tuple(range(len(machine.caps))))
    assert truth is not None
    assert document is not None

    verify(document)

    assert truth.maxima == tuple(document["structural"]["bounds"][metric]["upper"] for metric in METRICS)


def test_an_upper_bound_is_what_its_evidence_shows() -> None:
    """A bound that a search found to be lower is written as the potential has it, since that is certified."""
    part = part_of(eight())
    assert part is not None
    found = evolve(part, bounds={**part.bounds, "steps": (1, None)})

    claims = certificate("eight", "00", "always", found, part)["structural"]["bounds"]["steps"]

    assert {"upper": part.bounds["steps"][0], "lower": None, "witness": None} == claims


def test_a_bound_without_evidence_is_not_claimed() -> None:
    """Where neither a potential nor a cap shows it, no upper bound is written."""
    part = part_of(eight())
    assert part is not None
    found = evolve(part, potentials={})

    assert certificate("eight", "00", "always", found, part)["structural"]["bounds"]["steps"]["upper"] is None


def test_equal_paths_are_written_once() -> None:
    """Metrics that share a witness refer to one path, in runs of equal edges."""
    part = part_of(eight())
    assert part is not None
    path = part.paths["steps"]
    found = evolve(part, paths=dict.fromkeys(METRICS, path))

    written_part = certificate("eight", "00", "always", found, part)["structural"]

    assert [path] == [
        tuple(e for e, times in runs for _ in range(times)) for runs in written_part["witnesses"]
    ]
    assert {0} == {written_part["bounds"][metric]["witness"] for metric in METRICS}


def test_only_ranges_that_matter_are_written() -> None:
    """A machine in which every edge can fire needs no ranges at all."""
    document = certified(eight())
    assert document is not None

    assert [{}] * len(document["structural"]["invariant"]) == [*document["structural"]["invariant"].values()]


def test_ranges_that_exclude_edges_are_written() -> None:
    """Where some edge can't fire, the ranges that show it are there, and the checker needs them."""
    seeds = [
        seed
        for seed in range(40)
        if len(Invariant.of(m := random_machine(seed)).edges) < sum(len(m.outgoing[s]) for s in _entered(m))
        and certified(m) is not None
    ]

    assert any(
        any(box for box in certified(random_machine(seed))["structural"]["invariant"].values())
        for seed in seeds
    )


def _entered(machine):
    return Invariant.of(machine).ranges


def test_bytes_are_readable_and_stable() -> None:
    """A certificate is ASCII with an edge, a state and a term a line, and reads back as it was."""
    document = certified(chain(2))
    assert document is not None

    content = written(document)
    lines = content.decode("ascii").splitlines()

    assert document == json.loads(content)
    assert content == written(json.loads(content))
    assert content.endswith(b"}\n")
    assert sum(line.startswith('    ["m0.') for line in lines) > 20
    assert not any(line.endswith(" ") for line in lines)


@pytest.mark.slow
def test_ten_thousand_states_are_accepted() -> None:
    """The checker accepts what is proved of steps and tokens in a machine of ten thousand states."""
    machine = chain(1250)
    ranking = rank(machine)
    assert isinstance(ranking, Ranking)
    invariant = Invariant.of(machine)
    flows = Relaxation(machine, invariant.edges, ranking)
    proved: tuple[Metric, ...] = ("steps", "tokens")
    potentials = {metric: flows.bound(metric) for metric in proved}
    upper = {metric: floor(potential.bound) for metric, potential in potentials.items()}
    part = Part(
        machine=machine,
        caps={},
        invariant=invariant,
        ranking=ranking,
        ranked=machine,
        split=(),
        any_caps=True,
        potentials=potentials,
        bounds={metric: (upper.get(metric), None) for metric in METRICS},
        paths={},
    )
    document = certificate("sample", "0" * 64, "always", part, part)

    assert len(document["budgeted"]["machine"]["states"]) == 10_002
    verify(json.loads(written(document)))


def test_whatever_the_caps_is_not_claimed_of_a_loop_capped_at_0() -> None:
    """No edge of such a loop is there, so that nothing is claimed of it, nor of a machine with other caps."""
    text = (
        "workflow: sample\nstates:\n"
        "  a: {run: m:f, effect: none, timeout: 1s, success: {to: a, times: 1, else: z}, fallback: z}\n"
        "  z: {end: success}\n"
    )
    machine = analysed(text).machine
    (counter,) = machine.counters.values()
    idle = evolve(machine, counters={counter.name: evolve(counter, cap=0)})

    assert prove(machine).terminates == "always"
    assert prove(idle).terminates == certify(prove(idle))["terminates"] == "for-these-caps"


def test_a_time_that_nothing_bounds_is_shown_as_far_as_its_edges_say() -> None:
    """An attempt without a timeout may last until the deadline, which the weights of no edge show."""
    machine = analysed(
        "workflow: sample\nbudget: {time: 1min, exceeded: z}\nstates:\n"
        "  w: {wait: 2s, success: a}\n"
        "  a: {run: m:f, effect: none, success: z, fallback: z}\n"
        "  z: {end: success}\n"
    ).machine

    claims = certify(prove(machine))["budgeted"]["bounds"]["microseconds"]

    assert (claims["lower"], claims["upper"]) == (2_000_000, 60_000_000)
