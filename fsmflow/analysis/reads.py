"""Where a spec reads values: each reference and each path of a guard, with its place in the document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal

from attrs import frozen

from fsmflow import spec
from fsmflow.diagnostics import nearest
from fsmflow.expressions import (
    All,
    AnyOf,
    Compare,
    Guard,
    GuardError,
    Not,
    Path,
    Reference,
    Value,
    parse_guard,
    parse_reference,
    paths,
)
from fsmflow.source import Route

Use = Literal["with", "key", "output", "over", "show", "when"]


@frozen
class Read:
    """One value read in one place.

    Attributes:
        state: The state that reads it.
        use: The key under which it stands.
        route: Its place.
        reference: What is read. A path in a guard is one too.
        tested: Whether the guard that it stands in also asks whether there is such a value.
    """

    state: str
    use: Use
    route: Route
    reference: Reference
    tested: bool = False


@frozen
class Unreadable:
    """A string that starts with one `$` and is no reference; `message` says why."""

    state: str
    use: Use
    route: Route
    message: str


@frozen
class GuardedArm:
    """An arm of a choice with a guard, read; or why it can't be."""

    state: str
    index: int
    text: str
    guard: Guard | GuardError

    @property
    def route(self) -> Route:
        """Where the guard stands."""
        return ("states", self.state, "choose", self.index, "when")


@frozen
class Reads:
    """Everything that a workflow reads, in the order of the document."""

    reads: tuple[Read, ...]
    unreadable: tuple[Unreadable, ...]
    guards: tuple[GuardedArm, ...]

    @classmethod
    def of(cls, workflow: spec.Workflow) -> Reads:
        """Read every template and every guard."""
        reads: list[Read] = []
        unreadable: list[Unreadable] = []
        guards: list[GuardedArm] = []
        for name, state in workflow.states.items():
            for use, data, route in templates(state, ("states", name)):
                for found in _read(name, use, data, route):
                    if isinstance(found, Read):
                        reads.append(found)
                    else:
                        unreadable.append(found)
            if isinstance(state, spec.Choose):
                for index, arm in enumerate(state.choose):
                    if arm.when is not None:
                        guards.append(GuardedArm(name, index, arm.when, _guard(arm.when)))
                        reads += _of_guard(guards[-1])
        return cls(tuple(reads), tuple(unreadable), tuple(guards))


@lru_cache(maxsize=1024)
def _guard(text: str) -> Guard | GuardError:
    try:
        return parse_guard(text)
    except GuardError as error:
        return error


def is_meant_or_null(reference: Reference) -> bool:
    """Tell whether a reference to the field of a value was most likely to end in `.or_null`."""
    return len(reference.path) == 1 and nearest(reference.path[0], ("or_null",)) is not None


def givers(workflow: spec.Workflow) -> Mapping[str, Sequence[str]]:
    """Give the name of each value, with the states that give it."""
    found: dict[str, list[str]] = {}
    for name, state in workflow.states.items():
        if not isinstance(state, spec.Choose | spec.Wait | spec.End):
            found.setdefault(state.as_ or name, []).append(name)
    return found


def templates(state: spec.State, route: Route) -> Iterator[tuple[Use, Any, Route]]:
    """Give each place of a state in which values may be read, with what stands there."""
    if isinstance(state, spec.Run | spec.Llm | spec.Map | spec.Call):
        yield "with", state.with_, (*route, "with")
    match state:
        case spec.Run() | spec.Llm():
            yield "key", state.key, (*route, "key")
        case spec.Ask():
            yield "show", state.show, (*route, "show")
        case spec.Map():
            yield "over", state.over, (*route, "over")
        case spec.Parallel():
            for key, branch in state.parallel.items():
                yield "with", branch.with_, (*route, "parallel", key, "with")
        case spec.End():
            yield "output", state.output, (*route, "output")


def texts(data: Any, route: Route) -> Iterator[tuple[str, Route]]:
    """Give each text in plain data, with its place, in order."""
    pending = [(data, route)]
    while pending:
        node, place = pending.pop()
        if isinstance(node, dict):
            pending.extend((value, (*place, key)) for key, value in reversed(node.items()))
        elif isinstance(node, list):
            pending.extend((node[i], (*place, i)) for i in reversed(range(len(node))))
        elif isinstance(node, str):
            yield node, place


def _read(name: str, use: Use, data: Any, route: Route) -> Iterator[Read | Unreadable]:
    """Give each reference inside plain data, in order."""
    for text, place in texts(data, route):
        if text.startswith("$") and not text.startswith("$$"):
            try:
                yield Read(name, use, place, parse_reference(text))
            except ValueError as error:
                yield Unreadable(name, use, place, str(error))


def _of_guard(arm: GuardedArm) -> Iterator[Read]:
    if isinstance(arm.guard, GuardError):
        return
    tested = frozenset(path.root for path in _compared_with_null(arm.guard))
    for path in dict.fromkeys(paths(arm.guard)):
        reference = Reference(path.root, path.path)
        yield Read(arm.state, "when", arm.route, reference, tested=path.root in tested)


def _compared_with_null(guard: Guard) -> Iterator[Path]:
    match guard:
        case (
            Compare(left=Path() as path, right=Value(None)) | Compare(left=Value(None), right=Path() as path)
        ):
            yield path
        case Not(operand=operand):
            yield from _compared_with_null(operand)
        case All(operands=operands) | AnyOf(operands=operands):
            for operand in operands:
                yield from _compared_with_null(operand)
