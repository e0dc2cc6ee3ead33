"""The steps of `tool_loop`: an agent that picks its next tool from a closed list, under hard caps.

The plan names a tool; each tool is a state with its own cost and cap, and what it says is a note
that the next plan reads. A tool that can't do what it was asked says so in its note.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from fsmflow.runtime import Outcome, Permanent, StepContext
from tool_loop import tools
from tool_loop.planner import next_call


@frozen
class Question:
    """What somebody wants worked out."""

    text: str


@frozen
class Call:
    """What a model says in a call."""

    text: str


@frozen
class Arithmetic(Call):
    """Work out arithmetic, such as `3 * (4 + 5)`."""


@frozen
class Conversion(Call):
    """Convert an amount to another unit, such as `90 min to h`."""


@frozen
class Reckoning(Call):
    """Ask the calendar: `days DATE DATE`, `weekday DATE` or `DATE plus N days`, with dates as 2024-02-27."""


@frozen
class Fact(Call):
    """Look up a fact by its name.

    These are known: speed of light, speed of sound, distance to the sun, distance to the moon,
    circumference of the earth, radius of the earth, height of mount everest, length of a marathon.
    """


@frozen
class Solution(Call):
    """Answer the question, with the results that the tools gave, as they gave them."""


@frozen
class Reason(Call):
    """Give up, and say why."""


CALLS = {
    "calculator": Arithmetic,
    "units": Conversion,
    "calendar": Reckoning,
    "lookup": Fact,
    "answer": Solution,
    "stuck": Reason,
}
"""What each call of `plan` is made with: the docstrings are what a model is told of them."""


@frozen
class Note:
    """What a tool was asked and what it said; `problem` if it could not do it."""

    tool: str
    request: str
    result: str
    problem: str = ""


@frozen
class Answer:
    """An answer and the notes that it was worked out from."""

    text: str
    notes: list[Note]


def plan_offline(question: str, notes: list[Note] | None, ctx: StepContext) -> Outcome:
    """Pick the next tool, or the answer, by rules."""
    ctx.charge(tokens=0, usd=0)
    problem = next((note.problem for note in notes or () if note.problem), "")
    if problem:
        return Outcome("stuck", Reason(problem))
    call = next_call(question, [note.result for note in notes or ()])
    if call is None:
        return Outcome("stuck", Reason("no rule takes this question apart"))
    label, text = call
    return Outcome(label, CALLS[label](text))


def says_something(call: Call) -> list[str]:
    """Say what is wrong with a call: it says nothing, or too much."""
    if not call.text.strip():
        return ["the text is empty; say what the tool is to do"]
    if len(call.text) > tools.MAX_EXPRESSION:
        return [f"the text is longer than {tools.MAX_EXPRESSION} characters"]
    return []


def calculator(call: Arithmetic, notes: list[Note] | None) -> list[Note]:
    """Work out arithmetic, and note the result."""
    return _noted("calculator", tools.calculate, call.text, notes)


def units(call: Conversion, notes: list[Note] | None) -> list[Note]:
    """Convert units, and note the result."""
    return _noted("units", tools.convert, call.text, notes)


def calendar(call: Reckoning, notes: list[Note] | None) -> list[Note]:
    """Ask the calendar, and note what it says."""
    return _noted("calendar", tools.reckon, call.text, notes)


def lookup(call: Fact, notes: list[Note] | None) -> list[Note]:
    """Look up a fact, and note it."""
    return _noted("lookup", tools.look_up, call.text, notes)


def _noted(name: str, tool: Callable[[str], str], request: str, notes: list[Note] | None) -> list[Note]:
    try:
        note = Note(name, request, tool(request))
    except ValueError as error:
        note = Note(name, request, "", str(error))
    return [*(notes or ()), note]


def answer(solution: Solution, notes: list[Note] | None) -> Answer:
    """Give the answer with the notes that lead to it."""
    return Answer(solution.text, list(notes or ()))


def rests_on_notes(answer: Answer) -> list[str]:
    """Say what is wrong with an answer: no tool's result stands in it."""
    if not any(note.result and note.result.split()[0] in answer.text for note in answer.notes):
        return ["the answer holds no result of a tool"]
    return []


def report(notes: list[Note] | None) -> Answer:
    """Say how far the work came.

    Raises:
        Permanent: No tool has given anything.
    """
    found = [note for note in notes or () if note.result]
    if not found:
        raise Permanent("nothing was worked out")
    text = "; ".join(f"{note.request} is {note.result}" for note in found)
    return Answer(f"This was worked out before the end: {text}", list(notes or ()))
