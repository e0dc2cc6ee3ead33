"""The checks: one file each, named for the flaw that it finds.

A check's module docstring is its page, which `fsmflow explain` prints, and the example in it is its
test. `check(analysis)` gives what it found. Checks are found here, not listed, and know nothing of
one another: what two of them need is a fact, and belongs in `fsmflow.analysis`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from fsmflow.analysis import Analysis
from fsmflow.diagnostics import Diagnostic


@cache
def all_checks() -> Mapping[str, ModuleType]:
    """Give every check by name, such as `unknown-target`, in alphabetical order."""
    names = sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_"))
    return {name.replace("_", "-"): import_module(f"{__name__}.{name}") for name in names}


def run(analysis: Analysis) -> tuple[Diagnostic, ...]:
    """Run every check and give all that they found."""
    return tuple(found for module in all_checks().values() for found in module.check(analysis))
