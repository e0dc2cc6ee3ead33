"""The pipeline: how far a spec comes, and what is said on the way."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fsmflow import compile_file, compile_spec, compiler
from fsmflow.backends import Places
from fsmflow.diagnostics import InvalidSpec
from fsmflow.loading.yaml import load_file, read_document
from fsmflow.machine import Caps, Work
from fsmflow.source import Document
from fsmflow.spec import Budget, Call, End, Run, Workflow

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


def calling(name: str, *others: str) -> str:
    """Write a workflow that runs others, one after the other."""
    states = [
        f"  s{n}: {{call: {other}, success: s{n + 1}, fallback: failed}}" for n, other in enumerate(others)
    ]
    ends = [f"  s{len(others)}: {{end: success}}", "  failed: {end: failed}", ""]
    return "\n".join([f"workflow: {name}", "states:", *states, *ends])


def placed(folder: Path, **runs: tuple[str, ...]) -> Path:
    """Write a spec for each workflow, with those that it runs; and give the first one's."""
    for name, others in runs.items():
        (folder / f"{name}.fsm.yaml").write_text(calling(name, *others))
    return folder / f"{next(iter(runs))}.fsm.yaml"


def said(path: Path) -> list[tuple[str, str]]:
    """Compile a file, and give the names and the words of what is said."""
    return [(d.check, d.message) for d in compile_file(path).diagnostics]


def test_what_is_run_is_known(tmp_path: Path) -> None:
    """A workflow that is run stands beside its caller, and is known by its machine and by its most use."""
    top = placed(tmp_path, top=("child",))
    (tmp_path / "child.fsm.yml").write_text(calling("child"))
    found, child = compile_file(top), compile_file(tmp_path / "child.fsm.yml")

    assert found.diagnostics == ()
    assert found.analysis is not None
    assert child.analysis is not None
    known = found.analysis.callees["child"]
    assert (known.path, known.trouble) == (tmp_path / "child.fsm.yml", "")
    assert known.callee is not None
    assert known.callee.digest == child.analysis.machine.digest
    assert known.callee.most == Caps(0, 0, 0, 0, 0)
    assert known.analysis is not None
    assert known.analysis.machine == child.analysis.machine


def test_a_change_below_is_a_change_above(tmp_path: Path) -> None:
    """A workflow is another one once a workflow that it runs is, however far below."""
    top = placed(tmp_path, top=("middle",), middle=("low",), low=())
    before = compile_file(top).analysis
    (tmp_path / "low.fsm.yaml").write_text(calling("low").replace("end: success", "end: degraded"))
    after = compile_file(top).analysis

    assert before is not None
    assert after is not None
    assert before.machine.digest != after.machine.digest


@pytest.mark.parametrize(
    ("runs", "circles"),
    [
        ({"top": ("top",)}, ["`top` → `top`"]),
        ({"top": ("low",), "low": ("top",)}, ["`top` → `low` → `top`"]),
        # Each call tells the circle that it closes itself.
        (
            {"top": ("one", "two"), "one": ("two",), "two": ("top",)},
            ["`top` → `one` → `two` → `top`", "`top` → `two` → `top`"],
        ),
        # What is run is in a circle of its own, and its caller in none.
        ({"top": ("one", "low"), "one": ("two",), "two": ("one",), "low": ()}, ["`one` → `two` → `one`"]),
    ],
    ids=["itself", "one another", "two ways", "below"],
)
def test_a_circle(tmp_path: Path, runs: dict[str, tuple[str, ...]], circles: list[str]) -> None:
    """Workflows that run one another are told with the whole circle, however it is come to."""
    words = "workflows run one another in a circle: "

    assert [("call-circle", words + circle) for circle in circles] == said(placed(tmp_path, **runs))


def test_what_leads_to_a_circle_is_faulty(tmp_path: Path) -> None:
    """Who runs a workflow that runs one in a circle is told of the first one's errors."""
    top = placed(tmp_path, top=("one",), one=("two",), two=("two",))

    assert said(top) == [("child-faulty", "`one` has errors")]


def test_a_hundred_in_a_circle(tmp_path: Path) -> None:
    """A circle of a hundred workflows is told once, and shortened."""
    names = [f"w{n}" for n in range(100)]
    runs = {name: (names[(n + 1) % 100],) for n, name in enumerate(names)}
    ((check, message),) = said(placed(tmp_path, **runs))

    assert check == "call-circle"
    assert "`w0` → `w1` → " in message
    assert message.endswith("→ 89 others → `w0`")


def test_a_hundred_that_all_run_one_another(tmp_path: Path) -> None:
    """Of a hundred workflows that each run all others, each is told with the short circle."""
    names = [f"w{n}" for n in range(100)]
    found = said(placed(tmp_path, **{name: tuple(n for n in names if n != name) for name in names}))

    assert [f"`w0` → `{name}` → `w0`" for name in names[1:]] == [m.partition(": ")[2] for _, m in found]


@pytest.mark.parametrize("depth", [30, pytest.param(1_000, marks=pytest.mark.slow)])
def test_a_long_chain(tmp_path: Path, depth: int) -> None:
    """A workflow that runs one that runs one, and so on, compiles; each adds its own attempt."""
    runs = {f"c{n}": (f"c{n + 1}",) for n in range(depth)}
    found = compile_file(placed(tmp_path, **runs, **{f"c{depth}": ()}))

    assert found.diagnostics == ()
    assert found.analysis is not None
    state = found.analysis.machine.states["s0"]
    assert isinstance(state, Work)
    assert state.steps == depth


def test_a_diamond_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A workflow that is run by several others is read once, and known to all of them as the same one."""
    top = placed(tmp_path, top=("left", "right"), left=("low",), right=("low", "low"), low=())
    read: list[str] = []

    def load(path: Path) -> Document:
        read.append(Path(path).name)
        return load_file(path)

    monkeypatch.setattr(compiler, "load_file", load)
    found = compile_file(top)

    assert found.diagnostics == ()
    assert sorted(read) == ["left.fsm.yaml", "low.fsm.yaml", "right.fsm.yaml", "top.fsm.yaml"]


def test_more_than_any_cap(tmp_path: Path) -> None:
    """Children that double from level to level are refused before their number can't be held."""
    runs = {f"c{n}": (f"c{n + 1}",) * 2 for n in range(45)}
    top = placed(tmp_path, **runs, c45=())
    ((check, message),) = set(said(tmp_path / "c5.fsm.yaml"))

    assert {("child-faulty", "`c1` has errors")} == set(said(top))
    assert (check, message) == (
        "child-unbounded",
        "`c6` may use 1,099,511,627,774 steps, which is beyond all caps",
    )


def test_a_workflow_in_python_runs_others(tmp_path: Path) -> None:
    """A workflow written in Python runs those whose specs stand in its folder, and can be run by none."""
    placed(tmp_path, low=(), back=("top",))
    states = {"a": Call(call="low", success="b", fallback="d"), "b": Call(call="back", success="d")}
    workflow = Workflow(workflow="top", states={**states, "d": End(end="success")})
    found = compile_spec(workflow, folder=tmp_path).diagnostics

    assert {("call-circle", "b"), ("missing-outcome", "b")} == {(d.check, d.route[1]) for d in found}


def test_without_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A workflow that stands nowhere runs no others, not even those where the program happens to be."""
    placed(tmp_path, low=())
    monkeypatch.chdir(tmp_path)
    (found,) = compile_spec(read_document(calling("top", "low"), "")).diagnostics

    assert found.check == "child-not-found"
    assert "stands in no folder" in found.message


def test_a_near_name_is_offered(tmp_path: Path) -> None:
    """A misspelt workflow is told with where it was looked for, and with the nearest one beside."""
    top = placed(tmp_path, top=("sumarise",), summarise=(), other=())
    (found,) = compile_file(top).diagnostics

    assert found.check == "child-not-found"
    assert found.message.endswith(f"it was looked for in {tmp_path.as_posix()}/sumarise.fsm.yaml")
    assert found.hint == "did you mean `summarise`?"


def test_a_child_under_another_name(tmp_path: Path) -> None:
    """A file that holds another workflow than it is named after is not taken for either."""
    top = placed(tmp_path, top=("low",))
    (tmp_path / "low.fsm.yaml").write_text(calling("top", "low"))
    ((check, message),) = said(top)

    assert (check, message) == (
        "child-not-found",
        f"{tmp_path.as_posix()}/low.fsm.yaml is the spec of another workflow than `low`",
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"states: [",
        b"workflow: low\n",
        b"[]",
        b"workflow: low\nstates: {}\n",
        b"\x00",
        None,
    ],
    ids=ascii,
)
def test_a_child_that_can_not_be_read(tmp_path: Path, content: bytes | None) -> None:
    """A child that is no text, no spec or no file has errors, whatever it is."""
    top, low = placed(tmp_path, top=("low",)), tmp_path / "low.fsm.yaml"
    low.mkdir() if content is None else low.write_bytes(content)

    assert said(top) == [("child-faulty", "`low` has errors")]


def test_a_child_that_leads_nowhere(tmp_path: Path) -> None:
    """A link to nothing, and one to itself, are children with errors."""
    top, low = placed(tmp_path, top=("low",)), tmp_path / "low.fsm.yaml"
    for target in ("gone", "low.fsm.yaml"):
        low.unlink(missing_ok=True)
        low.symlink_to(target)

        assert said(top) == [("child-faulty", "`low` has errors")]


def test_a_child_that_is_a_pipe(tmp_path: Path) -> None:
    """A child that is a pipe is not waited for."""
    top = placed(tmp_path, top=("low",))
    os.mkfifo(tmp_path / "low.fsm.yaml")

    assert said(top) == [("child-faulty", "`low` has errors")]


def test_an_excused_error_of_a_child_is_none(tmp_path: Path) -> None:
    """What the spec of a child excuses does not come up with its caller."""
    top = placed(tmp_path, top=("low",))
    spec = calling("low").replace(
        "  s0:", "  # fsmflow: ignore[unreachable-state] later\n  more: {end: failed}\n  s0:"
    )
    (tmp_path / "low.fsm.yaml").write_text(spec.replace("states:", "start: s0\nstates:"))

    assert said(top) == []


def test_the_modules_of_a_child_are_not_imported(tmp_path: Path) -> None:
    """The steps of a child are read as text, as its caller's are."""
    top = placed(tmp_path, top=("low",))
    step = SOUND.replace("nowhere:work", "trap_of_a_child:step").replace("workflow: sound", "workflow: low")
    (tmp_path / "low.fsm.yaml").write_text(step)
    trap = f"import pathlib\npathlib.Path({str(tmp_path / 'ran')!r}).touch()\ndef step(): ...\n"
    (tmp_path / "trap_of_a_child.py").write_text(trap)

    assert said(top) == []
    assert not (tmp_path / "ran").exists()
    assert "trap_of_a_child" not in sys.modules


def test_an_end_without_output_gives_null(tmp_path: Path) -> None:
    """What a child gives may be null as soon as one of its good ends that are come to gives null."""
    top = placed(tmp_path, top=("low",))
    low = "workflow: low\noutput: str\nstates:\n  a: {choose: [{when: input.x, to: b}, {to: c}]}\n"

    def output(b: str, c: str, more: str = "") -> str:
        (tmp_path / "low.fsm.yaml").write_text(f"{low}  b: {b}\n  c: {c}\n{more}")
        analysis = compile_file(top).analysis
        assert analysis is not None
        assert analysis.callees["low"].callee is not None
        return str(analysis.callees["low"].callee.output)

    given = "{end: success, output: $input.text}"
    assert output(given, given) == "str"
    assert output(given, "{end: degraded}") == "str | None"
    # A run holds what an end declares to the type.
    assert output(given, "{end: degraded, output: $input.text.or_null}") == "str"
    assert output(given, "{end: failed}") == "str"
    assert output(given, "{end: handoff}") == "str"
    assert output(given, given, "  d: {end: degraded}\n") == "str"
