"""Where in a step's code a bug was met."""

import json
from pathlib import Path

import pytest

from fsmflow.analysis.traces.recording import read
from fsmflow.reporting import trace_step, trace_text
from fsmflow.reporting.trace_sentences import failure
from fsmflow.runtime import Permanent, Transient
from tests.runtime.workbench import run_one

HERE = Path(__file__)
LINES = HERE.read_text(encoding="utf-8").splitlines()


def line_of(words):
    """Give the place of the one line that ends with a comment of these words."""
    (number,) = (number for number, line in enumerate(LINES, 1) if line.endswith(f"  # {words}"))
    return f"{HERE.name}:{number}"


def parse(text):
    """Be what a step calls."""
    return json.loads(text)  # what a library raises


async def calls_a_library():
    """Meet a bug in a library that a function of the step's own calls."""
    return parse("{")


def divides():
    """Meet a bug in a step that runs in a thread."""
    return 1 / 0  # a bug in a thread


async def leads_to_a_bug(ctx):
    """Meet one in a step that takes a context."""
    return ctx.nonsense  # a bug with a context


def says_so():
    """Say what went wrong."""
    raise Permanent("there is nothing")


def is_away():
    """Fail in passing."""
    raise Transient("busy")


def stands_nowhere():
    """Meet a bug in code that stands in no file."""
    exec("1 / 0")


@pytest.mark.parametrize("options", [{}, {"trace": lambda event: None}], ids=["unwatched", "watched"])
@pytest.mark.parametrize(
    ("function", "words"),
    [
        (calls_a_library, "what a library raises"),
        (divides, "a bug in a thread"),
        (leads_to_a_bug, "a bug with a context"),
    ],
)
def test_a_bug_is_told_with_its_line(function, words, options):
    """The line is the last one of the author's own code, beside the step or below it."""
    result = run_one(function, options=options)
    (span,) = result.trace

    assert result.where == span.event.where
    assert span.outcome == "failure"
    assert span.event.where == line_of(words)


@pytest.mark.parametrize("function", [says_so, is_away])
def test_what_a_step_says_itself_has_no_line(function):
    """A step that says how its attempt ended has met no bug."""
    assert [span.event.where for span in run_one(function).trace] == [""]


def test_code_that_stands_in_no_file_is_told_by_who_ran_it():
    """Of code that was made on the spot the line that ran it is told, which can be looked up."""
    (span,) = run_one(stands_nowhere).trace

    assert span.event.where.startswith(f"{HERE.name}:")


def test_a_trace_tells_it_in_every_form():
    """It is in the trace, and in the tree, the step and the sentences that are read of it."""
    lines = []
    run_one(divides, options={"trace": lambda event: lines.append(json.dumps(event))})
    recording = read("\n".join(lines))
    place = line_of("a bug in a thread")

    assert recording.stages[0].where == place
    assert f"at {place}\n" in trace_text.render(recording, color=False)
    assert f"raised at\n    {place}\n" in trace_step.render(recording, "work", color=False)
    said = failure("`work`", recording.stages[0])
    assert said == f"`work` failed (ZeroDivisionError: division by zero, at {place})"
