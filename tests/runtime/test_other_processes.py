"""Runs in other processes: what is handed over to them, and what comes back."""

from __future__ import annotations

import copy
import importlib
import os
import pickle
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from fsmflow.backends.python import runner as code_of
from fsmflow.lowering import lower
from fsmflow.runtime import Rejected, Result, StepNotFound, Transient, load_runner
from fsmflow.spec import End
from tests.runtime.workbench import retry, run, run_one, step, workflow

STEPS = """\
from dataclasses import dataclass


@dataclass
class Word:
    text: str


def turned(text: str) -> Word:
    return Word(text[::-1])
"""

LITTLE = workflow(
    {
        "work": step(run="apart_steps:turned", with_={"text": "$input"}, gives="apart_steps:Word"),
        "done": End(end="success", output="$work"),
    },
    input="str",
    output="apart_steps:Word",
)


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a runner that was generated, beside steps that this process has not imported."""
    (tmp_path / "apart_steps.py").write_text(STEPS)
    path = tmp_path / "little_fsm.py"
    path.write_text(code_of(lower(LITTLE), spec="little.fsm.yaml", folder="."))
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield path
    sys.modules.pop("apart_steps", None)


def test_a_process_pool_runs_a_workflow(built: Path) -> None:
    """A runner goes to a process that was spawned, and its result, or what it raises, comes back."""
    runner = load_runner(built)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        results = list(pool.map(runner.run_sync, ["abc", "xy"]))
        refused = pool.submit(runner.run_sync, 5).exception()  # type: ignore[arg-type] # which is the point

    assert [result.output.text for result in results] == ["cba", "yx"]
    assert results[0].path == ("work",)
    assert results[0].folder == built.parent
    assert isinstance(refused, Rejected)


def test_a_generated_module_that_is_imported_runs_in_a_process_pool(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The functions of a generated module go to another process by their names."""
    monkeypatch.syspath_prepend(built.parent)
    import little_fsm  # type: ignore[import-not-found] # it was written just now

    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        result = pool.submit(little_fsm.run_sync, "abc").result()
    del sys.modules["little_fsm"]

    assert result.output.text == "cba"


def test_a_runner_in_a_zip_runs_in_a_process_pool(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A runner that stands in no file of its own goes to another process by the name of its module."""
    with zipfile.ZipFile(built.parent / "app.zip", "w") as archive:
        archive.write(built, "zipped_fsm.py")
        archive.write(built.with_name("apart_steps.py"), "apart_steps.py")
    monkeypatch.syspath_prepend(built.parent / "app.zip")
    zipped = importlib.import_module("zipped_fsm")

    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        result = pool.submit(zipped.RUNNER.run_sync, "abc").result()
    del sys.modules["zipped_fsm"]

    assert result.output.text == "cba"


def test_a_runner_that_is_unpickled_is_loaded_once(built: Path) -> None:
    """What many tasks are given finds its steps once."""
    kept = pickle.dumps(load_runner(built))

    assert pickle.loads(kept) is pickle.loads(kept)


def test_a_runner_is_pickled_only_where_it_was_built(built: Path) -> None:
    """Where another machine was built since, or none, that is said before it is handed over."""
    runner = load_runner(built)
    other = workflow({"work": step(run="apart_steps:turned")})
    built.write_text(code_of(lower(other), spec="little.fsm.yaml", folder="."))
    with pytest.raises(StepNotFound, match=r"another version than the one built .*`fsmflow build`"):
        pickle.dumps(runner)

    built.unlink()
    with pytest.raises(FileNotFoundError, match=r"no generated runner at .*little_fsm.py; fsmflow build"):
        pickle.dumps(runner)


def busy_once() -> Callable[[], str]:
    failures = iter([Transient("busy")])

    def work() -> str:
        for failure in failures:
            raise failure
        return "4242-4242"

    return work


def timeless(event: dict[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in event.items() if not name.endswith(("_ns", "span_id", "parent_id"))}


COPIES: list[Callable[[Result[Any]], Result[Any]]] = [
    lambda result: pickle.loads(pickle.dumps(result)),
    copy.copy,
    copy.deepcopy,
]


@pytest.mark.parametrize("copied", COPIES, ids=["pickle", "copy", "deepcopy"])
def test_a_copy_of_a_result_is_all_that_it_was(copied: Callable[[Result[Any]], Result[Any]]) -> None:
    """A copy has the same kind, end, output, ledger, trace and ids, and tells the same events."""
    states = {"work": step(success="given", retry=retry(1)), "given": End(end="success", output="$work")}
    result = run(states, {"work": busy_once()}, given="abc")
    found = copied(result)

    for name in ("kind", "end", "output", "spent", "trace", "path", "run_id", "trace_id", "error", "folder"):
        assert getattr(found, name) == getattr(result, name), name
    assert found.configuration == result.configuration
    assert repr(found) == repr(result)
    assert [timeless(event) for event in found.events()] == [timeless(event) for event in result.events()]
    # A copy of a copy, too.
    assert copied(found).trace == result.trace


@pytest.mark.parametrize("copied", COPIES, ids=["pickle", "copy", "deepcopy"])
def test_a_copy_of_a_result_tells_no_secret(copied: Callable[[Result[Any]], Result[Any]]) -> None:
    """What was not to be told of a run is not told by a copy of it."""
    result = run_one(lambda: "4242-4242", secret=["output"])
    found = copied(result)

    assert found.output == "4242-4242"
    assert "4242" not in repr(found)
    assert "4242" not in str(found.events())


def test_a_deep_copy_shares_nothing_that_changes() -> None:
    """What is changed in a deep copy is not changed in what it was made of."""
    result = run_one(lambda: ["a"])
    copy.deepcopy(result).output.append("b")

    assert result.output == ["a"]


def test_what_cannot_be_pickled_is_said_with_what_to_pass_on() -> None:
    """A value that has no pickle is told in one sentence, which names what else tells of the run."""
    result = run_one(threading.Lock)

    with pytest.raises(
        TypeError,
        match=r"the result of little can't be pickled .*lock.*: pass on `result\.events\(\)`, which is",
    ):
        pickle.dumps(result)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_forked_workers_draw_their_own_pauses() -> None:
    """Processes that are forked from one that has loaded a runner don't retry all at the same moments."""
    script = """
import os
import sys
from fsmflow.runtime import Backoff, Transient
from fsmflow.testing.clock import SimulatedClock
from tests.runtime.workbench import retry, run, seconds, step

def work():
    raise Transient

for _ in range(2):
    if os.fork() == 0:
        state = step(inline=True, retry=retry(3, backoff=seconds(1), jitter="full"))
        result = run({"work": state}, {"work": work}, options={"clock": SimulatedClock()})
        print(result.spent.time_us, flush=True)
        os._exit(0)
    os.wait()
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    first, second = done.stdout.split()

    assert first != second
