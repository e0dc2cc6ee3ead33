"""Asking Storm, in exact arithmetic."""

from __future__ import annotations

from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fsmflow.analysis.proving.counter_machine import METRICS, CounterMachine
from fsmflow.backends import prism

MISSING = find_spec("stormpy") is None
"""Whether Storm is not installed."""


def judged(machine: CounterMachine, folder: Path) -> tuple[Fraction, tuple[Fraction | None, ...]]:
    """Give the least probability that a run ends, and the most that a run uses of each metric.

    None stands for what has no maximum.
    """
    import stormpy

    path = folder / "model.prism"
    path.write_text(prism.model(machine), "ascii")
    program = stormpy.parse_prism_program(str(path))
    asked = ['Pmin=? [F "end"]', *(f'R{{"{metric}"}}max=? [F "end"]' for metric in METRICS)]
    questions = stormpy.parse_properties(";".join(asked), program)
    model = stormpy.build_model[stormpy.Rational](program, questions)
    (start,) = model.initial_states

    def answer(question: Any) -> Any:
        return stormpy.model_checking(model, question).get_value(start)

    ends = Fraction(str(answer(questions[0])))
    if ends != 1:
        return ends, (None,) * len(METRICS)
    return ends, tuple(Fraction(str(answer(question))) for question in questions[1:])
