"""What a run, and the workflows that it runs, wait for: people, and workers. What is secret is left out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from temporalio.service import RPCError, RPCStatusCode

from fsmflow.engines.assembling import Told, assembled, known, of_child
from fsmflow.runtime import Asked
from fsmflow.runtime.hiding import Hiding, Ways, within
from fsmflow.runtime.secrets import Secrets

Status = Callable[[str], Awaitable[Mapping[str, Any] | None]]
"""Says where a run stands, as its workflow tells it; None if it has not begun."""


class Posed(NamedTuple):
    """A question that waits, and since when: in nanoseconds since 1970."""

    asked: Asked
    since_ns: int


class _Under(NamedTuple):
    """A run under way, where it stands, and the ways to what its caller knows as secret of its input."""

    run_id: str
    where: Mapping[str, Any]
    given: Ways


async def posed(run_id: str, status: Status, told: Told) -> list[Posed]:
    """Give the questions that wait, of a run or of workflows that it runs.

    Raises:
        RPCError: There is no such run.
    """
    runs = [each async for each in _under_way(run_id, status, ())]
    asking = [each for each in runs if each.where["asked"] is not None]
    if not asking:
        return []
    secrets = Secrets()
    # What any of them has met that is secret may be repeated by what another one shows.
    await assembled(run_id, told, secrets)
    return [_posed(each, secrets) for each in asking]


async def _under_way(run_id: str, status: Status, given: Ways) -> AsyncIterator[_Under]:
    """Give a run, and those of other workflows that are under way for it."""
    where = await status(run_id)
    if where is None:
        return
    yield _Under(run_id, where, given)
    ways = known(where["secret"], given).get(where["state"], ())
    for child in where["children"]:
        try:
            own = of_child(within(ways, "input"), child["within"])
            async for each in _under_way(child["run_id"], status, own):
                yield each
        except RPCError as error:
            # A child that is to be started has begun nothing yet.
            if error.status != RPCStatusCode.NOT_FOUND:
                raise


async def unmade(run_id: str, status: Status) -> list[str]:
    """Give why attempts are not made, of a run or of workflows that it runs, as their workers have said.

    Raises:
        RPCError: There is no such run.
    """
    # Workers of before this was told say nothing of it.
    return [why async for each in _under_way(run_id, status, ()) if (why := each.where.get("unmade"))]


def _posed(under: _Under, secrets: Secrets) -> Posed:
    where = under.where
    asked = Asked(**where["asked"])
    labels = None if asked.labels is None else tuple(asked.labels)
    shown = Hiding(secrets, known(where["secret"], under.given)).shown(asked.state, asked.shown)
    asked = asked._replace(shown=shown, workflow=where["workflow"], labels=labels)
    return Posed(asked, where["asked_us"] * 1000)
