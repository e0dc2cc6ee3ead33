"""The page on fault plans tells all that a plan may say."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from fsmflow.runtime import load_runner
from fsmflow.testing.plan_page import EXAMPLE, PAGE
from fsmflow.testing.plan_reading import KEYS, OTHERS, OUTCOMES, USES, read_plan

ROOT = Path(__file__).parents[2]


def test_its_example_is_a_plan():
    """What it shows can be run as it stands."""
    read = read_plan(yaml.safe_load(EXAMPLE), load_runner(ROOT / "generated" / "ask_docs_fsm.py"))

    assert read.diagnostics == ()
    assert set(read.plan.states) == {"draft", "check"}


def test_it_tells_each_outcome_and_each_key():
    """Nothing that may stand in a plan is left out, and nothing is told that may not."""
    listed = re.findall(r"^  (\w+)  +[A-Z]", PAGE, re.MULTILINE)

    assert listed == [*OUTCOMES, *KEYS]
    assert all(f"`{name}`" in PAGE for name in (*USES, OTHERS))
