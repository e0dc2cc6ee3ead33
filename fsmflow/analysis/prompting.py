"""The prompts of a workflow: files beside its spec, read as text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from fsmflow import spec
from fsmflow.runtime.prompts import PromptNotFound, path_flaw, read_prompt
from fsmflow.source import Route


@frozen
class Prompt:
    """One prompt of one state.

    Attributes:
        state: The state.
        path: Its file, as the spec names it.
        route: Where the spec names it.
        text: What is in it; None if that is not known.
        fault: Why it can't be had; empty if it can, or if there is no folder to look in.
    """

    state: str
    path: str
    route: Route
    text: str | None
    fault: str = ""


def prompts(workflow: spec.Workflow, folder: Path | None) -> Iterator[Prompt]:
    """Read every prompt, in the order of the document; without a folder, only their names are looked at."""
    for name, state in workflow.states.items():
        if not isinstance(state, spec.Llm):
            continue
        for key, path in (("system", state.llm.system), ("prompt", state.llm.prompt)):
            if path is not None:
                yield _read(name, path, ("states", name, "llm", key), folder)


def _read(state: str, path: str, route: Route, folder: Path | None) -> Prompt:
    if folder is None:
        return Prompt(state, path, route, None, path_flaw(path) or "")
    try:
        return Prompt(state, path, route, read_prompt(folder, path))
    except PromptNotFound as error:
        return Prompt(state, path, route, None, str(error))
