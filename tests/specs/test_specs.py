"""The committed specs, as specs."""

from pathlib import Path

import pytest

from fsmflow.compiler import compile_file
from fsmflow.spec import KINDS, Call, Choose, End, Invalid, Llm, Run, Target, Wait

SPECS = Path(__file__).resolve().parents[2] / "specs"
NAMES = ("ask_docs", "extract_record", "find_sources", "read_source", "refund", "research", "tool_loop")
CHILDREN = ("find_sources", "read_source")


@pytest.fixture(params=NAMES)
def workflow(request):
    return compile_file(SPECS / f"{request.param}.fsm.yaml").analysis.workflow


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_said_about_the_committed_specs(name):
    """Each spec compiles without an error, a warning or a note."""
    assert [str(d.message) for d in compile_file(SPECS / f"{name}.fsm.yaml").diagnostics] == []


def test_every_working_state_says_what_a_reviewer_asks(workflow):
    """Each state has a title, and each step a timeout, an effect and a way out."""
    for name, state in workflow.states.items():
        assert state.title, name
        if isinstance(state, Run):
            assert state.timeout, name
            assert state.effect, name
            assert state.effect == "none" or state.key, name
        if not isinstance(state, Choose | End | Wait):
            assert state.fallback, name


def test_each_spec_holds_itself_to_policies_and_can_run_offline(workflow):
    """Each spec has two policies or more, and a profile `offline` if it asks a model."""
    asked = {name for name, state in workflow.states.items() if isinstance(state, Llm)}

    assert len(workflow.policies) >= 2
    assert asked <= set(workflow.profiles.get("offline", {}))


def test_each_spec_that_is_no_child_has_a_reserve_to_end_in(workflow):
    """Where a budget ends a run, what is set aside still answers; a child just fails."""
    last = workflow.states[workflow.budget.exceeded]

    assert getattr(last, "reserve", False) or (workflow.workflow in CHILDREN and last.end == "failed")


def test_the_specs_show_the_language():
    """Between them they use every kind of state but `call`, `per`, `else` and complaints sent elsewhere."""
    states = [
        state
        for name in NAMES
        for state in compile_file(SPECS / f"{name}.fsm.yaml").analysis.workflow.states.values()
    ]
    arms = [
        arm
        for state in states
        for arm in (state.success.values() if isinstance(getattr(state, "success", None), dict) else ())
        if isinstance(arm, Target)
    ]

    assert {type(state) for state in states} == set(KINDS.values()) - {Call}
    assert any(arm.per for arm in arms)
    assert any(arm.else_ for arm in arms)
    assert any(isinstance(getattr(s, "invalid", None), Invalid) and s.invalid.to for s in states)
