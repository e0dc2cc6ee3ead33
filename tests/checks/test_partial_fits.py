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


def test_what_many_tools_take_is_known(compiled):
    """However long it is to say what any of the tools of a model takes, `accept` is held to it."""
    tools = "".join(f', tool{n}: "{n * "list["}m:Question{n * "]"}"' for n in range(20))
    labels = "".join(f", tool{n}: failed" for n in range(20))
    spec = SPEC.replace(', tell: "m:Answer"', f', tell: "m:Answer"{tools}')
    spec = spec.replace("tell: revise}", f"tell: revise{labels}}}\n    accept: [m:revise]")

    found = [d for d in compiled(spec).diagnostics if d.check == "type-mismatch"]

    assert [d.route for d in found if d.route[1] == "plan"] == [("states", "plan", "accept", 0)]


def test_null_is_what_a_parameter_may_have_to_take(compiled):
    """A value that may not be there yet needs a parameter that takes None."""
    spec = SPEC.replace("m:revise", "m:answer").replace("answer: $call", "question: $error.message.or_null")
    (found,) = (d for d in compiled(spec).diagnostics if d.check == "type-mismatch")

    assert found.hint == "let `question` take `None` too"
