"""The prompts of a workflow: files beside its spec, read as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from attrs import frozen

from fsmflow import spec
from fsmflow.diagnostics import nearest
from fsmflow.runtime.prompts import PromptNotFound, path_flaw, places, read_prompt
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


def misnamed(workflow: spec.Workflow, prompts: Iterable[Prompt]) -> Mapping[str, Mapping[str, str]]:
    """Give by state the arguments that its prompts speak of by another name, with that name, for each."""
    spoken: dict[str, dict[str, None]] = {}
    for prompt in prompts:
        spoken.setdefault(prompt.state, {}).update(dict.fromkeys(n for n, _ in places(prompt.text or "")))
    found: dict[str, dict[str, str]] = {}
    for state, names in spoken.items():
        given = getattr(workflow.states[state], "with_", {})
        free = [argument for argument in given if argument not in names]
        for name in (name for name in names if name not in given):
            near = nearest(name, free)
            if near is not None:
                free.remove(near)
                found.setdefault(state, {})[near] = name
    return found
