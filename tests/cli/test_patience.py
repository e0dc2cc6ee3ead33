"""What is said while something takes long."""

from __future__ import annotations

from threading import Event

import pytest

from fsmflow.cli import patience as module
from fsmflow.cli.patience import patience
from tests.cli.conftest import Run


def test_what_takes_long_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The word comes while the work goes on, and on standard error."""
    told: list[tuple[str, bool]] = []
    came = Event()

    def say(text: str, *, err: bool = False) -> None:
        told.append((text, err))
        came.set()

    monkeypatch.setattr(module, "say", say)
    with patience("still at it", 0):
        assert came.wait(60)

    assert told == [("still at it", True)]


def test_what_takes_no_time_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the work is done before the word is due, it never comes."""
    told: list[str] = []
    monkeypatch.setattr(module, "say", lambda text, **_: told.append(text))
    with patience("still at it", 600) as nothing:
        assert nothing is None

    assert told == []


@pytest.mark.parametrize(
    "command",
    [
        ("prove", "{}"),
        ("diff", "{}", "{}"),
        ("build", "--check"),
        ("draw", "{}", "-o", "-"),
        ("report", "{}", "-o", "-"),
        ("simulate", "{}", "--runs", "1"),
    ],
    ids=lambda each: each[0],
)
def test_long_proofs_are_told_of(
    run: Run, project: object, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    """What proves says that it is at work, and what it prints is the same."""
    quiet = run(*(each.format("specs/hello.fsm.yaml") for each in command))
    told: list[str] = []
    monkeypatch.setattr(module, "Timer", _at_once(told))
    loud = run(*(each.format("specs/hello.fsm.yaml") for each in command))

    assert len(told) == 1
    assert told[0].startswith("this takes long")
    assert loud.stdout == quiet.stdout


def _at_once(told: list[str]) -> type:
    class Timer:
        daemon = False

        def __init__(self, after_s: float, say: object, given: list[str], how: dict[str, bool]) -> None:
            self.given = given

        def start(self) -> None:
            told.extend(self.given)

        def cancel(self) -> None:
            """There is nothing to cancel."""

    return Timer
