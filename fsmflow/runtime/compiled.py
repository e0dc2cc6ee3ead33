"""A compiled machine: the functions of a generated module, put together as one `step` from event to command.

What it does is what `fsmflow.semantics.step` means. Nothing here waits, reads a clock or calls a step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fsmflow.runtime.commands import Command, Onward, Question, Stage
from fsmflow.runtime.events import Elapsed, Ended, Lost
from fsmflow.runtime.run import Configuration, Limits, Run, Spent


class CompiledMachine:
    """A machine as tables of functions, by state.

    Attributes:
        limits: The caps of a run.
        reserve: What is set aside for the reserve region.
        stages: The states that call a step, ask a model or run children, by name.
        questions: The states that ask a person, by name.
        succeed: What each state leads to after an output, where that alone tells the way.
        leave: How each state goes on from an attempt, whatever `succeed` does not know.
        resume: How each state goes on from a pause.
    """

    def __init__(
        self,
        *,
        limits: Limits,
        reserve: Spent,
        counters: tuple[str, ...],
        stages: tuple[Stage, ...],
        questions: tuple[Question, ...],
        begin: Callable[[Run], Command],
        leave: Mapping[str, Callable[[Run, Any], Command]],
        succeed: Mapping[str, Callable[[Run], Command]],
        resume: Mapping[str, Callable[[Run], Command]],
    ) -> None:
        self.limits = limits
        self.reserve = reserve
        self.stages: Mapping[str, Stage] = {stage.name: stage for stage in stages}
        self.questions: Mapping[str, Question] = {question.name: question for question in questions}
        self._begin = begin
        self._counters = dict.fromkeys(counters, 0)
        self.leave = leave
        self.succeed = succeed
        self.resume = resume

    def new_run(self, given: Any, run_id: str = "run", trace_id: str = "") -> Run:
        """Make the blank configuration of a run; `begin` enters its first state."""
        return Run(run_id, given, self._counters, trace_id)

    def restore(self, configuration: Configuration, run_id: str = "run") -> Run:
        """Make the run that stands where `configuration` says."""
        run = Run(run_id, None, self._counters)
        run.state, run.attempt = configuration.state, configuration.attempt
        run.steps, run.tool_calls, run.tokens, run.micro_usd, run.time_us = configuration.spent
        run.counts.update(configuration.counts)
        run.visits.update(configuration.visits)
        run.values = dict(configuration.values)
        run.arguments, run.feedback = configuration.arguments, configuration.feedback
        run.pausing = configuration.pausing
        return run

    def begin(self, run: Run) -> Command:
        """Enter the first state."""
        command = self._begin(run)
        while isinstance(command, Onward):
            command = command.enter(run)
        return command

    def step(self, run: Run, event: Ended | Elapsed | Lost) -> Command:
        """Advance `run`, in place, by one event, and give the next command."""
        if isinstance(event, Lost):
            command = self._again(run, event)
        elif isinstance(event, Elapsed):
            run.time_us += event.elapsed_us
            command = self.resume[run.state](run)
        else:
            if run.state in self.stages:
                run.settle(self.stages[run.state], event)
            command = self.go_on(run, event)
        while isinstance(command, Onward):
            command = command.enter(run)
        return command

    def go_on(self, run: Run, event: Ended) -> Command:
        """Go on from an attempt, or an answer, that is on the ledger."""
        state = run.state
        if event.outcome == "success":
            command = self.stages.get(state) or self.questions[state]
            run.values[command.value] = event.value
            if state in self.succeed:
                return self.succeed[state](run)
        return self.leave[state](run, event)

    def _again(self, run: Run, event: Lost) -> Command:
        """Book an attempt that was lost, and make it again if the caps leave room for it."""
        stage = self.stages[run.state]
        run.settle(stage, Ended("lost", elapsed_us=event.elapsed_us, steps=stage.steps))
        needs = Spent(stage.steps, *stage.cost, 1)
        aside = Spent() if stage.reserve else self.reserve
        if all(
            cap is None or used + need + kept <= cap
            for cap, used, need, kept in zip(self.limits, run.spent, needs, aside, strict=True)
        ):
            return stage
        return self.leave[run.state](run, Ended("exceeded"))
