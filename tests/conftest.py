"""What holds for every test, whoever runs it.

Hypothesis never judges by the clock, what a machine is told of streams, proxies and models is not told to
tests, what was collected is no garbage, what was compiled is kept, and how a test process ends is its own.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Generator

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None, database=None, print_blob=True)
settings.register_profile("generated", settings.get_profile("untimed"), max_examples=40)
settings.load_profile("untimed")

_NAMES = {
    "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "PYTHONUNBUFFERED",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
}  # fmt: skip
_FAMILIES = ("OPENAI_", "OTEL_", "TEMPORAL_", "XDG_")
for name in list(os.environ):
    if name.upper() in _NAMES or name.startswith(_FAMILIES):
        del os.environ[name]
os.environ["TERM"] = "xterm"

# Hundreds of processes are started that would each compile what the first of them has compiled.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

_STATUS = pytest.StashKey[int]()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Let no search for garbage go through what is collected, ten thousand tests, again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000)
        gc.enable()


class Fewer:
    """Lets what is generated try forty examples: fifteen notice a mutant, and `fsmflow test` tries more."""

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Generator[None, object, object]:
        """Load generated tests with settings of their own."""
        if collector.path.parent.name != "generated":
            return (yield)
        settings.load_profile("generated")
        try:
            return (yield)
        finally:
            settings.load_profile("untimed")


def pytest_configure(config: pytest.Config) -> None:
    """Bring in what is to be heard of every folder, and not of this one alone."""
    config.pluginmanager.register(Fewer())


def pytest_runtest_setup() -> None:
    """See that no test has left Hypothesis with other settings than it found, for all that come after it."""
    assert settings.get_current_profile_name() == "untimed"


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
