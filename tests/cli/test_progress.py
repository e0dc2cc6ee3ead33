"""What a terminal shows while a run goes on."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from fsmflow.cli.progress import MOST_LINES, Lines, Progress
from fsmflow.runtime import Transient
from fsmflow.spec import Budget, Cost
from tests.runtime.workbench import compiled, retry, seconds, step
from tests.told import CHAIN, GOOD, MIDDLE, MIDDLE_MACHINE, Told, lines

RUNNER = compiled(
    {"work": step(cost=Cost(tokens=9), timeout=seconds(20), retry=retry(2, backoff=seconds(0.05)))},
    budget=Budget(tokens=40),
)


def drawn(progress: Progress, width: int = 80) -> list[str]:
    """Give the lines on a screen of this width."""
    console = Console(file=io.StringIO(), width=width)
    console.print(progress._shown())
    return [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


def shown(progress: Progress) -> list[str]:
    """Give the lines on the screen, without the spinner."""
    return [line.lstrip("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ") for line in drawn(progress)]


@pytest.fixture
def screens() -> list[list[str]]:
    """The screens of a run whose first attempt fails, one at each event; the last event is the end."""
    found: list[list[str]] = []
    trace: list[dict[str, Any]] = []
    progress = Progress(RUNNER, trace.append)
    tries = iter([Transient("busy"), None])

    def work() -> None:
        if failure := next(tries):
            raise failure

    def sink(event: dict[str, Any]) -> None:
        progress(event)
        found.append(shown(progress))

    RUNNER.run_sync(None, steps={"work": work}, trace=sink, live=True)
    assert [event["event"] for event in trace] == ["run", "attempt", "pause", "attempt", "end"]
    return found


def test_what_is_under_way_is_shown(screens: list[list[str]]) -> None:
    """An attempt is shown with the longest that it may take, a pause with how long it is to be."""
    assert screens[1][1].startswith("work")
    assert "at most 20 s" in screens[1][1]
    assert "pauses 50 ms" in screens[3][2]
    assert screens[5][3].startswith("work attempt 2")


def test_what_was_done_and_used_is_shown(screens: list[list[str]]) -> None:
    """Each attempt stays with its outcome; the head has what the run used, of what it may."""
    last = screens[-1]
    assert last[0].startswith("little  2 steps · 0.")
    assert last[0].endswith("18 of 40 tokens")
    assert [line.split()[:-2] for line in last[1:]] == [
        ["work", "transient"],
        ["work", "pause"],
        ["work", "attempt", "2", "success"],
    ]


def test_a_long_run_shows_its_latest_attempts() -> None:
    """The screen never grows past a dozen lines or so."""
    progress = Progress(RUNNER, None)
    event = {"event": "attempt", "state": "work", "visit": 1, "attempt": 1, "label": None, "use": {}}
    for number in range(50):
        progress({**event, "outcome": f"o{number}", "start_ns": 0, "end_ns": 1_000_000})

    assert len(shown(progress)) == 1 + MOST_LINES
    assert "o49" in shown(progress)[-1]


def test_children_are_shown_below_the_attempt_that_runs_them() -> None:
    """While children run, how many are over is shown, and what they used so far counts in the head."""
    progress = Progress(RUNNER, None)
    found = []
    began: dict[str, Any] = {"event": "start", "of": "attempt", "state": "work", "visit": 1, "attempt": 1}
    events = lines(Told(MIDDLE_MACHINE, MIDDLE.events, MIDDLE.given))
    root = events[0]["span_id"]
    for event in (events[0], {**began, "span_id": "x", "parent_id": root}, *events[1:]):
        progress({**event, "state": "work"} if event.get("parent_id") == root else event)
        found.append(shown(progress))

    assert [screen[2] for screen in found if len(screen) > 2][::2] == [
        "0 of 1 run over",
        "0 of 1 run over",
        "1 of 2 runs over",
        "2 of 2 runs over, 1 failed",
        "2 of 3 runs over, 1 failed",
        "3 of 3 runs over, 1 failed",
    ]
    # What was shown of the children is what the attempt is told to have used in the end, but its own step.
    assert found[-3][0].split("·")[0].split()[1] == "5"
    assert found[-1][0].split("·")[0].split()[1] == "6"
    assert found[-3][0].split("·")[2:] == found[-1][0].split("·")[2:]


def test_children_of_children_are_counted_once() -> None:
    """An attempt of a child that ran children of its own adds what it used no second time."""
    progress = Progress(RUNNER, None)
    events = lines(CHAIN)
    for event in events[:-2]:
        progress(event)

    steps, _, *used = shown(progress)[0].split(" · ")
    assert steps.split()[1] == str(events[-2]["steps"] - 1)
    assert used == ["3 tool calls", "1,000 of 40 tokens", "$0.008"]


def test_a_question_on_the_terminal_stays_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was asked and answered is not drawn over when the run goes on: it is drawn below."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    done = {"event": "attempt", "state": "work", "visit": 1, "attempt": 1, "label": None, "outcome": "done"}
    progress = Progress(RUNNER, None)
    progress({**done, "use": {}, "start_ns": 0, "end_ns": 1_000_000})
    with progress, progress.paused():
        terminal.write("asked\n")

    began, onward = terminal.getvalue().split("asked\n")
    up = "\x1b[1A"
    assert up in began
    assert up not in onward.partition("little")[0]


def test_a_little_money_is_told_exactly() -> None:
    """What an attempt of a small model costs is not told as nothing."""
    event = {
        "event": "attempt",
        "state": "work",
        "visit": 1,
        "attempt": 1,
        "label": None,
        "outcome": "success",
    }
    event |= {"use": {"micro_usd": 27}, "steps": 1, "start_ns": 0, "end_ns": 1_000_000, "message": ""}
    progress = Progress(RUNNER, None)
    progress(event)

    assert shown(progress)[0].endswith("$0.000027")
    assert Lines._line(event).endswith("$0.000027")


def test_an_answer_is_shown_as_one() -> None:
    """A question is no step, and what was picked is told."""
    progress = Progress(RUNNER, None)
    for event in lines(GOOD)[:-6]:
        progress(event)

    assert any(line.split()[:2] == ["approve", "send"] for line in shown(progress))


def test_a_trace_holds_the_same_whether_or_not_it_is_watched() -> None:
    """What only a terminal is told of is not written down."""
    kept: list[str] = []
    progress = Progress(RUNNER, lambda event: kept.append(event["event"]))
    for event in ("run", "start", "chunk", "attempt"):
        about = {"span_id": "r", "state": "work", "visit": 1, "attempt": 1, "start_ns": 0, "end_ns": 9}
        progress({"event": event, **about, "of": "attempt", "use": {}, "label": None, "outcome": "success"})

    assert kept == ["run", "attempt"]


def test_one_of_a_thing_is_told_as_one() -> None:
    """Amounts of one, and caps of one, are in the singular."""
    runner = compiled({"work": step(cost=Cost(tokens=1))}, budget=Budget(steps=1, tokens=1))
    progress = Progress(runner, None)
    runner.run_sync(None, steps={"work": lambda: None}, trace=progress, live=True)

    assert shown(progress)[0].split(" · ")[::2] == ["little  1 of 1 step", "1 of 1 token"]


@pytest.mark.parametrize("width", [40, 60])
def test_a_narrow_terminal_cuts_names_alone(width: int) -> None:
    """Where a name has no room, its visit, the outcome, the time and the spinner beside it are whole."""
    name = "look_for_the_passages_that_may_hold_the_answer"
    runner = compiled({name: step(timeout=seconds(20))})
    progress = Progress(runner, None)
    screens: list[list[str]] = []

    def sink(event: dict[str, Any]) -> None:
        progress(event | ({"visit": 12} if "visit" in event else {}))
        screens.append(drawn(progress, width))

    runner.run_sync(None, steps={name: lambda: None}, trace=sink, live=True)
    assert re.fullmatch(r"[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] {2}look_\w+… #12  at most 20 s  0\.0 s", screens[1][1])
    assert re.fullmatch(r" {3}look_\w+… #12  success +0\.0 s", screens[2][1])


@pytest.mark.parametrize("poor", [{"TERM": "dumb"}, {"PYTHONIOENCODING": "latin-1:backslashreplace"}])
def test_a_terminal_that_can_not_be_drawn_on_has_lines(project: Path, poor: dict[str, str]) -> None:
    """Where nothing can be drawn over, or the spinner is no character, each attempt is a line."""
    ours, theirs = os.openpty()
    subprocess.run(
        [sys.executable, "-m", "fsmflow", "run", "specs/hello.fsm.yaml", "text=hello"],
        cwd=project,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", **poor},
        check=True,
    )
    os.close(theirs)
    told = os.read(ours, 10_000).decode().splitlines()
    os.close(ours)
    assert [line.split("  ")[:3] for line in told] == [
        ["hello", "draft", "success"],
        ["hello", "review", "good"],
    ]
