"""Stepping by hand through people's answers and runs of children."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.told import specs

PICKS = """
fsmflow: 1
workflow: pick
states:
  find:
    {run: picking:find, effect: none, timeout: 2s, gives: "list[str]", success: any, fallback: none}
  any: {choose: [{when: len(find) > 0, to: pay}, {to: small}]}
  small: {choose: [{when: len(find) > 1, to: pay}, {to: none}]}
  pay: {run: picking:pay, effect: none, timeout: 2s, success: done, fallback: none}
  done: {end: success}
  none: {end: failed}
"""
PATIENT = """
fsmflow: 1
workflow: patient
budget: {usd: 1.25, time: 2h, exceeded: none}
states:
  find:
    run: picking:find
    effect: none
    cost: {usd: 0.000001}
    timeout: 2s
    success: done
    retry: {times: 1, backoff: 30min, cap: 30min}
    fallback: none
  done: {end: success}
  none: {end: failed}
"""


@pytest.fixture
def spec(run: Run, tmp_path: Path) -> str:
    return specs(tmp_path).name


def explored(run: Run, spec: str, *typed: str) -> list[str]:
    """Type lines, and give what is shown at the last place."""
    shown = run("explore", spec, input="\n".join((*typed, "q")) + "\n").stdout
    return [line.strip() for line in shown.split("\n\n> ")[0].split("> ")[-2].splitlines() if line.strip()]


def test_children_succeed_or_fail(run: Run, spec: str) -> None:
    """A state that runs workflows names them, and ends in one of three ways."""
    at_look = explored(run, spec, "1")

    assert at_look[:2] == ["look  visit 1", "runs      web: source, docs: source"]
    assert [line.split()[1] for line in at_look if line[0].isdigit()] == ["success", "failure"]
    assert explored(run, spec, "1", "1")[1] == "runs      source, for 20 items at most, 4 at a time"
    assert explored(run, spec, "1", "1", "1", "1")[1] == "runs      source"


def test_children_use_all_that_is_set_aside_or_a_share(run: Run, spec: str) -> None:
    """Unless a share is typed, the whole reservation is used: steps, calls, tokens and money."""
    whole = explored(run, spec, "1", "1", "1")
    half = explored(run, spec, "1", "1", "1 50%")
    nothing = explored(run, spec, "1", "1 0%", "1 0%")

    assert "spent     steps 69 · tool calls 44 · tokens 15,400 · money $0.22" in whole
    assert "spent     steps 39 · tool calls 24 · tokens 8,400 · money $0.12" in half
    assert "spent     steps 3" in nothing


def test_a_share_may_come_with_an_output(run: Run, spec: str) -> None:
    """The output stands behind the share; more than all is refused."""
    assert explored(run, spec, '1 ["u"]', '1 10% {"web": 1}')[0] == "read  visit 1"
    assert "an attempt uses 100% at most" in run("explore", spec, input="1 101%\nq\n").stdout
    assert "that is no JSON" in run("explore", spec, input="1 10% {\nq\n").stdout


def test_people_answer_or_do_not(run: Run, spec: str) -> None:
    """A question shows what is asked and of whom; its answers are its labels, or that nobody answers."""
    asked = explored(run, spec, "1", "1", "1")

    assert asked[:2] == ["approve  visit 1", "asks      Is this report fit to be sent? (editor)"]
    assert [line.split("→")[0].split(maxsplit=1)[1].strip() for line in asked if line[0].isdigit()] == [
        "send", "again", "nobody answers",
    ]  # fmt: skip
    assert explored(run, spec, "1", "1", "1", "3")[0] == "short  visit 1"
    assert explored(run, spec, "1", "1", "1", "2")[0] == "plan  visit 2"


def test_choices_on_the_way_are_told(run: Run, tmp_path: Path) -> None:
    """What leads through a choice names it, and where an output decides, how to give one is said."""
    spec = tmp_path / "pick.fsm.yaml"
    spec.write_text(PICKS, encoding="utf-8")
    steps = "def find() -> list[str]: ...\ndef pay() -> None: ...\n"
    (tmp_path / "picking.py").write_text(steps, encoding="utf-8")

    at_find = explored(run, str(spec))
    assert [line.split("→", 1)[1].strip() for line in at_find if line[0].isdigit()] == [
        "any → small → none", "none", "none", "none",
    ]  # fmt: skip
    assert "`any` and `small` choose by values: give an output, as JSON, behind the number" in at_find

    at_pay = explored(run, str(spec), '1 ["a", "b"]')
    assert at_pay[0] == "pay  visit 1"
    assert "behind the number" not in "".join(at_pay)


def test_times_and_money_are_told_as_everywhere(run: Run, tmp_path: Path) -> None:
    """No amount is told in powers of ten, and no time in thousands of seconds."""
    (tmp_path / "patient.fsm.yaml").write_text(PATIENT)
    (tmp_path / "picking.py").write_text("def find() -> int:\n    return 1\n")
    start = explored(run, "patient.fsm.yaml")
    again = explored(run, "patient.fsm.yaml", "2")

    assert "spent     money $0/$1.25 · time 0 s/2 h" in start
    assert any(line.endswith("find, after a pause of 30 min") for line in start)
    assert again[1] == "spent     steps 1 · money $0.000001/$1.25 · time 0 s/2 h"


def test_in_a_narrow_terminal_no_word_is_cut(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was used, and what is counted, goes on in the next line between two amounts, under the first."""
    wide = PATIENT.replace("usd: 1.25", "steps: 400, tokens: 90000, usd: 1.25")
    (tmp_path / "patient.fsm.yaml").write_text(wide, encoding="utf-8")
    (tmp_path / "picking.py").write_text("def find():\n    return None\n", encoding="utf-8")
    monkeypatch.setenv("COLUMNS", "46")
    shown = run("explore", str(tmp_path / "patient.fsm.yaml"), input="q\n").stdout

    assert "  spent     steps 0/400 · tokens 0/90,000 ·\n            money $0/$1.25 · time 0 s/2 h\n" in shown
