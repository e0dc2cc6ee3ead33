"""Cases of the conformance suite: a workflow, what happens in a run of it, and what must come of that.

Cases are data, in `cases/*.yaml`: groups of a `spec` and its `cases`. What happens is the `plan`, an entry
for each attempt and each answer, in order: `draft transient` is an outcome, or a label, of a state, and a
mapping says more of it. What must come of it is the rest: the trace, the ledger, the end, and what was
entered. Pauses are not planned: they take as long as they should.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from attrs import field, frozen

from fsmflow.analysis import Analysis
from fsmflow.analysis.callees import callee_of
from fsmflow.loading.structure import structure
from fsmflow.loading.yaml import read_document
from fsmflow.lowering import lower
from fsmflow.machine import Callee, Machine
from fsmflow.spec import Duration

FILES = tuple(sorted((Path(__file__).parent / "cases").glob("*.yaml")))

OUTCOMES = ("success", "transient", "invalid", "failure", "unknown", "exceeded", "lost", "unanswered")

RESOURCES = ("tool_calls", "tokens", "micro_usd")


@frozen
class Happening:
    """What is to happen at one attempt, or when one question is asked.

    Attributes:
        state: The state.
        outcome: How the attempt ends; `lost` with the process that makes it. A question has `success`,
            `unanswered`, or `failure` if it can't even be asked.
        label: The label of a success.
        value: What it gives.
        use: What it charges; None charges nothing, so that what is declared counts.
        steps: How many steps an attempt that runs children counts as.
        takes_us: How long it takes.
        cut: Whether it goes on until it is cut off.
        complaints: Why its output is rejected.
        retry_after_us: How long a server asks to be left alone.
        draw: A number from [0, 1) for the jitter of the pause that may follow.
        late: What an attempt that was abandoned before charges while this one is under way.
        called: Whether the step is called at all: it is not if its arguments lead nowhere.
    """

    state: str
    outcome: str
    label: str | None = None
    value: Any = None
    use: tuple[int, int, int] | None = None
    steps: int = 1
    takes_us: int = 0
    cut: bool = False
    complaints: tuple[str, ...] = ()
    retry_after_us: int | None = None
    draw: float = 0.0
    late: tuple[int, int, int] | None = None
    called: bool = True

    @property
    def message(self) -> str:
        """What a run is told went wrong."""
        if self.outcome == "invalid":
            return "; ".join(self.complaints)
        return {"success": "", "unknown": "ConnectionResetError: planned"}.get(self.outcome, "planned")

    @classmethod
    def read(cls, written: str | Mapping[str, Any]) -> Happening:
        """Read one entry of a plan."""
        if isinstance(written, str):
            state, _, word = written.partition(" ")
            more: dict[str, Any] = {}
        else:
            ((state, word), *rest) = written.items()
            more = dict(rest)
        for name in ("use", "late"):
            if name in more:
                more[name] = tuple(more[name].get(each, 0) for each in RESOURCES)
        for name in ("takes", "retry_after"):
            if name in more:
                more[f"{name}_us"] = Duration.parse(more.pop(name)).microseconds
        if "complaints" in more:
            more["complaints"] = tuple(more["complaints"])
        if word not in OUTCOMES:
            word, more["label"] = "success", word
        return cls(state, word, **more)


@frozen
class Case:
    """A case.

    Attributes:
        name: What it shows.
        machine: The workflow.
        children: The workflows that it runs, by name, those below first; none if they are not really run.
        given: The input.
        plan: What happens, in order.
        inside: What happens in children, by the way to their steps, such as `read_all.fetch`. If that is
            said, children are really run where an engine can; the plan says what must come of them.
        needs: What an engine must be able to do: `crash`, `draws`, `types`, `desk`.
        trace: What must be seen to happen, a line each.
        ledger: What must be used.
        end: The end, and its kind.
        output: What the end gives.
        error: The latest way out that was taken: state and outcome; empty if none was.
        entered: How often each state is entered, choices and the end among them.
    """

    name: str
    machine: Machine = field(repr=False)
    children: Mapping[str, Machine] = field(repr=False)
    given: Any
    plan: tuple[Happening, ...] = field(repr=False)
    inside: Mapping[str, tuple[Happening, ...]] = field(repr=False)
    needs: frozenset[str]
    trace: tuple[str, ...] = field(repr=False)
    ledger: Mapping[str, Any] = field(repr=False)
    end: str
    output: Any
    error: str
    entered: Mapping[str, int]


def lowered(name: str, text: str, callees: Mapping[str, Callee]) -> tuple[Machine, Callee]:
    """Give the machine that a spec means, and what a workflow that runs it knows of it."""
    document = read_document(f"fsmflow: 1\nworkflow: {name}\n{text}", f"{name}.fsm.yaml")
    structured = structure(document)
    assert structured.diagnostics == (), structured.diagnostics
    assert structured.workflow is not None
    machine = lower(structured.workflow, callees)
    return machine, callee_of(Analysis(document, structured.workflow, machine, None))


@cache
def cases() -> tuple[Case, ...]:
    """Give all cases."""
    return tuple(case for file in FILES for case in _of(yaml.safe_load(file.read_text(encoding="utf-8"))))


def _of(groups: list[Mapping[str, Any]]) -> Iterator[Case]:
    for group in groups:
        callees: dict[str, Callee] = {}
        children: dict[str, Machine] = {}
        for name, text in group.get("children", {}).items():
            children[name], callees[name] = lowered(name, text, callees)
        machine, _ = lowered("sample", group["spec"], callees)
        for case in group["cases"]:
            inside = case.get("inside", {})
            yield Case(
                name=case["case"],
                machine=machine,
                children=children if inside else {},
                given=case.get("input", group.get("input")),
                plan=tuple(map(Happening.read, case["plan"])),
                inside={way: tuple(map(Happening.read, entries)) for way, entries in inside.items()},
                needs=frozenset(case.get("needs", ())),
                trace=tuple(case["trace"]),
                ledger=case["ledger"],
                end=case["end"],
                output=case.get("output"),
                error=case.get("error", ""),
                entered=case["entered"],
            )
