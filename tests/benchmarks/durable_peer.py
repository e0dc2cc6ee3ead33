"""One library's durable runs, measured by an interpreter that has it, which `durable_peers` calls.

    python durable_peer.py CASE FOLDER

Says in a line of JSON how its database syncs; then it makes a run for each line that it is sent, and says in
a line how many microseconds a step took. It imports nothing of fsmflow but in the case `fsmflow`, so that any
interpreter can read it.
"""

# ruff: noqa: T201 - a benchmark prints what it finds

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
import time
import uuid
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, TypedDict

STEPS = 100
WARM = 12
"""How many runs are no measure: a log that is begun anew is quicker to write than one that grows."""

WAL, FULL = "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL"
SYNCS = {0: "OFF", 1: "NORMAL", 2: "FULL", 3: "EXTRA"}


def level(connection: sqlite3.Connection) -> str:
    """Say how a connection syncs."""
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    (sync,) = connection.execute("PRAGMA synchronous").fetchone()
    return f"{mode.upper()}, {SYNCS[sync]}"


def told(sync: str) -> None:
    """Say how the database syncs: everything is ready."""
    print("\n" + json.dumps({"sync": sync}), flush=True)


def timed(run: Callable[[], Any], sync: str) -> None:
    """Run whenever a line comes in, after some runs that are no measure."""
    for _ in range(WARM):
        run()
    told(sync)
    for _ in sys.stdin:
        began = time.perf_counter()
        run()
        print(json.dumps((time.perf_counter() - began) / STEPS * 1e6), flush=True)


async def timed_async(run: Callable[[], Awaitable[Any]], sync: str) -> None:
    """Do what `timed` does, with runs that are async."""
    for _ in range(WARM):
        await run()
    told(sync)
    while await asyncio.to_thread(sys.stdin.readline):
        began = time.perf_counter()
        await run()
        print(json.dumps((time.perf_counter() - began) / STEPS * 1e6), flush=True)


def floor(folder: Path) -> None:
    """Commit a row a step to a bare SQLite connection."""
    connection = sqlite3.connect(folder / "floor.db", isolation_level=None)
    connection.execute(WAL)
    connection.execute(FULL)
    connection.execute(
        "CREATE TABLE steps (run TEXT, seq INTEGER, body TEXT, PRIMARY KEY (run, seq)) WITHOUT ROWID"
    )

    def run() -> None:
        name = uuid.uuid4().hex
        for number in range(STEPS):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                "INSERT INTO steps VALUES (?, ?, ?)", (name, number, json.dumps({"x": number}))
            )
            connection.execute("COMMIT")

    timed(run, level(connection))


def fsmflow(folder: Path) -> None:
    """Carry out durable runs, each of them submitted first."""
    from fsmflow.engines.durable import Durable
    from tests.benchmarks.durable import MODULE, chain

    (folder / "benchmark_steps.py").write_text(MODULE)
    workflow = chain(folder, "steps", "nothing", STEPS)
    with Durable(folder / "runs.db") as durable:

        async def run() -> None:
            assert (await durable.run(workflow, 0)).kind == "success"

        asyncio.run(timed_async(run, durable.store.do_now(level)))


class Counted(TypedDict):
    """What the steps of LangGraph hand on."""

    x: int


def _graph(step: Any, saver: Any) -> tuple[Any, Callable[[], dict[str, Any]]]:
    from langgraph.graph import StateGraph

    graph = StateGraph(Counted)
    for number in range(STEPS):
        graph.add_node(f"s{number}", step)
        if number:
            graph.add_edge(f"s{number - 1}", f"s{number}")
    graph.set_entry_point("s0")
    graph.set_finish_point(f"s{STEPS - 1}")

    def config() -> dict[str, Any]:
        return {"recursion_limit": STEPS + 5, "configurable": {"thread_id": uuid.uuid4().hex}}

    return graph.compile(checkpointer=saver), config


def langgraph_sync(folder: Path) -> None:
    """Run a graph with the SQLite checkpointer, which is waited for at each step."""
    from langgraph.checkpoint.sqlite import SqliteSaver

    def step(state: Counted) -> Counted:
        return {"x": state["x"] + 1}

    with SqliteSaver.from_conn_string(str(folder / "langgraph.db")) as saver:
        saver.setup()
        saver.conn.execute(FULL)
        graph, config = _graph(step, saver)
        timed(lambda: graph.invoke({"x": 0}, config(), durability="sync"), level(saver.conn))


def langgraph_async(folder: Path) -> None:
    """Run a graph with the asynchronous SQLite checkpointer, which is waited for at each step."""
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    async def step(state: Counted) -> Counted:
        return {"x": state["x"] + 1}

    async def main() -> None:
        async with AsyncSqliteSaver.from_conn_string(str(folder / "langgraph.db")) as saver:
            await saver.setup()
            await saver.conn.execute(FULL)
            graph, config = _graph(step, saver)
            sync = await saver.conn._execute(level, saver.conn._conn)
            await timed_async(lambda: graph.ainvoke({"x": 0}, config(), durability="sync"), sync)

    asyncio.run(main())


def burr(folder: Path) -> None:
    """Run an application with the SQLite persister."""
    from burr.core import ApplicationBuilder, State, action
    from burr.core.graph import GraphBuilder
    from burr.core.persistence import SQLitePersister

    persister = SQLitePersister(str(folder / "burr.db"))
    persister.connection.execute(WAL)
    persister.connection.execute(FULL)
    persister.initialize()

    def step() -> Any:
        @action(reads=["x"], writes=["x"])
        def add(state: State) -> State:
            return state.update(x=state["x"] + 1)

        return add

    names = [f"s{number}" for number in range(STEPS)]
    graph = GraphBuilder().with_actions(**{name: step() for name in names})
    graph = graph.with_transitions(*pairwise(names)).build()

    def run() -> None:
        application = (
            ApplicationBuilder()
            .with_graph(graph)
            .with_state(x=0)
            .with_entrypoint("s0")
            .with_state_persister(persister)
            .with_identifiers(app_id=uuid.uuid4().hex)
            .build()
        )
        application.run(halt_after=[names[-1]])

    timed(run, level(persister.connection))


def dbos(folder: Path) -> None:
    """Run a workflow of DBOS, whose database is set to WAL."""
    import sqlalchemy
    from dbos import DBOS

    levels = set()

    def connected(connection: Any, _: Any) -> None:
        connection.execute(WAL)
        connection.execute(FULL)
        levels.add(level(connection))

    sqlalchemy.event.listen(sqlalchemy.engine.Engine, "connect", connected)
    DBOS(
        config={
            "name": "peer",
            "system_database_url": f"sqlite:///{folder / 'dbos.sqlite'}",
            "log_level": "ERROR",
        }
    )

    @DBOS.step()
    def step(x: int) -> int:
        return x + 1

    @DBOS.workflow()
    def chain() -> int:
        x = 0
        for _ in range(STEPS):
            x = step(x)
        return x

    DBOS.launch()
    timed(chain, "; ".join(sorted(levels)))


CASES = {
    "floor": floor,
    "fsmflow": fsmflow,
    "langgraph": langgraph_sync,
    "langgraph-async": langgraph_async,
    "burr": burr,
    "dbos": dbos,
}


def main() -> None:
    """Measure one case; leave at once, since some libraries leave threads behind."""
    CASES[sys.argv[1]](Path(sys.argv[2]))
    os._exit(0)


if __name__ == "__main__":
    main()
