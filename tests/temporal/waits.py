"""The waits of a workflow: a run that gets to each, and what becomes of it there."""

from __future__ import annotations

from attrs import frozen

MODULE = """
from attrs import frozen

@frozen
class Note:
    text: str = ""

def one() -> str: ...
def two() -> list[str]: ...
"""

ENDS = """
  done: {end: success}
  failed: {end: failed}
"""
ONE = """
states:
  one:
    run: waiting_steps:one
    gives: str
    timeout: 60s
    success: done
    fallback: failed
"""
ASK = """
states:
  ask:
    ask: Where to?
    timeout: 1h
    success: {here: done, there: done}
    fallback: failed
"""
BELOW = {
    "asked": "input: waiting_steps:Note" + ASK + ENDS,
    "nap": "input: waiting_steps:Note\nstates: {nap: {wait: 1s, success: done}, done: {end: success}}",
}
"""Workflows that others run."""


@frozen
class Wait:
    """A wait.

    Attributes:
        spec: The workflow of a run that gets there, but for its name and its budget.
        after: How the run ends with which another worker goes on, and after how many steps.
        begun: What the trace of one tells to be under way there, those of runs that it runs first.
        cancelled: What the trace of one tells that is cancelled there, but for its beginning and its end.
        steps: How many steps are on the ledger of that one.
        first: What the first call of its step does: it `gives` something, `holds`, or `fails`.
        sign: What its history says once it waits.
        asks: Whether there is a question then.
        naps: Which of the runs of other workflows, that it has started, pause then.
        is_lacking: Whether the first worker has no steps.
        looked: Of which workflow's run a value is looked at, if it waits for that.
    """

    spec: str
    after: tuple[str, int]
    begun: tuple[str, ...] = ()
    cancelled: tuple[str, ...] = ()
    steps: int = 0
    first: str = "gives"
    sign: str = ""
    asks: bool = False
    naps: tuple[str | int, ...] = ()
    is_lacking: bool = False
    looked: str = ""


WAITS = {
    "attempt": Wait(
        ONE + "    effect: idempotent" + ENDS,
        after=("done", 2),
        begun=("attempt",),
        cancelled=("attempt cancelled",),
        steps=1,
        first="holds",
    ),
    "once": Wait(
        ONE + "    effect: once\n    unknown: doubt" + ENDS + "  doubt: {end: handoff}",
        after=("doubt", 1),
        begun=("attempt",),
        cancelled=("attempt unknown",),
        steps=1,
        first="holds",
    ),
    "retry": Wait(
        ONE + "    effect: none\n    retry: {times: 2, backoff: 1s, jitter: none}" + ENDS,
        after=("done", 2),
        begun=("pause",),
        cancelled=("attempt transient", "pause"),
        steps=1,
        first="fails",
        sign="timerStarted",
    ),
    "pause": Wait(
        "states: {nap: {wait: 1s, success: done}, done: {end: success}}",
        after=("done", 0),
        begun=("pause",),
        cancelled=("pause",),
        sign="timerStarted",
    ),
    "unmade": Wait(
        ONE + "    effect: none" + ENDS,
        after=("done", 1),
        begun=("attempt",),
        sign="timerStarted",
        is_lacking=True,
    ),
    "question": Wait(
        ASK + ENDS, after=("done", 0), begun=("question",), cancelled=("answer cancelled",), asks=True
    ),
    "call": Wait(
        "states:\n  below: {call: asked, with: {text: a}, success: done, fallback: failed}" + ENDS,
        after=("done", 1),
        begun=("question", "attempt"),
        cancelled=("run", "answer cancelled", "end cancelled", "attempt cancelled"),
        steps=1,
        asks=True,
    ),
    "parallel": Wait(
        """
states:
  below:
    parallel: {a: {call: nap, with: {text: a}}, b: {call: nap, with: {text: b}}}
    success: done
    fallback: failed
"""
        + ENDS,
        after=("done", 1),
        begun=("pause", "pause", "attempt"),
        cancelled=("run", "pause", "end cancelled") * 2 + ("attempt cancelled",),
        steps=1,
        naps=("a", "b"),
    ),
    "lane": Wait(
        """
states:
  two:
    run: waiting_steps:two
    gives: list[str]
    timeout: 60s
    effect: none
    success: below
    fallback: failed
  below: {map: nap, over: $two, with: {text: $item}, at_most: 2, width: 1, success: done, fallback: failed}
"""
        + ENDS,
        after=("done", 2),
        begun=("pause", "attempt"),
        cancelled=("attempt success", "run", "pause", "end cancelled", "attempt cancelled"),
        steps=2,
        naps=(0,),
    ),
    "input": Wait(
        "states:\n  below: {call: nap, with: {text: a}, success: done, fallback: failed}" + ENDS,
        after=("done", 1),
        looked="nap",
    ),
    "output": Wait(
        "output: str"
        + ONE
        + "    effect: none\n  done: {end: success, output: $one}\n  failed: {end: failed}",
        after=("done", 1),
        looked="output",
    ),
    "answer": Wait(
        ASK.replace("timeout", "gives: waiting_steps:Note\n    timeout") + ENDS,
        after=("done", 0),
        asks=True,
        looked="answer",
    ),
}


def write_waits(folder, *, pause="1s"):
    """Write the specs, with pauses of this length, and the module of their types and steps."""
    (folder / "waiting_steps.py").write_text(MODULE, encoding="utf-8")
    specs = {name: (4, text) for name, text in BELOW.items()}
    specs |= {name: (40, wait.spec) for name, wait in WAITS.items()}
    for name, (cap, text) in specs.items():
        head = f"fsmflow: 1\nworkflow: {name}\nbudget: {{steps: {cap}, time: {cap}h}}\n"
        (folder / f"{name}.fsm.yaml").write_text(head + text.replace("1s", pause), encoding="utf-8")
