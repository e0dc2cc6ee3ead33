"""A worker: carries out what is submitted to a database, so many runs at a time, until it is told to stop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from fsmflow.engines.durable import (
    Corrupt,
    Durable,
    Fenced,
    NoSuchRun,
    Over,
    Suspended,
    Taken,
    Unfit,
    Watched,
)
from fsmflow.engines.store import Replaced, StoreError
from fsmflow.engines.workflows import Workflow
from fsmflow.runtime import LoadedElsewhere, Result, StepNotFound

POLL_S = 0.1
"""How often it looks for work when there was none."""

AGAIN_S = 1.0
"""After how long it tries again when the database could not be read or written."""

INSISTS_S = 1.0
"""After how long a run that is to be let go, and goes on, is cancelled once more."""

Told = Callable[[str, str], None]
"""Is told what became of a run: its id, and the kind of its end or why it has none."""

Watching = Callable[[str], AbstractContextManager[Watched]]
"""Gives who is told what happens in a run, by its id, while it is carried out."""


class Worker:
    """Carries out the runs of a database that nobody else does: submitted, left over, or answered."""

    def __init__(
        self,
        durable: Durable,
        *,
        width: int = 10,
        told: Told = lambda _run_id, _what: None,
        watching: Watching = lambda _run_id: nullcontext(Watched()),
        within: Collection[Path] = (),
        elsewhere: Callable[[str], None] = lambda _folder: None,
    ) -> None:
        """Prepare.

        Args:
            durable: The database; with `suspends`, so that a run that waits for a person takes no place.
            width: How many runs are carried out at a time.
            told: Is told what became of each run.
            watching: Watches each run.
            within: Only runs of specs in these folders, or below them, are carried out; all if none is given.
            elsewhere: Is told, once, of each other folder of which runs are due, or whose modules can't be
                loaded beside those of another one.
        """
        self._durable = durable
        self._width = width
        self._told = told
        self._watching = watching
        self._within = within
        self._elsewhere = elsewhere
        self._others: set[str] = set()
        self._stopping = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._refused: set[str] = set()
        self._unkept: set[str] = set()
        self._due: deque[str] = deque()
        self._workflows: dict[tuple[str, str, str], tuple[Workflow, str]] = {}

    @property
    def has_refused(self) -> bool:
        """Whether a run could not be carried out, and is left as it was."""
        return bool(self._refused or self._unkept)

    def stop(self) -> None:
        """Take no more runs; those under way are brought to an end."""
        self._stopping.set()

    async def serve(self, *, grace_s: float = 30.0, until_idle: bool = False) -> None:
        """Carry runs out until `stop` is called.

        Args:
            grace_s: How long runs that are under way then may take to end; after that they are let go, for
                another worker, in seconds.
            until_idle: Stop by itself once there is nothing to do.

        Raises:
            Replaced: The database is not the one any more to which others submit.
        """
        replaced: Replaced | None = None
        while not self._stopping.is_set():
            # What is under way is skipped by a look, and may be due again once that is over.
            is_idle = not self._tasks
            try:
                took = await self._take()
            except Replaced as error:
                # What the runs under way write is lost.
                replaced, grace_s = error, 0
                break
            if until_idle and is_idle and not took:
                break
            if not took:
                await self._wait()
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=grace_s)
        left = set(self._tasks.values())
        while left:
            for task in left:
                task.cancel()
            _, left = await asyncio.wait(left, timeout=INSISTS_S)
        if replaced is not None:
            raise replaced

    async def _take(self) -> bool:
        """Begin what is due, as far as there is room."""
        if len(self._tasks) >= self._width:
            return False
        if not self._due:
            try:
                await self._look()
            except Replaced:
                raise
            except StoreError as error:
                self._told("-", str(error))
                await asyncio.sleep(AGAIN_S)
                return True
        has_taken = False
        while self._due and len(self._tasks) < self._width:
            run_id = self._due.popleft()
            if run_id not in self._tasks:
                task = asyncio.create_task(self._carry_out(run_id))
                self._tasks[run_id] = task
                task.add_done_callback(partial(self._over, run_id))
                has_taken = True
        return has_taken

    async def _look(self) -> None:
        """See what is due: more than there is room for, since each look holds up what is being written."""
        skipped = self._tasks.keys() | self._refused
        most = self._width + len(skipped)
        due = await asyncio.to_thread(self._durable.due, most=most, within=self._within)
        self._due.extend(run_id for run_id in due if run_id not in skipped)
        if self._within and not self._due:
            found = await asyncio.to_thread(self._durable.due_elsewhere, self._within)
            for folder in sorted(found):
                self._leave(folder)

    def _leave(self, folder: str) -> None:
        """Tell, once, that the runs of a folder are left to others."""
        if folder not in self._others:
            self._others.add(folder)
            self._elsewhere(folder)

    def _over(self, run_id: str, _: asyncio.Task[None]) -> None:
        self._tasks.pop(run_id, None)

    async def _wait(self) -> None:
        """Wait until a run has ended, or it is time to look again."""
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            full = len(self._tasks) >= self._width
            await asyncio.wait(
                [stopping, *self._tasks.values()],
                timeout=None if full else POLL_S,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            stopping.cancel()

    async def _carry_out(self, run_id: str) -> None:
        self._unkept.discard(run_id)
        try:
            workflow = await asyncio.to_thread(self._workflow, run_id)
            with self._watching(run_id) as watched:
                result = await self._durable.resume(run_id, workflow=workflow, **watched)
        except Suspended:
            self._told(run_id, "waiting")
        except (Taken, Over, Fenced, NoSuchRun):
            # Somebody else was quicker.
            return
        except StoreError as error:
            # The disk is full, or somebody locks the database: it is tried again, as it was left.
            self._unkept.add(run_id)
            self._told(run_id, str(error))
            await asyncio.sleep(AGAIN_S)
        except (Corrupt, StepNotFound, Unfit) as error:
            self._refused.add(run_id)
            self._told(run_id, str(error))
            if isinstance(error, LoadedElsewhere):
                self._leave(self._durable.pinned(run_id)[1])
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - one run that ends in a bug must not stop the others
            self._refused.add(run_id)
            self._told(run_id, f"{type(error).__name__}: {error}")
        else:
            self._told(run_id, _how(result))

    def _workflow(self, run_id: str) -> Any:
        """Make the workflow of a run; runs of the same machine and profile share it."""
        key = self._durable.pinned(run_id)
        if key not in self._workflows:
            found = self._durable.workflow_of(run_id)
            # What is loaded stays as it is while this process lives.
            self._workflows[key] = (found, found.fingerprint(key[2] or None))
        workflow, code = self._workflows[key]
        self._durable.compare(run_id, code)
        return workflow


def _how(result: Result[Any]) -> str:
    """Word how a run ended, and why it gave no more, without what is secret."""
    if result.kind == "success" or result.error is None:
        return result.kind
    error = result.told["error"]
    where = f", at {result.where}" if result.where else ""
    return f"{result.kind} in `{result.end}`: {error['state']}: {error['outcome']}, {error['message']}{where}"
