"""A compiled workflow, ready to run: what a generated module makes of its machine."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import random as random_module
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import cached_property, lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar, Unpack

from fsmflow.runtime.binding import Step, bind_all
from fsmflow.runtime.clock import SystemClock
from fsmflow.runtime.commands import Callee, Command, Question, Stage
from fsmflow.runtime.compiled import CompiledMachine
from fsmflow.runtime.desk import NoDesk
from fsmflow.runtime.execution import Execution
from fsmflow.runtime.gauge import Gauge, StaleCertificate, WorstCase
from fsmflow.runtime.hiding import Ways, ways_of
from fsmflow.runtime.options import Options, check
from fsmflow.runtime.result import Result
from fsmflow.runtime.run import Limits, Run, Spent
from fsmflow.runtime.secrets import Secrets
from fsmflow.runtime.steps import Bound, resolve_type
from fsmflow.runtime.validation import StepNotFound, Validate, validator
from fsmflow.runtime.waiting import all_done
from fsmflow.runtime.world import World

Given = TypeVar("Given", contravariant=True)
Output = TypeVar("Output")


class Runner(CompiledMachine, Generic[Given, Output]):
    """A compiled workflow: its machine, and all that a run of it needs besides.

    Attributes:
        name: The workflow's name.
        title: What the workflow does.
        digest: The SHA-256 of the machine that this was compiled from.
        profiles: Other implementations of steps, by profile and state.
        folder: Where step modules are looked for first.
        generated: Where the runners of the workflows are that this one runs.
        given: The type of the input, as the spec writes it; empty if none is declared.
        gives: The type of the output, likewise.
        gauge: What the certificate beside the runner proves.
        secret: The ways to what no trace may hold, by state, and for the input as `input`.
    """

    def __init__(
        self,
        *,
        name: str,
        title: str = "",
        digest: str,
        limits: Limits,
        reserve: Spent,
        counters: tuple[str, ...],
        stages: tuple[Stage, ...],
        begin: Callable[[Run], Command],
        leave: Mapping[str, Callable[[Run, Any], Command]],
        succeed: Mapping[str, Callable[[Run], Command]],
        resume: Mapping[str, Callable[[Run], Command]],
        folder: Path,
        given: str = "",
        gives: str = "",
        profiles: Mapping[str, Mapping[str, str]] | None = None,
        certificate: Path | None = None,
        questions: tuple[Question, ...] = (),
        generated: Path | None = None,
        secret: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        super().__init__(
            limits=limits,
            reserve=reserve,
            counters=counters,
            stages=stages,
            questions=questions,
            begin=begin,
            leave=leave,
            succeed=succeed,
            resume=resume,
        )
        self.name = name
        self.title = title
        self.digest = digest
        self.profiles = profiles or {}
        self.secret: Mapping[str, Ways] = ways_of(secret or {})
        self.folder = folder.resolve()
        self.generated = generated
        self._known: dict[str, Runner[Any, Any]] = {}
        self.given = given
        self.gives = gives
        self._bindings: dict[str | None, Mapping[str, Bound]] = {}
        self._validators: tuple[Validate | None, Validate | None] | None = None
        self.gauge = Gauge(certificate)
        self._is_certified = certificate is None

    def worst_case_left(self, run: Run) -> WorstCase:
        """Give the most that `run` can still use, the attempt under way included.

        It is what the certificate proves from where the run stands, or what the budget has left if
        that is less; None where neither bounds it.
        """
        return self.gauge.left(run, self.limits)

    def drop_stale_certificate(self) -> None:
        """Do without the certificate if it speaks of another machine: for a runner that was just compiled."""
        if self.gauge.digest not in (None, self.digest):
            self.gauge = Gauge(None)

    def _certify(self) -> None:
        """Hold the certificate against the machine, once.

        Raises:
            StaleCertificate: It speaks of another one.
        """
        found = self.gauge.digest
        if found is not None and found != self.digest:
            raise StaleCertificate(
                f"the certificate {self.gauge.path} does not speak of this machine of {self.name!r} "
                f"(digest {found[:12] or 'none'}, not {self.digest[:12]}); `fsmflow build` makes both anew"
            )
        self._is_certified = True

    @cached_property
    def callees(self) -> Mapping[str, Runner[Any, Any]]:
        """The runners of the workflows that this one runs, by their names.

        Raises:
            StepNotFound: One of them was not built, or was built of another spec than this one knows.
        """
        return {callee.name: self._callee(callee) for callee in self._called()}

    def know(self, name: str, runner: Runner[Any, Any]) -> None:
        """Take the runner of a workflow that this one runs from memory, not from where it was built."""
        self._known[name] = runner

    def _called(self) -> Iterator[Callee]:
        for stage in self.stages.values():
            if stage.children is not None:
                yield from stage.children.callees.values()

    def _callee(self, callee: Callee) -> Runner[Any, Any]:
        if callee.name in self._known:
            self._check_callee(callee, self._known[callee.name])
            return self._known[callee.name]
        if self.generated is None:
            raise StepNotFound(f"{self.name} runs `{callee.name}`, and does not know where its runner is")
        path = self.generated / f"{callee.name}_fsm.py"
        try:
            found = load_runner(path)
        except (FileNotFoundError, ImportError) as error:
            raise StepNotFound(str(error)) from error
        self._check_callee(callee, found)
        return found

    def _check_callee(self, callee: Callee, found: Runner[Any, Any]) -> None:
        """Hold the runner of a workflow to what this one was compiled for.

        Raises:
            StepNotFound: It was made of another machine.
        """
        if found.digest != callee.digest:
            raise StepNotFound(
                f"{self.name} was compiled for another version of `{callee.name}` than the one built "
                f"(digest {callee.digest[:12]}, not {found.digest[:12]}); `fsmflow build` makes both anew"
            )

    @cached_property
    def asks(self) -> bool:
        """Whether a run may ask a person, itself or in a workflow that it calls."""
        return bool(self.questions) or any(child.asks for child in self.callees.values())

    async def run(self, given: Given | Mapping[str, Any], /, **options: Unpack[Options]) -> Result[Output]:
        """Run the workflow to its end.

        Args:
            given: The input: an instance of the workflow's input type, or plain data that
                structures into it.
            **options: As `Options` says.

        Raises:
            Rejected: The input does not fit its type.
            StepNotFound: A step, an accept function or a type is not where the spec says.
            StaleCertificate: The certificate beside the runner speaks of another machine.
            NoDesk: The workflow asks people, and no desk is given.
            LookupError: There is no such profile, or no such state to swap the step of.
            TypeError, ValueError: There is no such option, or it can't be what is given.
            RuntimeError: No event loop of asyncio is running.
            asyncio.CancelledError: The run was cancelled; its trace is whole.
        """
        if options:
            check(options)
        if not self._is_certified:
            self._certify()
        if options.get("clock") is None:
            self._needs_loop()
        world = World(
            options.get("clock") or SystemClock(),
            options.get("random") or _JITTER,
            options.get("desk"),
            options.get("trace"),
            options.get("live", False),
            options.get("profile"),
            record=options.get("record"),
            bodies=options.get("bodies", "full"),
            secrets=Secrets(),
        )
        if world.desk is None and self.asks:
            raise NoDesk(f"{self.name} asks people: give `run` a desk, such as an `Inbox`")
        bound = self.bind(world.profile, options.get("steps"))
        execution = Execution(self, given, bound, world, run_id=options.get("run_id") or "")
        kind, end, output = await execution.finish()
        origin = (self, world.profile, world.clock, execution.secrets)
        return Result(kind, end, output, execution.run, execution.record, origin)

    def run_sync(self, given: Given | Mapping[str, Any], /, **options: Unpack[Options]) -> Result[Output]:
        """Run the workflow to its end from code that is not async; see `run`.

        Raises:
            RuntimeError: This is called from a running event loop.
        """
        if asyncio._get_running_loop() is not None:  # noqa: SLF001 - the public name raises instead
            raise RuntimeError(
                f"an event loop is running here: call `await run(...)` of {self.name} instead,"
                " or `run_sync` in another thread"
            )
        results: list[Result[Output]] = []

        async def run() -> None:
            # Not returned, since asyncio would write a task that is over, and all that it gave, out as text.
            results.append(await self.run(given, **options))

        asyncio.run(run())
        return results[0]

    def _needs_loop(self) -> None:
        """Say where a run belongs, if that is not here.

        Raises:
            RuntimeError: No event loop runs, or another library's, as Trio's.
        """
        if asyncio._get_running_loop() is None:  # noqa: SLF001 - the public name says less
            raise RuntimeError(
                f"{self.name} runs in a task of asyncio, and this is none:"
                " call `run_sync`, in a thread of its own if others are not to wait"
            )

    @asynccontextmanager
    async def start(
        self, given: Given | Mapping[str, Any], /, **options: Unpack[Options]
    ) -> AsyncIterator[asyncio.Task[Result[Output]]]:
        """Run the workflow beside the block, which is given its task; to leave the block ends the run.

        A run that is still under way then is cancelled, with its ledger and its trace whole, and an attempt
        that must not be repeated on its `unknown` way.

        Raises:
            Rejected, StepNotFound, StaleCertificate, NoDesk: The task does, as `run`.
        """
        self._needs_loop()
        run = asyncio.create_task(self.run(given, **options))
        try:
            yield run
        finally:
            if run.cancel():
                await all_done({run})

    async def stream(
        self, given: Given | Mapping[str, Any], /, **options: Unpack[Options]
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Run the workflow, and give each trace event as it happens, as plain data.

        Beside the events of a trace, each attempt and pause gives one of kind `start` when it begins, and a
        model's words come as events of kind `chunk`. The last event is `end`. To leave early cancels the
        run; `contextlib.aclosing` does that at once.

        Raises:
            Rejected, StepNotFound, StaleCertificate: As `run` does.
        """
        self._needs_loop()
        events: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        also = options.get("trace")

        def sink(event: dict[str, Any]) -> None:
            if also is not None and event["event"] not in ("start", "chunk"):
                also(event)
            events.put_nowait(event)

        watched: Options = {**options, "trace": sink, "live": True}
        run = asyncio.create_task(self.run(given, **watched))
        run.add_done_callback(lambda _: events.put_nowait(None))
        try:
            while (event := await events.get()) is not None:
                yield event
            await run
        finally:
            if run.cancel():
                await all_done({run})

    def __reduce__(self) -> tuple[Callable[[str, str], Runner[Any, Any]], tuple[str, str]]:
        """Give what loads it anew in another process: a runner is code, and that stands in its module.

        A module in a zip is no file, and is imported there by its name.

        Raises:
            FileNotFoundError: It was compiled in memory.
            StepNotFound: Another machine was built since.
        """
        path, module = self._begin.__code__.co_filename, self._begin.__module__
        if not Path(path).is_file() and getattr(sys.modules.get(module), "RUNNER", None) is self:
            return _imported, (module, self.digest)
        # What fails here is told to who hands it over; there it would be the end of the process.
        _again(path, self.digest)
        return _again, (path, self.digest)

    def bind(
        self, profile: str | None = None, steps: Mapping[str, Step] | None = None
    ) -> Mapping[str, Bound]:
        """Find every step, accept function and type, and make them ready to be called.

        The first run does so too; a service that calls it when it starts is told then of what is missing, and
        lets no request wait for imports.

        Args:
            profile: Use the step implementations of this profile; a workflow that is run does too, if it
                has a profile of that name.
            steps: Use these implementations, by state. `fetch_all.fetch` is the step `fetch` of the
                workflow that the state `fetch_all` runs, and `both.web.fetch` that of its child `web`.

        Raises:
            StepNotFound: One of them is not where the spec says.
            LookupError: There is no such profile, or no such state.
        """
        if steps:
            return bind_all(self, profile, steps)
        if profile not in self._bindings:
            self._bindings[profile] = bind_all(self, profile, {})
        return self._bindings[profile]

    def types(self) -> tuple[Validate | None, Validate | None]:
        """Give what holds inputs and outputs to their types; None where anything will do.

        Raises:
            StepNotFound: A type is not where the spec says.
        """
        if self._validators is None:
            self._validators = (
                validator(resolve_type(self.given, self.folder)) if self.given else None,
                validator(resolve_type(self.gives, self.folder)) if self.gives else None,
            )
        return self._validators

    def answers(self) -> Mapping[str, Validate | None]:
        """Give what holds the answers of people to their types, by the state that asks.

        Raises:
            StepNotFound: A type is not where the spec says.
        """
        return self._answers

    @cached_property
    def _answers(self) -> Mapping[str, Validate | None]:
        return {
            name: validator(resolve_type(question.gives, self.folder)) if question.gives else None
            for name, question in self.questions.items()
        }


_JITTER = random_module.Random()  # noqa: S311 - jitter is no secret
if hasattr(os, "fork"):
    # Else all that are forked from here would retry at the same moments.
    os.register_at_fork(after_in_child=_JITTER.seed)


def load_runner(path: str | Path) -> Runner[Any, Any]:
    """Load the runner of a generated module, `NAME_fsm.py`.

    Raises:
        FileNotFoundError: There is no such file.
        ImportError: It is no generated module, or one that another version of fsmflow has generated.
    """
    path = Path(path).resolve()
    if not path.is_file():
        raise FileNotFoundError(f"there is no generated runner at {path}; fsmflow build writes it")
    found = importlib.util.spec_from_file_location(path.stem, path)
    if found is None or found.loader is None:
        raise ImportError(f"{path} is no Python module")
    module = importlib.util.module_from_spec(found)
    try:
        found.loader.exec_module(module)
    except (ImportError, TypeError) as error:
        # What it imports and calls is the runtime's alone.
        raise ImportError(
            f"{path} does not go with this version of fsmflow: {error}; `fsmflow build` writes it anew"
        ) from error
    return runner_of(module)


@lru_cache(maxsize=64)
def _again(path: str, digest: str) -> Runner[Any, Any]:
    """Load a runner anew, once for all that is handed over: it finds its steps but once."""
    return _same(load_runner(path), digest)


def _imported(module: str, digest: str) -> Runner[Any, Any]:
    """Import a runner."""
    return _same(runner_of(importlib.import_module(module)), digest)


def _same(found: Runner[Any, Any], digest: str) -> Runner[Any, Any]:
    if found.digest != digest:
        raise StepNotFound(
            f"{found.name} was pickled as another version than the one built"
            f" (digest {digest[:12]}, not {found.digest[:12]}); `fsmflow build` makes it anew"
        )
    return found


def runner_of(module: ModuleType) -> Runner[Any, Any]:
    """Give the runner of a generated module that is imported already.

    Raises:
        ImportError: It is no generated module.
    """
    runner = getattr(module, "RUNNER", None)
    if not isinstance(runner, Runner):
        raise ImportError(f"{module.__name__} is no runner that fsmflow generated")
    return runner
