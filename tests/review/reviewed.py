"""Workflows, runs and pages to review."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from fsmflow.analysis.comparing.difference import Difference, Version
from fsmflow.analysis.traces.recording import Recording, read
from fsmflow.backends.diagram import extract
from fsmflow.compiler import Compilation, compile_spec
from fsmflow.loading.yaml import read_document
from fsmflow.review.content import Review, Run, content

SPEC = """\
fsmflow: 1
workflow: answers
title: Answer, and say so when it can't be done.
budget: {steps: 9, tokens: 4000, exceeded: give_up}
states:
  search:
    title: Find passages.
    run: answers:search
    with: {question: $input.text}
    cost: {tool_calls: 1}
    timeout: 2s
    effect: none
    success: draft
    fallback: give_up
  draft:
    title: Write the answer.
    run: answers:draft
    cost: {tokens: 500}
    timeout: 5s
    effect: none
    success:
      good: done
      poor: {to: search, times: 2, else: give_up}
    retry: {times: 1, backoff: 1s}
    fallback: give_up
  done: {end: success}
  give_up: {end: degraded}
policies:
  - {at_most: 3, visit: draft}
  - {at_most: 1, visit: draft}
"""


def compiled(text: str = SPEC) -> Compilation:
    """Compile a spec that stands nowhere."""
    return compile_spec(read_document(text, "specs/answers.fsm.yaml"))


def version(text: str) -> Version:
    """Give one side of a comparison."""
    found = compiled(text)
    return Version(found.analysis, found.diagnostics)


def review(text: str = SPEC, *runs: Recording, base: str | None = None) -> Review:
    """Review a spec."""
    found = compiled(text)
    assert found.analysis is not None
    return Review(
        analysis=found.analysis,
        report=found.report,
        proof=found.analysis.proof,
        runs=tuple(Run(f"run-{number}.jsonl", run) for number, run in enumerate(runs, 1)),
        base="" if base is None else "HEAD~1",
        difference=None if base is None else Difference(version(base), version(text)),
    )


def told(reviewed: Review) -> dict[str, Any]:
    """Gather what the page of a review says."""
    return content(reviewed, extract(reviewed.analysis.machine))


def data_of(page: str) -> Any:
    """Read the data back out of a page."""
    (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    return json.loads(found)


Attempt = dict[str, Any]


def attempt(state: str, outcome: str = "success", label: str | None = None, **more: Any) -> Attempt:
    """Give what an attempt says of itself in a trace; what is not said is plain."""
    return {"state": state, "outcome": outcome, "label": label, **more}


def run_of(*attempts: Attempt, end: str | None = "done", kind: str = "success", **more: Any) -> Recording:
    """Give the recording of a run of these attempts, a millisecond each."""
    lines: list[dict[str, Any]] = [
        {
            "schema": "fsmflow.trace/1",
            "event": "run",
            "trace_id": "t",
            "span_id": "s",
            "run_id": "r",
            "workflow": "answers",
            "digest": "d",
            "profile": None,
            "start_ns": 0,
            "input": more.get("input"),
        }
    ]
    visits: dict[str, int] = {}
    for number, told_of in enumerate(attempts):
        state = told_of["state"]
        again = told_of.get("attempt", 1)
        visits[state] = visits.get(state, 0) + (again == 1)
        lines.append(
            {
                "event": "attempt",
                "trace_id": "t",
                "visit": visits[state],
                "attempt": again,
                "start_ns": number * 1_000_000,
                "end_ns": (number + 1) * 1_000_000,
                "input": None,
                "output": None,
                "message": "",
                "complaints": [],
                "use": {"tool_calls": 0, "tokens": 10, "micro_usd": 0},
                "retry_after_us": None,
                "draw": 0.5,
                **told_of,
            }
        )
    if end is not None:
        used = {"steps": len(attempts), "tool_calls": 0, "tokens": 10 * len(attempts), "micro_usd": 0}
        lines.append(
            {
                "event": "end",
                "trace_id": "t",
                "end": end,
                "kind": kind,
                "end_ns": len(attempts) * 1_000_000,
                "output": more.get("output"),
                "error": None,
                "spent": {**used, "time_us": 1000 * len(attempts)},
            }
        )
    return read("".join(json.dumps(line) + "\n" for line in lines))


def written(page: str, folder: Path) -> Path:
    """Write a page to a file."""
    path = folder / "review.html"
    path.write_text(page, encoding="utf-8")
    return path
