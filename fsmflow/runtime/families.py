"""Machines of many states, put together of functions that are shared by states which are alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Protocol

from fsmflow.runtime.collecting import uncollected
from fsmflow.runtime.commands import Command, End, Pause, Question, Stage
from fsmflow.runtime.run import Run


class Enter(Protocol):
    """Enters a state."""

    def __call__(self, run: Run, feedback: tuple[str, ...] = (), /) -> Command:
        """Begin a visit, for which `feedback` says what was wrong before."""


class Member(NamedTuple):
    """What a run does in one state: to enter it, and to go on from an output, an attempt, or a pause.

    Of an output that alone tells the way it is the name of the state that is entered then.
    """

    enter: Enter
    command: Stage | Question | Pause | End | None = None
    succeed: str | None = None
    leave: Callable[[Run, Any], Command] | None = None
    resume: Callable[[Run], Command] | None = None


Row = tuple[Callable[..., Member], tuple[str, ...]]
"""A state: its family, and its names, of which the first is its own."""


class Members:
    """The states of a machine, by name.

    Attributes:
        enter: How each state is entered.
        succeed: What is entered after an output of it, where that alone tells the way.
        leave: How it goes on from an attempt.
        resume: How it goes on from a pause.
        stages: The states that do work, in order.
        questions: The states that ask, in order.
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        self.enter: dict[str, Enter] = {}
        self.succeed: dict[str, Enter] = {}
        self.leave: dict[str, Callable[[Run, Any], Command]] = {}
        self.resume: dict[str, Callable[[Run], Command]] = {}
        with uncollected():
            commands = self._made(rows)
        self.stages = tuple(each for each in commands if isinstance(each, Stage))
        self.questions = tuple(each for each in commands if isinstance(each, Question))

    def _made(self, rows: Iterable[Row]) -> list[Stage | Question | Pause | End | None]:
        """Make the states of their rows, and give their commands in order."""
        commands: list[Stage | Question | Pause | End | None] = []
        onward: list[tuple[list[Any], tuple[str, ...]]] = []
        following: list[tuple[str, str]] = []
        for family, names in rows:
            to: list[Any] = []
            onward.append((to, names))
            member = family(*names, to)
            name = names[0]
            self.enter[name] = member.enter
            commands.append(member.command)
            if member.succeed is not None:
                following.append((name, member.succeed))
            if member.leave is not None:
                self.leave[name] = member.leave
            if member.resume is not None:
                self.resume[name] = member.resume
        # A state may lead to one that is made after it.
        for to, names in onward:
            to.extend(map(self.enter.get, names))
        self.succeed.update((name, self.enter[target]) for name, target in following)
        return commands
