"""Workflows that run one another, compiled in memory from YAML."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from fsmflow.analysis import Analysis
from fsmflow.analysis.callees import callee_of
from fsmflow.backends.python import runner
from fsmflow.loading.structure import structure
from fsmflow.loading.yaml import read_document
from fsmflow.lowering import lower
from fsmflow.machine import Callee
from fsmflow.runtime import Runner, runner_of


def family(**texts: str) -> Runner[Any, Any]:
    """Compile workflows by name, each after those that it runs, and give the runner of the last."""
    callees: dict[str, Callee] = {}
    runners: dict[str, Runner[Any, Any]] = {}
    for name, text in texts.items():
        document = read_document(f"fsmflow: 1\nworkflow: {name}\n{text}", f"{name}.fsm.yaml")
        structured = structure(document)
        assert structured.diagnostics == ()
        assert structured.workflow is not None
        machine = lower(structured.workflow, callees)
        module = ModuleType(f"{name}_fsm")
        module.__file__ = __file__
        code = runner(machine, spec=f"{name}.fsm.yaml", folder=".")
        exec(compile(code, f"<{name}_fsm>", "exec"), module.__dict__)
        runners[name] = runner_of(module)
        for other, made in runners.items():
            runners[name].know(other, made)
        callees[name] = callee_of(Analysis(document, structured.workflow, machine, None))
    return runners[name]


READ = """
budget: {steps: 3, tool_calls: 4, tokens: 300, usd: 0.03, time: 30s}
states:
  fetch:
    run: nowhere:fetch
    with: {name: $input.name}
    gives: str
    cost: {tokens: 100, tool_calls: 1, usd: 0.01}
    timeout: 5s
    effect: none
    success: done
    retry: {times: 1, backoff: 10ms}
    fallback: failed
  done: {end: success, output: $fetch}
  failed: {end: failed}
"""
"""A child of one step, `fetch`, which may be tried twice."""


def reading(width: int = 4, tolerate: int = 0, at_most: int = 10, **more: str) -> str:
    """Give a workflow that runs `read` for each of its input's names."""
    keys = "".join(f"{key}: {value}\n" for key, value in more.items())
    return f"""{keys}
states:
  read_all:
    map: read
    over: $input.names
    with: {{name: $item}}
    at_most: {at_most}
    width: {min(width, at_most)}
    tolerate: {tolerate}
    success: done
    fallback: failed
  done: {{end: success, output: $read_all}}
  failed: {{end: failed, output: $error.message}}
"""
