"""The engines that are held to the cases, each behind a small adapter. A new one is added to `ENGINES`."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from attrs import evolve

from fsmflow import semantics
from fsmflow.engines.durable import Durable
from fsmflow.engines.journal import Row, body_of, rows_of
from fsmflow.engines.keeping import event_read
from fsmflow.engines.workflows import Workflow
from fsmflow.runtime import (
    Configuration,
    End,
    Late,
    Pause,
    Result,
    Run,
    Span,
    SystemClock,
)
from fsmflow.runtime.run import Unbound
from fsmflow.runtime.trace import plain
from fsmflow.testing.clock import SimulatedClock
from tests.conformance.case import Case
from tests.conformance.compiled import workflow
from tests.conformance.folding import happens
from tests.conformance.observed import Call, Observed, line, observed, span_of
from tests.conformance.script import Crash, Draws, Script


class Engine(Protocol):
    """What carries runs out.

    Attributes:
        name: Its name.
        can: What it is able to do, of what cases need: `crash` to lose an attempt with its process, `draws`
            to take planned draws for jitter, `types` to hold outputs to their types, `desk` to ask at a desk,
            which may fail, and `children` to run other workflows rather than to be told what comes of them.
    """

    name: str
    can: frozenset[str]

    def run(self, case: Case) -> Observed:
        """Run a case to its end."""


@runtime_checkable
class Serving(Protocol):
    """An engine that starts a server."""

    def close(self) -> None:
        """End it, if it was started."""


class Reference:
    """The reference meaning, folded over what happens."""

    name = "reference"
    can = frozenset({"crash", "draws", "desk"})

    def run(self, case: Case) -> Observed:
        """Fold `semantics.step`."""
        now, (command,) = semantics.begin(case.machine, case.given)
        spans: list[Span] = []
        calls: list[Call] = []
        plan = iter(case.plan)
        while not isinstance(command, semantics.Finish):
            pause = command.duration_us if isinstance(command, semantics.Pause) else None
            deadline = command.deadline_us if isinstance(command, semantics.Attempt) else None
            if pause is None:
                calls.append(_call(now))
            for event in happens(case, now, plan, pause, deadline):
                spans.append(span_of(now, event))
                now, commands = semantics.step(case.machine, now, event)
                command = commands[0] if commands else command
        assert next(plan, None) is None, "not all that is planned has happened"
        return _ended(case, spans, now, command.kind, command.state, command.output, calls)


class Compiled:
    """The generated code, folded over what happens, without a driver."""

    name = "compiled"
    can = frozenset({"crash", "draws", "desk"})

    def run(self, case: Case) -> Observed:
        """Fold the generated `step`."""
        runner = workflow(case).runner
        run: Run = runner.new_run(case.given)
        command = runner.begin(run)
        spans: list[Span] = []
        calls: list[Call] = []
        plan = iter(case.plan)
        while not isinstance(command, End):
            pause = command.duration_us if isinstance(command, Pause) else None
            if pause is None:
                calls.append(_call(run.configuration()))
            for event in happens(case, run.configuration(), plan, pause, _deadline(case, run)):
                spans.append(span_of(run.configuration(), event))
                if isinstance(event, Late):
                    run.book(event.use)
                else:
                    command = runner.step(run, event)
        assert next(plan, None) is None, "not all that is planned has happened"
        return _ended(case, spans, run.configuration(), command.kind, command.name, run.output, calls)


class Local:
    """The generated code, driven in this process by steps that do what is planned."""

    name = "local"
    can = frozenset({"draws", "types", "desk", "children"})

    def run(self, case: Case) -> Observed:
        """Run it."""
        clock = SystemClock() if case.inside else SimulatedClock()
        script = Script(case, clock)
        result = asyncio.run(
            workflow(case).runner.run(
                case.given, steps=script.steps, clock=clock, random=Draws(case), desk=script
            )
        )
        assert script.left == []
        return _of_result(case, result, script)


class Kept:
    """The durable engine: the same code, each event kept in a database before anything follows from it."""

    name = "durable"
    can = frozenset({"crash", "types", "desk", "children"})

    def run(self, case: Case) -> Observed:
        """Run it, and take it up again whenever its process ended."""
        clock = SystemClock() if case.inside else SimulatedClock()
        script = Script(case, clock)
        made = workflow(case)
        with tempfile.TemporaryDirectory() as folder:
            engine = Durable(Path(folder) / "runs.sqlite", desk=script, clock=clock)
            try:
                run_id = engine.submit(made, case.given)
                result = asyncio.run(self._carried_out(engine, run_id, made, script))
                rows = engine.store.do_now(lambda connection: rows_of(connection, run_id))
            finally:
                engine.close()
        assert script.left == []
        return evolve(
            _of_result(case, result, script), trace=tuple(line(case.machine, each) for each in _kept(rows))
        )

    async def _carried_out(self, engine: Durable, run_id: str, made: Workflow, script: Script) -> Result[Any]:
        while True:
            try:
                return await engine.resume(run_id, workflow=made, steps=script.steps)
            except Crash:
                continue


def _temporal() -> Iterator[Engine]:
    """Give the Temporal engine, if its library and a server for tests are there."""
    if find_spec("temporalio") is not None:
        from tests.conformance.temporal import SERVER, Temporal

        if SERVER is not None:
            yield Temporal()


ENGINES: tuple[Engine, ...] = (Reference(), Compiled(), Local(), Kept(), *_temporal())
"""All engines; what each can't do, it is not asked."""


def _kept(rows: list[Row]) -> Iterator[Span]:
    """Give what a journal holds, of all processes that carried the run out."""
    begun: dict[str, Any] = {}
    for row in rows:
        if row.kind == "begin":
            begun = body_of(row)
        elif row.kind == "event":
            event = event_read(row.body)
            if isinstance(event, Late):
                yield Span("", 0, 0, {}, 0, event)
            else:
                yield Span(begun["state"], begun["visit"], begun["attempt"], {}, 0, event)


def _deadline(case: Case, run: Run) -> int | None:
    """Give how long the attempt under way may take, by the tables of the generated code."""
    stage = workflow(case).runner.stages.get(run.state)
    if stage is None:
        return None
    ends = [] if stage.timeout_us is None or stage.children is not None else [stage.timeout_us]
    ends += [] if stage.time_limit_us is None else [stage.time_limit_us - run.time_us]
    return min(ends, default=None)


def _call(now: Configuration) -> Call:
    """Give what the step of the attempt that begins now is told, if it is called."""
    return (now.state, now.visit, now.attempt, plain(now.arguments), now.feedback)


def _ended(
    case: Case, spans: list[Span], now: Configuration, kind: str, end: str, output: Any, calls: list[Call]
) -> Observed:
    seen = observed(case.machine, spans, now, kind, end, output)
    if isinstance(output, Unbound):
        # A machine says what an end gives; that it must be there is a driver's to say, as of its type.
        seen = evolve(seen, end=f"{end} failed", output=None, error=f"{end} failure")
    told = zip(calls, case.plan, strict=True)
    return evolve(seen, calls=tuple(call for call, happening in told if happening.called))


def _of_result(case: Case, result: Result[Any], script: Script) -> Observed:
    now = result.configuration
    seen = observed(case.machine, result.trace, now, result.kind, result.end, result.output)
    return evolve(seen, calls=tuple(script.calls))
