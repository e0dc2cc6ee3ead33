"""Machines of hundreds of states, of the shapes that are hardest to lay out."""

from __future__ import annotations

import random

from fsmflow.machine import Machine, Transition
from tests.backends.drawn_machines import end, machine, work


def _built(ways: dict[str, list[str]], fallback: str = "failed") -> Machine:
    """Make a machine whose steps succeed to the states given, and all fail to one end."""
    moves = [
        Transition(name, "success", f"to_{target}", "success", target)
        for name, targets in ways.items()
        for target in dict.fromkeys(targets)
    ]
    moves += [Transition(name, "failure", None, "fallback", fallback) for name in ways]
    return machine([*(work(name) for name in ways), end("done"), end("failed", "failed")], moves)


def chain(states: int) -> Machine:
    """One step after the other."""
    return _built({f"s{i}": [f"s{i + 1}" if i + 1 < states else "done"] for i in range(states)})


def mesh(states: int, more: int) -> Machine:
    """A chain of which each step can also go to `more` others, drawn at random."""
    dice = random.Random(1)
    return _built(
        {
            f"s{i}": [
                f"s{i + 1}" if i + 1 < states else "done",
                *(f"s{dice.randrange(states)}" for _ in range(more)),
            ]
            for i in range(states)
        }
    )


def returning(states: int, more: int) -> Machine:
    """A chain of which each step can go back to the `more` before it."""
    return _built(
        {
            f"s{i}": [
                f"s{i + 1}" if i + 1 < states else "done",
                *(f"s{j}" for j in range(max(0, i - more), i)),
            ]
            for i in range(states)
        }
    )


def hub(states: int) -> Machine:
    """One step that calls all others, each of which comes back."""
    spokes = {f"s{i}": ["hub"] for i in range(states)}
    return _built({"hub": [*spokes, "done"]} | spokes)


def layers(states: int, abreast: int) -> Machine:
    """Rows of steps, each of which leads to all of the next row."""
    return _built(
        {
            f"s{i}": [f"s{j}" for j in range((i // abreast + 1) * abreast, (i // abreast + 2) * abreast)]
            if (i // abreast + 2) * abreast <= states
            else ["done"]
            for i in range(states)
        }
    )


def tree(states: int) -> Machine:
    """A choice of two at every step."""
    return _built(
        {
            f"s{i}": [f"s{2 * i + 1}", f"s{2 * i + 2}"] if 2 * i + 2 < states else ["done"]
            for i in range(states)
        }
    )


LARGE = {
    "chain": chain(498),
    "mesh of 2": mesh(498, 2),
    "mesh of 9": mesh(498, 9),
    "returning": returning(498, 8),
    "hub": hub(497),
    "layers": layers(496, 8),
    "tree": tree(497),
}
"""Machines of about 500 states, by shape."""
