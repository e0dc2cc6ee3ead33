"""The machine: what a spec means, with every name resolved and every shorthand gone.

Retry, re-ask, loop-back and fallback are all plain guarded transitions here. For one state,
outcome and label the transitions stand in order, and the first that is enabled is taken; the
last one is never guarded by a counter, so every outcome leads somewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property
from typing import Literal

from attrs import define, field, frozen

from fsmflow.canonical import Form
from fsmflow.expressions import Guard, Template
from fsmflow.typeexpr import TypeExpr

BUILTIN_END = "exceeded"
"""The end, of kind `failed`, of a run whose budget leaves no other way."""

Outcome = Literal["success", "transient", "invalid", "failure", "unknown", "exceeded"]
Kind = Literal["success", "retry", "invalid", "fallback", "unknown", "exceeded"]
EndKind = Literal["success", "degraded", "handoff", "failed"]
Effect = Literal["none", "idempotent", "once"]


@frozen
class Resources:
    """Amounts of the five things that a run may use; money in micro-dollars, time in microseconds."""

    steps: int = 0
    tool_calls: int = 0
    tokens: int = 0
    micro_usd: int = 0
    time_us: int = 0

    def __add__(self, other: Resources) -> Resources:
        return Resources(*(a + b for a, b in zip(self.amounts(), other.amounts(), strict=True)))

    def scaled(self, times: int) -> Resources:
        """Give `times` of these amounts."""
        return Resources(*(times * a for a in self.amounts()))

    def joined(self, other: Resources) -> Resources:
        """Give the greater of each amount."""
        return Resources(*(max(a, b) for a, b in zip(self.amounts(), other.amounts(), strict=True)))

    def amounts(self) -> tuple[int, int, int, int, int]:
        """Give the amounts in the order of the attributes."""
        return (self.steps, self.tool_calls, self.tokens, self.micro_usd, self.time_us)


@frozen
class Caps:
    """The most that a run may use of each resource; None where there is no cap."""

    steps: int | None = None
    tool_calls: int | None = None
    tokens: int | None = None
    micro_usd: int | None = None
    time_us: int | None = None

    def amounts(self) -> tuple[int | None, ...]:
        """Give the caps in the order of `Resources.amounts`."""
        return (self.steps, self.tool_calls, self.tokens, self.micro_usd, self.time_us)


@frozen
class Backoff:
    """The pause before the k-th retry: min(cap, first · factor^(k−1)), in microseconds.

    `full` jitter draws uniformly below that (Brooker, "Exponential Backoff And Jitter",
    AWS Architecture Blog, 2015). With `retry_after` a server's wish is a floor.
    """

    first_us: int
    factor: float
    cap_us: int
    jitter: Literal["full", "none"]
    retry_after: bool


@frozen
class Counter:
    """How often an edge was taken, from 0 to `cap`, since state `per` was last entered; per run if None.

    A counter of a retry or of a re-ask has its own state as `per`: it counts per visit.
    """

    name: str
    cap: int
    per: str | None


@frozen
class Transition:
    """One way from a state, on one outcome.

    Attributes:
        source: The state that is left, or stayed in.
        on: The outcome that leads here. A choice and a wait have `success` alone.
        label: The label of a labelled success; `arm_1`, `arm_2`, … for the arms of a choice.
        kind: What this edge is to a reader: one of the five transition kinds, `unknown` or `exceeded`.
        target: The state that is entered.
        below: The counters that must be below their caps, in order; taking the edge adds 1 to each.
        when: The guard of a choice's arm.
        pause: The pause of a retry.
        same_visit: Whether this is another attempt in the same visit: a retry or a re-ask.
        feedback: Whether complaints go along to the target's visit.
        used_up: The counter whose cap this edge is the way out of, if it is one.
    """

    source: str
    on: Outcome
    label: str | None
    kind: Kind
    target: str
    below: tuple[str, ...] = ()
    when: Guard | None = None
    pause: Backoff | None = None
    same_visit: bool = False
    feedback: bool = False
    used_up: str | None = None

    @property
    def name(self) -> str:
        """What leaves the state, as policies name it: a label or a kind."""
        return self.label if self.label is not None and self.kind == "success" else self.kind


@frozen(kw_only=True)
class Model:
    """What a state asks of a model, in one wire call.

    Attributes:
        model: The model, by the name that its endpoint has for it.
        prompt: The file of the prompt, from the spec's folder.
        system: The file of the system message, likewise.
        max_tokens: The longest answer.
        temperature: How freely it chooses its words, as exact decimal text.
        format: How it answers: in JSON of the shape of the output, in a JSON object, in words, or by a call
            of a tool.
        price: What a million tokens cost that are read, and written, in micro-dollars.
        tools: The tools that it chooses from, by label, with the type of what each takes.
        options: What else the endpoint is told, by name, as JSON.
    """

    model: str
    prompt: str
    system: str | None
    max_tokens: int
    temperature: str | None
    format: Literal["schema", "object", "text", "tools"]
    price: tuple[int, int] | None
    tools: tuple[tuple[str, TypeExpr | None], ...] = ()
    options: tuple[tuple[str, str], ...] = ()


@frozen(kw_only=True)
class Callee:
    """What a workflow that runs another one must know of it.

    Attributes:
        name: The workflow's name.
        digest: The digest of its machine.
        input: The type of what a run is given.
        output: The type of what a run gives.
        most: The most that one run uses: its own caps, or what is proved where it has none; None where
            nothing bounds it.
        asks: Whether it, or a workflow that it runs, asks a person.
        acts: Whether it, or a workflow that it runs, acts under a key that is another one in another run.
    """

    name: str
    digest: str
    input: TypeExpr | None = None
    output: TypeExpr | None = None
    most: Caps = Caps()
    asks: bool = False
    acts: bool = False


@frozen(kw_only=True)
class Children:
    """The runs of other workflows that a state starts in the place of a step.

    Attributes:
        kind: `call` runs one child on the state's arguments; `map` one for each of the argument `items`;
            `parallel` one for each argument, by its name.
        callees: The workflows, by the names of the arguments that are their inputs; for `call` and `map`
            the one workflow, by its own name.
        at_most: The most children of a `map`; otherwise how many there are.
        width: How many run at a time.
        tolerate: How many may fail.
    """

    kind: Literal["call", "map", "parallel"]
    callees: Mapping[str, Callee]
    at_most: int
    width: int
    tolerate: int


@frozen(kw_only=True)
class Work:
    """A state that calls a step, asks a model, or runs children.

    `value` is the name that its output goes by; `labels` is None where success has none. `call` is empty
    where `model` says what is asked, or `children` what is run. An attempt is one step, and those of its
    children: `cost.steps` is the most that there are of them. `secret` holds the ways to what no trace may
    hold: `input.card` is in the argument `card`, and `output` is all that comes of it.
    """

    name: str
    title: str
    reserve: bool
    call: str
    arguments: tuple[tuple[str, Template], ...]
    value: str
    gives: TypeExpr | None
    accept: tuple[str, ...]
    cost: Resources
    timeout_us: int | None
    effect: Effect | None
    key: Template | None
    inline: bool
    labels: tuple[str, ...] | None
    model: Model | None = None
    children: Children | None = None
    secret: tuple[str, ...] = ()

    @property
    def steps(self) -> int:
        """The most steps that one attempt counts as: itself, and those of its children."""
        return 1 + self.cost.steps

    @property
    def needs(self) -> Resources:
        """What there must be room for before an attempt begins: all that it may use, and any time at all."""
        return self.cost + Resources(steps=1, time_us=1)

    @property
    def tools(self) -> Mapping[str, TypeExpr | None]:
        """The type of what each tool takes, by label; empty where no model calls one."""
        return {} if self.model is None else dict(self.model.tools)


@frozen(kw_only=True)
class Ask:
    """A state that asks a person. It uses no resource; its time is on no ledger.

    `arguments` are what the person sees; `value` is the name that the answer goes by. `labels` is None
    where the answer is a value of the type `gives` alone.
    """

    name: str
    title: str
    reserve: bool
    question: str
    role: str
    arguments: tuple[tuple[str, Template], ...]
    value: str
    gives: TypeExpr | None
    labels: tuple[str, ...] | None
    timeout_us: int | None
    secret: tuple[str, ...] = ()


@frozen(kw_only=True)
class Choice:
    """A state that takes the first of its arms whose guard holds, at once."""

    name: str
    title: str
    reserve: bool


@frozen(kw_only=True)
class Wait:
    """A state that pauses."""

    name: str
    title: str
    reserve: bool
    duration_us: int

    @property
    def needs(self) -> Resources:
        """What there must be room for before it begins."""
        return Resources(time_us=self.duration_us)


@frozen(kw_only=True)
class End:
    """A state in which a run has ended."""

    name: str
    title: str
    kind: EndKind
    output: Template
    secret: tuple[str, ...] = ()


State = Work | Ask | Choice | Wait | End


@frozen(kw_only=True)
class Policy:
    """A rule that every run keeps: a Dwyer pattern over events `state` or `state.outcome`."""

    pattern: Literal["never", "always", "at_most", "before", "after"]
    event: str
    visit: str | None = None
    limit: int | None = None
    between: tuple[str, str] | None = None


@define(frozen=True, kw_only=True, slots=False)
class Machine:
    """A whole workflow, resolved. States stand in the order written; the built-in end, if any, last.

    `secret` holds the ways to what of the input no trace may hold: `input.card`.
    """

    name: str
    title: str
    input: TypeExpr | None
    output: TypeExpr | None
    start: str
    caps: Caps
    exceeded: str
    reserve: Resources
    states: Mapping[str, State]
    counters: Mapping[str, Counter]
    transitions: tuple[Transition, ...]
    policies: tuple[Policy, ...] = ()
    prices: Mapping[str, tuple[int, int]] = field(factory=dict)
    profiles: Mapping[str, Mapping[str, str]] = field(factory=dict)
    secret: tuple[str, ...] = ()

    @cached_property
    def outgoing(self) -> Mapping[str, tuple[Transition, ...]]:
        """The transitions of each state, in order."""
        ways: dict[str, list[Transition]] = {name: [] for name in self.states}
        for transition in self.transitions:
            ways[transition.source].append(transition)
        return {name: tuple(found) for name, found in ways.items()}

    def ways(self, state: str, on: Outcome, label: str | None = None) -> tuple[Transition, ...]:
        """Give the transitions from `state` on an outcome, in the order in which they are tried."""
        return self._by_outcome.get((state, on, label), ())

    def successes(self, state: str) -> tuple[Transition, ...]:
        """Give the transitions from `state` on success, whatever their label."""
        return tuple(way for way in self.outgoing[state] if way.on == "success")

    @cached_property
    def _by_outcome(self) -> Mapping[tuple[str, Outcome, str | None], tuple[Transition, ...]]:
        ways: dict[tuple[str, Outcome, str | None], list[Transition]] = {}
        for t in self.transitions:
            ways.setdefault((t.source, t.on, t.label), []).append(t)
        return {key: tuple(found) for key, found in ways.items()}

    @cached_property
    def resets(self) -> Mapping[str, tuple[str, ...]]:
        """The counters that entering each state sets back to 0."""
        found: dict[str, list[str]] = {name: [] for name in self.states}
        for counter in self.counters.values():
            if counter.per is not None:
                found[counter.per].append(counter.name)
        return {name: tuple(names) for name, names in found.items()}

    @cached_property
    def digest(self) -> str:
        """The SHA-256, in hex, of what the machine means: without titles, profiles or code."""
        return hashlib.sha256(canonical(self).encode("ascii")).hexdigest()


def canonical(machine: Machine) -> str:
    """Write `machine` as JSON whose bytes depend on its meaning, and on the order of its transitions.

    Certificates and coverage call transitions by their number, so another order is another digest.
    """
    return _FORM.written(machine)


_FORM = Form(
    untagged=frozenset({Machine, Resources, Caps}),
    never={
        Machine: frozenset({"title", "profiles"}),
        **dict.fromkeys((Work, Ask, Choice, Wait, End), frozenset({"title"})),
    },
    # What is secret belongs to the meaning, so that a run which is taken up years later still keeps it. But
    # machines without secrets, models, tools or children are written as they were before some had any.
    unless_set={
        Machine: frozenset({"secret"}),
        Work: frozenset({"secret", "model", "children"}),
        Ask: frozenset({"secret"}),
        End: frozenset({"secret"}),
        Model: frozenset({"tools", "options"}),
    },
)
