"""Histories that a later kernel must be able to replay.

`python -m tests.temporal.recording` records them anew. That is right for a new kernel, whose version is
raised: the histories of the old one are what its code is kept for.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHandle

from fsmflow.runtime import Transient
from tests.temporal.served import Served, served, specs_in

HISTORIES = Path(__file__).parent / "histories"

_IDENTITY = re.compile(r'"identity": "[^"]*"')


async def _journey(here: Served) -> dict[str, str]:
    """A run that meets a retry, a lost child, children side by side, and a person."""
    run_id = await here.temporal.submit(here.workflow("journey"), {"place": "Rome"}, run_id="journey")
    await here.temporal.answer(await here.asked(run_id), "good", {"text": "fine"})
    await here.outcome(run_id)
    trace = await here.temporal.trace(run_id)
    children = [event["run_id"] for event in trace if event["event"] == "run"][1:]
    return {"journey": run_id, **{f"stop_{number}": child for number, child in enumerate(children)}}


async def _silent(here: Served) -> dict[str, str]:
    """A run in which nobody answers."""
    run_id = await here.temporal.submit(here.workflow("journey"), {"place": "Rome"}, run_id="silent")
    await here.asked(run_id)
    await here.env.sleep(7 * 86_400)
    await here.outcome(run_id)
    return {"silent": run_id}


async def _turns(here: Served) -> dict[str, str]:
    """A run that goes on in new histories, of which the last is recorded."""
    run_id = await here.temporal.submit(here.workflow("turns"), None, run_id="turns", longest_history=40)
    await here.outcome(run_id)
    return {"turns": run_id}


def _steps() -> dict[str, dict[str, Any]]:
    tries: list[str] = []

    async def look(trip: Any) -> list[str]:
        return [f"{trip.place} {name}" for name in "abc"]

    async def visit(place: str) -> dict[str, Any]:
        tries.append(place)
        if tries.count(place) < 2 and place.endswith("b"):
            raise Transient("not now")
        if place.endswith("c"):
            raise ValueError("closed")
        return {"text": place, "stars": 1}

    async def sum_up(notes: list[Any], word: Any) -> str:
        return f"{len(notes)} {word.text}"

    async def turn(seen: list[int] | None) -> list[int]:
        return [*(seen or []), len(seen or [])]

    return {
        "journey": {"look": look, "sum_up": sum_up},
        "stop": {"visit": visit},
        "turns": {"turn": turn},
    }


async def _record(folder: Path) -> None:
    async with served(specs_in(folder), _steps()) as here:
        for make in (_journey, _silent, _turns):
            for name, run_id in (await make(here)).items():
                handle: WorkflowHandle[Any, Any] = here.env.client.get_workflow_handle(run_id)
                history = json.loads((await handle.fetch_history()).to_json())
                # A worker is called by its process and its machine, which are nobody's business.
                text = _IDENTITY.sub('"identity": "recorder"', json.dumps(history, indent=1, sort_keys=True))
                (HISTORIES / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    HISTORIES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        sys.path.insert(0, folder)
        asyncio.run(_record(Path(folder)))
