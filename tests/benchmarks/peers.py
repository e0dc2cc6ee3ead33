"""How fast a generated runner is beside other libraries that run state machines and graphs.

    python -m tests.benchmarks.peers

A chain of steps that do next to nothing, each library's own way, in one process and in interleaved rounds;
microseconds of CPU a step, and the ratio to fsmflow. Those that are not installed are left out: `pip install
apache-burr pydantic-graph langgraph` brings them.
"""

# ruff: noqa: T201 - a benchmark prints what it finds

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypedDict

from tests.benchmarks import floors, workflows
from tests.benchmarks.speed import Case, measure

LENGTHS = (10, 100)


def fsmflow(length: int) -> Case:
    """Make our own chain, with a ledger of five resources, validation and a trace."""
    runner = workflows.compiled(workflows.chain(length), floors.step())
    return lambda: runner.run(floors.Box())


def floor(length: int) -> Case:
    """Make the hand-written loop with five budgets."""
    states = floors.table(length)
    return lambda: floors.budgeted(states, floors.Box())


def transitions(length: int) -> Case:
    """Make an asynchronous machine whose steps are entry callbacks."""
    from transitions.extensions.asyncio import AsyncMachine

    class Model:
        x = 0

        async def step(self) -> None:
            self.x += 1

    model = Model()
    names = [f"s{i}" for i in range(length)]
    machine = AsyncMachine(
        model=model,
        states=["s", *({"name": name, "on_enter": "step"} for name in names)],
        transitions=[["go", source, target] for source, target in zip(["s", *names], names, strict=False)],
        initial="s",
        auto_transitions=False,
    )

    async def run() -> None:
        machine.set_state("s")
        for _ in range(length):
            await model.go()  # type: ignore[attr-defined]

    return run


def burr(length: int) -> Case:
    """Make a graph of actions."""
    from burr.core import ApplicationBuilder, State, action
    from burr.core.graph import GraphBuilder

    def step() -> Any:
        @action(reads=["x"], writes=["x"])
        async def run(state: State) -> State:
            return state.update(x=state["x"] + 1)

        return run

    graph = (
        GraphBuilder()
        .with_actions(**{f"s{i}": step() for i in range(length)})
        .with_transitions(*[(f"s{i}", f"s{i + 1}") for i in range(length - 1)])
        .build()
    )

    async def run() -> None:
        app = ApplicationBuilder().with_graph(graph).with_state(x=0).with_entrypoint("s0").build()
        await app.arun(halt_after=[f"s{length - 1}"])

    return run


@dataclass
class Counted:
    """The state of a pydantic-graph."""

    x: int = 0


def pydantic_graph(length: int) -> Case:
    """Make a graph of steps."""
    from pydantic_graph import GraphBuilder

    def step() -> Any:
        async def run(ctx: Any) -> None:
            ctx.state.x += 1

        return run

    builder = GraphBuilder(name="chain", state_type=Counted)
    steps = [builder.step(step(), node_id=f"s{i}") for i in range(length)]
    builder.add_edge(builder.start_node, steps[0])
    for one, other in pairwise(steps):
        builder.add_edge(one, other)
    builder.add_edge(steps[-1], builder.end_node)
    graph = builder.build()
    return lambda: graph.run(state=Counted())


class Kept(TypedDict):
    """The state of a LangGraph."""

    x: int


def langgraph(length: int) -> Case:
    """Make a state graph."""
    from langgraph.graph import END, START, StateGraph

    def step() -> Any:
        async def run(state: Kept) -> Kept:
            return {"x": state["x"] + 1}

        return run

    graph = StateGraph(Kept)
    for i in range(length):
        graph.add_node(f"s{i}", step())
    names = [START, *(f"s{i}" for i in range(length)), END]
    for one, other in pairwise(names):
        graph.add_edge(one, other)
    app = graph.compile()
    return lambda: app.ainvoke({"x": 0}, {"recursion_limit": length + 5})


PEERS: tuple[Callable[[int], Case], ...] = (floor, fsmflow, transitions, burr, pydantic_graph, langgraph)


async def main() -> None:
    """Time all that are there."""
    for length in LENGTHS:
        cases: dict[str, tuple[Case, int]] = {}
        for peer in PEERS:
            try:
                cases[peer.__name__] = (peer(length), length)
            except ImportError as missing:
                print(f"{length:>5} steps  {peer.__name__:<16} left out: {missing}")
        found = await measure(cases, 2_000 // length)
        for name, us in found.items():
            print(
                f"{length:>5} steps  {name:<16} {us:9.2f} us a step  {us / found['fsmflow']:8.2f} x fsmflow"
            )


if __name__ == "__main__":
    asyncio.run(main())
