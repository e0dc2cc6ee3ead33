"""A process is killed at any moment, and again while it recovers: nothing is lost, missing or repeated."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path

import pytest

from fsmflow.engines.workflows import Workflow
from tests.engines.crashing import Crashed, crash, specs_in
from tests.engines.effects import Effects, serving

KILLS = int(os.environ.get("FSMFLOW_KILLS", "400"))
"""How many kills the slow campaign makes at random; the full one makes 10,000."""

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="it takes a system that forks")

SHIPPED = ["shipped a", "shipped b"]


@pytest.fixture(scope="module")
def workflow(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The workflow, compiled once."""
    return Workflow.of_spec(specs_in(tmp_path_factory.mktemp("specs")))


@pytest.fixture(scope="module")
def effects() -> Iterator[Effects]:
    """The outside system."""
    with serving() as running:
        yield running


@pytest.fixture
def crashing(workflow: Workflow, effects: Effects, tmp_path: Path) -> Callable[[Sequence[int]], Crashed]:
    """Run through a series of kills, and hold what comes of it to what is owed."""
    numbers = count()

    def run(series: Sequence[int]) -> Crashed:
        effects.forget()
        found = crash(workflow, effects, tmp_path / f"{next(numbers)}.db", series)
        _hold(found, effects)
        return found

    return run


def _hold(found: Crashed, effects: Effects) -> None:
    """Hold a run to what is owed, however often it was killed."""
    requests = effects.requests
    once = [said for said in requests if said["state"] == "tell"]
    keyed = [said for said in requests if said["state"] != "tell"]
    applied = {said["key"]: said for said in reversed(keyed)}
    told = "told" if found.kind == "success" else "in doubt"

    assert found.kind in ("success", "degraded"), found
    assert found.output == [SHIPPED, told], "its output is the one that it has without a crash"
    assert len(once) <= 1, "what must not be repeated is not"
    assert once or found.kind == "degraded", "what was not told is said to be in doubt"
    assert len(applied) == 3, "each effect was applied, under one key"
    assert len(keyed) <= 3 + 3 * found.kills
    for said in keyed:
        assert said == applied[said["key"]], "a key stands for the same effect each time"
    for before, after in zip(found.spent, found.spent[1:], strict=False):
        assert all(after[name] >= amount for name, amount in before.items()), "a ledger never falls"
    assert found.spent[-1]["steps"] <= 60
    assert found.spent[-1]["tool_calls"] <= 60


def test_without_a_crash(crashing: Callable[[Sequence[int]], Crashed]) -> None:
    """A run that is never killed makes each effect once."""
    found = crashing(())

    assert (found.kills, found.kind) == (0, "success")
    assert found.points > 40


def test_a_few_points(crashing: Callable[[Sequence[int]], Crashed]) -> None:
    """Killed at some points from its first to its last, a run comes to its end all the same."""
    points = crashing(()).points
    kills = [crashing((at,)).kills for at in range(1, points + 1, 7)]

    # How transactions fall together differs from run to run, and so does the number of points.
    assert kills.count(1) >= len(kills) - 3


@pytest.mark.slow
def test_every_point(crashing: Callable[[Sequence[int]], Crashed]) -> None:
    """Killed at any one point, a run comes to its end as if it had not been."""
    points = crashing(()).points
    for at in range(1, points + 1):
        crashing((at,))


@pytest.mark.slow
def test_pairs_and_series(crashing: Callable[[Sequence[int]], Crashed]) -> None:
    """Killed again while it recovers, and up to eight times, a run comes to its end all the same."""
    chance = random.Random(7)
    points = crashing(()).points
    runs = kills = doubts = 0
    while kills < KILLS:
        found = crashing([chance.randint(1, points) for _ in range(chance.randint(2, 8))])
        runs += 1
        kills += found.kills
        doubts += found.kind == "degraded"
    print(f"{kills:,} kills of {runs:,} runs, none lost; {doubts:,} left it open")  # noqa: T201

    assert doubts, "some kill left it open whether something was told"
