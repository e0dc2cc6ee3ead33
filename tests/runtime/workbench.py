"""Little workflows compiled in memory, and run with steps given as functions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from fsmflow.backends.python import runner
from fsmflow.lowering import lower
from fsmflow.runtime import Result, Runner, runner_of
from fsmflow.spec import Budget, Duration, End, Invalid, Retry, Run, State, Workflow

Step = Callable[..., Any]


def seconds(amount: float) -> Duration:
    """Give a duration of `amount` seconds."""
    return Duration(round(amount * 1_000_000))


def step(**options: Any) -> Run:
    """Make a state that calls a step without an effect, succeeds to `done` and fails to `failed`."""
    return Run(
        **{"run": "nowhere:step", "effect": "none", "success": "done", "fallback": "failed", **options}
    )


def retry(times: int, **options: Any) -> Retry:
    """Make a retry with a pause of one microsecond, without jitter."""
    return Retry(**{"times": times, "backoff": Duration(1), "factor": 1, "jitter": "none", **options})


def reask(times: int | None = None, **options: Any) -> Invalid:
    """Make what is done with a rejected output."""
    return Invalid(times=times, **options)


def workflow(states: Mapping[str, State], *, budget: Budget | None = None, **options: Any) -> Workflow:
    """Make a workflow of `states`, beside the ends `done` and `failed`."""
    return Workflow(
        workflow="little",
        budget=budget or Budget(),
        states={"done": End(end="success"), "failed": End(end="failed")} | dict(states),
        **{"start": next(iter(states)), **options},
    )


def module(made: Workflow) -> ModuleType:
    """Compile a workflow to a module in memory."""
    found = ModuleType(f"{made.workflow}_fsm")
    found.__file__ = __file__
    code = runner(lower(made), spec="little.fsm.yaml", folder=".")
    exec(compile(code, "<little_fsm>", "exec"), found.__dict__)
    return found


def compiled(states: Mapping[str, State], **options: Any) -> Runner[Any, Any]:
    """Compile `states` to a runner."""
    return runner_of(module(workflow(states, **options)))


def run(
    states: Mapping[str, State],
    steps: Mapping[str, Step],
    *,
    given: Any = None,
    options: Mapping[str, Any] | None = None,
    **parts: Any,
) -> Result[Any]:
    """Compile `states` and run them to the end with `steps`, and leave no task behind."""

    async def main() -> Result[Any]:
        result = await compiled(states, **parts).run(given, steps=steps, **(options or {}))
        left = asyncio.all_tasks() - {asyncio.current_task()}

        assert set() == left

        return result

    return asyncio.run(main())


def run_one(
    function: Step, *, given: Any = None, options: Mapping[str, Any] | None = None, **state: Any
) -> Result[Any]:
    """Run a workflow of one step, `work`, that gives back what the step gave."""
    states = {"work": step(**{"success": "given", **state}), "given": End(end="success", output="$work")}
    return run(states, {"work": function}, given=given, options=options)


def outcomes(result: Result[Any]) -> list[tuple[str, str]]:
    """Give the state and outcome of each span."""
    return [(span.state, span.outcome) for span in result.trace]
