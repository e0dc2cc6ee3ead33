"""`fsmflow new`."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import click

from fsmflow.backends import Artifact

_SPEC = """\
fsmflow: 1
workflow: {name}
title: Say what this workflow is for.
input: {name}:Request
output: {name}:Reply

budget:
  steps: 12
  tokens: 6000
  time: 1min
  exceeded: give_up

states:
  draft:
    title: Make a first reply.
    run: {name}:draft
    with: {{text: $input.text}}
    as: reply
    gives: {name}:Reply
    accept: [{name}:is_not_empty]
    cost: {{tokens: 1000}}
    timeout: 20s
    effect: none
    success: review
    retry: {{times: 2, backoff: 1s}}
    invalid: {{times: 1}}
    fallback: give_up

  review:
    title: Decide whether the reply is good enough.
    run: {name}:review
    with: {{text: $input.text, reply: $reply}}
    timeout: 5s
    effect: none
    success:
      good: done
      poor: {{to: draft, times: 1, else: give_up}}
    fallback: give_up

  done: {{end: success, output: $reply}}
  give_up: {{end: handoff}}

policies:
  - {{never: done, between: [draft, review.good]}}
"""

_STEPS = '''\
"""Steps of the workflow `{name}`."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

from fsmflow.runtime import StepContext


@frozen
class Request:
    """What a run is given."""

    text: str


@frozen
class Reply:
    """What a run gives."""

    text: str


async def draft(text: str, ctx: StepContext) -> Reply:
    """Make a first reply; ask a model here."""
    ctx.charge(tokens=len(text.split()))
    return Reply(text=f"You said: {{text}}")


def is_not_empty(value: Reply) -> list[str]:
    """Complain about an empty reply."""
    return [] if value.text.strip() else ["the reply is empty"]


async def review(text: str, reply: Reply) -> Literal["good", "poor"]:
    """Decide whether the reply is good enough."""
    return "good" if text in reply.text else "poor"
'''


@click.command("new")
@click.argument("name")
@click.option(
    "--in",
    "folder",
    type=click.Path(path_type=Path),
    default=Path("specs"),
    show_default=True,
    help="The folder that the workflow goes to.",
)
def command(name: str, folder: Path) -> None:
    """Start the workflow NAME: a spec and its steps, ready to check, build and run."""
    from fsmflow.cli.files import write_all
    from fsmflow.cli.output import CannotWrite
    from fsmflow.cli.schema import SCHEMA, pointing_at
    from fsmflow.loading.names import likely_name, workflow_flaw

    flaw = workflow_flaw(name) or _hidden(name, folder)
    if flaw is not None:
        hint = likely_name(name)
        said = f"{flaw}; {hint}" if hint and hint != flaw else flaw
        raise click.UsageError(f"{name!r} can't be the name of a workflow: {said}")
    files = [folder / f"{name}.fsm.yaml", folder / f"{name}.py"]
    there = [str(path) for path in files if path.exists()]
    if there:
        raise click.UsageError(f"{' and '.join(there)} {'are' if len(there) > 1 else 'is'} there already")
    schema = folder / SCHEMA
    head = f"{pointing_at(SCHEMA)}\n" if schema.is_file() else ""
    texts = [head + _SPEC.format(name=name), _STEPS.format(name=name)]
    try:
        write_all([Artifact(p.absolute(), t.encode()) for p, t in zip(files, texts, strict=True)])
    except OSError as error:
        raise CannotWrite(error.filename or folder, error) from error
    for path in files:
        click.echo(f"wrote {path}")
    click.echo(f"\nTry:  fsmflow check {files[0]}\n      fsmflow run {files[0]} text=hello")
    if not head:
        click.echo(f"      fsmflow schema -o {schema}    (completion in editors)")


def _hidden(name: str, folder: Path) -> str | None:
    """Say which module steps could not import if theirs had this name, or which would be taken for theirs."""
    if name in sys.stdlib_module_names:
        return "it is a module of Python's own, which the steps could not then import"
    found = importlib.util.find_spec(name)
    if found is None:
        return None
    stands = Path([*(found.submodule_search_locations or ()), found.origin][0] or "")
    # What is here is on the path only if Python was started so, and a folder that is here is no module.
    if stands.parent.resolve() in (folder.resolve(), Path.cwd()):
        return None
    return f"it is the module {stands}, which the steps could not then import"
