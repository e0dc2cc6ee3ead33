"""What holds for every test: Hypothesis never judges by the clock, and how a test process ends is its own."""

from __future__ import annotations

import os
import sys

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

_STATUS = pytest.StashKey[int]()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Remember how the tests ended."""
    session.config.stash[_STATUS] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End at once where Temporal's clients were used: threads of theirs may crash an interpreter that ends.

    See temporalio/sdk-python#300. By now all has been said; a worker of xdist ends as its controller wants.
    """
    if "temporalio.bridge.runtime" in sys.modules and not hasattr(config, "workerinput"):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config.stash.get(_STATUS, 1))
