"""A run that kills its own process at a point that was chosen, again and again, until it is through.

A point is any moment at which the order of things matters: before, in and after a transaction of the journal,
and before and after an effect. The process is killed by SIGKILL, so that nothing of it can tidy up.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from attrs import frozen

from fsmflow.engines.durable import Durable
from fsmflow.engines.handing import Handed
from fsmflow.engines.records import NoSuchRun, run_found
from fsmflow.engines.store import Store
from fsmflow.engines.workflows import Workflow
from fsmflow.runtime import StepContext
from tests.engines.effects import Effects, request

RUN = "run"

SPECS = {
    "deliver": """
fsmflow: 1
workflow: deliver
budget: {steps: 12, tool_calls: 12, time: 5min}
states:
  ship:
    run: crashing_steps:ship
    with: {item: $input.item}
    gives: str
    cost: {tool_calls: 1}
    timeout: 10s
    effect: idempotent
    success: done
    retry: {times: 2, backoff: 1ms}
    fallback: failed
  done: {end: success, output: $ship}
  failed: {end: failed}
""",
    "order": """
fsmflow: 1
workflow: order
budget: {steps: 60, tool_calls: 60, time: 30min}
states:
  look:
    run: crashing_steps:look
    gives: list[str]
    cost: {tool_calls: 1}
    timeout: 10s
    effect: none
    success: pay
    retry: {times: 3, backoff: 1ms}
    fallback: failed
  pay:
    run: crashing_steps:pay
    cost: {tool_calls: 1}
    timeout: 10s
    effect: idempotent
    success: settle
    retry: {times: 3, backoff: 1ms}
    fallback: failed
  settle:
    wait: 1ms
    success: deliver_all
  deliver_all:
    map: deliver
    over: $look
    with: {item: $item}
    at_most: 2
    width: 2
    success: tell
    fallback: failed
  tell:
    run: crashing_steps:tell
    cost: {tool_calls: 1}
    timeout: 10s
    effect: once
    success: done
    unknown: doubtful
    fallback: failed
  done: {end: success, output: [$deliver_all, told]}
  doubtful: {end: degraded, output: [$deliver_all, in doubt]}
  failed: {end: failed, output: $error.message}
""",
}
"""Effects of each kind, alone and in children: `pay` and `ship` honour a key, `tell` must not be repeated."""


@frozen
class Crashed:
    """What a run came to, however often it was killed.

    Attributes:
        kills: How often its process was killed.
        points: How many points the last process passed.
        kind: The kind of its end.
        output: What that gives.
        spent: Its ledger, after each life of the process.
        traces: The trace ids that its journal knew.
    """

    kills: int
    points: int
    kind: str
    output: Any
    spent: tuple[dict[str, int], ...]
    traces: frozenset[str]


class _Points:
    """Counts points, and kills the process at one."""

    def __init__(self, at: int) -> None:
        self._at = at
        self.passed = 0

    def point(self) -> None:
        """Pass a point, or die there."""
        self.passed += 1
        if self.passed == self._at:
            os.kill(os.getpid(), signal.SIGKILL)


class _CrashingStore(Store):
    """A store that has points around and inside its transactions."""

    points: _Points

    def _commit(self, batch: list[Handed]) -> None:
        self.points.point()
        super()._commit(batch)
        self.points.point()

    def _one(self, handed: Handed) -> None:
        super()._one(handed)
        self.points.point()

    def _several(self, together: Any, like: list[Handed]) -> None:
        # One after another, with a point after each.
        for handed in like:
            super()._several(together, [handed])
            self.points.point()


class CrashingDurable(Durable):
    """Durable runs whose store kills the process at a point."""

    def __init__(self, path: Path, points: _Points, **options: Any) -> None:
        _CrashingStore.points = points
        super().__init__(path, store=_CrashingStore, **options)


STEPS = """
def look() -> list[str]: ...
def pay() -> str: ...
def ship(item: str) -> str: ...
def tell() -> str: ...
"""


def specs_in(folder: Path) -> Path:
    """Write the specs, with steps that are only looked at, and give the caller's."""
    (folder / "crashing_steps.py").write_text(STEPS, encoding="utf-8")
    for name, text in SPECS.items():
        (folder / f"{name}.fsm.yaml").write_text(text, encoding="utf-8")
    return folder / "order.fsm.yaml"


def steps(port: int, points: _Points) -> dict[str, Any]:
    """Make the steps, with a point before and after each effect."""

    def effect(ctx: StepContext, **said: Any) -> None:
        points.point()
        request(port, key=ctx.idempotency_key, state=ctx.state, **said)
        points.point()
        ctx.charge(tool_calls=1)

    async def look(ctx: StepContext) -> list[str]:
        ctx.charge(tool_calls=1)
        return ["a", "b"]

    async def pay(ctx: StepContext) -> str:
        effect(ctx)
        return "paid"

    async def ship(item: str, ctx: StepContext) -> str:
        effect(ctx, item=item)
        return f"shipped {item}"

    async def tell(ctx: StepContext) -> str:
        effect(ctx)
        return "told"

    return {"look": look, "pay": pay, "deliver_all.ship": ship, "tell": tell}


def crash(workflow: Workflow, effects: Effects, path: Path, series: Sequence[int]) -> Crashed:
    """Run to the end, killing the process at the points of `series`, a life each."""
    kills, spent = 0, []
    for at in (*series, 0):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            _live(workflow, effects.port, path, at, writer)
        os.close(writer)
        with os.fdopen(reader) as pipe:
            said = pipe.read()
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            assert os.WTERMSIG(status) == signal.SIGKILL
            kills += 1
            spent.append(_spent(path))
            continue
        assert status == 0, said
        break
    kind, output, ledger, trace, points = _outcome(path, said)
    return Crashed(kills, points, kind, output, (*filter(None, spent), ledger), frozenset({trace}))


def _live(workflow: Workflow, port: int, path: Path, at: int, writer: int) -> None:
    """Be the process: carry the run out, and leave without any tidying up."""
    code = 1
    try:
        points = _Points(at)
        durable = CrashingDurable(path, points, lease_s=0.2)
        made = steps(port, points)

        async def main() -> None:
            if not durable.runs():
                durable.submit(workflow, None, run_id=RUN)
            if durable.find(RUN).status == "done":
                # It was killed when all was kept already.
                return
            try:
                await durable.resume(RUN, workflow=workflow, steps=made)
            except Exception as error:
                os.write(writer, repr(error).encode())
                raise

        asyncio.run(main())
        os.write(writer, str(points.passed).encode())
        code = 0
    finally:
        os._exit(code)


def _spent(path: Path) -> dict[str, int]:
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection, connection:
            return dict(run_found(connection, RUN).spent)
    except (sqlite3.OperationalError, NoSuchRun):
        return {}


def _outcome(path: Path, said: str) -> tuple[str, Any, dict[str, int], str, int]:
    import json

    with closing(sqlite3.connect(path)) as connection, connection:
        kind, spent, trace = connection.execute(
            "SELECT end_kind, spent, trace_id FROM runs WHERE run_id = ?", (RUN,)
        ).fetchone()
        (body,) = connection.execute(
            "SELECT body FROM journal WHERE run_id = ? AND kind = 'end'", (RUN,)
        ).fetchone()
    return kind, json.loads(body)["output"], json.loads(spent), trace, int(said or 0)
