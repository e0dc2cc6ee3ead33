"""A reference that leads to nothing: `$value` in a template, or `module:name` where a function stands.

Why is this bad?
    The step would be called without what it needs, and fail on its first attempt.

What to do
    `$name` reads the value of a state by its name, or by the name that `as` gives it; `$input` what
    the run was given; `$error` the latest way out, which has `state`, `outcome`, `message`,
    `complaints` and `value`; `$item`, in the `with` of a `map` alone, the item. A dotted path leads into
    a value, and `.or_null` at its end gives null where nothing is set. A plain dollar is written `$$`.
    `over` is a reference to a list, and nothing can be run for each of null.
    A name in `as` that nothing reads, near to that of another value, may be meant to be that one.
    A function is written `module:name`, in letters, digits and `_`.

Example::

    fsmflow: 1
    workflow: sample
    states:
      draft:
        run: m:f
        with: {question: $input.text}
        as: answer
        effect: none
        success: check
        fallback: failed
      check:
        run: m:f
        with:
          answer: $anwser  # error: bad-reference
          cents: $5  # error: bad-reference
          why: $error.reason.or_null  # error: bad-reference
          message: $error.or_null.message  # error: bad-reference
          item: $item  # error: bad-reference
        effect: none
        success: each
        fallback: failed
      each:
        map: summarise
        over: $input.questions.or_null  # error: bad-reference
        at_most: 3
        success: done
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from fsmflow import spec
from fsmflow.analysis import Analysis
from fsmflow.analysis.assignment import Assignment
from fsmflow.analysis.reads import Read, givers
from fsmflow.diagnostics import MAX_RELATED, Diagnostic, Related, Severity
from fsmflow.loading.names import shown
from fsmflow.source import Route

_OF_ERROR = ("state", "outcome", "message", "complaints", "value")


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find references that can't be read, and those to values and parts that are not there."""
    for unreadable in analysis.reads.unreadable:
        yield Diagnostic("bad-reference", unreadable.message, unreadable.route)
    for wrong in analysis.misspelt.values():
        if not wrong.is_state:
            yield Diagnostic(
                "bad-reference",
                f"nothing reads `{wrong.given}`, and `{wrong.meant}`, which {len(wrong.places)} places read, "
                "is no value",
                wrong.route,
                key=len(wrong.route) == 2,
                hint=f"did you mean `{wrong.meant}`?",
                related=tuple(Related("read here", place) for place in wrong.places[:MAX_RELATED]),
            )
    yield from _unread(analysis)
    known = frozenset({*givers(analysis.workflow), "input", "error"})
    for read in analysis.reads.reads:
        if read.reference.root == "error" and read.reference.path:
            part = read.reference.path[0]
            if part not in _OF_ERROR:
                hint = analysis.hints.near(part, _OF_ERROR)
                yield Diagnostic("bad-reference", f"`error` has no `{shown(part)}`", read.route, hint=hint)
        elif read.use != "when":
            yield from _unknown(analysis, read, known)
    for name, state in analysis.workflow.states.items():
        if isinstance(state, spec.Map):
            yield from _over(state.over, ("states", name, "over"), known)


def _unread(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find values that nothing reads, near to one that is read; an error, if that one is missed."""
    if not analysis.unread:
        return
    as_written = Assignment.of(analysis.machine, analysis.guesses.states)
    for name, meant in analysis.unread.items():
        lacking = any(
            as_written.may_be_unset(meant, read.state)
            and not analysis.assignment.may_be_unset(meant, read.state)
            for read in analysis.reads.reads
            if read.reference.root == meant and not read.reference.or_null and not read.tested
        )
        yield Diagnostic(
            "bad-reference",
            f"nothing reads `{getattr(analysis.workflow.states[name], 'as_', name)}`, the value of `{name}`"
            + (f", and without it `{meant}` may be unset where it is read" if lacking else ""),
            ("states", name, "as"),
            Severity.ERROR if lacking else Severity.WARNING,
            hint=f"did you mean `{meant}`?",
        )


def _over(text: str, route: Route, known: Collection[str]) -> Iterator[Diagnostic]:
    """Find what a `map` can't be run over, whatever the values are."""
    if not text.startswith("$") or text.startswith("$$"):
        message = f"`over` is a reference to a list, not `{shown(text)}`"
        is_one = text.partition(".")[0] in known
        hint = f"did you mean `${text}`?" if is_one else "for example `over: $input.items`"
        yield Diagnostic("bad-reference", message, route, hint=hint)
    elif text.endswith(".or_null"):
        message = f"`{shown(text)}` may be null, and nothing can be run for each of that"
        hint = f"read `{shown(text.removesuffix('.or_null'))}`, and lead past this state where it is not set"
        yield Diagnostic("bad-reference", message, route, hint=hint)


def _unknown(analysis: Analysis, read: Read, known: frozenset[str]) -> Iterator[Diagnostic]:
    root = read.reference.root
    if root in known or root in analysis.misspelt or root in analysis.guesses.values:
        return
    state = analysis.workflow.states.get(root)
    hint = analysis.hints.near(root, known)
    message = f"unknown value `{root}`"
    if root == "item":
        if isinstance(analysis.workflow.states[read.state], spec.Map) and read.use == "with":
            return
        message, hint = "`$item` is there only in the `with` of a `map` state", _without_item(analysis, read)
    elif isinstance(state, spec.Choose | spec.Wait | spec.End):
        message, hint = f"the state `{root}` gives no value", ""
    elif state is not None:
        hint = f"the value of `{root}` is named `{getattr(state, 'as_', root)}`"
    yield Diagnostic("bad-reference", message, read.route, hint=hint)


def _without_item(analysis: Analysis, read: Read) -> str:
    """Say what to read in the place of an item that is not there."""
    state = analysis.workflow.states[read.state]
    if isinstance(state, spec.Map):
        return "`over` is read once, before there are items"
    gives = (name for name, other in analysis.workflow.states.items() if isinstance(other, spec.Map))
    name = next(gives, None)
    return "" if name is None else f"what came of all items is `${name}`"
