"""The generated property tests: what they look like, and that they hold for any machine."""

from __future__ import annotations

import ast
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import Phase, settings

from fsmflow.backends.properties import tests as property_tests
from fsmflow.lowering import lower
from fsmflow.machine import Machine
from fsmflow.testing import Subject
from tests.generated import property_tests as loaded
from tests.generated import runner_of
from tests.sample import machine
from tests.strategies import ending, workflow

PLAIN = "a: {run: m:f, success: done, fallback: done}\ndone: {end: success}"


def names(lowered: Machine) -> list[str]:
    """Name the tests that are generated for a machine."""
    tree = ast.parse(property_tests(lowered, spec="sample.fsm.yaml", proof=None))
    return [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]


def test_every_test_has_a_docstring_that_states_a_truth():
    """Generated tests read as one would write them: each with a sentence."""
    tree = ast.parse(property_tests(machine(PLAIN), spec="sample.fsm.yaml", proof=None))

    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            assert (ast.get_docstring(node) or "").endswith(".")


def test_caps_are_tested_where_there_are_any():
    """Without a budget there is no cap that could be passed, and no test of it."""
    assert "test_no_cap_is_passed" in names(machine(PLAIN, budget="{tokens: 7}"))
    assert "test_no_cap_is_passed" not in names(machine(PLAIN))


def test_the_facts_are_written_out():
    """Ends, edges and caps stand in the tests as literals, to be read in a review."""
    text = property_tests(
        machine(PLAIN, budget="{usd: 0.5, exceeded: done}"), spec="sample.fsm.yaml", proof=None
    )

    assert 'ENDS = {"done"}' in text
    assert '    ("a", "exceeded", "done"),' in text
    assert "    assert spent.micro_usd <= 500_000" in text


def generated_on(seed: int, examples: int) -> list[Callable[[], None]]:
    """Generate and load the property tests of a random machine whose runs all end."""
    lowered = lower(ending(workflow(Random(seed))))
    usual = settings.get_current_profile_name()
    options = {"max_examples": examples, "database": None, "deadline": None, "phases": [Phase.generate]}
    settings.register_profile("random machines", derandomize=True, suppress_health_check=[], **options)
    settings.load_profile("random machines")
    try:
        module = loaded(Subject(lowered, runner_of(lowered)))
    finally:
        settings.load_profile(usual)
    return [test for name, test in vars(module).items() if name.startswith("test_")]


LARGE = pytest.param(6, marks=pytest.mark.slow)  # takes longer than the twelve others together


@pytest.mark.parametrize("seed", [*range(6), LARGE, *range(7, 13)])
def test_they_hold_for_random_machines(seed):
    """Whatever the workflow, as long as its runs end, its generated tests pass on its generated runner."""
    for test in generated_on(seed, 10):
        test()


@pytest.mark.slow
def test_they_hold_for_very_many_random_machines():
    """The same for three hundred workflows of up to forty states."""
    for seed in range(100, 400):
        try:
            for test in generated_on(seed, 10):
                test()
        except Exception as error:
            error.add_note(f"seed {seed}")
            raise
