"""Text marked up for a terminal."""

from __future__ import annotations

import click
from attrs import frozen


@frozen
class Style:
    """Marks text up with ANSI codes; leaves it as it is where no colours are wanted."""

    color: bool

    def __call__(self, text: str, hue: str | None = None, *, bold: bool = False, dim: bool = False) -> str:
        """Mark `text` up."""
        return click.style(text, fg=hue, bold=bold or None, dim=dim or None) if self.color else text
