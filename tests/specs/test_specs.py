"""The committed specs, as specs."""

from pathlib import Path

import pytest

from fsmflow.compiler import compile_file
from fsmflow.spec import Choose, End, Invalid, Run, Target, Wait

SPECS = Path(__file__).resolve().parents[2] / "specs"
NAMES = ("ask_docs", "extract_record", "tool_loop")


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
            assert state.effect == "none", name
            assert state.fallback, name


def test_each_spec_holds_itself_to_policies_and_can_run_offline(workflow):
    """Each spec has two policies or more, a profile `offline` and a reserve to end in."""
    assert len(workflow.policies) >= 2
    assert "offline" in workflow.profiles
    assert getattr(workflow.states[workflow.budget.exceeded], "reserve", False)


def test_the_three_specs_show_the_language():
    """Between them the specs use every basic kind of state, `per`, `else` and complaints sent elsewhere."""
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

    assert {Run, Choose, Wait, End} <= {type(state) for state in states}
    assert any(arm.per for arm in arms)
    assert any(arm.else_ for arm in arms)
    assert any(isinstance(getattr(s, "invalid", None), Invalid) and s.invalid.to for s in states)
