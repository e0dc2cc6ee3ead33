"""A guard that lets more items through to a `map` than it takes.

Why is this bad?
    The guard looks as if it kept the `map` from too many. Between the two numbers it does not: the `map`
    fails before it has run anything, and its `fallback` is taken.

What to do
    Let both say the same number.

Example::

    fsmflow: 1
    workflow: sample
    input: m:Question
    states:
      any:
        choose:
          - {when: len(input.tags) <= 60, to: each}  # warning: guard-above-at-most
          - {to: failed}
      each:
        map: count_words
        over: $input.tags
        at_most: 40
        success: done
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow import spec
from fsmflow.analysis import Analysis
from fsmflow.analysis.reads import GuardedArm
from fsmflow.diagnostics import Diagnostic, Related, Severity
from fsmflow.expressions import (
    All,
    AnyOf,
    Compare,
    Guard,
    GuardError,
    Length,
    Not,
    Path,
    Value,
    parse_reference,
)


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find choices that lead to a `map`, and allow for more of its items than it takes."""
    arms = {(arm.state, arm.index): arm for arm in analysis.reads.guards}
    for name, state in analysis.workflow.states.items():
        for index, choice in enumerate(state.choose if isinstance(state, spec.Choose) else ()):
            target = choice.target if isinstance(choice.target, str) else choice.target.to
            each = analysis.workflow.states.get(target)
            if not isinstance(each, spec.Map):
                continue
            tried = [arms[name, number] for number in range(index + 1) if (name, number) in arms]
            known = [(most, arm) for arm in tried for most in _most(arm, each.over, holds=arm.index == index)]
            if not known:
                continue
            most, arm = min(known, key=lambda pair: pair[0])
            if most > each.at_most:
                yield Diagnostic(
                    "guard-above-at-most",
                    f"{most:,} items may go from here to `{target}`, which takes {each.at_most:,} at most",
                    arm.route,
                    Severity.WARNING,
                    hint=f"compare with {each.at_most:,} here, or raise `at_most`",
                    related=(Related(f"what `{target}` takes", ("states", target, "at_most")),),
                )


def _most(arm: GuardedArm, over: str, *, holds: bool) -> Iterator[int]:
    """Give how many items there are at most, by each part of a guard that says so."""
    try:
        reference = parse_reference(over)
    except ValueError:
        return
    if not isinstance(arm.guard, GuardError):
        yield from _bounds(arm.guard, Path(reference.root, reference.path), holds=holds)


def _bounds(guard: Guard, path: Path, *, holds: bool) -> Iterator[int]:
    match guard:
        case Not(operand=operand):
            yield from _bounds(operand, path, holds=not holds)
        case All(operands=operands) | AnyOf(operands=operands) if isinstance(guard, All) is holds:
            for operand in operands:
                yield from _bounds(operand, path, holds=holds)
        case Compare():
            match guard.literal_last:
                case Compare(operator=sign, left=Length(of=of), right=Value(value=int(number))) if of == path:
                    if sign in ("<=", "==") if holds else sign in (">", "!="):
                        yield number
                    elif sign == ("<" if holds else ">="):
                        yield number - 1
