"""How many tokens a text has at the most."""

from __future__ import annotations

import hashlib
import sys
from types import SimpleNamespace

import pytest

from fsmflow.runtime.models import tokens

ADDRESS = "https://openaipublic.blob.core.windows.net/encodings/words.tiktoken"


@pytest.fixture
def tiktoken(monkeypatch, tmp_path):
    """A tiktoken that knows one model, counts words, and holds its encodings in `tmp_path`."""
    known = {"wordy": "words"}
    encoding = SimpleNamespace(encode=lambda text, disallowed_special: text.split())
    module = SimpleNamespace(encoding_name_for_model=known.__getitem__, get_encoding=lambda _: encoding)
    monkeypatch.setitem(sys.modules, "tiktoken", module)
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    tokens._counter.cache_clear()
    yield tmp_path / hashlib.sha1(ADDRESS.encode()).hexdigest()
    tokens._counter.cache_clear()


def test_bytes_are_the_bound(monkeypatch):
    """Without tiktoken, each byte of UTF-8 counts."""
    monkeypatch.setitem(sys.modules, "tiktoken", None)
    tokens._counter.cache_clear()

    assert tokens.most_tokens("any", "né \ud800") == 10


def test_tokens_are_counted(tiktoken):
    """Where tiktoken holds the model's encoding, tokens are counted."""
    tiktoken.write_text("")

    assert tokens.most_tokens("wordy", "three little words") == 3
    assert tokens.most_tokens("another", "three little words") == 18


def test_nothing_is_fetched(tiktoken):
    """An encoding that tiktoken would have to fetch is done without."""
    assert tokens.most_tokens("wordy", "three little words") == 18
