"""The random workflows that other tests are made of."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings

from fsmflow import spec
from fsmflow.compiler import compile_spec
from fsmflow.loading.python import document_of
from fsmflow.loading.structure import structure
from fsmflow.lowering import lower
from tests.strategies import CALLEES, LARGEST, wide_workflows, workflow


@settings(max_examples=50, deadline=None)
@given(wide_workflows)
def test_random_workflows_are_well_formed(flow):
    """A drawn workflow can be written out and read back: the same workflow, with nothing to complain of."""
    structured = structure(document_of(flow))

    assert structured.diagnostics == ()
    assert lower(structured.workflow, CALLEES).digest == lower(flow, CALLEES).digest


@pytest.mark.parametrize("seed", range(20))
def test_random_workflows_compile(seed):
    """Whatever checks find in a drawn workflow, the pipeline carries it through to an analysis."""
    compilation = compile_spec(workflow(Random(seed), wide=True))

    assert compilation.analysis is not None


@pytest.mark.parametrize("wide", [False, True])
def test_random_workflows_come_in_every_size(wide):
    """Workflows are drawn of a single state up to the most that are promised."""
    sizes = {len(workflow(Random(seed), wide=wide).states) for seed in range(500)}

    assert min(sizes) == 2
    assert 35 < max(sizes) <= LARGEST


def test_random_workflows_have_states_of_every_kind():
    """Each kind of state is drawn; what asks people or runs children is, only if it is asked for."""
    narrow, wide = (
        {type(state) for seed in range(60) for state in workflow(Random(seed), wide=how).states.values()}
        for how in (False, True)
    )

    assert wide == set(spec.KINDS.values())
    assert wide - narrow == {spec.Ask, spec.Call, spec.Map, spec.Parallel}
