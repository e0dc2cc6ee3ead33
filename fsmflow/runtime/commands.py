"""What a machine has its driver do next: make an attempt, ask a person, let time pass, or finish."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from fsmflow.runtime.model import Model

if TYPE_CHECKING:
    from fsmflow.runtime.run import Run


class Callee(NamedTuple):
    """A workflow that a state runs.

    Attributes:
        name: The workflow's name.
        digest: The digest of the machine that the caller was compiled for.
    """

    name: str
    digest: str


class Children(NamedTuple):
    """The runs of other workflows that a state starts in the place of a step.

    Attributes:
        kind: `call` runs one child on the state's arguments; `map` one for each of the argument `items`;
            `parallel` one for each argument, by its name.
        callees: The workflows, by the names of the arguments that are their inputs; for `call` and `map`
            the one workflow, by its own name.
        width: How many run at a time.
        tolerate: How many may fail.
    """

    kind: Literal["call", "map", "parallel"]
    callees: Mapping[str, Callee]
    width: int = 1
    tolerate: int = 0


class Stage:
    """A state that calls a step, asks a model or runs children: the command to start one attempt of it.

    Attributes:
        name: The state's name.
        call: The step, as `module:name`; empty where a model is asked.
        value: The name that its output goes by.
        gives: The type of its output, as the spec writes it; empty if none is declared.
        accept: Functions that may reject its output, as `module:name`.
        labels: The labels of its success; None if it has none.
        cost: The most that one attempt may use: tool calls, tokens, micro-dollars.
        full: The same; None if it is nothing.
        timeout_us: The longest that one attempt may take; children see to that themselves.
        time_limit_us: The time spent at which an attempt is cut off for the run's own sake: the cap
            on time less what is set aside. None without a cap.
        effect: `none`, `idempotent`, `once`, or empty if not said.
        key: What its idempotency key is made of, if not run, state and visit.
        inline: Whether a sync step runs on the event loop.
        model: What a model is asked, if one is.
        children: What workflows are run, if any are.
        steps: The most steps that one attempt counts as: itself, and those of its children.
        reserve: Whether what is set aside is set aside for it.
    """

    __slots__ = (
        "accept",
        "call",
        "children",
        "cost",
        "effect",
        "full",
        "gives",
        "inline",
        "key",
        "labels",
        "model",
        "name",
        "reserve",
        "steps",
        "time_limit_us",
        "timeout_us",
        "value",
    )

    def __init__(
        self,
        name: str,
        call: str,
        *,
        value: str = "",
        gives: str = "",
        accept: tuple[str, ...] = (),
        labels: tuple[str, ...] | None = None,
        cost: tuple[int, int, int] = (0, 0, 0),
        timeout_us: int | None = None,
        time_limit_us: int | None = None,
        effect: Literal["none", "idempotent", "once", ""] = "",
        key: Callable[[Mapping[str, Any]], Any] | None = None,
        inline: bool = False,
        model: Model | None = None,
        children: Children | None = None,
        steps: int = 1,
        reserve: bool = False,
    ) -> None:
        self.name = name
        self.call = call
        self.value = value or name
        self.gives = gives
        self.accept = accept
        self.labels = labels
        self.cost = cost
        self.full = None if cost == (0, 0, 0) else cost
        self.timeout_us = timeout_us
        self.time_limit_us = time_limit_us
        self.effect = effect
        self.key = key
        self.inline = inline
        self.model = model
        self.children = children
        self.steps = steps
        self.reserve = reserve

    def __repr__(self) -> str:
        return f"Stage({self.name!r})"


class Question(NamedTuple):
    """The command to ask a person.

    Attributes:
        name: The state's name.
        text: The question.
        value: The name that the answer goes by.
        role: Who may answer; empty for anybody.
        gives: The type of what the person fills in, as the spec writes it; empty if nothing.
        labels: What the person picks from; None if the answer is a value alone.
        timeout_us: How long an answer is waited for.
    """

    name: str
    text: str
    value: str
    role: str = ""
    gives: str = ""
    labels: tuple[str, ...] | None = None
    timeout_us: int | None = None


class Pause(NamedTuple):
    """The command to let `duration_us` microseconds pass."""

    duration_us: int


class End(NamedTuple):
    """The command to finish: the run is in the end `name`."""

    name: str
    kind: Literal["success", "degraded", "handoff", "failed"]


class Onward(NamedTuple):
    """The command to enter one more state at once.

    A choice that leads to a choice hands on rather than calls, so that a long chain needs no stack.
    """

    enter: Callable[[Run], Command]


Command = Stage | Question | Pause | End | Onward
