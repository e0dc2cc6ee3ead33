"""A database that is cut, or of which a bit is another one, and what becomes of the runs in it.

Each outcome must be one of these: all is as it was; the run is taken up at a point that it has passed; or an
error with a name says that something is wrong. Never is a value another one than it was.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from attrs import field, frozen

from fsmflow.engines.durable import Durable, NoSuchRun, Over, Question, Suspended, Taken, Unfit
from fsmflow.engines.journal import Corrupt
from fsmflow.engines.machines import BadMachine
from fsmflow.engines.store import StoreError
from fsmflow.engines.workflows import Workflow
from fsmflow.runtime.events import Event
from fsmflow.runtime.outcomes import Stop
from fsmflow.testing.clock import SimulatedClock
from tests.engines.disk.disk import Image
from tests.engines.disk.lives import finished, put
from tests.engines.disk.order import FILE, RUN, Requested, Seen, steps
from tests.engines.disk.watched import REAL, in_use, kept_in

PAGE = 512
"""The size of a page: the smallest, so that the whole of a database can be tried."""

NAMED = (StoreError, Corrupt, Unfit, BadMachine, NoSuchRun, Over, Taken)
"""The errors that tell of damage, or of a run that is not where it was."""

OTHER, ASKED = "other", "asked"
SAID = "It is a ship, and a good one."


class Wrong(AssertionError):
    """A value is another one than it was, or an error has no name."""


class Stopped(Stop):
    """The process that carries a run out ends."""


class _Small(sqlite3.Connection):
    """A connection that makes databases of small pages, whatever is asked for."""

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        is_size = sql.startswith("PRAGMA page_size")
        return super().execute(f"PRAGMA page_size={PAGE}" if is_size else sql, *values)


class _SmallPages:
    """The module `sqlite3`, with new databases of small pages."""

    def connect(self, *about: Any, **options: Any) -> sqlite3.Connection:
        return sqlite3.connect(*about, **options, factory=_Small)

    def __getattr__(self, name: str) -> Any:
        return getattr(sqlite3, name)


@frozen
class Sample:
    """A database: a run that is over, one whose process ended while it paid, and one that was answered.

    Attributes:
        order: The workflow of the first two.
        asked: The workflow of the third.
        image: Its files: much of it is in the database, and some still in its log.
        events: The events of each run.
        lines: What the list of runs may say of each: what it said at some time.
        questions: The question that waits, as it was before it was answered, and after that.
        beside: What stands beside the journals.
    """

    order: Workflow
    asked: Workflow
    image: Image
    events: Mapping[str, list[Event]]
    lines: set[tuple[Any, ...]]
    questions: list[Question]
    beside: Any = field(repr=False)


def sample(order: Workflow, asked: Workflow, folder: Path) -> Sample:
    """Make the database."""
    lines: set[tuple[Any, ...]] = set()

    def tell(what: Seen) -> None:
        lines.update(_lines(durable))
        if isinstance(what, Requested) and what.run_id == RUN and what.state == "look":
            with closing(sqlite3.connect(folder / FILE)) as connection, connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if isinstance(what, Requested) and what.run_id == RUN and what.state == "pay":
            raise Stopped

    with in_use(REAL, tell, _SmallPages()):
        durable = _opened(folder / FILE)
        for run_id, workflow in ((ASKED, asked), (OTHER, order), (RUN, order)):
            durable.submit(workflow, {"item": "a ship"}, run_id=run_id)
            lines.update(_lines(durable))
            with contextlib.suppress(Stopped, Suspended):
                made = None if workflow is asked else steps(tell)
                finished(durable.resume(run_id, workflow=workflow, steps=made))
            if run_id == ASKED:
                questions = durable.questions()
                durable.answer(ASKED, "ask", value=SAID)
                questions += durable.questions()
            lines.update(_lines(durable))
        image = {name: (folder / name).read_bytes() for name in (FILE, f"{FILE}-wal")}
        events = durable.store.do_now(lambda connection: kept_in(REAL, connection)).events
        beside = durable.store.do_now(_beside)
        durable.close()
    return Sample(order, asked, image, events, lines, questions, beside)


def judge(known: Sample, image: Image, folder: Path) -> str:
    """Open an image, look at what is there, take the run up, and say what came of it.

    Raises:
        Wrong: A value is another one than it was, or an error has no name.
    """
    try:
        return _judged(known, put(image, folder))
    except NAMED as error:
        return f"refused: {type(error).__name__}"
    except Wrong:
        raise
    except Exception as error:
        raise Wrong(f"{type(error).__name__} has no name: {error}") from error


def _judged(known: Sample, path: Path) -> str:
    requests: list[Requested] = []

    def tell(what: Seen) -> None:
        if isinstance(what, Requested):
            requests.append(what)

    with in_use(REAL, tell, sqlite3), _opened(path) as durable:
        strange = _lines(durable) - known.lines
        _hold(not strange, f"the list of runs says {strange}")
        strange = [each for each in durable.questions() if each not in known.questions]
        _hold(not strange, f"another question: {strange}")
        kept = durable.store.do_now(lambda connection: kept_in(REAL, connection))
        for run_id, events in kept.events.items():
            _hold(events == known.events.get(run_id, [])[: len(events)], f"{run_id} has another event")
        # What a machine is made of is read anew only if it may be another one: that takes its time.
        is_same = durable.store.do_now(_beside) == known.beside
        with contextlib.suppress(NoSuchRun, Suspended):
            workflow = known.asked if is_same else None
            said = finished(durable.resume(ASKED, workflow=workflow))
            _hold(said.output == SAID, f"another answer: {said.output}")
        workflow = known.order if is_same else None
        finished(durable.resume(RUN, workflow=workflow, steps=steps(tell)))
        over = durable.store.do_now(lambda connection: kept_in(REAL, connection)).over
    if over is None:
        raise Wrong("it is over, and nothing says so")
    _hold(over.output == [["shipped a", "shipped b"], "told"], f"another output: {over.output}")
    for seen in requests:
        first = kept.events.get(seen.run_id, [])[:1]
        is_kept = seen.state in ("look", "ship") and first
        _hold(not is_kept, f"what `{seen.state}` gave was kept, and it is requested again")
    _hold(len(set(requests)) == len(requests), "an effect is requested twice")
    return "as it was" if kept.events == known.events else "taken up earlier"


def _opened(path: Path) -> Durable:
    return Durable(path, suspends=True, clock=SimulatedClock(), lease_s=1_000)


def _lines(durable: Durable) -> set[tuple[Any, ...]]:
    """Give what the list of runs says, without who has them."""
    found = [kept._replace(spent=tuple(kept.spent.items()), owner=None) for kept in durable.runs()]
    return {tuple(kept) for kept in found}


def _beside(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
    columns = "run_id, root_id, parent_id, workflow, digest, folder, profile, profiles, code"
    runs = connection.execute(f"SELECT {columns} FROM runs ORDER BY run_id").fetchall()
    return [*runs, *connection.execute("SELECT * FROM machines ORDER BY digest").fetchall()]


def _hold(truth: Any, message: str) -> None:
    if not truth:
        raise Wrong(message)
