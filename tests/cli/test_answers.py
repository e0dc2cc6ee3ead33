"""Answers to what durable runs ask, from the command line: what is wrong with one is what is told."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fsmflow.engines.durable import Durable
from fsmflow.runtime import Answer, Asked
from fsmflow.runtime.folder_desk import FolderDesk, waiting_in
from fsmflow.runtime.validation import validator
from tests.cli.conftest import Run

SPEC = """
fsmflow: 1
workflow: {name}
budget: {{steps: 10}}
states:
  approve: {{ask: Deploy it?, role: ops, timeout: 7d, {answers}, fallback: failed}}
  done: {{end: success}}
  failed: {{end: failed}}
"""
ANSWERS = {
    "picked": "success: {yes_: done, no_: failed}",
    "filled": "gives: str, success: done",
    "both": "gives: str, success: {yes_: done, no_: failed}",
    "number": "gives: int, success: done",
}


@pytest.fixture
def asking(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """A database with a run for each kind of answer, which waits for one."""
    monkeypatch.setenv("FSMFLOW_DB", str(tmp_path / "runs.db"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    path = list(sys.path)
    for name, answers in ANSWERS.items():
        Path(f"{name}.fsm.yaml").write_text(SPEC.format(name=name, answers=answers))
        assert run("run", f"{name}.fsm.yaml", "--durable", "runs.db", "--run-id", name).exit_code == 7
    yield run
    sys.path[:] = path


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            ("both", "approv", "yes_", "--value", "x"),
            "no question of `approv` waits in both: did you mean `approve`?",
        ),
        (("both", "approve", "yes"), "'yes' is no answer: expected yes_, no_"),
        (("both", "approve", "yes_"), "`approve` is to be filled in: --value str"),
        (("filled", "approve"), "`approve` is to be filled in: --value str"),
        (("number", "approve"), "`approve` is to be filled in: --value int"),
        (("number", "approve", "--value", "x"), "'x' is no JSON"),
        (("number", "approve", "--value", "1.5"), "expected a whole number, found a number"),
        (("picked", "approve", "yes_", "--value", "x"), "nothing is to be filled in"),
        (("nothing", "approve", "yes_", "--value", "x"), "there is no run nothing"),
        (("nothing", "approve"), "no question waits under 'nothing': it is answered, or was taken back"),
        (("nothing", "--value", "x"), "no question waits under 'nothing': it is answered, or was taken back"),
    ],
)
def test_what_is_wrong_with_an_answer_is_told(asking: Run, answer: tuple[str, ...], said: str) -> None:
    """A wrong state, run, label or value is told as that, and a value that is missing as missing."""
    result = asking("answer", *answer)

    assert (result.exit_code, result.stderr) == (1, f"{said}\n")
    assert asking("waiting").stdout.count("to answer: ") == len(ANSWERS)


def test_how_to_answer_is_told(asking: Run) -> None:
    """The command names the labels, and a value that goes with whichever is picked."""
    told = [line.strip() for line in asking("waiting").stdout.splitlines() if "to answer: " in line]

    assert sorted(told) == [
        "to answer: fsmflow answer both approve (yes_ | no_) --value str",
        "to answer: fsmflow answer filled approve --value str",
        "to answer: fsmflow answer number approve --value int",
        "to answer: fsmflow answer picked approve yes_ | no_",
    ]


@pytest.mark.parametrize("value", [(), ("--value", "fine")])
def test_a_run_that_is_over_takes_no_answer(asking: Run, value: tuple[str, ...]) -> None:
    """Whoever answers a run that is over is told that it is, whatever else may be wrong with the answer."""
    asking("answer", "both", "approve", "yes_", "--value", "fine")
    asking("resume", "both")
    asking("cancel", "picked")

    assert asking("answer", "both", "approve", "yes_", *value).stderr == "the run both is done\n"
    assert asking("answer", "picked", "approve", "yes_", *value).stderr == "the run picked is cancelled\n"


def test_what_is_answered_waits_no_more(asking: Run) -> None:
    """A run whose question is answered says so, and how to go on with it; nobody is asked again."""
    assert asking("answer", "picked", "approve", "yes_").exit_code == 0

    shown = asking("runs", "picked").stdout
    assert shown.startswith("picked  picked  answered\n")
    assert "\n  `approve` is answered\n  to go on: fsmflow resume picked\n" in shown
    assert "to answer" not in shown
    said = json.loads(asking("runs", "picked", "--format", "json").stdout)
    assert (said["waits_for"], said["answered"]) == ([], ["approve"])
    assert "picked" not in asking("waiting").stdout
    again = asking("answer", "picked", "approve", "no_").stderr
    assert again == "the question of `approve` in picked is answered already\n"
    assert asking("resume", "picked").exit_code == 0


def test_at_a_desk_a_value_that_is_missing_is_told_as_missing(run: Run, tmp_path: Path) -> None:
    """Who answers a question of a run that waits where it was started is told that --value is missing."""
    asked = Asked(
        "0123456789abcdef", "w", "r", "", "note", 1, "What?", "", {}, None, "str", None, validator(str)
    )
    given: list[Answer] = []
    thread = threading.Thread(target=lambda: given.append(asyncio.run(FolderDesk(tmp_path).ask(asked))))
    thread.start()
    while not waiting_in(tmp_path):
        time.sleep(0.01)
    refused = run("answer", asked.token, "--desk", str(tmp_path))
    taken = run("answer", asked.token, "--desk", str(tmp_path), "--value", "fine")
    thread.join()

    assert (refused.exit_code, refused.stderr) == (1, "`note` is to be filled in: --value str\n")
    assert (taken.stdout, given) == ("answered\n", [Answer(None, "fine")])


def test_what_a_person_is_shown_steers_no_terminal(asking: Run) -> None:
    """What a question shows stands on its line, whatever a step or an input has put into it."""
    spec = SPEC.format(name="shown", answers="show: {text: $input.text}, success: {yes_: done}")
    Path("shown.fsm.yaml").write_text(spec)
    asking(
        "run", "shown.fsm.yaml", "text=\x1b[31mred\nto answer: no", "--durable", "runs.db", "--run-id", "s"
    )

    for shown in (asking("runs", "s").stdout, asking("waiting").stdout):
        assert "    text  �[31mred to answer: no\n" in shown


def test_what_a_worker_tells_steers_no_terminal(asking: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What became of a run stands on its line, whatever the error that came out of it says."""

    async def broken(*_: object, **__: object) -> None:
        raise ValueError("\x1b[31mred\nnew  success")

    monkeypatch.setattr(Durable, "resume", broken)
    asking("submit", "picked.fsm.yaml", "--run-id", "new")

    assert asking("serve", "--until-idle").stdout == "new  ValueError: �[31mred new  success\n"
