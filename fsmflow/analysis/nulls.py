"""Which states may give null where there are parts to read, and what shows that they have not."""

from __future__ import annotations

from collections.abc import Mapping

from fsmflow import spec
from fsmflow.analysis.kinds.annotations import ANY, NONE
from fsmflow.analysis.reads import Reads
from fsmflow.analysis.values import Values
from fsmflow.typeexpr import TypeExpr, Union


def doubtful(workflow: spec.Workflow, values: Values) -> frozenset[str]:
    """Give the states whose value may be null by its type, where they say nothing that excludes it."""
    return frozenset(name for name, state in workflow.states.items() if _may_be_null(state, values))


def _may_be_null(state: spec.State, values: Values) -> bool:
    # A label may tell whether there is a value, and so may what looks at it.
    if isinstance(getattr(state, "success", None), dict) or getattr(state, "accept", None):
        return False
    if isinstance(state, spec.Run):
        signature = values.signature(state.run)
        if signature is not None and signature.gives != ANY and not _holds_null(signature.gives):
            return False
    return _holds_null(values.output(state))


def _holds_null(kind: TypeExpr) -> bool:
    return isinstance(kind, Union) and NONE in kind.members


def proves(reads: Reads) -> Mapping[str, frozenset[str]]:
    """Give by state the values of which it reads a part: where it succeeds, they are not null."""
    found: dict[str, set[str]] = {}
    for read in reads.reads:
        if read.use != "when" and read.reference.path and not read.reference.or_null:
            found.setdefault(read.state, set()).add(read.reference.root)
    return {state: frozenset(values) for state, values in found.items()}
