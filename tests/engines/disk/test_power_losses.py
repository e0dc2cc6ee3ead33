"""Power is lost at any moment, and again while a run is taken up: nothing that was kept is lost."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from fsmflow.engines.workflows import Workflow

pytest.importorskip("apsw", reason="a simulated disk under SQLite takes apsw")

from tests.engines.disk.campaign import DEEPEST, Campaign
from tests.engines.disk.disk import MODES

POWER_LOSSES = int(os.environ.get("FSMFLOW_POWER_LOSSES", "3000"))
"""How many power losses the slow campaign makes; the full one makes 100,000."""


def test_a_few_points(order: Workflow, memory: Path) -> None:
    """After a power loss at points from a run's first to its last, nothing is lost or repeated."""
    campaign = Campaign(order, memory)
    campaign.each_point(every=11)

    assert campaign.losses > 60
    assert campaign.seen["done"] >= campaign.losses - campaign.seen["in doubt"]


def test_a_few_series(order: Workflow, memory: Path) -> None:
    """After one power loss upon another, nothing is lost or repeated."""
    campaign = Campaign(order, memory, chance=random.Random(3))
    campaign.series(width=4)

    assert campaign.seen[f"loss {DEEPEST} of its run"] == 4


@pytest.mark.slow
@pytest.mark.parametrize("pragmas", [(), ("wal_autocheckpoint=3",)])
def test_every_point(order: Workflow, memory: Path, pragmas: tuple[str, ...]) -> None:
    """After a power loss at any point of a run, in each way, nothing is lost or repeated."""
    campaign = Campaign(order, memory)
    campaign.each_point(pragmas=pragmas)

    assert campaign.losses > 1_000
    assert campaign.seen["in doubt"] > 0


@pytest.mark.slow
def test_the_campaign(order: Workflow, memory: Path) -> None:
    """Of power losses without number, in series of up to eight, none loses or repeats anything."""
    campaign = Campaign(order, memory, chance=random.Random(7))
    while campaign.losses < POWER_LOSSES:
        campaign.series()

    # A campaign that never sees what it is there for says nothing.
    ways = [f"loss {number} of its run" for number in range(1, DEEPEST + 1)]
    rarest = min(campaign.seen[what] for what in ("done", "in doubt", "out of budget", *MODES, *ways))
    assert rarest >= POWER_LOSSES / 1_000
    print(f"{campaign.losses:,} power losses, 0 lost: {dict(campaign.seen)}")  # noqa: T201
