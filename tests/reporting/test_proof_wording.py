"""How the parts of a worst case are said to add up."""

from __future__ import annotations

import re

import pytest
from attrs import evolve

from fsmflow.analysis.proof import Proof, prove
from fsmflow.analysis.proving.counter_machine import Metric
from fsmflow.machine import Machine
from fsmflow.reporting.amounts import worded
from fsmflow.reporting.proof_wording import sum_up
from tests.sample import machine
from tests.told import REPORT, SOURCE_CALLEE, named

CAPS = "{steps: 400, tokens: 90000, tool_calls: 900, usd: 9, time: 2h, exceeded: lost}"
PROOF = prove(named("report", REPORT, [SOURCE_CALLEE], budget=CAPS))


def summed(proof: Proof, metric: Metric) -> str:
    witness = proof.bounds[metric].witness
    assert witness is not None
    return sum_up(metric, witness, proof.machine)


def test_an_attempt_of_many_steps_is_told_with_all_of_them() -> None:
    """What a state uses more than once is a product; a step that is one is just counted."""
    said = summed(PROOF, "steps")

    assert "2 plan + " in said
    assert "2 × 7 look + " in said
    assert "2 × 61 read + " in said
    assert said.endswith(f"= {PROOF.bounds['steps'].upper}")


def test_what_items_use_is_told_by_the_item() -> None:
    """A map's part is so many items, each with the slice of one child."""
    assert "2 × 20 × 700 read" in summed(PROOF, "tokens")
    assert "2 × 20 × $0.01 read" in summed(PROOF, "micro_usd")
    assert "2 × 1,400 look" in summed(PROOF, "tokens")


@pytest.mark.parametrize("metric", ["steps", "tool_calls", "tokens"])
@pytest.mark.parametrize("cap", ["", "{steps: 100, exceeded: lost}", "{tokens: 17001, exceeded: lost}"])
def test_the_sum_is_true(metric: Metric, cap: str) -> None:
    """The parts that are written add up to what is written behind them, whatever caps cut."""
    proof = PROOF if not cap else prove(named("report", REPORT, [SOURCE_CALLEE], budget=cap))
    said, total = summed(proof, metric).split(" = ")
    parts = [re.sub(r" [a-z_]+$", "", part).replace(",", "").split(" × ") for part in said.split(" + ")]
    found = 0
    for factors in parts:
        product = 1
        for factor in factors:
            product *= int(factor)
        found += product

    assert worded(metric, found) == total
    witness = proof.bounds[metric].witness
    assert witness is not None
    assert found == witness.used(metric)


def test_what_is_no_whole_slice_is_told_as_it_is() -> None:
    """Where a budget leaves an attempt less than all that its children may use, no item is told of."""
    witness = PROOF.bounds["tokens"].witness
    assert witness is not None
    cut = tuple(
        evolve(entry, use=evolve(entry.use, tokens=13_999)) if entry.state == "read" else entry
        for entry in witness.entries
    )

    assert "2 × 13,999 read" in sum_up("tokens", evolve(witness, entries=cut), PROOF.machine)


def test_without_children_a_step_is_a_step() -> None:
    """Attempts are counted, and amounts multiplied, as they are where nothing runs children."""
    lowered: Machine = machine(
        "a: {run: m:f, cost: {tokens: 5}, timeout: 1s, fallback: done,"
        " success: {ok: done, again: {to: a, times: 2, else: done}}}\ndone: {end: success}"
    )
    proof = prove(lowered)

    assert (summed(proof, "steps"), summed(proof, "tokens")) == ("3 a = 3", "3 × 5 a = 15")
