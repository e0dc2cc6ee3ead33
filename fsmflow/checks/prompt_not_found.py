"""A prompt that can't be read.

Why is this bad?
    The runner could not be started: it reads every prompt before a run begins.

What to do
    Name a text file in UTF-8 that lies in the spec's folder or below it, from there and with `/`:
    `prompts/draft.md`. A prompt elsewhere could not be reviewed with the spec.

Example::

    fsmflow: 1
    workflow: sample
    states:
      draft:
        llm:
          model: some-model
          prompt: prompts/drfat.md  # error: prompt-not-found
          system: ../secret.txt  # error: prompt-not-found
          max_tokens: 400
        cost: {tokens: 2000}
        success: done
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from fsmflow.analysis import Analysis
from fsmflow.diagnostics import Diagnostic
from fsmflow.loading.names import MAX_SHOWN, shown
from fsmflow.runtime.prompts import path_flaw

MOST_FILES = 1_000
"""How many files are looked through for one that was meant."""


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find prompts that are not there, can't be read, or lie outside the spec's folder."""
    for prompt in analysis.prompts:
        if prompt.fault:
            why = prompt.fault.removeprefix("it can't be read: ")
            message = f"the prompt `{shown(prompt.path, 2 * MAX_SHOWN)}` can't be read: {why}"
            near = analysis.hints.nearest(prompt.path, _beside(analysis.folder, prompt.path))
            hint = "" if near is None else f"did you mean `{near}`?"
            if "{{" in prompt.path or "\n" in prompt.path:
                hint = "write it into a file beside the spec, and name that"
            yield Diagnostic("prompt-not-found", message, prompt.route, hint=hint)


def _beside(folder: Path | None, path: str) -> Sequence[str]:
    """Give the other files that stand where `path` does, or would."""
    parent = path.rpartition("/")[0]
    if folder is None or path_flaw(path):
        return ()
    try:
        found = sorted(each.name for each in islice((folder / parent).iterdir(), MOST_FILES))
    except (OSError, ValueError):
        return ()
    beside = [f"{parent}/{name}" if parent else name for name in found]
    return [other for other in beside if other != path]
