"""A run on a recording, as `fsmflow run --replay` makes it, and what it says of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
from attrs import define, field

from fsmflow.cli.output import wants_color
from fsmflow.cli.pipes import say
from fsmflow.cli.trace import read_of
from fsmflow.runtime import Runner
from fsmflow.runtime.trace import Sink


@define
class Replay:
    """A run on the recording in a file.

    Attributes:
        runner: The workflow.
        file: The trace that was recorded.
        swapped: By state, the step to call in its place, as `module:name`.
        onward: Who else wants to record the new run.
    """

    runner: Runner[Any, Any]
    file: Path
    swapped: Mapping[str, str]
    onward: Sink | None = None
    lines: list[str] = field(factory=list)

    def __call__(self, event: dict[str, Any]) -> None:
        """Take one trace event of the new run."""
        self.lines.append(json.dumps(event, ensure_ascii=False, allow_nan=False))
        if self.onward is not None:
            self.onward(event)

    def run(self, start: Callable[[Any, dict[str, Any]], Any], form: str) -> Any:
        """Run it, tell how it compares, and give its result; exit if the recording does not go so far.

        Args:
            start: Runs the workflow on an input, with options.
            form: `text` or `json`.
        """
        from fsmflow.analysis.traces.recording import read as read_text
        from fsmflow.reporting import trace_change
        from fsmflow.runtime import StepNotFound
        from fsmflow.testing.replaying import RecordingEnds, Replaying, without_lost

        recorded = read_of(self.runner.name, self.file)
        self.doubt(recorded.digest)
        before = without_lost(recorded)
        if lost := len(recorded.stages) - len(before.stages):
            was = (
                "was lost with its process and is" if lost == 1 else "were lost with their processes and are"
            )
            click.echo(f"{_attempts(lost)} {was} left out", err=True)
        try:
            replaying = Replaying(self.runner, before, self.swapped)
        except RecordingEnds as ends:
            raise click.ClickException(f"this can't be replayed: {ends}") from ends
        except (StepNotFound, LookupError) as error:
            raise click.UsageError(str(error.args[0])) from error
        try:
            result = start(replaying.given, {**replaying.options, "record": self})
        except RecordingEnds as ends:
            click.echo(f"the replay stops after {_attempts(replaying.repeated)}: {ends}", err=True)
            sys.exit(1)
        after = read_text("".join(f"{line}\n" for line in self.lines))
        if form == "json":
            return result
        told = f"replayed {_attempts(replaying.repeated)}"
        if replaying.called:
            calls = {name: replaying.called.count(name) for name in dict.fromkeys(replaying.called)}
            told += ", called " + ", ".join(
                f"{n} ×{times:,}" if times > 1 else n for n, times in calls.items()
            )
        say(f"{told} · time is virtual")
        if self.swapped:
            say(trace_change.render(before, after, color=wants_color(sys.stdout)))
            return result
        differences = list(trace_change.differences(before, after))
        if differences:
            say("× not as recorded:\n" + "\n".join(f"  {each}" for each in differences))
            sys.exit(1)
        say("● as recorded: the same steps, end, output and use\n")
        return result

    def doubt(self, digest: str) -> None:
        """Say if the recording is of another version of the workflow."""
        from fsmflow.loading.names import shown

        if digest != self.runner.digest:
            versions = f"{shown(digest[:8])}…; the spec is {self.runner.digest[:8]}… now"
            said = f"the recording is of another version, {versions}: it is replayed as far as it applies"
            click.echo(said, err=True)


def swaps(pairs: tuple[str, ...], runner: Runner[Any, Any]) -> dict[str, str]:
    """Read `--with STATE=MODULE:NAME`, each.

    Raises:
        click.UsageError: One of them is not of that form, or no step of the workflow.
    """
    from fsmflow.diagnostics import did_you_mean
    from fsmflow.testing.plan_reading import below

    found = {}
    for pair in pairs:
        state, equals, step = pair.partition("=")
        module, colon, name = step.partition(":")
        if not equals or not colon or not all(map(str.isidentifier, [*module.split("."), name])):
            raise click.UsageError(f"expected --with STEP=MODULE:NAME, not {pair!r}")
        if state not in runner.stages:
            deeper = below(runner, state)
            hint = (
                f"a replay goes no deeper than `{deeper[0]}`; replay a run of `{deeper[1]}`"
                if deeper is not None
                else did_you_mean(state, runner.stages)
            )
            raise click.UsageError(f"{runner.name} has no step {state!r}; {hint}")
        if state in found:
            raise click.UsageError(f"--with names the step {state!r} twice")
        found[state] = step
    return found


def _attempts(number: int) -> str:
    return f"{number:,} attempt{'' if number == 1 else 's'}"
