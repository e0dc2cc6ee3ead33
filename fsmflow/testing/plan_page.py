"""The page on fault plans, for `fsmflow explain plan`."""

from __future__ import annotations

EXAMPLE = """\
draft:
  - transient
  - {outcome: invalid, complaints: [nothing is cited], use: {tokens: 800}}
  - {value: {text: Yes., citations: [a]}, takes: 3s}
check: [ungrounded, grounded]
others: ok
"""
"""A plan for `ask_docs`."""

PAGE = f"""\
What the attempts of a run come to: a file for `fsmflow run SPEC --plan FILE`.

{"".join(f"    {line}" for line in EXAMPLE.splitlines(keepends=True))}
Each state that is named does in turn what its list says, and the last of it again and again; its step is not
called. Time is virtual: nobody waits for timeouts and pauses. A plan goes no deeper than the run: children
are run, or end as a whole.

An attempt is an outcome, a label, or a mapping.

  ok         It succeeds, with the first label and any value that fits; so does a label of the state.
  transient  It fails, and may be tried again.
  invalid    Its output is rejected.
  failure    It fails for good.
  timeout    It is cut off, or a question is not answered in time.
  unknown    Nobody can tell if it happened: of a state with `effect: once`.
  real       The state's own step is called.

In a mapping:

  outcome      One of these, or a label; `ok` unless said.
  label        The label of a success, or a person's answer.
  value        What a success gives, or a person fills in.
  use          What is charged: `tool_calls`, `tokens`, `usd`. Unless said, all that the state declares.
  takes        How long it takes: `200ms`, `3s`, `2h`.
  message      What went wrong, in words.
  complaints   Why the output is rejected, as a list.
  retry_after  How long the server asks to be left alone.

`others` says what states do that are not named: `real` (their steps are called, unless said) or `ok`.
"""
