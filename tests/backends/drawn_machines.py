"""Machines to draw: one of the language's own example, and any that a random draw makes up."""

from __future__ import annotations

from hypothesis import strategies as st

from fsmflow.expressions import Constant, parse_guard
from fsmflow.loading.structure import structure
from fsmflow.loading.yaml import read_document
from fsmflow.lowering import lower
from fsmflow.machine import (
    Backoff,
    Caps,
    Choice,
    Counter,
    End,
    Machine,
    Resources,
    State,
    Transition,
    Wait,
    Work,
)

ASK_DOCS = """
fsmflow: 1
workflow: ask_docs
title: Answer a question from the documentation.
budget: {steps: 32, tool_calls: 8, tokens: 12000, time: 2min, usd: 0.2, exceeded: quote}
states:
  retrieve:
    title: Find the passages that may hold the answer, in every language.
    run: m:retrieve
    cost: {tool_calls: 1}
    timeout: 5s
    effect: none
    success: draft
    retry: {times: 3, backoff: 200ms}
    fallback: apologise
  draft:
    run: m:write
    cost: {tokens: 1500, usd: 0.018}
    timeout: 20s
    effect: none
    success: check
    retry: {times: 2, backoff: 1s}
    invalid: {times: 2}
    fallback: quote
  check:
    run: m:check
    timeout: 5s
    effect: none
    success: {grounded: done, ungrounded: {to: retrieve, times: 2, else: quote}}
    fallback: quote
  quote: {run: m:quote, timeout: 2s, effect: none, reserve: true, success: plain, fallback: hand_off}
  done: {end: success}
  plain: {end: degraded, title: Passages alone.}
  apologise: {end: degraded}
  hand_off: {end: handoff}
"""


def compiled(text: str) -> Machine:
    """Give the machine of a spec that has no fault."""
    found = structure(read_document(text, "spec.fsm.yaml"))
    assert found.workflow is not None, found.diagnostics
    return lower(found.workflow)


def work(name: str, *, cost: Resources = Resources(), title: str = "", reserve: bool = False) -> Work:  # noqa: B008
    return Work(
        name=name,
        title=title,
        reserve=reserve,
        call=f"m:{name}",
        arguments=(),
        value=name,
        gives=None,
        accept=(),
        cost=cost,
        timeout_us=5_000_000,
        effect="none",
        key=None,
        inline=False,
        labels=None,
    )


def end(name: str, kind: str = "success", title: str = "") -> End:
    return End(name=name, title=title, kind=kind, output=Constant(None))  # type: ignore[arg-type]


def machine(
    states: list[State], transitions: list[Transition], caps: dict[str, int] | None = None
) -> Machine:
    """Put a machine together; every counter that a transition names has the cap that `caps` gives it."""
    return Machine(
        name="drawn",
        title="",
        input=None,
        output=None,
        start=states[0].name,
        caps=Caps(),
        exceeded="exceeded",
        reserve=Resources(),
        states={state.name: state for state in states},
        counters={name: Counter(name, cap, None) for name, cap in (caps or {}).items()},
        transitions=tuple(transitions),
    )


@st.composite
def machines(draw: st.DrawFn, most: int = 12) -> Machine:
    """Any machine of up to `most` states that are no ends: with loops, arms to itself, retries and caps."""
    names = [f"s{number}" for number in range(draw(st.integers(1, most)))]
    kinds = draw(
        st.lists(st.sampled_from(["success", "degraded", "handoff", "failed"]), min_size=1, max_size=8)
    )
    ends = [end(f"e{number}", kind) for number, kind in enumerate(kinds)]
    targets = st.sampled_from([*names, *(e.name for e in ends)])
    states: list[State] = []
    transitions: list[Transition] = []
    caps: dict[str, int] = {}

    def counter(name: str) -> tuple[str, ...]:
        if not draw(st.booleans()):
            return ()
        caps[name] = draw(st.integers(0, 9))
        return (name,)

    for name in names:
        match draw(st.sampled_from(["work", "work", "work", "choice", "wait"])):
            case "work":
                cost = Resources(tokens=draw(st.sampled_from([0, 900])), tool_calls=draw(st.integers(0, 1)))
                states.append(work(name, cost=cost, reserve=draw(st.booleans())))
                for number in range(draw(st.integers(1, 3))):
                    label = f"label_{number}"
                    below = counter(f"{name}.{label}")
                    transitions.append(Transition(name, "success", label, "success", draw(targets), below))
                if draw(st.booleans()):
                    caps[f"{name}.retry"] = 2
                    backoff = Backoff(1_000_000, 2.0, 60_000_000, "full", True)
                    transitions.append(
                        Transition(
                            name,
                            "transient",
                            None,
                            "retry",
                            name,
                            (f"{name}.retry",),
                            pause=backoff,
                            same_visit=True,
                        )
                    )
                transitions.append(Transition(name, "failure", None, "fallback", draw(targets)))
            case "choice":
                states.append(Choice(name=name, title="", reserve=False))
                guard = parse_guard("len(input.text) > 3")
                transitions.append(Transition(name, "success", "arm_1", "success", draw(targets), when=guard))
                transitions.append(Transition(name, "success", "arm_2", "success", draw(targets)))
            case _:
                states.append(Wait(name=name, title="", reserve=False, duration_us=10_000_000))
                transitions.append(Transition(name, "success", None, "success", draw(targets)))
    return machine([*states, *ends], transitions, caps)
