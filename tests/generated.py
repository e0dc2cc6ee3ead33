"""What is generated of a machine, made and loaded in memory."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

from fsmflow.backends import properties, python
from fsmflow.machine import Machine
from fsmflow.runtime import Runner
from fsmflow.testing import Subject

HERE = Path(__file__).parent


def source_of(machine: Machine) -> str:
    """Write the module that runs `machine`; its steps are those of the committed specs."""
    return python.runner(machine, spec="sample.fsm.yaml", folder="../specs")


def module_of(code: Any) -> ModuleType:
    """Execute a generated module, as source or as a tree."""
    module = ModuleType("generated")
    module.__file__ = str(HERE / "generated_fsm.py")
    exec(compile(code, "generated_fsm.py", "exec"), module.__dict__)
    return module


def runner_of(machine: Machine) -> Runner[Any, Any]:
    """Generate and load the runner of `machine`."""
    runner: Runner[Any, Any] = module_of(source_of(machine)).RUNNER
    return runner


def property_tests(subject: Subject) -> ModuleType:
    """Generate and load the property tests of `subject`'s machine, to be run on its runner."""
    with patch.object(Subject, "load", lambda *_: subject):
        return module_of(properties.tests(subject.machine, spec="sample.fsm.yaml", proof=None))
