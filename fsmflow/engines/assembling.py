"""The trace of a run, put together of what its histories and those of its children tell."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from fsmflow.runtime.hiding import INPUT, Hiding, Ways, ways_of, within
from fsmflow.runtime.secrets import Secrets

Told = Callable[[str], AsyncIterator[Mapping[str, Any]]]
"""Gives what each history of a run tells, the first one first."""


async def assembled(
    run_id: str, told: Told, secrets: Secrets | None = None, given: Ways = ()
) -> list[dict[str, Any]]:
    """Give the events of a trace, in the order in which they happened, without what is secret.

    The events of a child stand before the attempt that ran it, and children one after another. What one of
    them has met that is secret, be it after the others, is hidden in all.

    Args:
        run_id: The run.
        told: Gives what is told of it, and of its children.
        secrets: What is known as secret already; what is met is remembered there too.
        given: The ways to what its caller knows as secret of its input.
    """
    secrets = secrets or Secrets()
    secrets.learn_environment()
    found = [each async for each in _events(run_id, told, secrets, given)]
    for hiding, event in found:
        hiding.note(event)
    return [hiding.event(event) for hiding, event in found]


async def _events(
    run_id: str, told: Told, secrets: Secrets, given: Ways
) -> AsyncIterator[tuple[Hiding, dict[str, Any]]]:
    """Give the events of one run, each with what hides what is secret in it."""
    async for part in told(run_id):
        ways = known(part["secret"], given)
        hiding = Hiding(secrets, ways)
        for event in part["events"]:
            for child in event.pop("children", ()):
                own = within(ways.get(event["state"], ()), "input")
                async for each in _events(child["run_id"], told, secrets, of_child(own, child["within"])):
                    yield each
            yield hiding, event


def known(secret: Mapping[str, list[str]], given: Ways) -> dict[str, Ways]:
    """Give the ways that a workflow marks, with those to what its caller knows as secret of its input."""
    ways: dict[str, Ways] = ways_of(secret)
    if given:
        ways[INPUT] = (*ways.get(INPUT, ()), *((INPUT, *way) for way in given))
    return ways


def of_child(given: Ways, names: list[str]) -> Ways:
    """Give the ways to what is secret of a child's input, which stands under `names` in the arguments."""
    for name in names:
        given = ((),) if () in given else within(given, name)
    return given
