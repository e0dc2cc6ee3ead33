"""References that are no module names."""

from __future__ import annotations

import pytest

from fsmflow import compile_spec
from fsmflow.spec import End, Run, Workflow


@pytest.mark.parametrize("call", ["w/x:f", "/etc/passwd:f", "..x:f", "a b:f"])
def test_a_path_is_no_module(call: str, tmp_path) -> None:
    """A step named by a path is refused by name."""
    work = Run(run=call, effect="none", success="done", fallback="done")
    workflow = Workflow(workflow="odd", states={"work": work, "done": End(end="success")})
    found = {d.check for d in compile_spec(workflow, folder=tmp_path).errors}

    assert "bad-reference" in found
