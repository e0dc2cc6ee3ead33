"""Workflows that ask a model of a server on loopback, which does what a test wants of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest

from fsmflow.runtime import Runner
from fsmflow.spec import Budget, Cost, End, Llm, Model, State
from tests.runtime.model_server import ModelServer
from tests.runtime.workbench import compiled, seconds

ME = "asking_models"


@attrs.frozen
class Search:
    """What the tool `search` takes."""

    query: str


@attrs.frozen
class Reply:
    """What a model is asked for."""

    text: str
    score: int = 0


def asking(**state: Any) -> Llm:
    """Make a state `draft` that asks a model."""
    made: dict[str, Any] = {
        "llm": {},
        "with_": {"question": "$input"},
        "cost": Cost(tokens=1_000),
        "timeout": seconds(20),
        "success": "given",
        "fallback": "failed",
        **state,
    }
    asked = {"model": "small", "prompt": "draft.md", "max_tokens": 100, **made.pop("llm")}
    return Llm(llm=Model(**asked), **made)


def runner_at(
    server: ModelServer,
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    states: dict[str, State],
    *,
    prompt: str = "Question: {{ question }}",
    budget: Budget | None = None,
) -> Runner[Any, Any]:
    """Compile states that ask `server`; what `draft` gives is the output of the end `given`."""
    (folder / "draft.md").write_text(prompt, encoding="utf-8")
    (folder / f"{ME}.py").write_text(f"from tests.faults.{ME} import Reply, Search\n", encoding="utf-8")
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.syspath_prepend(str(folder))
    ends: dict[str, State] = {"given": End(end="success", output="$draft")}
    runner = compiled(ends | states, budget=budget or Budget(steps=40), start=next(iter(states)))
    runner.folder = folder
    return runner
