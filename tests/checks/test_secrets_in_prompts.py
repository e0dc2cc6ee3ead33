"""Secrets that a model is given: told, unless the state that asks says so."""

from __future__ import annotations

import pytest

SPEC = """\
fsmflow: 1
workflow: asks
input: m:Question
secret: [text]
states:
  look: {run: m:f, gives: m:Answer, effect: none, success: draft, fallback: end}
  draft:
    llm: {model: any, prompt: prompts/draft.md, max_tokens: 10}
    with: {question: $input.text}
    cost: {tokens: 100}
    success: end
    fallback: end
  end: {end: success}
"""


def told(compilation):
    """Give the routes of what is said of secrets in prompts, where nothing is in error."""
    assert compilation.errors == ()
    return [d.route for d in compilation.diagnostics if d.check == "secret-in-prompt"]


@pytest.mark.parametrize(
    "given", ["$input.text", "$input", "{said: [$input.text]}", "$input.text.or_null", "$look.text"]
)
def test_a_secret_in_a_prompt_is_told(compiled, given):
    """However it comes there: alone, in what holds it, or from a state that marks it."""
    text = SPEC.replace("gives: m:Answer", "gives: m:Answer, secret: [output.text]")
    text = text.replace("    with: {question: $input.text}", f"    with: {{question: {given}}}")

    assert told(compiled(text)) == [("states", "draft", "with", "question")]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("secret: [text]", "secret: [limit]"),
        ("secret: [text]\n", ""),
        ("    cost", "    secret: [question]\n    cost"),
        ("    cost", "    secret: true\n    cost"),
        ("prompts/draft.md", "prompts/hello.md"),
    ],
)
def test_what_is_no_secret_or_meant_is_not_told(compiled, old, new):
    """Nor what no prompt speaks of."""
    assert told(compiled(SPEC)) == [("states", "draft", "with", "question")]
    assert told(compiled(SPEC.replace(old, new, 1))) == []
