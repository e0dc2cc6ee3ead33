"""Arguments of which a part fits: what is said of the rest."""

from __future__ import annotations

SPEC = """\
workflow: sample
states:
  plan:
    llm: {model: m, prompt: prompts/hello.md, max_tokens: 10, tools: {ask: "m:Question", tell: "m:Answer"}}
    as: call
    cost: {tokens: 100}
    success: {ask: revise, tell: revise}
    fallback: failed
  revise:
    run: m:revise
    with: {answer: $call}
    effect: none
    success: done
    fallback: failed
  done: {end: success}
  failed: {end: failed}
"""


def test_what_else_a_parameter_has_to_take_is_told(compiled):
    """A step takes what a model calls each tool with whose label leads to it."""
    (found,) = (d for d in compiled(SPEC).diagnostics if d.check == "type-mismatch")

    assert found.message == "`m:revise` takes `answer` as `m:Answer | None`, and gets `m:Question | m:Answer`"
    assert found.hint == "let `answer` take `m:Question` too"


def test_null_is_what_a_parameter_may_have_to_take(compiled):
    """A value that may not be there yet needs a parameter that takes None."""
    spec = SPEC.replace("m:revise", "m:answer").replace("answer: $call", "question: $error.message.or_null")
    (found,) = (d for d in compiled(spec).diagnostics if d.check == "type-mismatch")

    assert found.hint == "let `question` take `None` too"
