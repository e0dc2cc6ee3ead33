"""Where the machine is a guess: ways out that lowering had to make up, since the spec is at fault there.

What is concluded from a made-up way may be no more than an echo of the fault, which has a
diagnostic of its own. Facts about whole machines leave these ways alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import frozen

from fsmflow import spec
from fsmflow.analysis.mentions import targets
from fsmflow.source import Route


@frozen
class Guesses:
    """What is guessed.

    Attributes:
        states: The states of which a way out may not be what the author meant.
        any: Whether anything is guessed that decides which way a run takes.
        values: The names of values that states may give of which something was lost.
    """

    states: frozenset[str]
    any: bool
    values: frozenset[str]

    @classmethod
    def of(cls, workflow: spec.Workflow, damaged: Iterable[Route], tree: Any) -> Guesses:
        """Gather the mentions of states that are none, and the states of which something was lost."""
        wrong = [route for name, route in targets(workflow) if name not in workflow.states]
        lost = [route for route in damaged if route[0] in ("states", "start", "budget")]
        places = [*wrong, *lost]
        states = frozenset(str(route[1]) for route in places if route[0] == "states" and len(route) > 1)
        hurt = [str(route[1]) for route in lost if route[0] == "states" and len(route) > 1]
        written = tree.get("states") if isinstance(tree, dict) else None
        bodies = [written.get(name) for name in hurt] if isinstance(written, dict) else []
        named = [body.get("as") for body in bodies if isinstance(body, dict)]
        values = frozenset([*hurt, *(name for name in named if isinstance(name, str))])
        return cls(states, bool(places), values)
