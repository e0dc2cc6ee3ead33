"""What a notebook shows of workflows, runs and changes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fsmflow import compare, compile_file
from fsmflow.backends import Places, engines
from fsmflow.backends.diagram import extract
from fsmflow.backends.graphviz import picture
from fsmflow.compiler import Compilation
from fsmflow.notebook import MERMAID, PLAIN, SVG, WIDEST
from fsmflow.runtime import Result, load_runner

SPECS = sorted((Path(__file__).parents[1] / "specs").glob("*.fsm.yaml"))
SPEC = """
fsmflow: 1
workflow: greet
budget: {steps: 5}
states:
  write:
    {run: greet_steps:write, effect: none, timeout: 2s, success: done, fallback: failed, retry: {times: 1}}
  done: {end: success, output: $write}
  failed: {end: failed}
"""
STEPS = "def write() -> str:\n    return 'hello'\n"


def compiled(folder: Path, text: str = SPEC) -> Compilation:
    folder.mkdir(exist_ok=True)
    (folder / "greet_steps.py").write_text(STEPS, encoding="utf-8")
    path = folder / "greet.fsm.yaml"
    path.write_text(text, encoding="utf-8")
    return compile_file(path)


def ran(folder: Path) -> Result[object]:
    """Build and run the workflow."""
    for artifact in compiled(folder).emit(Places(folder / "greet.fsm.yaml", folder, folder), ("python",)):
        artifact.path.write_bytes(artifact.content)
    return load_runner(folder / "greet_fsm.py").run_sync({}, steps={"write": lambda: "hello"})


def test_a_workflow_is_drawn_and_proved(tmp_path: Path) -> None:
    """A workflow shows its picture and what is proved of it."""
    compilation = compiled(tmp_path)
    shown = compilation._repr_mimebundle_()

    assert shown[SVG].startswith("<svg")
    assert shown[SVG] == compilation._repr_svg_()
    assert shown[PLAIN].startswith("greet: every run ends")


def test_a_wide_picture_keeps_within_its_cell() -> None:
    """A picture that is wider than a cell is shown smaller, in its proportions; none is made larger."""
    for spec in SPECS:
        compilation = compile_file(spec)
        assert compilation.analysis is not None
        proof = compilation.analysis.proof
        drawn = picture(extract(proof.machine, proof)).decode()
        (wide, high), (wide_there, high_there) = map(size, (drawn, compilation._repr_mimebundle_()[SVG]))
        assert wide_there == min(wide, WIDEST)
        assert high_there == round(high * wide_there / wide)


def size(svg: str) -> tuple[int, int]:
    """Read how large a picture is, in points."""
    found = re.search(r'<svg [^>]*width="([0-9]+)pt" height="([0-9]+)pt"', svg)
    assert found is not None
    return int(found[1]), int(found[2])


def test_faults_are_told_in_its_place(tmp_path: Path) -> None:
    """A workflow with errors shows them and draws nothing."""
    compilation = compiled(tmp_path, SPEC.replace("success: done", "success: dome"))
    shown = compilation._repr_mimebundle_()

    assert list(shown) == [PLAIN]
    assert "did you mean `done`?" in shown[PLAIN]
    assert compilation._repr_svg_() is None


def test_a_run_is_drawn_on_its_workflow(tmp_path: Path) -> None:
    """A result shows the way that the run took."""
    result = ran(tmp_path)
    shown = result._repr_mimebundle_()

    assert shown[PLAIN] == "Result(success in 'done': 'hello')"
    assert "#2" in shown[SVG]
    assert result.trace_id[:8] in shown[SVG]
    assert shown[SVG] == result._repr_svg_()


def test_a_run_whose_workflow_is_gone_is_told(tmp_path: Path) -> None:
    """Without its spec a result is shown in words alone."""
    result = ran(tmp_path)
    (tmp_path / "greet.fsm.yaml").unlink()

    assert result._repr_mimebundle_() == {PLAIN: "Result(success in 'done': 'hello')"}


def test_a_change_is_drawn_and_told(tmp_path: Path) -> None:
    """A difference shows both versions in one picture, and the worst case before and after."""
    change = compare(
        compiled(tmp_path / "old"), compiled(tmp_path / "new", SPEC.replace("times: 1", "times: 2"))
    )
    shown = change._repr_mimebundle_()

    assert "Δ CHANGED" in shown[SVG]
    assert "+50 %" in shown[PLAIN]
    assert shown[SVG] == change._repr_svg_()


def test_no_change_says_so(tmp_path: Path) -> None:
    """Two equal versions are told to be that."""
    same = compare(compiled(tmp_path), compiled(tmp_path))

    assert same._repr_mimebundle_() == {PLAIN: "greet: no change in meaning"}


def test_nothing_is_shown_in_the_place_of_a_picture(tmp_path: Path) -> None:
    """Beside a picture there is no flowchart, which JupyterLab would show instead, without run or change."""
    old, new = (
        compiled(tmp_path / "old"),
        compiled(tmp_path / "new", SPEC.replace("times: 1", "times: 2")),
    )

    for each in (old, ran(tmp_path), compare(old, new)):
        assert set(each._repr_mimebundle_()) == {PLAIN, SVG}


def test_a_workflow_needs_nothing_that_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can draw, a workflow is shown as a flowchart."""
    monkeypatch.setattr(engines, "find", lambda: None)

    shown = compiled(tmp_path)._repr_mimebundle_()

    assert set(shown) == {PLAIN, MERMAID}
    assert "flowchart TB" in shown[MERMAID]


def test_a_run_and_a_change_are_told_where_nothing_draws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing can draw, a run and a change are shown in words: a flowchart would show neither."""
    monkeypatch.setattr(engines, "find", lambda: None)
    change = compare(
        compiled(tmp_path / "old"), compiled(tmp_path / "new", SPEC.replace("times: 1", "times: 2"))
    )

    assert set(ran(tmp_path)._repr_mimebundle_()) == set(change._repr_mimebundle_()) == {PLAIN}


def test_a_spec_may_end_in_yml(tmp_path: Path) -> None:
    """A run is drawn on its workflow whichever ending its spec has."""
    result = ran(tmp_path)
    (tmp_path / "greet.fsm.yaml").rename(tmp_path / "greet.fsm.yml")

    assert SVG in result._repr_mimebundle_()
