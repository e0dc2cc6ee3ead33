"""What two machines say differently.

A machine is written out as facts, each under a key; machines mean the same where their facts are the
same. States are matched by name, ways out of them by what they are taken on, arms of a choice by their
guard: neither the order of states nor the names of counters matters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, assert_never

from attrs import evolve, frozen

from fsmflow.analysis.policies import spoken
from fsmflow.analysis.proving.counter_machine import METRICS, Metric
from fsmflow.analysis.terms import written_guard, written_template
from fsmflow.expressions import ITEM, DictTemplate, EachTemplate, Reference
from fsmflow.machine import (
    BUILTIN_END,
    Ask,
    Backoff,
    Children,
    Choice,
    End,
    Machine,
    Model,
    State,
    Transition,
    Wait,
    Work,
)

Topic = Literal["workflow", "budget", "state", "transition", "cap", "contract", "policy", "price"]
Sign = Literal["added", "removed", "changed", "renamed"]
Said = int | str

ANOTHER_ATTEMPT = "another attempt"
"""Where a retry and a re-ask lead: they stay in their state's visit."""

NOWHERE = "no state"
"""Where a way leads that names no state that there is: not to the end of the budget, which stands in."""

ITSELF = "workflow"
"""What the digest is called of a workflow that a state runs: it differs where the workflow itself does."""

ORDER = "order"
"""The aspect of a choice that says in which order its arms are tried."""


@frozen
class Key:
    """What a fact is about.

    Attributes:
        topic: The part of the language.
        state: The state, if it is about one.
        kind: The kind of transition, if it is about one.
        name: The label of a transition or the guard of an arm, if it has one; else what an author calls it,
            as `timeout`.
        aspect: What of it: `at its cap`, `backoff`; `tokens` of a `cost`. Empty for the thing itself.
        metric: What an amount is of; time is in microseconds and money in micro-dollars.
    """

    topic: Topic
    state: str = ""
    kind: str = ""
    name: str = ""
    aspect: str = ""
    metric: Metric | None = None


@frozen
class Change:
    """A fact that differs; None where there is none."""

    key: Key
    before: Said | None
    after: Said | None

    @property
    def sign(self) -> Sign:
        """Tell what kind of change it is."""
        if self.before is None:
            return "added"
        if self.after is None:
            return "removed"
        return "renamed" if self.key.topic == "state" and self.key.name == "name" else "changed"


def changes(old: Machine, new: Machine) -> tuple[Change, ...]:
    """Give what differs, in the order of the new machine; states that are gone from it come last.

    Args:
        old: A machine, with its states named as in the new one where they were renamed.
        new: The machine to compare it with.
    """
    before, after = dict(_facts(old)), dict(_facts(new))
    place = {name: number for number, name in enumerate(dict.fromkeys(("", *new.states, *old.states)))}
    told = [
        Change(key, before.get(key), after.get(key))
        for key in dict.fromkeys((*after, *before))
        if before.get(key) != after.get(key)
    ]
    news = (c for c in told if not _follows_from_its_arms(c) and not _follows_from_its_name(c))
    return tuple(sorted(news, key=lambda change: place[change.key.state]))


def _follows_from_its_arms(change: Change) -> bool:
    """Tell whether arms are tried in another order only in that one took the place of another."""
    if change.key.aspect != ORDER or change.before is None or change.after is None:
        return False
    before, after = str(change.before).split("; "), str(change.after).split("; ")
    kept = set(before) & set(after)
    return len(before) == len(after) and all(
        a == b or (a not in kept and b not in kept) for a, b in zip(before, after, strict=True)
    )


def _follows_from_its_name(change: Change) -> bool:
    """Tell whether another workflow is run, and so not the same one in another version."""
    return change.key.topic == "contract" and change.key.name == ITSELF and change.sign != "changed"


def _facts(machine: Machine) -> Iterator[tuple[Key, Said]]:
    """Give every fact of `machine` that bears on its meaning."""
    yield from _of_the_workflow(machine)
    for state in machine.states.values():
        if state.name != BUILTIN_END or not isinstance(state, End):
            yield Key("state", state.name), _kind(state)
            yield from _contract(state)
            yield from _ways(machine, state)
    numbers: Counter[str] = Counter()
    for policy in machine.policies:
        name = spoken(evolve(policy, limit=0))
        numbers[name] += 1
        yield Key("policy", name=name, aspect=_numbered(numbers[name])), spoken(policy)
    for model, prices in machine.prices.items():
        for aspect, price in zip(("input", "output"), prices, strict=True):
            yield Key("price", name=model, aspect=aspect, metric="micro_usd"), price


def _of_the_workflow(machine: Machine) -> Iterator[tuple[Key, Said]]:
    yield Key("workflow", name="name"), machine.name
    for name, given in (("input", machine.input), ("output", machine.output)):
        if given is not None:
            yield Key("workflow", name=name), str(given)
    if machine.secret:
        yield Key("workflow", name="secret"), ", ".join(machine.secret)
    yield Key("workflow", name="start"), machine.start
    for metric, cap in zip(METRICS[1:], machine.caps.amounts(), strict=True):
        if cap is not None:
            yield Key("budget", name=metric, metric=metric), cap
    if machine.exceeded != BUILTIN_END:
        yield Key("budget", name="exceeded"), machine.exceeded


def _kind(state: State) -> str:
    match state:
        case Work(children=Children(kind=kind)):
            return kind
        case Work():
            return "step"
        case Ask():
            return "question"
        case Choice():
            return "choice"
        case Wait():
            return "wait"
        case End(kind=kind):
            return f"end: {kind}"
        case _:
            assert_never(state)


def _contract(state: State) -> Iterator[tuple[Key, Said]]:
    """Give what a state promises, and what it is given."""

    def key(name: str, aspect: str = "", metric: Metric | None = None) -> Key:
        return Key("contract", state.name, "", name, aspect, metric)

    match state:
        case Work():
            yield from ((key(*what), said) for what, said in _does(state))
            if state.value != state.name:
                yield key("as"), state.value
            if state.gives is not None:
                yield key("gives"), str(state.gives)
            if state.accept:
                yield key("accept"), ", ".join(state.accept)
            for metric, amount in zip(METRICS[1:], state.cost.amounts(), strict=True):
                if amount:
                    yield key("cost", metric, metric), amount
            if state.timeout_us is not None:
                # Nobody says how long children may take: it is what they may take themselves.
                time = ("timeout", "") if state.children is None else ("cost", "microseconds")
                yield key(*time, metric="microseconds"), state.timeout_us
            if state.effect is not None:
                yield key("effect"), state.effect
            if state.key is not None:
                yield key("key"), written_template(state.key)
            if state.inline:
                yield key("inline"), "true"
        case Ask():
            yield key("ask"), state.question
            for name, template in state.arguments:
                yield key("show", name), written_template(template)
            if state.role:
                yield key("role"), state.role
            if state.value != state.name:
                yield key("as"), state.value
            if state.gives is not None:
                yield key("gives"), str(state.gives)
            if state.timeout_us is not None:
                yield key("timeout", metric="microseconds"), state.timeout_us
        case Wait(duration_us=duration):
            yield key("wait", metric="microseconds"), duration
        case End(output=output):
            yield key("output"), written_template(output)
        case Choice():
            pass
        case _:
            assert_never(state)
    if not isinstance(state, End) and state.reserve:
        yield key("reserve"), "true"
    if isinstance(state, Work | Ask | End) and state.secret:
        yield key("secret"), ", ".join(state.secret)


def _does(state: Work) -> Iterator[tuple[tuple[str, str], Said]]:
    """Give what a state calls, asks or runs, and on what."""
    if state.children is not None:
        yield from _run(state.children)
    elif state.model is None:
        yield ("run", ""), state.call
    else:
        yield from (((name, ""), said) for name, said in _asked(state.model))
        yield from ((("options", name), said) for name, said in state.model.options)
    for name, template in state.arguments:
        if isinstance(template, EachTemplate):
            yield from _of_each(template)
        else:
            yield ("with", name), written_template(template)


def _run(children: Children) -> Iterator[tuple[tuple[str, str], Said]]:
    """Give which workflows a state runs, in which version, and how."""
    for name, callee in children.callees.items():
        yield ("branch", name) if children.kind == "parallel" else (children.kind, ""), callee.name
    for callee in children.callees.values():
        yield (ITSELF, callee.name), callee.digest
    if children.kind == "map":
        yield ("at_most", ""), children.at_most
        yield ("width", ""), children.width
        yield ("tolerate", ""), children.tolerate


def _of_each(items: EachTemplate) -> Iterator[tuple[tuple[str, str], Said]]:
    """Give what a map goes over, and what it makes of each item."""
    yield ("over", ""), written_template(items.over)
    match items.item:
        case Reference(root=root, path=()) if root == ITEM:
            pass
        case DictTemplate(items=pairs):
            for name, template in pairs:
                yield ("with", name), written_template(template)
        case _:
            yield ("with", ""), written_template(items.item)


def _asked(model: Model) -> Iterator[tuple[str, Said]]:
    """Give what a state asks of a model. What the model costs is told under its price."""
    yield "model", model.model
    yield "prompt", model.prompt
    if model.system is not None:
        yield "system", model.system
    yield "max_tokens", model.max_tokens
    if model.temperature is not None:
        yield "temperature", model.temperature
    yield "format", model.format


def _ways(machine: Machine, state: State) -> Iterator[tuple[Key, Said]]:
    """Give where each way out of a state leads, under which caps and after which pauses."""
    arms = _arms(machine.outgoing[state.name]) if isinstance(state, Choice) else {}
    found: dict[Key, list[Said]] = {}
    for way in machine.outgoing[state.name]:
        if way.kind == "exceeded":
            continue
        for key, said in _of_a_way(machine, way, arms):
            found.setdefault(key, []).append(said)
    for key, all_said in found.items():
        different = list(dict.fromkeys(all_said))
        yield key, different[0] if len(different) == 1 else "; ".join(map(str, different))
    if len(arms) > 1:
        yield Key("transition", state.name, name="arms", aspect=ORDER), "; ".join(arms.values())


def _of_a_way(
    machine: Machine, way: Transition, arms: Mapping[str | None, str]
) -> Iterator[tuple[Key, Said]]:
    # The way out of a cap is a part of the way that is capped.
    counted = way if way.used_up is None else _counted(machine, way.source, way.used_up)
    name = arms.get(counted.label) or counted.label or ""

    def key(aspect: str, metric: Metric | None = None, topic: Topic = "transition") -> Key:
        return Key(topic, way.source, counted.kind, name, aspect, metric)

    target = NOWHERE if way.target == BUILTIN_END else way.target
    if way.used_up is not None:
        yield key("at its cap"), target
        return

    yield key(""), ANOTHER_ATTEMPT if way.same_visit else target
    for counter in map(machine.counters.__getitem__, way.below):
        yield key("", topic="cap"), counter.cap
        if counter.per != (way.source if way.same_visit else None):
            yield key("counted per", topic="cap"), counter.per or "run"
    if way.pause is not None:
        yield from ((key(*aspect), said) for aspect, said in _of_a_pause(way.pause))


def _counted(machine: Machine, state: str, counter: str) -> Transition:
    return next(way for way in machine.outgoing[state] if counter in way.below)


def _of_a_pause(pause: Backoff) -> Iterator[tuple[tuple[str, Metric | None], Said]]:
    yield ("backoff", "microseconds"), pause.first_us
    yield ("factor", None), f"{pause.factor:g}"
    yield ("longest pause", "microseconds"), pause.cap_us
    yield ("jitter", None), pause.jitter
    if pause.retry_after:
        yield ("heeds Retry-After", None), "true"


def _arms(ways: Iterable[Transition]) -> dict[str | None, str]:
    """Name the arms of a choice by their guards, by label and in order."""
    names: dict[str | None, str] = {}
    numbers: Counter[str] = Counter()
    for way in ways:
        if way.kind == "success" and way.label not in names:
            guard = "otherwise" if way.when is None else f"when {written_guard(way.when)}"
            numbers[guard] += 1
            names[way.label] = guard + (_numbered(numbers[guard]) and f" ({_numbered(numbers[guard])})")
    return names


def _numbered(number: int) -> str:
    """Number what comes again under the same name."""
    return "" if number == 1 else str(number)
