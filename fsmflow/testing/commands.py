"""What a generated runner commands, in the terms of the reference meaning, so that they can be compared."""

from __future__ import annotations

from fsmflow import semantics
from fsmflow.runtime.commands import Command, Onward, Pause, Question, Stage
from fsmflow.runtime.run import Run


def spoken(run: Run, command: Command) -> semantics.Command:
    """Say what `command` asks of the world, where `run` stands."""
    assert not isinstance(command, Onward)
    match command:
        case Stage():
            ends = [command.timeout_us if command.children is None else None]
            if command.time_limit_us is not None:
                ends.append(command.time_limit_us - run.time_us)
            deadline = min((at for at in ends if at is not None), default=None)
            return semantics.Attempt(command.name, run.attempt, run.arguments, command.cost, deadline)
        case Question():
            return semantics.Question(command.name, run.arguments, command.timeout_us)
        case Pause():
            return semantics.Pause(command.duration_us)
    return semantics.Finish(command.name, command.kind, run.output)
