"""Durable runs: taken up where they were left, by one process at a time, on their own machine."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import evolve

from fsmflow.engines import serving
from fsmflow.engines.durable import (
    Corrupt,
    Durable,
    Fenced,
    NoSuchRun,
    Over,
    Suspended,
    Taken,
    Unfit,
)
from fsmflow.engines.store import Store, StoreError
from fsmflow.engines.workflows import Workflow
from fsmflow.runtime import Inbox, NotWaiting, Rejected, StepContext
from tests.modules import write_module

STEPS = '''
"""Steps that a durable run calls."""
from attrs import frozen

@frozen
class Fact:
    text: str

async def find(text: str) -> Fact:
    return Fact(text)

async def judge(fact: Fact) -> str:
    return fact.text.upper()
'''
SPEC = """
fsmflow: 1
workflow: facts
budget: {steps: 10}
states:
  find:
    run: durable_steps:find
    with: {text: $input.text}
    gives: durable_steps:Fact
    effect: none
    success: approve
    fallback: failed
  approve:
    ask: Is it true?
    show: {fact: $find}
    timeout: 7d
    success: {yes_: judge, no_: failed}
    fallback: failed
  judge:
    run: durable_steps:judge
    with: {fact: $find}
    gives: str
    effect: none
    success: done
    fallback: failed
  done: {end: success, output: $judge}
  failed: {end: failed}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the spec and its steps."""
    folder = tmp_path_factory.mktemp("specs")
    (folder / "durable_steps.py").write_text(STEPS)
    (folder / "facts.fsm.yaml").write_text(SPEC)
    yield folder
    sys.path[:] = [path for path in sys.path if path != str(folder)]
    sys.modules.pop("durable_steps", None)


@pytest.fixture
def workflow(folder: Path) -> Workflow:
    """The workflow."""
    return Workflow.of_spec(folder / "facts.fsm.yaml")


@pytest.fixture
def durable(tmp_path: Path) -> Iterator[Durable]:
    """A database of its own, in which runs that wait are let go."""
    opened = Durable(tmp_path / "runs.db", suspends=True, lease_s=0.4)
    yield opened
    opened.close()


def resume(durable: Durable, run_id: str, **options: Any) -> Any:
    """Take a run up; give its result, or the state that waits."""
    try:
        return asyncio.run(durable.resume(run_id, **options))
    except Suspended as suspended:
        return suspended.asked.state


@pytest.mark.parametrize("options", [{}, {"trace": lambda event: None}], ids=["unwatched", "watched"])
def test_a_run_that_is_interrupted_in_a_step_is_taken_up_there(
    durable: Durable, workflow: Workflow, options: dict[str, Any]
) -> None:
    """Ctrl-C that reaches a step ends the process's work and not the run, which makes the attempt again."""

    async def interrupted(text: str) -> None:
        raise KeyboardInterrupt

    run_id = durable.submit(workflow, {"text": "a"})
    with pytest.raises(KeyboardInterrupt):
        resume(durable, run_id, steps={"find": interrupted}, **options)

    assert resume(durable, run_id) == "approve"
    assert durable.find(run_id).status == "waiting"


def test_a_run_is_let_go_while_it_waits_and_taken_up_with_the_answer(
    durable: Durable, workflow: Workflow
) -> None:
    """A run that asks a person ends its process's work; with an answer it goes on, and repeats nothing."""
    run_id = durable.submit(workflow, {"text": "a"})

    assert resume(durable, run_id) == "approve"
    (question,) = durable.questions(run_id)
    assert (question.state, question.shown) == ("approve", {"fact": {"text": "a"}})
    assert durable.due(most=9) == []
    durable.answer(run_id, "approve", "yes_")
    assert durable.due(most=9) == [run_id]

    async def never(text: str) -> None:
        raise AssertionError("what was done is not done again")

    result = resume(durable, run_id, steps={"find": never})
    assert (result.kind, result.output, result.spent.steps) == ("success", "A", 2)
    assert durable.find(run_id[:8]).kind == "success"
    # What was done before it was taken up is told too, in order and of the same day.
    assert result.path == ("find", "approve", "judge")
    run, *stages, end = result.events()
    told = [event["start_ns"] for event in stages]
    assert [event["state"] for event in stages] == list(result.path)
    assert told == sorted(told)
    assert time.time_ns() - 60 * 10**9 < run["start_ns"] <= told[0]
    assert end["spent"]["steps"] == 2


def test_answers_are_held_to_the_question(durable: Durable, workflow: Workflow) -> None:
    """An answer from outside the list is refused, and so is a second one, and one to nothing."""
    run_id = durable.submit(workflow, {"text": "a"})
    with pytest.raises(NotWaiting):
        durable.answer(run_id, "approve", "yes_")
    resume(durable, run_id)
    with pytest.raises(Rejected):
        durable.answer(run_id, "approve", "maybe")
    durable.answer(run_id, "approve", "no_")

    with pytest.raises(NotWaiting):
        durable.answer(run_id, "approve", "yes_")


@pytest.mark.parametrize("run_id", ["", "x\ny", "\x1b[31mred"])
def test_an_id_that_would_not_stay_in_its_place_is_refused(
    durable: Durable, workflow: Workflow, run_id: str
) -> None:
    """No run is kept under an id that no line could hold; an empty one is none, and not a random one."""
    with pytest.raises(ValueError, match="can't be a run's id"):
        durable.submit(workflow, {"text": "a"}, run_id=run_id)
    with pytest.raises(ValueError, match="can't be a run's id"):
        asyncio.run(durable.run(workflow, {"text": "a"}, run_id=run_id))

    assert durable.runs() == []


def test_a_run_keeps_to_its_machine_when_the_spec_changes(
    durable: Durable, workflow: Workflow, folder: Path
) -> None:
    """A spec that was edited, or is gone, changes nothing for runs that were submitted before."""
    run_id = durable.submit(workflow, {"text": "a"})
    resume(durable, run_id)
    spec = folder / "facts.fsm.yaml"
    spec.rename(folder / "elsewhere")
    try:
        durable.answer(run_id, "approve", "yes_")
        result = resume(durable, run_id)
    finally:
        (folder / "elsewhere").rename(spec)

    assert result.output == "A"


def test_changed_code_is_told_and_what_does_not_fit_is_refused(
    tmp_path: Path, workflow: Workflow, folder: Path
) -> None:
    """Code that changed since is a warning; a value that does not fit it any more stops the resume."""
    said: list[str] = []
    durable = Durable(tmp_path / "runs.db", suspends=True, warn=said.append)
    run_id = durable.submit(workflow, {"text": "a"})
    resume(durable, run_id)
    durable.answer(run_id, "approve", "yes_")
    before = durable.store.do_now(lambda c: c.execute("SELECT * FROM journal").fetchall())
    steps = folder / "durable_steps.py"
    write_module(steps, STEPS.replace("text: str\n\nasync", "text: str\n    source: str\n\nasync"))
    sys.modules.pop("durable_steps")
    try:
        with pytest.raises(Unfit, match="what `find` gave then does not fit now"):
            resume(durable, run_id)
    finally:
        write_module(steps, STEPS)
        sys.modules.pop("durable_steps", None)

    assert said == [f"the code or a prompt of `facts` has changed since {run_id} was submitted"]
    assert before == durable.store.do_now(lambda c: c.execute("SELECT * FROM journal").fetchall())
    durable.close()


def test_an_input_that_does_not_fit_any_more_stops_the_resume(tmp_path: Path) -> None:
    """A run whose input is of another form than its class has now is refused in words."""
    steps = "import attrs\n\n@attrs.frozen\nclass Given:\n    x: int\n"
    (tmp_path / "misfit_steps.py").write_text(steps)
    (tmp_path / "misfit.fsm.yaml").write_text(
        "fsmflow: 1\nworkflow: misfit\ninput: misfit_steps:Given\nstates:\n"
        "  ask: {ask: Is it?, timeout: 7d, success: {yes_: done}, fallback: done}\n  done: {end: success}\n"
    )
    durable = Durable(tmp_path / "runs.db", suspends=True)
    try:
        run_id = durable.submit(Workflow.of_spec(tmp_path / "misfit.fsm.yaml"), {"x": 1})
        write_module(tmp_path / "misfit_steps.py", steps.replace("x: int", "y: int"))
        sys.modules.pop("misfit_steps")
        with pytest.raises(Unfit, match=r"the input of the run .* does not fit now: .*\.y"):
            resume(durable, run_id)
    finally:
        durable.close()
        sys.path.remove(str(tmp_path))
        sys.modules.pop("misfit_steps", None)


def test_what_is_no_data_is_a_failure(durable: Durable, workflow: Workflow) -> None:
    """A step that gives what no journal can keep has failed, and the message says of which type it was."""

    async def judge(fact: Any) -> Any:
        return object()

    async def find(text: str, ctx: StepContext) -> Any:
        return {"text": text}

    run_id = durable.submit(workflow, {"text": "a"})
    resume(durable, run_id, steps={"find": find})
    durable.answer(run_id, "approve", "yes_")
    result = resume(durable, run_id, steps={"judge": judge})

    assert result.end == "failed"
    assert "expected a string" in result.error.message or "can't be kept" in result.error.message


@pytest.mark.parametrize(
    ("within", "is_meant"),
    [("/", True), (".", True), ("..", True), ("below", False), ("../other", False), (".-2", False)],
)
def test_what_is_due_in_a_folder_is_of_specs_in_it_or_below(
    durable: Durable, workflow: Workflow, folder: Path, within: str, *, is_meant: bool
) -> None:
    """A folder holds the runs of its own specs and of those below, and the root holds all of them."""
    run_id = durable.submit(workflow, {"text": "a"})
    place = folder.with_name(folder.name + "-2") if within == ".-2" else folder / within

    assert durable.due(most=9, within=[place]) == ([run_id] if is_meant else [])
    assert durable.due_elsewhere([place]) == (set() if is_meant else {str(folder.resolve())})


def test_a_folder_that_was_moved_is_found_by_a_link_in_its_old_place(
    durable: Durable, workflow: Workflow, tmp_path: Path
) -> None:
    """The runs of a folder of specs are known by where that was, and a link there is that place."""
    place = tmp_path / "specs"
    run_id = durable.submit(evolve(workflow, folder=place), {"text": "a"})
    (tmp_path / "moved").mkdir()
    place.symlink_to(tmp_path / "moved")

    assert durable.due(most=9, within=[place]) == [run_id]
    assert durable.due_elsewhere([place]) == set()


def test_two_resumers_one_wins(tmp_path: Path, workflow: Workflow) -> None:
    """Of two that take up one run, one carries it out, and the other is told who does."""
    first = Durable(tmp_path / "runs.db", desk=Inbox())
    second = Durable(tmp_path / "runs.db", suspends=True)
    run_id = first.submit(workflow, {"text": "a"})

    async def main() -> None:
        running = asyncio.create_task(first.resume(run_id))
        while not first.questions(run_id):
            await asyncio.sleep(0.01)
        with pytest.raises(Taken, match=f"carried out by .*:{os.getpid()}:"):
            await second.resume(run_id)
        second.answer(run_id, "approve", "yes_")
        assert (await running).kind == "success"

    asyncio.run(main())
    first.close()
    second.close()


def test_cancelled_from_elsewhere(tmp_path: Path, workflow: Workflow) -> None:
    """A run that another process cancels is stopped where it is carried out, and can't be resumed."""
    durable = Durable(tmp_path / "runs.db", desk=Inbox(), lease_s=0.2)
    run_id = durable.submit(workflow, {"text": "a"})

    async def main() -> None:
        running = asyncio.create_task(durable.resume(run_id))
        while not durable.questions(run_id):
            await asyncio.sleep(0.01)
        durable.cancel(run_id)
        with pytest.raises(Fenced):
            await asyncio.wait_for(running, 5)

    asyncio.run(main())
    assert durable.find(run_id).status == "cancelled"
    with pytest.raises(Over):
        resume(durable, run_id)
    with pytest.raises(Over):
        durable.cancel(run_id)
    durable.close()


ZOMBIE = """
import asyncio, sys
from pathlib import Path
from fsmflow.engines.durable import Durable, Fenced
from fsmflow.engines.workflows import Workflow

async def slow(text):
    print("begun", flush=True)
    await asyncio.sleep(1.5)
    return {"text": "late"}

durable = Durable(Path(sys.argv[1]), suspends=True, lease_s=0.4)
workflow = Workflow.of_spec(Path(sys.argv[2]))
try:
    asyncio.run(durable.resume("z", workflow=workflow, steps={"find": slow}))
except BaseException as error:
    print(type(error).__name__, flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="it takes a system that can pause a process")
def test_a_paused_process_that_comes_back_writes_nothing(
    tmp_path: Path, durable: Durable, workflow: Workflow, folder: Path
) -> None:
    """A process that is paused past its lease is taken over from; when it goes on, it is fenced off."""
    durable.submit(workflow, {"text": "a"}, run_id="z")
    command = [sys.executable, "-c", ZOMBIE, str(durable.store.path), str(folder / "facts.fsm.yaml")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.6)
        assert resume(durable, "z") == "approve"
        rows = durable.store.do_now(lambda c: c.execute("SELECT * FROM journal").fetchall())
        process.send_signal(signal.SIGCONT)

        assert process.stdout.readline() == "Fenced\n"
    assert rows == durable.store.do_now(lambda c: c.execute("SELECT * FROM journal").fetchall())


def test_every_flipped_byte_of_a_journal_is_noticed(durable: Durable, workflow: Workflow) -> None:
    """A journal of which a character is another one is refused, and so is one that lacks a row."""
    run_id = durable.submit(workflow, {"text": "a"})
    resume(durable, run_id)
    rows = durable.store.do_now(
        lambda c: c.execute("SELECT seq, body FROM journal WHERE run_id = ?", (run_id,)).fetchall()
    )
    put = "UPDATE journal SET body = ? WHERE run_id = ? AND seq = ?"
    flips = 0
    for seq, body in rows:
        for at in range(0, len(body), 3):
            changed = body[:at] + chr(ord(body[at]) ^ 1) + body[at + 1 :]
            durable.store.do_now(lambda c, changed=changed, seq=seq: c.execute(put, (changed, run_id, seq)))
            with pytest.raises(Corrupt):
                asyncio.run(durable.resume(run_id))
            flips += 1
        durable.store.do_now(lambda c, body=body, seq=seq: c.execute(put, (body, run_id, seq)))
    durable.store.do_now(lambda c: c.execute("DELETE FROM journal WHERE run_id = ? AND seq = 1", (run_id,)))

    assert flips > 100
    with pytest.raises(Corrupt):
        asyncio.run(durable.resume(run_id))


def test_a_machine_that_was_tampered_with_is_refused(durable: Durable, workflow: Workflow) -> None:
    """The machine that travels with a run is data, and held to its digest."""
    run_id = durable.submit(workflow, {"text": "a"})
    durable.store.do_now(
        lambda c: c.execute(
            "UPDATE machines SET machine = replace(machine, 'durable_steps:judge', 'os:system')"
        )
    )

    with pytest.raises(ValueError, match="another one than its digest says"):
        durable.workflow_of(run_id)


def test_large_values_are_kept_apart_once(durable: Durable, workflow: Workflow) -> None:
    """A value of many characters is kept under its hash, and read back whole."""
    run_id = durable.submit(workflow, {"text": "a" * 50_000})
    resume(durable, run_id)
    durable.answer(run_id, "approve", "yes_")

    assert resume(durable, run_id).output == "A" * 50_000
    with closing(sqlite3.connect(durable.store.path)) as connection, connection:
        (count,) = connection.execute("SELECT count(*) FROM payloads").fetchone()
        (longest,) = connection.execute(
            "SELECT max(length(body)) FROM journal WHERE kind != 'run'"
        ).fetchone()
    assert count >= 1
    assert longest < 50_000


def test_what_is_over_is_forgotten(durable: Durable, workflow: Workflow) -> None:
    """Runs that ended before a time are forgotten with all that was theirs; others stay."""
    over, open_ = (durable.submit(workflow, {"text": text}) for text in "ab")
    durable.cancel(over)

    assert durable.gc(before_ns=time.time_ns() + 1) == 1
    assert [kept.run_id for kept in durable.runs()] == [open_]
    with pytest.raises(NoSuchRun):
        durable.find(over)
    assert durable.gc(before_ns=time.time_ns()) == 0


def asked_in(folder: Path, name: str, states: str, budget: str = "{steps: 9}") -> Workflow:
    """Write a workflow, and read it."""
    path = folder / f"{name}.fsm.yaml"
    path.write_text(f"fsmflow: 1\nworkflow: {name}\nbudget: {budget}\nstates:\n{states}")
    return Workflow.of_spec(path)


def test_a_terminal_that_is_left_leaves_the_question(tmp_path: Path, workflow: Workflow) -> None:
    """Where the person who is asked is gone, the run is let go, and waits for an answer from elsewhere."""

    class Left:
        async def ask(self, asked: Any) -> Any:
            raise EOFError("the terminal gives no more answers")

    with Durable(tmp_path / "left.db", desk=Left()) as durable:
        run_id = durable.submit(workflow, {"text": "a"})

        assert resume(durable, run_id) == "approve"
        durable.answer(run_id, "approve", "yes_")
        assert resume(durable, run_id).kind == "success"


def test_what_is_closed_says_so(tmp_path: Path, workflow: Workflow) -> None:
    """After the database is closed nothing hangs: whatever is asked of it is refused."""
    with Durable(tmp_path / "closed.db") as durable:
        durable.close()
    with pytest.raises(StoreError, match="is closed"):
        durable.submit(workflow, {"text": "a"})


class Locked(Store):
    """A database that can't be written while its file `locked` is there."""

    def _commit(self, batch: Any) -> None:
        if not (self.path.parent / "locked").exists():
            super()._commit(batch)
            return
        for handed in batch:
            handed.error = StoreError("database is locked")


def test_a_worker_outlives_a_database_that_is_locked_for_a_while(
    tmp_path: Path, workflow: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can't be read or written is told and tried again; no run is given up for it."""
    monkeypatch.setattr(serving, "AGAIN_S", 0.02)
    told: list[str] = []
    lock = tmp_path / "locked"
    with Durable(tmp_path / "runs.db", suspends=True, store=Locked) as durable:
        run_id = durable.submit(workflow, {"text": "a"})
        lock.touch()

        def tell(_: str, what: str) -> None:
            told.append(what)
            if len(told) == 3:
                lock.unlink()

        asyncio.run(serving.Worker(durable, told=tell).serve(until_idle=True))
        assert durable.find(run_id).status == "waiting"

    assert told == ["database is locked"] * 3 + ["waiting"]


class _Stand:
    """A database of two runs, one of which does what `behave` does; it stands in for a real one."""

    def __init__(self, behave: Callable[[], Awaitable[Any]]) -> None:
        self._behave = behave
        self.calls: list[str] = []

    def due(self, *, most: int, within: Collection[Path] = ()) -> list[str]:
        """Give the runs that are not over."""
        return [each for each in ("odd", "even") if each == "odd" or each not in self.calls][:most]

    def pinned(self, run_id: str) -> tuple[str, str, str]:
        return ("", "", "")

    def workflow_of(self, run_id: str) -> Any:
        return SimpleNamespace(fingerprint=lambda profile: "")

    def compare(self, run_id: str, code: str) -> None:
        """Find nothing changed."""

    async def resume(self, run_id: str, workflow: Any) -> Any:
        """Carry a run out."""
        self.calls.append(run_id)
        if run_id == "odd":
            await self._behave()
        return SimpleNamespace(kind="success")


@pytest.mark.parametrize("error", [BaseException, KeyboardInterrupt, SystemExit, RuntimeError])
def test_a_run_that_ends_in_a_bug_is_not_taken_up_again(error: type[BaseException]) -> None:
    """Whatever comes out of one run, the others are carried out, and this worker lets it be."""
    told: list[tuple[str, str]] = []

    async def broken() -> None:
        raise error("a bug")

    stand: Any = _Stand(broken)
    worker = serving.Worker(stand, told=lambda *said: told.append(said))

    async def main() -> None:
        served = asyncio.create_task(worker.serve(until_idle=True))
        while not served.done() and len(stand.calls) < 9:
            await asyncio.sleep(0.01)
        worker.stop()
        await served

    asyncio.run(main())
    assert sorted(stand.calls) == ["even", "odd"]
    assert sorted(told) == [("even", "success"), ("odd", f"{error.__name__}: a bug")]


def test_a_run_that_is_let_go_during_a_look_is_looked_for_again() -> None:
    """Until there is nothing to do, a run is taken up again that was under way at the last look."""
    looking, gone = threading.Event(), threading.Event()
    asked: Any = SimpleNamespace(state="ask")

    class Looked(_Stand):
        def due(self, *, most: int, within: Collection[Path] = ()) -> list[str]:
            if self.calls:
                looking.set()
                gone.wait(9)
            return [] if len(self.calls) == 2 else ["odd"]

    async def let_go() -> None:
        if len(stand.calls) == 1:
            await asyncio.to_thread(looking.wait, 9)
            raise Suspended(asked)

    stand: Any = Looked(let_go)
    worker = serving.Worker(stand, told=lambda *_: gone.set())

    asyncio.run(worker.serve(until_idle=True))

    assert stand.calls == ["odd", "odd"]


@pytest.mark.parametrize("is_left", [True, False])
def test_a_run_that_a_full_disk_left_is_told_at_the_end(
    is_left: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is this worker's own until its lease has run out: without another try it is not carried out."""
    monkeypatch.setattr(serving, "AGAIN_S", 0)

    class Left(_Stand):
        def due(self, *, most: int, within: Collection[Path] = ()) -> list[str]:
            return ["odd"] if len(self.calls) < (1 if is_left else 2) else []

    async def full() -> None:
        if len(stand.calls) == 1:
            raise StoreError("the disk is full")

    stand: Any = Left(full)
    worker = serving.Worker(stand)

    asyncio.run(worker.serve(until_idle=True))

    assert worker.has_refused == is_left


def test_a_run_that_swallows_its_cancellation_is_cancelled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that is to stop lets go of its runs after the grace period, and insists on it."""
    monkeypatch.setattr(serving, "INSISTS_S", 0.01)
    cancelled: list[int] = []
    is_enough = False

    async def stubborn() -> None:
        while len(cancelled) < 4 and not is_enough:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                cancelled.append(1)

    stand: Any = _Stand(stubborn)
    worker = serving.Worker(stand)

    async def main() -> bool:
        nonlocal is_enough
        serve = asyncio.create_task(worker.serve(grace_s=0.01))
        while "odd" not in stand.calls:
            await asyncio.sleep(0.01)
        worker.stop()
        done, _ = await asyncio.wait([serve], timeout=5)
        is_enough = True
        return bool(done)

    assert asyncio.run(main())
    assert len(cancelled) == 4


SOON = """
  ask: {ask: Is it true?, timeout: 300ms, success: {yes_: done}, fallback: failed}
  done: {end: success}
  failed: {end: failed}
"""


@pytest.mark.parametrize("in_time", [True, False])
def test_an_answer_given_in_time_counts_however_late_the_run_is_taken_up(
    durable: Durable, folder: Path, in_time: bool
) -> None:
    """What was answered before the deadline is an answer; what comes after it is refused to who gives it."""
    run_id = durable.submit(asked_in(folder, "soon", SOON), {})
    resume(durable, run_id)
    if in_time:
        durable.answer(run_id, "ask", "yes_")
    time.sleep(0.35)
    if not in_time:
        with pytest.raises(NotWaiting, match="no longer"):
            durable.answer(run_id, "ask", "yes_")

    assert resume(durable, run_id).end == ("done" if in_time else "failed")


AGAIN = """
  ask: {ask: Again?, timeout: 1h, success: {again: more, enough: done}, fallback: failed}
  more: {choose: [{to: ask, times: 3, else: failed}]}
  done: {end: success}
  failed: {end: failed}
"""


def test_a_question_that_is_asked_again_waits_for_an_answer_of_its_own(
    durable: Durable, folder: Path
) -> None:
    """The answer to one visit is none to the next: the run is let go again, and nobody takes it up."""
    run_id = durable.submit(asked_in(folder, "again", AGAIN), {})
    for _ in range(2):
        assert resume(durable, run_id) == "ask"
        assert durable.due(most=9) == []
        durable.answer(run_id, "ask", "again")
    assert resume(durable, run_id) == "ask"
    durable.answer(run_id, "ask", "enough")

    assert resume(durable, run_id).end == "done"


CALLS = """
  asked: {call: soon_called, success: done, fallback: failed}
  done: {end: success}
  failed: {end: failed}
"""


def test_a_run_that_is_over_or_asks_in_another_state_is_told_as_that(
    durable: Durable, workflow: Workflow
) -> None:
    """An answer that finds no question is refused with the reason: the state, the run, or that it is over."""
    run_id = durable.submit(workflow, {"text": "a"})
    resume(durable, run_id)

    with pytest.raises(NotWaiting, match=f"waits in {run_id}: did you mean `approve`?"):
        durable.answer(run_id, "aprove", "yes_")
    with pytest.raises(NoSuchRun):
        durable.answer("nothing", "approve", "yes_")
    durable.cancel(run_id)
    with pytest.raises(NotWaiting, match=f"the run {run_id} is cancelled"):
        durable.answer(run_id, "approve", "yes_")


def test_a_run_that_waits_before_its_child_keeps_the_childs_machine(durable: Durable, folder: Path) -> None:
    """Forgetting what is over leaves the machine of a workflow that a waiting run has still to call."""
    asked_in(folder, "soon_called", SOON.replace("300ms", "1h"))
    run_id = durable.submit(asked_in(folder, "calling", CALLS, "{steps: 30}"), {})
    over = durable.submit(Workflow.of_spec(folder / "facts.fsm.yaml"), {"text": "a"})
    durable.cancel(over)

    assert durable.gc(before_ns=time.time_ns() + 1) == 1
    assert resume(durable, run_id) == "ask"


def test_ten_thousand_events_fold_to_the_same_run(durable: Durable, folder: Path) -> None:
    """A long journal is taken up where it ends, with each attempt on the ledger once."""
    (folder / "long.fsm.yaml").write_text(
        "fsmflow: 1\nworkflow: long\nbudget: {steps: 6000}\nstates:\n"
        "  work: {run: durable_steps:judge, with: {fact: $input}, gives: str, effect: none,"
        " success: again, fallback: failed}\n"
        "  again: {choose: [{when: input.never, to: done}, {to: work, times: 4999, else: ask}]}\n"
        "  ask: {ask: Enough?, timeout: 1h, success: {yes_: done}, fallback: failed}\n"
        "  done: {end: success}\n  failed: {end: failed}\n"
    )
    workflow = Workflow.of_spec(folder / "long.fsm.yaml")
    run_id = durable.submit(workflow, {"never": False})

    async def work(fact: Any) -> str:
        return "x"

    assert resume(durable, run_id, steps={"work": work}) == "ask"
    durable.answer(run_id, "ask", "yes_")
    result = resume(durable, run_id)

    assert (result.end, result.spent.steps) == ("done", 5000)


def test_a_runner_is_no_workflow(durable: Durable, workflow: Workflow) -> None:
    """Who hands over a runner is told what a durable run is of."""
    runner: Any = workflow.runner

    with pytest.raises(TypeError, match="not of a Runner: Workflow"):
        durable.submit(runner, {"text": "x"})
