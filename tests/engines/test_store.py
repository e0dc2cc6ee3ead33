"""The database of durable runs: what is committed when, by whom, and who goes on meanwhile."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fsmflow.engines import store
from fsmflow.engines.durable import Durable, Fenced, Suspended
from fsmflow.engines.handing import Handed
from fsmflow.engines.leases import Lease
from fsmflow.engines.rows import Append, Chain, rows_of
from fsmflow.engines.schema import SCHEMA_VERSION
from fsmflow.engines.serving import Worker
from fsmflow.engines.store import Store, StoreError
from fsmflow.engines.taking_up import add_run
from fsmflow.engines.workflows import Workflow
from fsmflow.runtime import Inbox

SPEC = """
fsmflow: 1
workflow: stored
budget: {steps: 500}
states:
  work: {run: stored_steps:work, gives: int, effect: none, success: again, fallback: failed}
  again: {choose: [{when: work == 0, to: failed}, {to: work, times: 99, else: ask}]}
  ask: {ask: Enough?, timeout: 1h, success: {yes_: done}, fallback: failed}
  done: {end: success}
  failed: {end: failed}
"""


@pytest.fixture
def workflow(tmp_path: Path) -> Iterator[Workflow]:
    """A workflow that works a hundred times, and asks a person then."""
    (tmp_path / "stored_steps.py").write_text("async def work() -> int:\n    return 1\n")
    (tmp_path / "stored.fsm.yaml").write_text(SPEC)
    yield Workflow.of_spec(tmp_path / "stored.fsm.yaml")
    sys.path[:] = [path for path in sys.path if path != str(tmp_path)]
    sys.modules.pop("stored_steps", None)


@pytest.fixture
def durable(tmp_path: Path) -> Iterator[Durable]:
    """A database of its own, at which an inbox waits for answers."""
    with Durable(tmp_path / "runs.db", desk=Inbox()) as opened:
        yield opened


def waits_of(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """Note for how long the thread of the loop would wait for others that write."""
    found: set[int] = set()
    told = Store._wait_for_others

    def wait(opened: Store, longest_ms: int) -> None:
        if threading.current_thread() is threading.main_thread():
            found.add(longest_ms)
        told(opened, longest_ms)

    monkeypatch.setattr(Store, "_wait_for_others", wait)
    return found


async def until_asked(durable: Durable, running: asyncio.Task[Any]) -> None:
    """Wait until a run asks, and answer."""
    while not (asked := await asyncio.to_thread(durable.questions)):
        assert not running.done()
        await asyncio.sleep(0.01)
    await asyncio.to_thread(durable.answer, asked[0].run_id, "ask", "yes_")


@pytest.mark.parametrize("quick_s", [0.0, 1e9], ids=["in a thread of its own", "in the thread of the loop"])
def test_a_run_goes_on_while_others_write(
    durable: Durable, workflow: Workflow, monkeypatch: pytest.MonkeyPatch, quick_s: float
) -> None:
    """While another process holds the database, a run waits for it and the tasks beside it do not."""
    monkeypatch.setattr(store, "QUICK_S", quick_s)
    waits = waits_of(monkeypatch)
    run_id = durable.submit(workflow, {})
    other = sqlite3.connect(durable.store.path, isolation_level=None)

    async def main() -> None:
        calls = ticks = 0

        async def work() -> int:
            nonlocal calls
            calls += 1
            if calls == 50:
                other.execute("BEGIN IMMEDIATE")
            return calls

        running = asyncio.create_task(durable.resume(run_id, steps={"work": work}))
        while calls < 50:
            await asyncio.sleep(0)
        while ticks < 50:
            await asyncio.sleep(0.001)
            ticks += 1
        assert calls == 50, "what comes next is not begun before this is kept"
        other.execute("COMMIT")
        await until_asked(durable, running)
        assert (await running).kind == "success"

    asyncio.run(main())
    other.close()
    assert waits == ({0} if quick_s else set()), "the loop waits for nobody"


def test_a_run_that_never_waits_lets_others_have_their_turn(
    durable: Durable, workflow: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run whose steps take no time, and which is alone, still makes way for the tasks beside it."""
    monkeypatch.setattr(store, "QUICK_S", 1e9)
    monkeypatch.setattr(store, "TURN_S", 0.0)
    run_id = durable.submit(workflow, {})

    async def main() -> int:
        running = asyncio.create_task(durable.resume(run_id))
        turns = 0
        while durable.find(run_id).status != "waiting":
            await asyncio.sleep(0)
            turns += 1
        await until_asked(durable, running)
        await running
        return turns

    assert asyncio.run(main()) > 20


def test_runs_side_by_side_share_their_transactions(tmp_path: Path, workflow: Workflow) -> None:
    """What is handed over while a transaction is made is made together in the next one."""
    batches: list[int] = []

    class Counting(Store):
        def _commit(self, batch: list[Handed]) -> None:
            batches.append(len(batch))
            super()._commit(batch)

    with Durable(tmp_path / "many.db", suspends=True, store=Counting) as durable:
        run_ids = [durable.submit(workflow, {}) for _ in range(20)]
        batches.clear()

        async def main() -> list[Any]:
            running = (durable.resume(each) for each in run_ids)
            return await asyncio.gather(*running, return_exceptions=True)

        assert [type(ended) for ended in asyncio.run(main())] == [Suspended] * 20

    assert sum(batches) > 2 * len(batches)


def test_what_a_trace_tells_is_kept_by_then(durable: Durable, workflow: Workflow) -> None:
    """An attempt that somebody is told of has its row in the journal already, as any other reader sees it."""
    run_id = durable.submit(workflow, {})
    reader = sqlite3.connect(f"file:{durable.store.path}?mode=ro", uri=True)
    told: list[tuple[int, int]] = []

    def look(event: dict[str, Any]) -> None:
        if event["event"] == "attempt":
            query = "SELECT count(*) FROM journal WHERE kind = 'event'"
            told.append((event["visit"], reader.execute(query).fetchone()[0]))

    async def main() -> None:
        running = asyncio.create_task(durable.resume(run_id, trace=look))
        await until_asked(durable, running)
        await running

    asyncio.run(main())
    reader.close()
    assert [(visit, visit) for visit, _ in told] == told
    assert len(told) == 100


def test_a_question_is_listed_whoever_took_its_run_up(tmp_path: Path, workflow: Workflow) -> None:
    """The question of a run that is taken up by a process that waits with it is there for all to see."""
    with Durable(tmp_path / "runs.db", suspends=True) as first:
        run_id = first.submit(workflow, {})
        with pytest.raises(Suspended):
            asyncio.run(first.resume(run_id))
    with Durable(tmp_path / "runs.db", desk=Inbox()) as second:

        async def main() -> None:
            running = asyncio.create_task(second.resume(run_id))
            await until_asked(second, running)
            assert (await running).kind == "success"

        asyncio.run(main())


@pytest.mark.parametrize("many", [1, 3, 40])
def test_of_rows_that_are_written_together_only_those_under_a_lost_lease_are_refused(
    tmp_path: Path, many: int
) -> None:
    """Each row of many runs is written in its place; those of a run that somebody else has are not."""
    opened = Store(tmp_path / "runs.db")
    about = {"workflow": "w", "digest": "d", "folder": "f", "trace_id": "", "given": "1", "code": ""}

    def prepare(connection: sqlite3.Connection) -> None:
        for number in range(many):
            add_run(connection, run_id=f"r{number}", profile=None, profiles="{}", **about)
        connection.execute("UPDATE runs SET owner = 'me', fence = 1, status = 'running'")
        connection.execute("UPDATE runs SET fence = 2 WHERE run_id = 'r0'")

    opened.do_now(prepare)
    first = opened.do_now(lambda c: c.execute("SELECT chain FROM journal WHERE run_id = 'r1'").fetchall())

    async def write(number: int) -> str:
        (last,) = opened.do_now(
            lambda c: c.execute("SELECT chain FROM journal WHERE run_id = ?", (f"r{number}",)).fetchone()
        )
        chain, large = Chain(f"r{number}", 1, last), []
        body = f'"it\\u0000 said \\"{number}\\""' if number % 2 else f'"{"x" * 9_000}{number}"'
        rows = [chain.add("event", body, large) for _ in range(2)]
        try:
            await opened.do(Append(Lease(f"r{number}", "me", 1), rows, large))
        except Fenced as fenced:
            return str(fenced)
        return body

    async def main() -> list[str]:
        return await asyncio.gather(*(write(number) for number in range(many)))

    refused, *bodies = asyncio.run(main())
    kept = [opened.do_now(lambda c, n=number: rows_of(c, f"r{n}")) for number in range(many)]
    opened.close()

    assert "is another process's" in refused
    assert len(first) == (many > 1)
    assert [row.kind for row in kept[0]] == ["run"]
    for body, rows in zip(bodies, kept[1:], strict=True):
        assert [row.body for row in rows[1:]] == [body, body]


@pytest.mark.parametrize(
    ("further", "what_to_do"),
    [
        (1, "a later one: open it with that fsmflow, or name another database"),
        (-1, "an earlier one: let its runs end with that fsmflow, or name another database"),
    ],
)
def test_a_database_of_another_version_is_refused(tmp_path: Path, further: int, what_to_do: str) -> None:
    """What another fsmflow has written is left alone; which is the later one is told, and what to do."""
    path = tmp_path / "runs.db"
    Store(path).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + further}")
    held = path.read_bytes()

    with pytest.raises(StoreError) as refused:
        Store(path)

    assert str(refused.value) == (
        f"{path} is of version {SCHEMA_VERSION + further}, and this fsmflow of {SCHEMA_VERSION},"
        f" so that it was made by {what_to_do}"
    )
    assert path.read_bytes() == held


def made_elsewhere(path: Path, statements: str) -> bytes:
    """Make a database that is another program's, and give what its file holds."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(statements)
    return path.read_bytes()


ELSEWHERE = {
    "customers": "CREATE TABLE customers (name)",
    "a table that is called as one of ours": "CREATE TABLE runs (speed)",
    "of a version that is called as ours": f"CREATE TABLE runs (speed); PRAGMA user_version={SCHEMA_VERSION}",
    "of another version": "CREATE TABLE customers (name); PRAGMA user_version=41",
    "of a version, and empty": f"PRAGMA user_version={SCHEMA_VERSION}",
}


@pytest.mark.parametrize("what", ELSEWHERE)
def test_what_another_program_keeps_is_refused_and_left_as_it_is(what: str, tmp_path: Path) -> None:
    """A database that is not of durable runs is told by that, and not a byte of it, or beside it, changes."""
    path = tmp_path / "inn.db"
    held = made_elsewhere(path, ELSEWHERE[what])
    os.utime(path, (1, 1))

    with pytest.raises(StoreError, match="is no database of durable runs"):
        Store(path)

    assert path.read_bytes() == held
    assert path.stat().st_mtime == 1
    assert list(tmp_path.iterdir()) == [path]


def test_an_empty_file_becomes_a_database(tmp_path: Path) -> None:
    """A file that holds nothing yet, as `mktemp` makes it, can be given for a new database."""
    path = tmp_path / "runs.db"
    path.touch()
    with Durable(path) as durable:
        assert durable.runs() == []

    Store(path).close()


class _Overtaken(Store):
    """A database that somebody else makes once this one has looked, and found nothing."""

    def _is_new(self) -> bool:
        is_new = super()._is_new()
        with Durable(self.path) as other:
            assert other.runs() == []
        return is_new


def test_who_makes_a_database_that_has_just_been_made_finds_it_made(tmp_path: Path) -> None:
    """Two may make a database at once: whoever is later uses what is there by then."""
    with Durable(tmp_path / "runs.db", store=_Overtaken) as durable:
        assert durable.runs() == []


class _Contended(sqlite3.Connection):
    """A connection that is refused twice when it switches to WAL, as SQLite does when two do so at once."""

    refusals = 2

    def execute(self, statement: str, *more: Any) -> sqlite3.Cursor:
        """Execute, or refuse to."""
        if "journal_mode" in statement and self.refusals:
            self.refusals -= 1
            raise sqlite3.OperationalError("database is locked")
        return super().execute(statement, *more)


def test_many_may_make_a_database_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is refused, since another one makes the same database at that moment, tries again."""
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=_Contended))

    with Durable(tmp_path / "runs.db") as durable:
        assert durable.runs() == []


class _Faulty:
    """Work of which nothing can be done together."""

    def __call__(self, connection: sqlite3.Connection) -> None:
        """Never called."""

    @classmethod
    def together(cls, connection: sqlite3.Connection, works: Sequence[_Faulty]) -> list[Exception | None]:
        """Fail, as a bug would."""
        raise KeyError("a bug")


def test_whoever_waits_for_work_that_goes_wrong_is_told(tmp_path: Path) -> None:
    """A bug in work that is done together reaches those who wait for it, and the database goes on."""

    async def main(store: Store) -> None:
        with pytest.raises(KeyError, match="a bug"):
            await asyncio.wait_for(store.do(_Faulty()), 10)
        assert await store.do(lambda connection: connection.execute("SELECT 1").fetchone()) == (1,)

    store = Store(tmp_path / "runs.db")
    asyncio.run(main(store))
    store.close()


def test_why_a_database_can_not_be_used_is_told_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where SQLite says no more than that it failed, a full disk, a closed folder or a lock is told."""
    path = tmp_path / "runs.db"
    Durable(path).close()
    whole = sqlite3.connect

    class Refusing(sqlite3.Connection):
        code = 0

        def execute(self, *_: Any) -> sqlite3.Cursor:
            error = sqlite3.OperationalError("it can't be done")
            error.sqlite_errorcode = self.code
            raise error

    monkeypatch.setattr(
        sqlite3, "connect", lambda *about, **options: whole(*about, **options, factory=Refusing)
    )
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    for code, said in (
        (sqlite3.SQLITE_IOERR, ": the disk is full"),
        (sqlite3.SQLITE_READONLY, ": its folder has to be one that can be written too"),
        (sqlite3.SQLITE_BUSY, ": another program has not let it go for 30 s"),
    ):
        monkeypatch.setattr(Refusing, "code", code)
        with pytest.raises(StoreError) as refused:
            Store(path)
        assert str(refused.value) == f"{path}: it can't be done{said}"


@pytest.mark.parametrize("is_another_there", [False, True], ids=["gone", "another"])
def test_a_worker_whose_database_was_replaced_stops(
    tmp_path: Path, workflow: Workflow, is_another_there: bool
) -> None:
    """A worker does not go on with a file that nobody submits to any more: it says so, and ends."""
    path = tmp_path / "runs.db"

    async def serve() -> None:
        serving = asyncio.create_task(Worker(durable).serve())
        durable.submit(workflow, None)
        while [kept.status for kept in durable.runs()] != ["waiting"]:
            await asyncio.sleep(0.01)
        for file in tmp_path.glob("runs.db*"):
            file.rename(tmp_path / file.name.replace("runs", "moved"))
        if is_another_there:
            Durable(path).close()
        await asyncio.wait_for(serving, 30)

    with Durable(path, suspends=True) as durable, pytest.raises(StoreError) as stopped:
        asyncio.run(serve())
    assert str(stopped.value) == (
        f"{path} is not the file that was opened: it was moved, removed or replaced;"
        " before another takes its place, stop all who use it, and remove runs.db-wal and runs.db-shm"
    )
