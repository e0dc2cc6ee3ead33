"""The pipeline: how far a spec comes, and what is said on the way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fsmflow import compile_file, compile_spec
from fsmflow.backends import Places
from fsmflow.diagnostics import InvalidSpec
from fsmflow.loading.yaml import read_document
from fsmflow.spec import Budget, End, Run, Workflow

SOUND = """\
fsmflow: 1
workflow: sound
budget: {steps: 3}
states:
  work: {run: "nowhere:work", effect: none, success: done, fallback: failed}
  done: {end: success}
  failed: {end: failed}
"""


def checks(text: str) -> list[str]:
    """Compile `text` and name the errors and warnings that are found."""
    found = compile_spec(read_document(text, "sound.fsm.yaml")).diagnostics
    return [d.check for d in found if d.severity.value != "note"]


def test_a_sound_spec_comes_all_the_way() -> None:
    """A sound spec has an analysis and nothing to report."""
    assert checks(SOUND) == []


def test_python_and_yaml_are_one_language() -> None:
    """A workflow written in Python means the same machine as its YAML."""
    failed = End(end="failed")
    work = Run(run="nowhere:work", effect="none", success="done", fallback="failed")
    states = {"work": work, "done": End(end="success"), "failed": failed}
    workflow = Workflow(workflow="sound", budget=Budget(steps=3), states=states)
    python, yaml = compile_spec(workflow), compile_spec(read_document(SOUND, "sound.fsm.yaml"))

    assert python.analysis is not None
    assert yaml.analysis is not None
    assert python.analysis.machine.digest == yaml.analysis.machine.digest


def test_python_specs_meet_the_same_checks() -> None:
    """A fault in a workflow written in Python is told with a line of its text."""
    work = Run(run="nowhere:work", effect="none", success="doen", fallback="done")
    workflow = Workflow(workflow="sound", states={"work": work, "done": End(end="success")})
    compilation = compile_spec(workflow)
    (fault,) = compilation.errors

    assert fault.check == "unknown-target"
    assert compilation.document is not None
    line = compilation.document.line(compilation.document.locate(fault.route).line)
    assert "doen" in line


def test_a_duplicate_key_hides_no_other_fault(tmp_path: Path) -> None:
    """A fault of the text that can be gone past leaves the later stages to find theirs."""
    spec = tmp_path / "sound.fsm.yaml"
    spec.write_text(
        SOUND.replace("success: done", "success: doen").replace("  done:", "  done: {end: failed}\n  done:")
    )
    found = {d.check for d in compile_file(spec).errors}

    assert {"duplicate-key", "unknown-target"} <= found


def test_text_that_is_no_document_is_told_once(tmp_path: Path) -> None:
    """A syntax error is one diagnostic, with a place, and no analysis."""
    spec = tmp_path / "broken.fsm.yaml"
    spec.write_text("states: [")
    compilation = compile_file(spec)

    assert compilation.analysis is None
    assert [d.check for d in compilation.diagnostics] == ["yaml-syntax"]


def test_nothing_is_emitted_of_a_faulty_spec(tmp_path: Path) -> None:
    """`emit` refuses a workflow with errors."""
    compilation = compile_spec(read_document(SOUND.replace("done: {end", "doen: {end"), "sound.fsm.yaml"))

    with pytest.raises(InvalidSpec):
        compilation.emit(Places(tmp_path, tmp_path, tmp_path))


def test_importing_fsmflow_loads_no_compiler() -> None:
    """`import fsmflow` and `import fsmflow.runtime` leave attrs, cattrs and yaml alone."""
    program = (
        "import sys, fsmflow, fsmflow.runtime\n"
        "heavy = {'attr', 'attrs', 'cattrs', 'yaml', 'hypothesis', 'graphviz', 'transitions'}\n"
        "loaded = heavy & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_what_the_package_offers_is_there() -> None:
    """Every public name resolves, and a wrong one is an AttributeError."""
    import fsmflow

    for name in fsmflow.__all__:
        assert getattr(fsmflow, name) is not None
    with pytest.raises(AttributeError):
        _ = fsmflow.nothing  # type: ignore[attr-defined]
