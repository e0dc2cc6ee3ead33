"""Everything that fsmflow says about a spec, as data; `fsmflow.reporting` prints it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import Enum

from attrs import frozen

from fsmflow.source import Route, Span


class FsmflowError(Exception):
    """The root of every exception that fsmflow raises on purpose."""


class InvalidSpec(FsmflowError):
    """A stage could not make its product; `diagnostics` says everything that stood in the way."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("; ".join(d.message for d in self.diagnostics))


class Severity(Enum):
    """How much a diagnostic matters: an error stops the build, a warning does not."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


MAX_RELATED = 3
"""How many of the places are named that one fault shows in, beside the first."""


@frozen
class Related:
    """A second place that a diagnostic speaks of."""

    message: str
    route: Route


@frozen
class Diagnostic:
    """One thing said about a spec.

    Attributes:
        check: The name of the flaw, such as `unknown-target`.
        message: What is wrong, in one sentence with no full stop.
        route: Where in the document. `Document.locate` turns it into line and column.
        severity: How much it matters.
        key: Point at the key of `route` rather than at its value.
        span: Where in the text, for faults in text that is no document yet; wins over `route`.
        hint: What to do about it, or the nearest right name.
        related: Other places that take part.
    """

    check: str
    message: str
    route: Route = ()
    severity: Severity = Severity.ERROR
    key: bool = False
    span: Span | None = None
    hint: str = ""
    related: tuple[Related, ...] = ()


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Find the name in `known` that `name` was most likely meant to be, if any is near.

    Uses the Ratcliff-Obershelp similarity of `difflib`; ties go to the first by alphabet.
    """
    matches = difflib.get_close_matches(name, sorted(set(known)), n=1, cutoff=0.6)
    return matches[0] if matches else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Word a hint for a wrong `name`: the nearest right one, or the whole short list."""
    known = sorted(set(known))
    near = nearest(name, known)
    if near is not None:
        return f"did you mean `{near}`?"
    if not known:
        return ""
    shown = ", ".join(f"`{other}`" for other in known[:12])
    return f"expected one of {shown}" + (", …" if len(known) > 12 else "")
