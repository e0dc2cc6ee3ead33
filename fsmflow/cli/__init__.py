"""The command line: one file a command, loaded when it is asked for.

This is the only part of fsmflow that prints, writes files or exits.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import click

from fsmflow.cli.pipes import give_up, say

COMMANDS = {
    "new": "Start a workflow: a spec and its steps, ready to check and run.",
    "check": "Check specs and show every fault, with its place and what to do.",
    "prove": "Prove that every run ends, and what it can cost at worst.",
    "diff": "Say what a change does to a workflow, its proof and its worst case.",
    "build": "Compile specs into runners, diagrams and property tests.",
    "run": "Run a workflow on real input.",
    "submit": "Hand a run over to be carried out durably.",
    "serve": "Carry out the runs of a database, and those that others left.",
    "worker": "Carry out runs on a Temporal server.",
    "runs": "List durable runs, or show one.",
    "resume": "Take a durable run up where it was left.",
    "cancel": "End a durable run.",
    "gc": "Forget durable runs that ended long ago.",
    "waiting": "List the questions of runs that wait for a person's answer.",
    "answer": "Answer a question of a run.",
    "trace": "Show what a run did, and why it ended as it did.",
    "simulate": "Make up thousands of runs with faults, and hold each to what must hold.",
    "test": "Run the property tests that were built.",
    "draw": "Draw a workflow.",
    "report": "Write all that a reviewer needs as one page of HTML.",
    "explore": "Step through a workflow by hand.",
    "explain": "Explain a check, or a key of the language.",
    "schema": "Write the JSON Schema of the language, for editors.",
}

USAGE_ERROR = 2

INTERRUPTED, UNREAD = 130, 141
"""What shells say of a program that SIGINT ended, and of one that SIGPIPE did."""


@contextmanager
def _signals_told() -> Iterator[None]:
    """End as a shell expects if interrupted, or if nobody reads on; click would say 1, as for a finding."""
    try:
        yield
    except KeyboardInterrupt:
        say("cancelled", err=True)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        give_up()
        sys.exit(UNREAD)


class LazyGroup(click.Group):
    """A group that knows its commands' one-line helps and loads a command only to use it."""

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        """Read the arguments, which may print the help."""
        with _signals_told():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: click.Context) -> Any:
        """Carry the command out."""
        with _signals_told():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the names of the commands, in the order of a first day's work."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"{__name__}.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without loading one."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is meant, or say which one might have been."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from fsmflow.diagnostics import did_you_mean

            raise click.UsageError(
                f"no command {args[0]!r}; {did_you_mean(args[0], (*COMMANDS, '--help'))}", ctx
            )
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fsmflow", message="%(prog)s %(version)s")
def app() -> None:
    """Compile AI workflows written as finite-state machines.

    Exit codes: 0 clean, 1 findings, 2 wrong usage or an internal error, 130 interrupted, 141 nobody reads
    on. `run` has codes of its own.
    """


def _told(error: OSError) -> str:
    """Say what the operating system refused; it does not say so of the folder that is worked in."""
    from fsmflow.cli.output import GONE, is_gone

    if is_gone():
        return GONE
    where = f" {error.filename}" if error.filename else ""
    return f"could not read or write{where}: {error.strerror or error}"


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line, and exit."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that can't show a character is shown its code, as on standard error.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        with _signals_told():
            try:
                return app(arguments, prog_name="fsmflow")
            finally:
                if sys.stdout is not None:
                    sys.stdout.flush()
    except OSError as error:
        if os.environ.get("FSMFLOW_DEBUG"):
            raise
        say(f"fsmflow: {_told(error)}", err=True)
        give_up()
        sys.exit(USAGE_ERROR)
    except Exception as error:
        if os.environ.get("FSMFLOW_DEBUG"):
            raise
        say(
            f"fsmflow: internal error: {type(error).__name__}: {error}\n"
            "This is a bug in fsmflow; set FSMFLOW_DEBUG=1 to see where.",
            err=True,
        )
        sys.exit(USAGE_ERROR)
