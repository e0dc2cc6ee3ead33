"""Prompts that stand where they should, and can't be read."""

from __future__ import annotations

import pytest

SPEC = """\
workflow: sample
states:
  draft:
    llm: {model: m, prompt: ask.md, max_tokens: 10}
    cost: {tokens: 100}
    success: done
    fallback: failed
  done: {end: success}
  failed: {end: failed}
"""


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: path.mkdir(), "it is no file"),
        (lambda path: path.write_bytes(b"\xff"), "it is not UTF-8"),
    ],
    ids=["folder", "bytes"],
)
def test_why_a_prompt_cannot_be_read_is_told_once(compiled, tmp_path, make, why):
    """The reason follows the prompt's name, and the prompt itself is not what was meant instead."""
    make(tmp_path / "ask.md")
    (found,) = (d for d in compiled(SPEC, tmp_path).diagnostics if d.check == "prompt-not-found")

    assert found.message == f"the prompt `ask.md` can't be read: {why}"
    assert found.hint == ""
