"""The journal of a run: its events, each kept before anything follows from it.

A row says that an attempt, a pause or a question begins, and what the run had used by then; the next one says
what came of it. State, counters and ledger are not kept otherwise: they follow from the events, by the
machine's own `step`. What came of one attempt and that the next begins are two rows and one transaction,
since nothing happens between them.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from fsmflow.analysis.traces.restoring import by_field
from fsmflow.engines.keeping import Unkeepable, event_read, event_written, is_scalar, json_of, quoted, written
from fsmflow.engines.leases import Fenced, Lease
from fsmflow.engines.rows import (
    Append,
    Chain,
    Changed,
    Corrupt,
    Row,
    Values,
    body_of,
    chained,
    events_of,
    rows_of,
    sum_of,
)
from fsmflow.engines.store import Store
from fsmflow.runtime.complaints import Rejected
from fsmflow.runtime.events import Ended, Late, Lost
from fsmflow.runtime.hiding import Hiding
from fsmflow.runtime.journal import MAX_EVENTS, Begun, Kind
from fsmflow.runtime.run import Run, Spent

ANSWERED_US = 10_000_000
"""How long the desk is given to fetch an answer that was kept in time."""


_BREAK_OFF = """
WITH RECURSIVE below (run_id) AS (
    SELECT run_id FROM runs
    WHERE root_id = ? AND parent_id = ? AND status NOT IN ('done', 'cancelled')
    UNION SELECT runs.run_id FROM runs JOIN below ON runs.parent_id = below.run_id
    WHERE runs.root_id = ? AND status NOT IN ('done', 'cancelled')
)
UPDATE runs SET status = 'cancelled', ended_ns = ?, end_sum = ? WHERE run_id IN (SELECT run_id FROM below)
"""

Used = Callable[[], Awaitable[Spent | None]]


class TooLong(RuntimeError):
    """A run has as many events as one may have."""


class RunJournal:
    """The journal of one run, open for what happens next."""

    def __init__(
        self,
        store: Store,
        lease: Lease,
        run_id: str,
        chain: Chain,
        *,
        fit: Callable[[str, str | None, Any], Any],
        parents: Collection[str] = (),
        is_watched: bool = False,
    ) -> None:
        """Open a journal.

        Args:
            store: The database.
            lease: The right to write.
            run_id: The run's id.
            chain: Where the journal ends so far.
            fit: Structures what a state gave, as plain data, into its type.
            parents: The states that run children.
            is_watched: Whether somebody is told of each event as soon as it is handed over, so that it has to
                be kept by then.
        """
        self._store = store
        self._lease = lease
        self._run_id = run_id
        self._chain = chain
        self._fit = fit
        self._parents = parents
        self._status = "running"
        self._is_watched = is_watched
        self._rows: list[Values] = []
        self._payloads: list[tuple[str, str]] = []
        self._changes: list[Changed] = []
        self._open: dict[str, Any] | None = None
        self._used: Used | None = None
        self._has_asked = False
        self._asked_ns: int | None = None

    def bear(self, row: Row, added: Changed) -> None:
        """Begin the journal of a run that is kept with its first attempt."""
        self._add(*row)
        self._changes.append(added)

    def take_up(self, begun: dict[str, Any], used: Used | None = None) -> None:
        """Go on with what had begun before this process did.

        Args:
            begun: What had.
            used: Gives what its children have used, in this process and before, if it is an attempt with any.
        """
        self._open = begun
        self._used = used

    async def took(self, elapsed_us: int) -> None:
        """Keep how long an attempt that goes on took in a process that ended."""
        self._add("taken", json_of({"elapsed_us": elapsed_us}))
        await self._keep()

    async def begin(
        self, run: Run, what: Begun, longest_us: int | None, hiding: Hiding | None = None
    ) -> int | None:
        """Keep that something begins; of what had begun already, give how much is left."""
        if self._open is not None:
            return await self._go_on(run, what, longest_us)
        if self._chain.length >= MAX_EVENTS:
            raise TooLong(f"the run {self._run_id} has {self._chain.length:,} events, and none may have more")
        now = time.time_ns()
        until = None if longest_us is None or what == "attempt" else now + longest_us * 1000
        began = (
            f'{{"what":"{what}","state":{quoted(run.state)},"visit":{run.visits[run.state]}'
            f',"attempt":{run.attempt}'
            f',"spent":[{run.steps},{run.tool_calls},{run.tokens},{run.micro_usd},{run.time_us}]'
            f',"at_ns":{now},"until_ns":{"null" if until is None else until}'
        )
        if what == "question":
            self._asks(run.state, until)
            self._add("begin", f'{began},"shown":{_shown(run, hiding)}}}')
        else:
            self._becomes("running", run.state)
            self._add("begin", f"{began}}}")
        await self._store.do(self._handed())
        return longest_us

    async def _go_on(self, run: Run, what: Begun, longest_us: int | None) -> int | None:
        assert self._open is not None
        begun, self._open = self._open, None
        until = begun["until_ns"]
        if what == "question":
            self._asked_ns = begun["at_ns"]
            self._asks(run.state, until)
            await self._keep()
        if until is None:
            return longest_us
        assert longest_us is not None, "what has an end has a length"
        # By a clock that was set back meanwhile it would last for as long as that was set back.
        left: int = min(longest_us, (until - time.time_ns()) // 1000)
        if what == "question" and left < ANSWERED_US and await self._store.do(self._is_answered):
            # It was answered in time, and is only looked at now.
            return ANSWERED_US
        return max(0, left)

    def _is_answered(self, connection: sqlite3.Connection) -> bool:
        query = "SELECT 1 FROM answers WHERE run_id = ?"
        return connection.execute(query, (self._run_id,)).fetchone() is not None

    def late(self, event: Late) -> None:
        """Keep a late charge with what is kept next."""
        self._add("event", event_written(event))

    async def end(self, run: Run, event: Kind) -> Kind:
        """Keep what came of what began last, and give it as it is read back.

        It is kept together with what begins next, before that does, unless somebody watches.
        """
        if isinstance(event, Ended):
            if self._asked_ns is not None:
                waited_us = (time.time_ns() - self._asked_ns) // 1000
                event = event._replace(elapsed_us=max(event.elapsed_us, waited_us))
            if run.state in self._parents:
                event = await self._without_children(event)
            event, text = self._kept(run.state, event)
        else:
            text = event_written(event)
        self._add("event", text)
        if self._has_asked:
            # An answer is taken with the row that holds it: the next question of this run waits for its own.
            self._has_asked = False
            self._asked_ns = None
            self._becomes("running", run.state)
            self._changes.append(Changed("DELETE FROM answers WHERE run_id = ?", (self._run_id,)))
        if self._is_watched:
            await self._keep()
        return event

    async def _without_children(self, event: Ended) -> Ended:
        """End the children that are broken off, with theirs, since too many others had failed.

        What they used counts.
        """
        now = time.time_ns()
        root_id = self._lease.root_id
        values = (root_id, self._run_id, root_id, now, sum_of((now,)))
        self._changes.append(Changed(_BREAK_OFF, values))
        used, self._used = self._used, None
        spent = None if used is None else await used()
        if spent is None:
            return event
        return event._replace(steps=1 + spent.steps, use=(spent.tool_calls, spent.tokens, spent.micro_usd))

    def _kept(self, state: str, event: Ended) -> tuple[Ended, str]:
        """Give an attempt's end as it will be read back, and written; a failure, if it can't be kept."""
        try:
            text = event_written(event)
            if not is_scalar(event.value):
                kept = event_read(text)
                assert isinstance(kept, Ended)
                event = fitted(kept, state, self._fit)
        except (Unkeepable, Rejected) as error:
            said = f"what it gave can't be kept: {error}"
            event = event._replace(outcome="failure", label=None, value=None, message=said, draw=0.0)
            text = event_written(event)
        return event, text

    async def recovered(self, run: Run, event: Ended | Lost) -> None:
        """Keep what must be made of an attempt whose process ended."""
        self._add("event", event_written(event))
        await self._keep()

    async def conclude(self, run: Run, end: str, kind: str, output: Any) -> None:
        """Keep how the run ended."""
        try:
            said = written(output)
        except Unkeepable:
            said = "null"
        self._add("end", f'{{"end":{json_of(end)},"kind":{json_of(kind)},"output":{said}{_why(run, end)}}}')
        ended = (run.state, end, kind, time.time_ns(), json.dumps(run.spent._asdict()))
        self._changes.append(
            Changed(
                "UPDATE runs SET status = 'done', state = ?, end_state = ?, end_kind = ?, ended_ns = ?,"
                " spent = ?, end_sum = ?, owner = NULL WHERE run_id = ?",
                (*ended, sum_of(ended), self._run_id),
            )
        )
        await self._keep()

    async def flush(self) -> None:
        """Keep what was handed over and has nothing after it, since the run is let go there."""
        if self._rows:
            await self._keep()

    def _asks(self, state: str, until_ns: int | None) -> None:
        self._has_asked = True
        self._becomes("waiting", state, until_ns)

    def _becomes(self, status: str, state: str, wake_ns: int | None = None) -> None:
        if status != self._status:
            self._status = status
            change = "UPDATE runs SET status = ?, state = ?, wake_ns = ? WHERE run_id = ?"
            self._changes.append(Changed(change, (status, state, wake_ns, self._run_id)))

    def _add(self, kind: str, body: str) -> None:
        self._rows.append(self._chain.add(kind, body, self._payloads))

    async def _keep(self) -> None:
        """Keep all that was handed over, in one transaction.

        Raises:
            Fenced: The run is another process's by now.
            StoreError: It could not be written; this journal is of no use any more.
        """
        await self._store.do(self._handed())

    def _handed(self) -> Append:
        """Take all that was handed over."""
        taken = Append(self._lease, self._rows, self._payloads, self._changes)
        self._rows, self._payloads, self._changes = [], [], []
        return taken


def _why(run: Run, end: str) -> str:
    """Write why an end failed that should not, which follows from no event: its output does not fit."""
    error = run.values.get("error")
    if error is None or error.state != end:
        return ""
    try:
        return f',"error":{written(error)}'
    except Unkeepable:
        return f',"error":{written(error._replace(value=None))}'


def _shown(run: Run, hiding: Hiding | None) -> str:
    """Write what a person sees of a question, as far as that is data, without what is secret."""
    try:
        if not isinstance(run.arguments, dict):
            return "{}"
        shown = by_field(json.loads(written(run.arguments)))
        return written(shown if hiding is None else hiding.shown(run.state, shown))
    except Unkeepable:
        return "{}"


def fitted(event: Ended, state: str, fit: Callable[[str, str | None, Any], Any]) -> Ended:
    """Structure what an attempt of `state` gave, or what was rejected stays data.

    Raises:
        Rejected: It does not fit its type.
    """
    if event.outcome != "success":
        return event
    return event._replace(value=fit(state, event.label, event.value))


__all__ = [
    "Corrupt",
    "Fenced",
    "Lease",
    "Row",
    "RunJournal",
    "TooLong",
    "body_of",
    "chained",
    "events_of",
    "fitted",
    "rows_of",
]
