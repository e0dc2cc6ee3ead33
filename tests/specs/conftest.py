"""Step modules are imported as a spec's folder offers them; one index serves every test."""

import contextlib
import sys
from pathlib import Path

import pytest

SPECS = Path(__file__).resolve().parents[2] / "specs"
sys.path.insert(0, str(SPECS))


class Context:
    """A step context that keeps what was charged."""

    def __init__(self, *feedback):
        self.feedback = feedback
        self.charged = {}

    def charge(self, **amounts):
        self.charged.update(amounts)


@pytest.fixture
def context():
    return Context


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """A cache directory of the test session's own, with an index in it."""
    from ask_docs.index import open_index

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        open_index().close()
        yield


@pytest.fixture
def index(cache):
    from ask_docs.index import open_index

    with contextlib.closing(open_index()) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _no_model(monkeypatch):
    """No test may reach a model by accident."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"):
        monkeypatch.delenv(name, raising=False)
