"""fsmflow: a compiler for AI workflows written as finite-state machines.

The public names are loaded at first use, so that a generated runner, which needs
`fsmflow.runtime` alone, never pays for the compiler.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fsmflow.compiler import Compilation, compare, compile_file, compile_spec
    from fsmflow.runtime import (
        Invalid,
        Outcome,
        Permanent,
        Result,
        StepContext,
        Transient,
    )

__all__ = [
    "Compilation",
    "Invalid",
    "Outcome",
    "Permanent",
    "Result",
    "StepContext",
    "Transient",
    "compare",
    "compile_file",
    "compile_spec",
]

_HOME = {
    "Compilation": "fsmflow.compiler",
    "compare": "fsmflow.compiler",
    "compile_file": "fsmflow.compiler",
    "compile_spec": "fsmflow.compiler",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME.get(name, "fsmflow.runtime")), name)


def __dir__() -> list[str]:
    return sorted(__all__)
