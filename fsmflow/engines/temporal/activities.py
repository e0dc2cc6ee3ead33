"""Activities: an attempt of a step, made as the local driver makes it, and a look at a value."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, cast

from temporalio import activity
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from fsmflow.analysis.traces.restoring import as_kept
from fsmflow.engines.keeping import event_written, written
from fsmflow.engines.parameters import misfits_of
from fsmflow.engines.rows import Unfit
from fsmflow.engines.temporal.catalogue import Catalogue, Machines
from fsmflow.engines.temporal.claims import Claims
from fsmflow.engines.temporal.fitting import fit_of, kept, typed
from fsmflow.engines.temporal.orders import restored
from fsmflow.engines.temporal.tasks import FIT, LACKING, LOST, UNREADY, WHERE, Done, Look, Task
from fsmflow.engines.workflows import Workflow
from fsmflow.machine import Work
from fsmflow.runtime.attempts import Attempts
from fsmflow.runtime.complaints import Rejected
from fsmflow.runtime.events import Ended
from fsmflow.runtime.outcomes import describe
from fsmflow.runtime.run import Configuration, Run, Spent, Unbound
from fsmflow.runtime.steps import Bound
from fsmflow.runtime.trace import new_span_id
from fsmflow.runtime.validation import StepNotFound
from fsmflow.runtime.values import Missing
from fsmflow.semantics import resolve

TOLD = ApplicationErrorCategory.BENIGN
"""The category of errors that are told in a line: Temporal's library tells others with a traceback."""

KEPT_AGAIN_S = 5.0
"""After how long it is tried again to keep what an attempt gave."""


class Activities:
    """The activities of a worker."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Make attempts of the workflows in a catalogue."""
        self._catalogue = catalogue

    @activity.defn(dynamic=True)
    async def attempt(self, args: Sequence[RawValue]) -> Any:
        """Make one attempt, and say what came of it: also if it failed, for that is the machine's to judge.

        Raises:
            ApplicationError: It was not made, or this worker stops.
        """
        said, *values = (activity.payload_converter().from_payload(each.payload) for each in args)
        task = Task(**said)
        async with _beating(task.heartbeat_s):
            try:
                await _can_keep()
                workflow = await self._catalogue.workflow(task.digest, _machines)
                bound = self._catalogue.bound(workflow, task)
                for misfit in misfits_of(workflow, bound, task.state):
                    raise Unfit(misfit)
                run = _restored(workflow, bound, task, values)
            except Exception as error:
                # Nothing was done, so nothing counts: another worker may have what this one lacks.
                why = _lacking(error)
                activity.logger.warning(
                    "the attempt of `%s` of %s is left to other workers: %s", task.state, task.run_id, why
                )
                raise ApplicationError(why, type=UNREADY, category=TOLD) from error
            try:
                return await _kept(await self._made(workflow, bound, run, task))
            except ApplicationError:
                activity.logger.warning(
                    "the attempt of `%s` of %s is cut off, since this worker stops", task.state, task.run_id
                )
                raise

    async def _made(self, workflow: Workflow, bound: Mapping[str, Bound], run: Run, task: Task) -> Done:
        runner, span_id = workflow.runner, new_span_id()
        world = self._catalogue.world(task)._replace(late=partial(_told_late, task))
        late: list[tuple[int, int, int]] = []
        model: dict[str, Any] = {}

        async def attempt() -> Ended:
            attempts = Attempts(runner, run, world, about=lambda _, asked: model.update(asked))
            stage, step = runner.stages[task.state], bound[task.state]
            try:
                event = await attempts.make(stage, step, world.clock.now(), span_id)
                late.extend(attempts.late)
                del attempts.late[: len(late)]
            finally:
                attempts.close()
            if isinstance(attempts.interruption.cause, KeyboardInterrupt):
                raise attempts.interruption.cause
            return event

        event, is_cut = await _within(task.left_us, attempt())
        if event.where:
            model[WHERE] = event.where
        event = self._small(kept(event, task.state, fit_of(workflow, bound)))
        return Done(
            event_written(event._replace(value=None)), event.value, tuple(late), span_id, model, is_cut
        )

    def _small(self, event: Ended) -> Ended:
        """Give an attempt's end; as a failure, if what it gave is too large for a history."""
        most = self._catalogue.most_bytes
        if not most or len(size := written(event.value)) <= most:
            return event
        said = f"what it gave is too large for a history: {len(size):,} bytes; workers need --payloads DIR"
        return event._replace(outcome="failure", label=None, value=None, message=said, draw=0.0)

    @activity.defn(name=FIT)
    async def fit(self, said: dict[str, Any], value: Any) -> Any:
        """Hold a value to its type: give it, structured and written again, or what is wrong with it.

        Or say why this worker has not the type.
        """
        look = Look(**said)
        try:
            workflow = await self._catalogue.workflow(look.digest, _machines)
            given, gives = workflow.runner.types()
            checks = {"input": given, "output": gives, "answer": None}
            if look.what == "answer":
                checks["answer"] = workflow.runner.answers()[look.state]
            check = checks[look.what]
        except Exception as error:  # noqa: BLE001 - whatever it is, another worker may not meet it
            why = _lacking(error)
            run_id = activity.info().workflow_id
            activity.logger.warning("the %s of %s is left to other workers: %s", look.what, run_id, why)
            return {LACKING: why}
        try:
            return {"value": value if check is None else check(as_kept(value))}
        except Rejected as rejected:
            return {"complaints": list(rejected.complaints)}


def _lacking(error: Exception) -> str:
    """Say what this worker lacks."""
    return str(error) if isinstance(error, Unfit | StepNotFound) else describe(error)


def _told_late(task: Task, use: tuple[int, int, int]) -> None:
    """Say what is charged once an attempt's activity is over, since no history has a place for it."""
    calls, tokens, micro_usd = use
    activity.logger.warning(
        "what `%s` of %s charged after its attempt is on no ledger: "
        "%d tool calls, %d tokens, %d micro-dollars",
        *(task.state, task.run_id, calls, tokens, micro_usd),
    )


async def _within(left_us: int | None, attempt: Coroutine[Any, Any, Ended]) -> tuple[Ended, bool]:
    """Make an attempt; tell how it ended, and whether it was cut off after `left_us`.

    Raises:
        ApplicationError: This worker stops.
    """
    task = asyncio.ensure_future(attempt)
    is_cut = False
    try:
        done, _ = await asyncio.wait([task], timeout=None if left_us is None else left_us / 1e6)
        if not done:
            is_cut = task.cancel()
        await asyncio.wait([task])
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait([task])
        details = activity.cancellation_details()
        if details is not None and not details.cancel_requested:
            # Nobody has cancelled the run: this worker stops, or was taken to be gone.
            raise ApplicationError(
                "the worker stopped during the attempt", type=LOST, category=TOLD
            ) from None
    return task.result(), is_cut


def _restored(workflow: Workflow, bound: Mapping[str, Bound], task: Task, values: list[Any]) -> Run:
    """Make the run as it stands, with its values in their types.

    Raises:
        Rejected: One of them does not fit any more.
    """
    scope = typed(workflow, bound, restored(dict(zip(task.names, values, strict=True))), task.state)
    state = workflow.machine.states[task.state]
    assert isinstance(state, Work)
    arguments: dict[str, Any] | Unbound
    try:
        arguments = {name: resolve(template, scope) for name, template in state.arguments}
    except Missing as missing:
        arguments = Unbound(str(missing))
    run = workflow.runner.restore(
        Configuration(
            task.state,
            task.visit,
            task.attempt,
            dict(task.counts),
            dict(task.visits),
            Spent(**task.spent),
            scope,
            arguments,
            tuple(task.feedback),
        ),
        task.run_id,
    )
    run.trace_id = task.trace_id
    return run


async def _can_keep() -> None:
    """See whether what an attempt gives can be kept, before it is made.

    Raises:
        OSError: It can't.
    """
    codec = activity.client().data_converter.payload_codec
    if isinstance(codec, Claims):
        await codec.check()


async def _kept(done: Done) -> Done:
    """Keep apart what is large; also if that can't be done for a while, since it would be made again."""
    converter = activity.client().data_converter
    while converter.payload_codec is not None:
        try:
            await converter.encode([done])
            break
        except OSError as error:
            activity.logger.warning("what the attempt gave can't be kept yet: %s", error)
            await asyncio.sleep(KEPT_AGAIN_S)
    return done


async def _machines() -> Machines:
    """Read the machines off the beginning of the run for which this activity is carried out."""
    about, client = activity.info(), activity.client()
    assert about.workflow_id is not None
    handle = client.get_workflow_handle(about.workflow_id, run_id=about.workflow_run_id)
    async for event in handle.fetch_history_events(page_size=1):
        payloads = event.workflow_execution_started_event_attributes.input.payloads
        _, machines, *_ = await client.data_converter.decode(payloads)
        return cast(Machines, machines)
    raise LookupError(f"the run {about.workflow_id} has no history")


@asynccontextmanager
async def _beating(within_s: float) -> AsyncIterator[None]:
    """Say that this worker is still there, while the block runs."""

    async def beat() -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(within_s / 3)

    beating = asyncio.ensure_future(beat())
    try:
        yield
    finally:
        beating.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beating
