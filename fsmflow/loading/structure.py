"""`Document` to `spec.Workflow`: all that is wrong with a file's shape, told at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from attrs import evolve, frozen
from cattrs.errors import BaseValidationError

from fsmflow import spec
from fsmflow.diagnostics import Diagnostic
from fsmflow.loading.conventions import breaches
from fsmflow.loading.converter import Misfit, converter
from fsmflow.loading.faults import Fault, faults
from fsmflow.loading.repair import Repaired, repair
from fsmflow.source import Document, Route

MAX_STATES = 10_000
MAX_FAULTS = 1_000

# A fault hides what is inside it at most as often as mappings of the language nest.
_MAX_ROUNDS = 8

# What is above this is a slip, or a year.
_MAX_VERSION = 1_000

_TOO_MANY = Diagnostic(
    "too-many-errors", f"there are more errors than these {MAX_FAULTS:,}", hint="mend these first"
)


@frozen
class Structured:
    """What could be made of a document.

    Attributes:
        workflow: The workflow, with faulty pieces left out or replaced; None if too little is left.
        diagnostics: Everything that is wrong with the shape, names and caps of the document.
        damaged: The routes of the states, policies and other pieces of which something was lost.
            What later stages say about these may be no more than an echo.
    """

    workflow: spec.Workflow | None
    diagnostics: tuple[Diagnostic, ...]
    damaged: frozenset[Route] = frozenset()


def structure(document: Document) -> Structured:
    """Read a document's tree as a workflow. A fault is told, repaired, and gone past."""
    hopeless = _hopeless(document)
    if hopeless is not None:
        return Structured(None, (hopeless,))
    diagnostics: list[Diagnostic] = []
    current = Repaired(document.tree)
    for _ in range(_MAX_ROUNDS):
        try:
            workflow = converter().structure(current.tree, spec.Workflow)
        except (BaseValidationError, Misfit) as error:
            found = list(islice(faults(error, current.tree), MAX_FAULTS))
        else:
            told = {d.route for d in diagnostics}
            # What is held against a number that is faulty itself is an echo of that.
            news = (
                d
                for d in _placed(breaches(workflow), current)
                if told.isdisjoint((d.route, *(other.route for other in d.related)))
            )
            diagnostics += islice(news, MAX_FAULTS)
            return _without_absurd_caps(Structured(workflow, tuple(diagnostics), current.damaged))
        diagnostics += _placed((fault.diagnostic for fault in found), current)
        if len(found) == MAX_FAULTS:
            diagnostics.append(_TOO_MANY)
            break
        if any(_is_of_all_states(fault) for fault in found):
            break
        current = repair(current, (cure for fault in found for cure in fault.cures))
    return Structured(None, tuple(diagnostics))


def _without_absurd_caps(found: Structured) -> Structured:
    """Leave out the caps of the budget that make no sense: nothing follows from them."""
    absurd = {
        d.route[1]: None for d in found.diagnostics if d.check == "absurd-cap" and d.route[0] == "budget"
    }
    if found.workflow is None or not absurd:
        return found
    budget = evolve(found.workflow.budget, **{str(key): None for key in absurd})
    return evolve(
        found, workflow=evolve(found.workflow, budget=budget), damaged=found.damaged | {("budget",)}
    )


def _hopeless(document: Document) -> Diagnostic | None:
    """Find what leaves nothing to structure, or nothing that could be judged."""
    version = document.tree.get("fsmflow")
    if type(version) is int and 1 < version < _MAX_VERSION:
        message = f"this is of version {version} of the language, and this fsmflow reads version 1"
        return Diagnostic("bad-value", message, ("fsmflow",), hint="a later fsmflow reads it: upgrade")
    states = document.tree.get("states")
    if states == {}:
        return Diagnostic("bad-value", "a workflow has at least one state", ("states",), key=True)
    if isinstance(states, dict) and len(states) > MAX_STATES:
        message = f"a workflow has at most {MAX_STATES:,} states; this one has {len(states):,}"
        hint = "split it: `call` and `map` run children"
        return Diagnostic("too-many-states", message, ("states",), key=True, hint=hint)
    return None


def _is_of_all_states(fault: Fault) -> bool:
    return any(cure.route == ("states",) for cure in fault.cures)


def _placed(found: Iterable[Diagnostic], current: Repaired) -> Iterator[Diagnostic]:
    return (evolve(d, route=current.origin(d.route)) for d in found)
