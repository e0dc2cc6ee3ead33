"""Facts about a workflow, each computed once, when first asked for.

Checks, diagrams, runners and tests all take one `Analysis`. A fact has a file of its own here and
a property on the class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import define

from fsmflow import spec
from fsmflow.machine import Machine, Transition
from fsmflow.source import Document, Route

if TYPE_CHECKING:
    from fsmflow.analysis.reachability import Reachability


@define(frozen=True, slots=False)
class Analysis:
    """A workflow in every form that it has, and what is known about it.

    Attributes:
        document: The text that the spec was read from.
        workflow: What the author said.
        machine: What it means. Where the spec is at fault, its likeliest meaning.
        folder: Where step modules are looked for first; None for a spec without a place.
    """

    document: Document
    workflow: spec.Workflow
    machine: Machine
    folder: Path | None

    @cached_property
    def reachability(self) -> Reachability:
        """Which states a run can enter, and from which it can end."""
        from fsmflow.analysis.reachability import Reachability

        return Reachability.of(self.machine)

    @cached_property
    def successors(self) -> Mapping[str, Sequence[str]]:
        """The states that each state leads to, in order, each once."""
        return {
            name: tuple(dict.fromkeys(way.target for way in ways))
            for name, ways in self.machine.outgoing.items()
        }

    def route(self, way: Transition) -> Route:
        """Find where in the document a transition was written."""
        state: Route = ("states", way.source)
        kind = type(self.workflow.states.get(way.source))
        if way.kind == "exceeded":
            return ("budget", "exceeded")
        if kind is spec.Choose and way.label is not None:
            return (*state, "choose", int(way.label.removeprefix("arm_")) - 1)
        key = {"transient": "retry", "invalid": "invalid"}.get(way.on) if way.used_up else None
        if key is not None and way.used_up == f"{way.source}.{key}":
            return (*state, key)
        if way.kind == "success":
            return (*state, "success", way.label) if way.label is not None else (*state, "success")
        return (*state, way.kind)
