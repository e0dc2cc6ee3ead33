"""The steps of `tool_loop`: an agent that picks its next tool from a closed list, under hard caps.

The plan names a tool; each tool is a state with its own cost and cap, and what it says is a note
that the next plan reads. A tool that can't do what it was asked says so in its note.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from attrs import frozen

from fsmflow.runtime import Invalid, Outcome, Permanent, StepContext
from tool_loop import tools
from tool_loop.planner import next_call

TOOLS = ("calculator", "units", "calendar", "lookup")


@frozen
class Question:
    """What somebody wants worked out."""

    text: str


@frozen
class Call:
    """What a tool is asked; for `answer`, the answer; for `stuck`, why."""

    request: str


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


async def plan(question: str, notes: list[Note] | None, ctx: StepContext) -> Outcome:
    """Pick the next tool, or the answer: with a model if an endpoint is configured, else by rules."""
    if not (os.environ.get("OPENAI_API_KEY") or os.environ.get("OPENAI_BASE_URL")):
        return plan_offline(question, notes, ctx)
    from chat_model import ask

    known = "\n".join(f"{n.tool}({n.request}) = {n.result or n.problem}" for n in (notes or [])[-10:])
    reply = await ask(
        "Work the question out with one tool call at a time. Reply in JSON: "
        '{"tool": one of calculator, units, calendar, lookup, answer, stuck, "request": text}. Requests: '
        "calculator `3 * (4 + 5)`; units `90 min to h`; calendar `days DATE DATE`, `weekday DATE` or "
        f"`DATE plus N days`; lookup one of {', '.join(tools.FACTS)}; answer the answer; stuck the reason.",
        f"Question: {question[:600]}\n\nKnown so far:\n{known[:1500]}",
        max_tokens=120,
        ctx=ctx,
    )
    tool, request = str(reply.get("tool", "")), str(reply.get("request", ""))
    if tool not in (*TOOLS, "answer", "stuck"):
        raise Invalid(f"{tool[:40]!r} is none of the tools")
    return Outcome(tool, Call(request))


def plan_offline(question: str, notes: list[Note] | None, ctx: StepContext) -> Outcome:
    """Pick the next tool, or the answer, by rules."""
    ctx.charge(tokens=0, usd=0)
    problem = next((note.problem for note in notes or () if note.problem), "")
    if problem:
        return Outcome("stuck", Call(problem))
    call = next_call(question, [note.result for note in notes or ()])
    if call is None:
        return Outcome("stuck", Call("no rule takes this question apart"))
    tool, request = call
    return Outcome(tool, Call(request))


def asks_something(call: Call) -> list[str]:
    """Say what is wrong with a plan: it asks nothing, or too much."""
    if not call.request.strip():
        return ["the request is empty; say what the tool is to do"]
    if len(call.request) > tools.MAX_EXPRESSION:
        return [f"the request is longer than {tools.MAX_EXPRESSION} characters"]
    return []


def calculator(call: Call, notes: list[Note] | None) -> list[Note]:
    """Work out arithmetic, and note the result."""
    return _noted("calculator", tools.calculate, call, notes)


def units(call: Call, notes: list[Note] | None) -> list[Note]:
    """Convert units, and note the result."""
    return _noted("units", tools.convert, call, notes)


def calendar(call: Call, notes: list[Note] | None) -> list[Note]:
    """Ask the calendar, and note what it says."""
    return _noted("calendar", tools.reckon, call, notes)


def lookup(call: Call, notes: list[Note] | None) -> list[Note]:
    """Look up a fact, and note it."""
    return _noted("lookup", tools.look_up, call, notes)


def _noted(name: str, tool: Callable[[str], str], call: Call, notes: list[Note] | None) -> list[Note]:
    try:
        note = Note(name, call.request, tool(call.request))
    except ValueError as error:
        note = Note(name, call.request, "", str(error))
    return [*(notes or ()), note]


def answer(call: Call, notes: list[Note] | None) -> Answer:
    """Give the answer with the notes that lead to it."""
    return Answer(call.request, list(notes or ()))


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
