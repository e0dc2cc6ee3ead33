"""The backends: one file a target, each making files out of one analysis.

A backend is loaded when it is asked for, since what it imports may be large or missing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Protocol

from attrs import frozen

from fsmflow.analysis import Analysis

BACKENDS = ("python", "properties", "graphviz", "certificate")
"""The targets of a build, in the order in which they are made."""

EXPORTS = ("promela", "prism")
"""Targets that are made only when they are asked for: the machine in the languages of other provers."""


@frozen
class Places:
    """Where a workflow's spec is and where its files go, as absolute paths."""

    spec: Path
    generated: Path
    diagrams: Path

    def from_generated(self, path: Path) -> str:
        """Give `path` as seen from the folder of generated code, with forward slashes."""
        return Path(os.path.relpath(path, self.generated)).as_posix()

    def files(self, workflow: str) -> tuple[Path, ...]:
        """Give each file that some target makes of a workflow of this name."""
        code = (f"{workflow}_fsm.py", f"test_{workflow}.py", f"{workflow}.certificate.json")
        exports = (f"{workflow}.pml", f"{workflow}.prism")
        drawings = (f"{workflow}.dot", f"{workflow}.svg")
        generated = [self.generated / name for name in (*code, *exports)]
        return (*generated, *(self.diagrams / name for name in drawings))


@frozen
class Artifact:
    """One file to be written."""

    path: Path
    content: bytes


class Backend(Protocol):
    """What a backend's module offers."""

    def emit(self, analysis: Analysis, places: Places) -> Iterator[Artifact]:
        """Make the target's files."""


def load_backend(target: str) -> Backend:
    """Import the backend of `target`, one of `BACKENDS`."""
    module: Backend = import_module(f"{__name__}.{target}")
    return module
