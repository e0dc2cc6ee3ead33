"""A machine as a reader sees it: kinds of steps, kinds of ways between them, and every bound.

This is plain data; `graphviz` and `mermaid` draw it. Success runs down a spine, what goes back stands
left of it, what leaves it stands right. Retry and re-ask are words in a step, not loops beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Literal, assert_never, get_args

from attrs import frozen

from fsmflow.analysis.proof import Proof
from fsmflow.analysis.terms import written_guard
from fsmflow.backends import _flow
from fsmflow.backends._wording import count, duration, money, pause, plain
from fsmflow.backends.verdict import Verdict, verdict, worst_case
from fsmflow.machine import (
    BUILTIN_END,
    Ask,
    Caps,
    Children,
    Choice,
    End,
    Machine,
    State,
    Transition,
    Wait,
    Work,
)

Step = Literal["llm", "tool", "fn", "human", "map", "parallel", "call", "choose", "wait"]
Role = Step | Literal["success", "degraded", "handoff", "failed"]
Look = Literal["success", "branch", "loop", "fallback", "error", "budget"]

Lane = Literal["loop", "spine", "aside"]

_FAILED, _NOT_ANSWERED = "failed", "no answer"
"""Why a fallback is taken: a step fails, a person does not answer."""

LONGEST_NAME = 28
LONGEST_LABEL = 32
LONGEST_TITLE = 200


@frozen
class Card:
    """A workflow that a state runs: what its run is called there, if anything, and its name."""

    key: str
    workflow: str


@frozen
class Node:
    """A state as it is drawn.

    Attributes:
        name: The state's name, in full.
        role: What kind of step or end it is.
        title: The author's words on it, on one line.
        question: What a person is asked there, on one line.
        facts: What one attempt may take: its time, its cost, its effect; who is asked, how many are run.
        cards: The workflows that it runs.
        policy: What happens within the state: retries, re-asks, whether its cost is set aside.
        contract: What is promised of it: the type that it gives, what accepts that, its effect.
        lane: Where it stands: on the path of success, on a way that leads back to it, or aside.
    """

    name: str
    role: Role
    title: str = ""
    question: str = ""
    facts: tuple[str, ...] = ()
    cards: tuple[Card, ...] = ()
    policy: tuple[str, ...] = ()
    contract: tuple[str, ...] = ()
    lane: Lane = "aside"


@frozen
class Reason:
    """Why a way is taken, and how often it may be: `ungrounded`, `≤2`."""

    text: str = ""
    bound: str = ""


@frozen
class Edge:
    """All the ways from one state to another that look alike.

    Attributes:
        source: The state that is left.
        target: The state that is entered.
        look: How it is drawn; a `loop` leads back, `error` covers ways to a failed end.
        reasons: Why it is taken, in the order tried.
    """

    source: str
    target: str
    look: Look
    reasons: tuple[Reason, ...] = ()


@frozen(kw_only=True)
class Diagram:
    """A whole drawing. Nodes and edges stand in the order in which they are laid out.

    Attributes:
        name: The name of the workflow.
        title: What it is for, on one line.
        budget: The caps of a run.
        worst_case: The most that a run can use, where that is known and bounded.
        verdict: How the worst case compares with the budget.
        start: The first state.
        exceeded: Where a run goes whose budget is used up; None where there is no cap.
        nodes: The states.
        edges: The ways between them.
    """

    name: str
    title: str
    budget: tuple[str, ...]
    worst_case: str | None
    verdict: Verdict | None
    start: str
    exceeded: str | None
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    @property
    def legend(self) -> tuple[Look, ...]:
        """The looks that are present; branches look like what everyone expects of an arrow."""
        present = {edge.look for edge in self.edges} | ({"budget"} if self.exceeded else set())
        return tuple(look for look in get_args(Look) if look in present and look != "branch")


def extract(machine: Machine, proof: Proof | None = None) -> Diagram:
    """Draw up the diagram of `machine`, and what is proved of it.

    Every transition is in it: between states as an edge, within a state as a part of its policy, and on
    a budget that is used up as the one way to `exceeded`. Only the ways that cannot be taken are left
    out: those from a state whose cost is set aside to the built-in end.
    """
    ways = _flow.moves(machine)
    order = _flow.breadth_first(machine, ways)
    spine = _flow.spine(machine, ways)
    edges = _edges(machine, order, spine, ways)
    lanes = _lanes(order, spine, ways)
    capped = any(cap is not None for cap in machine.caps.amounts())
    exceeded = machine.exceeded if capped and machine.exceeded in machine.states else None
    drawn = {machine.start, exceeded} | {edge.target for edge in edges}
    return Diagram(
        name=machine.name,
        title=plain(machine.title, LONGEST_TITLE),
        budget=_caps(machine.caps),
        worst_case=None if proof is None else worst_case(proof),
        verdict=None if proof is None else verdict(proof),
        start=machine.start,
        exceeded=exceeded,
        nodes=tuple(
            _node(machine, machine.states[name], lanes[name])
            for name in order
            if name in drawn or name != BUILTIN_END
        ),
        edges=edges,
    )


def _lanes(
    order: Sequence[str], spine: Sequence[str], ways: Mapping[str, Sequence[Transition]]
) -> dict[str, Lane]:
    component = _flow.components(order, ways)
    looping = {component[name] for name in spine}
    lanes: dict[str, Lane] = {name: "loop" if component[name] in looping else "aside" for name in order}
    lanes.update(dict.fromkeys(spine, "spine"))
    return lanes


def _caps(caps: Caps) -> tuple[str, ...]:
    words = (
        None if caps.micro_usd is None else money(caps.micro_usd),
        None if caps.time_us is None else duration(caps.time_us),
        None if caps.steps is None else count(caps.steps, "step"),
        None if caps.tool_calls is None else count(caps.tool_calls, "tool call"),
        None if caps.tokens is None else count(caps.tokens, "token"),
    )
    return tuple(word for word in words if word is not None)


def _node(machine: Machine, state: State, lane: Lane) -> Node:
    return Node(
        name=state.name,
        role=_role(state),
        title=plain(state.title, LONGEST_TITLE),
        question=plain(state.question, LONGEST_TITLE) if isinstance(state, Ask) else "",
        facts=_facts(state),
        cards=_cards(state),
        policy=_policy(machine, state),
        contract=_contract(state),
        lane=lane,
    )


def _role(state: State) -> Role:
    match state:
        case Ask():
            return "human"
        case Work(children=Children(kind=kind)):
            return kind
        case Work(cost=cost, model=model):
            if cost.tokens or model is not None:
                return "llm"
            if cost.tool_calls:
                return "tool"
            return "llm" if cost.micro_usd else "fn"
        case Choice():
            return "choose"
        case Wait():
            return "wait"
        case End(kind=kind):
            return kind
        case _:
            assert_never(state)


def _facts(state: State) -> tuple[str, ...]:
    match state:
        case Ask(role=role, timeout_us=timeout_us):
            waits = "" if timeout_us is None else f"waits ≤{duration(timeout_us)}"
            return tuple(word for word in (plain(role, LONGEST_NAME), waits) if word)
        case Work(children=Children() as children):
            return (*_fan(children), *_slices(state, children))
        case Work(cost=cost):
            called = state.call.rpartition(":")[2] if state.model is None else state.model.model
            words = (
                plain(called, LONGEST_NAME) if called != state.name else "",
                duration(state.timeout_us) if state.timeout_us is not None else "",
                money(cost.micro_usd) if cost.micro_usd else "",
                count(cost.tokens, "token") if cost.tokens else "",
                count(cost.tool_calls, "tool call") if cost.tool_calls else "",
                {"once": "acts once", "idempotent": "acts"}.get(state.effect or "", ""),
            )
            return tuple(word for word in words if word)
        case Wait(duration_us=duration_us):
            return (duration(duration_us),)
        case Choice() | End():
            return ()
        case _:
            assert_never(state)


def _fan(children: Children) -> tuple[str, ...]:
    """Word how many children a map runs, how many of them at a time, and how many may fail."""
    if children.kind != "map":
        return ()
    failing = f"tolerates {children.tolerate:,}" if children.tolerate else ""
    words = (f"≤{count(children.at_most, 'item')}", f"{children.width:,} at a time", failing)
    return tuple(word for word in words if word)


def _slices(state: Work, children: Children) -> tuple[str, ...]:
    """Word what is set aside for the children: for so many that are alike, what one of them may take."""
    several = children.kind == "map" and children.at_most > 1
    rounds = -(-children.at_most // children.width)
    cost = state.cost

    def slice_(amount: int, times: int, worded: Callable[[int], str]) -> str:
        if not amount:
            return ""
        return f"{times:,} × {worded(amount // times)}" if several and times > 1 else worded(amount)

    words = (
        slice_(state.timeout_us or 0, rounds, duration),
        slice_(cost.micro_usd, children.at_most, money),
        slice_(cost.tokens, children.at_most, lambda tokens: count(tokens, "token")),
        slice_(cost.tool_calls, children.at_most, lambda calls: count(calls, "tool call")),
        slice_(cost.steps, children.at_most, lambda steps: count(steps, "step")),
    )
    return tuple(word for word in words if word)


def _cards(state: State) -> tuple[Card, ...]:
    if not isinstance(state, Work) or state.children is None:
        return ()
    keyed = state.children.kind == "parallel"
    return tuple(
        Card(plain(key, LONGEST_NAME) if keyed else "", plain(callee.name, LONGEST_NAME))
        for key, callee in state.children.callees.items()
    )


def _contract(state: State) -> tuple[str, ...]:
    if isinstance(state, Ask):
        filled_in = f"gives {state.gives}" if state.gives is not None else ""
        return (plain(filled_in, LONGEST_TITLE),) if filled_in else ()
    if not isinstance(state, Work):
        return ()
    accept = ", ".join(function.rpartition(":")[2] for function in state.accept)
    words = (
        f"gives {state.gives}" if state.gives is not None else "",
        f"accepted by {accept}" if accept else "",
        f"effect {state.effect}" if state.effect else "",
    )
    return tuple(plain(word, LONGEST_TITLE) for word in words if word)


def _policy(machine: Machine, state: State) -> tuple[str, ...]:
    """Word what stays in the state: further attempts, arms to itself, and a cost that is set aside."""
    words: list[str] = []
    for way in machine.outgoing[state.name]:
        if way.target != state.name or way.kind == "exceeded":
            continue
        bound = _bound(machine, way)
        if not way.same_visit:
            words.append(f"↑ {reason_of(machine, way).text or 'again'} {bound}".rstrip())
        elif way.kind == "retry":
            words.append(f"retry {bound}".rstrip())
            if way.pause is not None and way.pause.first_us:
                words.append(pause(way.pause, _least_cap(machine, way)))
        else:
            words.append(f"re-ask {bound}".rstrip())
    if not isinstance(state, End) and state.reserve:
        words.append("reserved")
    return tuple(dict.fromkeys(words))


def _edges(
    machine: Machine,
    order: Sequence[str],
    spine: Sequence[str],
    ways: Mapping[str, Sequence[Transition]],
) -> tuple[Edge, ...]:
    """Join the ways that look alike, and put them in the order in which they are laid out."""
    back = _flow.backward(order, spine, ways)
    component = _flow.components(order, ways)
    onward = set(pairwise(spine))
    reasons: dict[tuple[str, str, Look], list[Reason]] = {}
    for name in order:
        for way in machine.outgoing[name]:
            if way.target == name or not _is_drawn(machine, way):
                continue
            pair = (name, way.target)
            look = "loop" if pair in back else look_of(machine, way, pair in onward)
            reasons.setdefault((*pair, look), []).append(reason_of(machine, way))
    place = {name: number for number, name in enumerate(order)}
    edges = [Edge(source, target, look, _told(found)) for (source, target, look), found in reasons.items()]

    def layout(edge: Edge) -> tuple[int, int, int]:
        if edge.look == "loop":
            return (place[edge.target], -1, place[edge.source])
        returns = edge.look == "branch" and component[edge.source] == component[edge.target]
        return (place[edge.source], 0 if returns else 1 + get_args(Look).index(edge.look), 0)

    return tuple(sorted(edges, key=layout))


def _is_drawn(machine: Machine, way: Transition) -> bool:
    """Whether a way has an edge of its own, rather than its part in the way from any step to `exceeded`."""
    if way.kind != "exceeded":
        return True
    state = machine.states[way.source]
    set_aside = not isinstance(state, End) and state.reserve and way.target == BUILTIN_END
    return way.target != machine.exceeded and not set_aside


def look_of(machine: Machine, way: Transition, on_spine: bool) -> Look:
    """Tell how a way between two states is drawn."""
    if way.kind == "exceeded":
        return "budget"
    if way.kind == "success" and way.used_up is None and on_spine:
        return "success"
    target = machine.states[way.target]
    if way.kind == "unknown" or (isinstance(target, End) and target.kind == "failed"):
        return "error"
    return "branch" if way.kind == "success" and way.used_up is None else "fallback"


def reason_of(machine: Machine, way: Transition) -> Reason:
    """Word why a way is taken, and how often it may be."""
    bound = _bound(machine, way)
    if way.used_up is not None:
        return Reason(_used_up(machine, way, way.used_up), bound)
    match way.kind:
        case "success":
            return Reason(_label(machine, way), bound)
        case "fallback" | "retry":
            asked = isinstance(machine.states[way.source], Ask)
            return Reason(_NOT_ANSWERED if asked else _FAILED, bound)
        case "invalid":
            return Reason("invalid", bound)
        case "unknown":
            return Reason("result unknown", bound)
        case "exceeded":
            return Reason("budget", bound)
        case _:
            assert_never(way.kind)


def _used_up(machine: Machine, way: Transition, counter: str) -> str:
    for other in machine.outgoing[way.source]:
        if counter in other.below and other.same_visit:
            return "retries used up" if other.kind == "retry" else "still invalid"
    return "cap reached"


def _label(machine: Machine, way: Transition) -> str:
    """Word a success: its label, or the guard of a choice's arm."""
    if not isinstance(machine.states[way.source], Choice):
        return plain(way.label or "", LONGEST_LABEL)
    return "otherwise" if way.when is None else plain(written_guard(way.when), LONGEST_LABEL)


def _bound(machine: Machine, way: Transition) -> str:
    """Word the caps of a way: `≤2`, or `≤2 per plan` where each visit of `plan` counts anew."""
    words = []
    for name in way.below:
        counter = machine.counters[name]
        scope = "" if counter.per in (way.source, None) else f" per {plain(counter.per or '', LONGEST_NAME)}"
        if way.same_visit and counter.per is None:
            scope = " per run"
        words.append(f"≤{counter.cap:,}{scope}")
    return ", ".join(words)


def _least_cap(machine: Machine, way: Transition) -> int:
    return min((machine.counters[name].cap for name in way.below), default=1)


def _told(reasons: Sequence[Reason]) -> tuple[Reason, ...]:
    """Say each reason once, and none that another one covers.

    A state that has failed has used up its retries and re-asks, and what is taken on success as well
    as on failure needs no reason.
    """
    told = dict.fromkeys(reasons)
    if any(reason.text == _FAILED for reason in told):
        told = {r: None for r in told if r.text not in ("retries used up", "still invalid")}
    if Reason() in told:
        told = {r: None for r in told if r not in (Reason(_FAILED), Reason(_NOT_ANSWERED))}
    return tuple(reason for reason in told if reason != Reason())
