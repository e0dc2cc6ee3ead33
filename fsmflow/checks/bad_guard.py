"""A guard that can't be read, or that asks something that makes no sense.

Why is this bad?
    A guard decides where a run goes. Guards are a small part of Python's expressions, so that they
    can be checked and can do nothing else: literals, dotted paths, comparison, `and`, `or`, `not`,
    `in` a list of literals, `len(path)`; at most 512 characters.

What to do
    Compute anything else in a step, and ask for its value. Names are those of values, `input` and
    `error`, without the `$`. A path alone must be true or false; only things of one type compare.

Example::

    fsmflow: 1
    workflow: sample
    states:
      count: {run: m:count, effect: none, gives: int, success: enough, fallback: failed}
      enough:
        choose:
          - {when: count > "2", to: done}  # error: bad-guard
          - {when: cuont > 2, to: done}  # error: bad-guard
          - {when: count + 1 > 2, to: done}  # error: bad-guard
          - {to: failed}
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fsmflow.analysis import Analysis
from fsmflow.analysis.kinds.comparisons import complaints
from fsmflow.analysis.reads import GuardedArm, givers
from fsmflow.diagnostics import Diagnostic
from fsmflow.expressions import GuardError, paths
from fsmflow.loading.names import shown
from fsmflow.source import Document, Span

_SIGNS = (
    (r"\$", "names in a guard have no `$`"),
    (r"&&|\|\||!(?!=)", "`and`, `or` and `not` join conditions"),
    (r"(?<![=!<>])=(?!=)|===", "`==` compares"),
)
"""What other languages write in conditions, and what a guard has for it."""

_WORDS = {"null": "write `None`", "true": "write `True`", "false": "write `False`"}


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find guards that are not in the language, and those that name or compare the wrong things."""
    known = {*givers(analysis.workflow), "input", "error"}
    for arm in analysis.reads.guards:
        if isinstance(arm.guard, GuardError):
            yield Diagnostic(
                "bad-guard",
                f"this guard can't be read: {arm.guard}",
                arm.route,
                span=_span(analysis.document, arm, arm.guard),
                hint=next((hint for sign, hint in _SIGNS if re.search(sign, arm.text)), ""),
            )
            continue
        unknown = sorted({path.root for path in paths(arm.guard)} - known)
        for name in unknown:
            yield Diagnostic(
                "bad-guard",
                f"unknown value `{shown(name)}`",
                arm.route,
                hint=_WORDS.get(name) or analysis.hints.near(name, known),
            )
        if not unknown:
            for message in complaints(analysis.values.inside(arm.state), arm.guard):
                yield Diagnostic("bad-guard", message, arm.route)


def _span(document: Document, arm: GuardedArm, error: GuardError) -> Span | None:
    """Find the characters at fault, if the guard stands in the text just as it reads."""
    span = document.values.get(arm.route)
    if span is None or span.line != span.end_line or arm.text != arm.text.strip() or error.end is None:
        return None
    raw = document.line(span.line)[span.column - 1 : span.end_column - 1]
    for quote in ("", '"', "'"):
        if raw == f"{quote}{arm.text}{quote}":
            start = span.column + len(quote)
            return Span(span.line, start + error.offset, span.line, start + error.end)
    return None
