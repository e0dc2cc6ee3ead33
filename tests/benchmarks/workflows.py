"""Workflows for the benchmarks, made as specs and compiled like any other."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from fsmflow.backends.python import runner
from fsmflow.lowering import lower
from fsmflow.runtime import Runner, runner_of
from fsmflow.spec import Budget, Duration, End, Money, Retry, Run, Workflow

BUDGET = Budget(steps=10**6, tool_calls=10**6, tokens=10**9, usd=Money(10**12), time=Duration(10**12))


def chain(length: int, *, budget: Budget = BUDGET) -> Workflow:
    """Make a chain of `length` steps under five budgets, each with a typed output."""
    states: dict[str, Any] = {
        f"s{i}": Run(
            run="m:step",
            with_={"box": "$input"},
            gives="int",
            effect="none",
            success=f"s{i + 1}" if i + 1 < length else "done",
            fallback="failed",
        )
        for i in range(length)
    }
    return Workflow(
        workflow="chain",
        budget=budget,
        states={**states, "done": End(end="success"), "failed": End(end="failed")},
    )


def retrying(times: int) -> Workflow:
    """Make one step that may be tried again, with pauses of no length."""
    retry = Retry(times=times, backoff=Duration(1), cap=Duration(1))
    step = Run(
        run="m:step",
        with_={"box": "$input"},
        gives="int",
        effect="none",
        success="done",
        retry=retry,
        fallback="failed",
    )
    return Workflow(
        workflow="retrying",
        budget=BUDGET,
        states={"s0": step, "done": End(end="success"), "failed": End(end="failed")},
    )


def compiled(workflow: Workflow, step: Callable[..., Any]) -> Runner[Any, Any]:
    """Compile `workflow` to a runner in memory, in which every step is `step`."""
    steps = ModuleType("m")
    steps.step = step  # type: ignore[attr-defined]  # a module made on the spot
    sys.modules["m"] = steps
    module = ModuleType(f"{workflow.workflow}_fsm")
    module.__file__ = __file__
    exec(compile(runner(lower(workflow), spec="x", folder="."), "<runner>", "exec"), module.__dict__)
    found = runner_of(module)
    found.bind()
    return found
