"""What was found in one file, ready to be told."""

from __future__ import annotations

from attrs import field, frozen

from fsmflow.diagnostics import Diagnostic, Related
from fsmflow.source import Document, Span


@frozen
class Report:
    """One file, and everything that is said about it.

    Attributes:
        path: The file, as the user named it.
        workflow: The workflow's name, where it could be read.
        document: The text; None where there is none to show.
        diagnostics: What is said, in any order.
    """

    path: str
    workflow: str | None = None
    document: Document | None = None
    diagnostics: tuple[Diagnostic, ...] = field(default=())

    def ordered(self) -> tuple[Diagnostic, ...]:
        """Give the diagnostics in the order of the text, then of the checks' names."""
        return tuple(sorted(self.diagnostics, key=self._order))

    def place(self, said: Diagnostic | Related) -> Span | None:
        """Find what a diagnostic, or a part of it, points at; None where there is no text."""
        if isinstance(said, Diagnostic) and said.span is not None:
            return said.span
        if self.document is None or not self.document.text:
            return None
        return self.document.locate(said.route, key=isinstance(said, Diagnostic) and said.key)

    def _order(self, diagnostic: Diagnostic) -> tuple[Span, str, str]:
        return self.place(diagnostic) or Span(0, 0, 0, 0), diagnostic.check, diagnostic.message
