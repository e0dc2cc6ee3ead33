"""Runs of other workflows, kept: what they used counts once, whatever becomes of their process."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fsmflow.engines.durable import Durable, Fenced
from fsmflow.engines.workflows import Workflow
from fsmflow.runtime import Permanent, Result, StepContext

STEPS = """
async def ship(item: int) -> int: ...
"""

CHILD = """
fsmflow: 1
workflow: kept_child
budget: {steps: 4, tool_calls: 4, time: 20s}
states:
  ship:
    run: kept_steps:ship
    with: {item: $input.item}
    gives: int
    cost: {tool_calls: 1}
    timeout: 2s
    effect: none
    success: done
    retry: {times: 3, backoff: 1ms}
    fallback: failed
  done: {end: success, output: $ship}
  failed: {end: failed}
"""

PARENT = """
fsmflow: 1
workflow: kept_parent
budget: {steps: 60, tool_calls: 60, time: 30min}
states:
  each:
    map: kept_child
    over: $input
    with: {item: $item}
    at_most: 8
    width: 2
    success: done
    fallback: failed
  done: {end: success, output: $each}
  failed: {end: failed}
"""

CALLER = """
fsmflow: 1
workflow: kept_caller
budget: {steps: 60, tool_calls: 60, time: 30min}
states:
  middle: {call: kept_middle, with: {item: $input.item}, success: done, fallback: failed}
  done: {end: success}
  failed: {end: failed}
"""

MIDDLE = """
fsmflow: 1
workflow: kept_middle
budget: {steps: 30, tool_calls: 30, time: 10min}
states:
  below: {call: kept_child, with: {item: $input.item}, success: done, fallback: failed}
  done: {end: success}
  failed: {end: failed}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the specs and their steps."""
    folder = tmp_path_factory.mktemp("specs")
    (folder / "kept_steps.py").write_text(STEPS)
    for name, text in (("child", CHILD), ("parent", PARENT), ("caller", CALLER), ("middle", MIDDLE)):
        (folder / f"kept_{name}.fsm.yaml").write_text(text)
    yield folder
    sys.path[:] = [path for path in sys.path if path != str(folder)]
    sys.modules.pop("kept_steps", None)


@pytest.fixture
def durable(tmp_path: Path) -> Iterator[Durable]:
    """A database of its own."""
    with Durable(tmp_path / "runs.db") as opened:
        yield opened


class Lives:
    """A step that hangs for some items, until the process is let go, and fails for them when `fails`."""

    def __init__(self, *hanging: int) -> None:
        self.hanging = hanging
        self.calls: list[int] = []
        self.fails = False

    async def ship(self, item: int, ctx: StepContext) -> int:
        """Ship an item."""
        ctx.charge(tool_calls=1)
        self.calls.append(item)
        if item in self.hanging:
            if self.fails:
                raise Permanent("it is sold out")
            await asyncio.sleep(60)
        return item


def cut_off(durable: Durable, run_id: str, way: str, lives: Lives, calls: int) -> None:
    """Carry a run out until its step was called so many times, and let it go there, as a crash would."""

    async def main() -> None:
        running = asyncio.create_task(durable.resume(run_id, steps={way: lives.ship}))
        while len(lives.calls) < calls:
            await asyncio.sleep(0.001)
        # What is done by then has been kept by then.
        await asyncio.sleep(0.05)
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(main())


def finish(durable: Durable, run_id: str, way: str, lives: Lives) -> Result[Any]:
    """Carry a run out to its end."""
    return asyncio.run(durable.resume(run_id, steps={way: lives.ship}))


def test_children_that_are_not_taken_up_again_count(durable: Durable, folder: Path) -> None:
    """After a crash, and a child that fails then, what the others had used is on the ledger all the same."""
    lives = Lives(0, 7)
    run_id = durable.submit(Workflow.of_spec(folder / "kept_parent.fsm.yaml"), list(range(8)))
    cut_off(durable, run_id, "each.ship", lives, 8)
    lives.calls.clear()
    lives.fails = True
    result = finish(durable, run_id, "each.ship", lives)

    assert (result.end, lives.calls) == ("failed", [0]), "7 is not even taken up"
    # Six that were done, two that were cut off and count in full, and the one that failed.
    assert (result.spent.tool_calls, result.spent.steps) == (9, 1 + 9)
    assert [kept.spent for kept in durable.runs()] == [result.spent._asdict()]


def test_children_that_are_taken_up_again_count_once(durable: Durable, folder: Path) -> None:
    """After a crash and another one, each attempt that was made is on the ledger once."""
    lives = Lives(0, 7)
    run_id = durable.submit(Workflow.of_spec(folder / "kept_parent.fsm.yaml"), list(range(8)))
    cut_off(durable, run_id, "each.ship", lives, 8)
    cut_off(durable, run_id, "each.ship", lives, 10)
    lives.hanging = ()
    result = finish(durable, run_id, "each.ship", lives)

    assert result.output == list(range(8))
    assert (result.spent.tool_calls, result.spent.steps) == (len(lives.calls), 1 + len(lives.calls))


def test_time_before_a_crash_counts(durable: Durable, folder: Path) -> None:
    """What an attempt with children took before each crash is on the ledger, a cut-off attempt in full."""
    lives = Lives(5)
    run_id = durable.submit(Workflow.of_spec(folder / "kept_caller.fsm.yaml"), {"item": 5})
    for calls in (1, 2):
        cut_off(durable, run_id, "middle.below.ship", lives, calls)
    lives.hanging = ()
    result = finish(durable, run_id, "middle.below.ship", lives)

    assert result.kind == "success"
    assert 4_000_000 <= result.spent.time_us < 6_000_000
    assert (result.spent.steps, result.spent.tool_calls) == (1 + 1 + 3, 3)


def test_children_below_children_that_are_not_taken_up_again(durable: Durable, folder: Path) -> None:
    """What was used below a child that is not taken up again counts as well."""
    text = PARENT.replace("kept_parent", "kept_above").replace("kept_child", "kept_middle")
    (folder / "kept_above.fsm.yaml").write_text(text.replace("60", "300").replace("30min", "2h"))
    lives = Lives(0, 7)
    run_id = durable.submit(Workflow.of_spec(folder / "kept_above.fsm.yaml"), list(range(8)))
    cut_off(durable, run_id, "each.below.ship", lives, 8)
    lives.fails = True
    result = finish(durable, run_id, "each.below.ship", lives)

    assert result.end == "failed"
    assert (result.spent.tool_calls, result.spent.steps) == (9, 1 + 8 + 9)


TYPED = """
from attrs import frozen

@frozen
class Note:
    text: str

async def write(item: int) -> Note: ...
async def write_offline(item: int) -> Note:
    return Note(f"offline {item}")
async def read(notes: object) -> str: ...
"""

WRITER = """
fsmflow: 1
workflow: typed_writer
output: typed_steps:Note
budget: {steps: 4, time: 20s}
profiles:
  offline: {write: typed_steps:write_offline}
states:
  write:
    run: typed_steps:write
    with: {item: $input.item}
    gives: typed_steps:Note
    timeout: 2s
    effect: none
    success: done
    fallback: failed
  done: {end: success, output: $write}
  failed: {end: failed}
"""

READER = """
fsmflow: 1
workflow: typed_reader
budget: {steps: 60, time: 30min}
profiles:
  offline: {}
states:
  many:
    STATE
    success: read
    fallback: failed
  read: {run: typed_steps:read, with: {notes: $many}, gives: str, timeout: 2s, effect: none, success: done, fallback: failed}
  done: {end: success, output: $read}
  failed: {end: failed}
"""  # noqa: E501 - a state a line

MANY = {
    "call": "call: typed_writer\n    with: {item: 1}",
    "map": "map: typed_writer\n    over: $input\n    with: {item: $item}\n    at_most: 2\n    width: 1",
    "parallel": "parallel: {a: {call: typed_writer, with: {item: 1}},"
    " b: {call: typed_writer, with: {item: 2}}}",
}


@pytest.fixture
def typed(tmp_path: Path) -> Iterator[Path]:
    """The folder of workflows whose children give instances of a class."""
    (tmp_path / "typed_steps.py").write_text(TYPED)
    (tmp_path / "typed_writer.fsm.yaml").write_text(WRITER)
    yield tmp_path
    sys.path[:] = [path for path in sys.path if path != str(tmp_path)]
    sys.modules.pop("typed_steps", None)


@pytest.mark.parametrize("kind", MANY)
def test_what_children_give_is_of_its_type_after_it_was_kept(
    kind: str, durable: Durable, typed: Path
) -> None:
    """What a step is given of children is what they gave, of its own class, though it was kept."""
    (typed / "typed_reader.fsm.yaml").write_text(READER.replace("STATE", MANY[kind]))
    seen: list[Any] = []

    async def read(notes: Any) -> str:
        seen.append(notes)
        return "read"

    async def main() -> Result[Any]:
        workflow = Workflow.of_spec(typed / "typed_reader.fsm.yaml")
        return await durable.run(workflow, [1, 2], profile="offline", steps={"read": read})

    assert asyncio.run(main()).end == "done"
    note = sys.modules["typed_steps"].Note
    one, two = note("offline 1"), note("offline 2")
    assert seen == [{"call": one, "map": [one, two], "parallel": {"a": one, "b": two}}[kind]]


def test_a_run_that_another_process_takes_up_keeps_its_childrens_profiles(
    durable: Durable, typed: Path
) -> None:
    """A workflow that is made anew of what is kept has the steps of its profile, and so have its children."""
    (typed / "typed_reader.fsm.yaml").write_text(READER.replace("STATE", MANY["map"]))
    workflow = Workflow.of_spec(typed / "typed_reader.fsm.yaml")
    run_id = durable.submit(workflow, [1, 2], profile="offline")

    async def read(notes: list[Any]) -> str:
        return " ".join(note.text for note in notes)

    result = asyncio.run(durable.resume(run_id, steps={"read": read}))
    assert (result.end, result.configuration.values["read"]) == ("done", "offline 1 offline 2")


SHORT = """
fsmflow: 1
workflow: kept_short
budget: {steps: 9, time: 3s, exceeded: told}
states:
  ship:
    run: kept_steps:ship
    with: {item: $input}
    gives: int
    cost: {tool_calls: 1}
    timeout: 10s
    effect: none
    success: done
    fallback: told
  done: {end: success}
  told: {end: degraded}
"""


@pytest.mark.parametrize("hangs", [False, True], ids=["each is told", "one is cancelled"])
def test_a_run_that_was_lost_is_told_once(hangs: bool, tmp_path: Path, folder: Path) -> None:
    """Whoever carries a run out is told that it is lost; asyncio is left nothing to log of its children."""
    begun: list[int] = []
    go_on = asyncio.Event()

    async def ship(item: int) -> int:
        begun.append(item)
        await go_on.wait()
        if item and hangs:
            await asyncio.sleep(60)
        return item

    async def main(durable: Durable) -> list[asyncio.Task[Any]]:
        running = asyncio.create_task(durable.resume(run_id, steps={"each.ship": ship}))
        while len(begun) < 2:
            await asyncio.sleep(0.001)
        children = asyncio.all_tasks() - {running, asyncio.current_task()}
        durable.cancel(run_id)
        go_on.set()
        with pytest.raises(Fenced):
            await asyncio.wait_for(running, 5)
        return [task for task in children if not task.cancelled() and task._log_traceback]

    with Durable(tmp_path / "runs.db", lease_s=1) as durable:
        run_id = durable.submit(Workflow.of_spec(folder / "kept_parent.fsm.yaml"), [0, 1])
        assert asyncio.run(main(durable)) == []


def test_a_lost_attempt_takes_no_more_time_than_was_left(durable: Durable, folder: Path) -> None:
    """An attempt that a crash cuts off counts in full: up to its deadline, which may be the run's own."""
    (folder / "kept_short.fsm.yaml").write_text(SHORT)
    lives = Lives(1)
    run_id = durable.submit(Workflow.of_spec(folder / "kept_short.fsm.yaml"), 1)
    cut_off(durable, run_id, "ship", lives, 1)
    result = finish(durable, run_id, "ship", lives)

    assert (result.end, result.spent.steps, lives.calls) == ("told", 1, [1])
    assert result.spent.time_us == 3_000_000
