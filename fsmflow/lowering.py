"""From what the author said to what it means: names resolved, shorthands turned into transitions.

Lowering is total. Where a spec says something impossible, such as a target that is no state, it
takes the likeliest meaning and goes on, so that every check can still look at the whole machine;
each such repair is a fault that a check of its own reports, and nothing is built from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from attrs import define, field

from fsmflow import machine as ir
from fsmflow import spec
from fsmflow.diagnostics import nearest
from fsmflow.expressions import Constant, Guard, Path, Template, Within, parse_guard, parse_template
from fsmflow.machine import BUILTIN_END, Backoff, Caps, Counter, Kind, Machine, Outcome, Resources, Transition
from fsmflow.source import Real
from fsmflow.typeexpr import TypeExpr, parse_type

MAX_GUESSES = 100
"""How many wrong names are taken for the nearest right one."""

# What an unreadable guard becomes: a condition of which nothing is known and that never holds.
_NEVER: Guard = Within(Path("input"), ())


def lower(workflow: spec.Workflow) -> Machine:
    """Give the machine that `workflow` means; `workflow` has at least one state."""
    states = {name: _state(name, state, workflow.prices) for name, state in workflow.states.items()}
    names = _Names(states)
    edges = _Edges(names, _exceeded(workflow, names))
    for name, state in workflow.states.items():
        edges.leave(name, state, capped=_caps(workflow.budget) != Caps())
    if any(t.target == BUILTIN_END for t in edges.transitions) and BUILTIN_END not in states:
        states[BUILTIN_END] = ir.End(
            name=BUILTIN_END, title="The budget left no other way.", kind="failed", output=Constant(None)
        )
    return Machine(
        name=workflow.workflow,
        title=workflow.title or "",
        input=_type(workflow.input),
        output=_type(workflow.output),
        start=names.start(workflow.start),
        caps=_caps(workflow.budget),
        exceeded=edges.exceeded,
        reserve=reserve(states, edges.transitions, edges.counters),
        states=states,
        counters=edges.counters,
        transitions=tuple(edges.transitions),
        policies=tuple(p for p in map(_policy, workflow.policies) if p is not None),
        prices={m: (p.input.micro_usd, p.output.micro_usd) for m, p in workflow.prices.items()},
        profiles=workflow.profiles,
    )


@define
class _Names:
    """The states there are, and which of them a wrong name was most likely meant to be."""

    states: Mapping[str, ir.State]
    guesses: dict[str, str] = field(factory=dict)

    def resolve(self, name: str) -> str:
        if name in self.states:
            return name
        if name not in self.guesses:
            # To look for the nearest of many names is slow; past so many, a guess helps nobody.
            guess = nearest(name, self.states) if len(self.guesses) < MAX_GUESSES else None
            self.guesses[name] = guess or BUILTIN_END
        return self.guesses[name]

    def start(self, name: str | None) -> str:
        """Give the first state: the one named, else the one that is written first."""
        first = next(iter(self.states))
        if name is None or name in self.states:
            return name or first
        return nearest(name, self.states) or first

    def scope(self, per: str | None, default: str | None) -> str | None:
        """Give the state since whose entry an edge is counted; None for the whole run."""
        if per is None:
            return default
        if per == "run":
            return None
        return per if per in self.states else nearest(per, self.states)


@define
class _Edges:
    """The transitions and counters found so far."""

    names: _Names
    exceeded: str
    transitions: list[Transition] = field(factory=list)
    counters: dict[str, Counter] = field(factory=dict)

    def leave(self, name: str, state: spec.State, *, capped: bool) -> None:
        """Add every way out of one state, in the order in which outcomes are listed."""
        match state:
            case spec.Choose():
                self._choose(name, state)
            case spec.Wait():
                self._arm(name, "success", None, "success", state.success, BUILTIN_END)
            case spec.End():
                return
            case _:
                self._work(name, state)
        if capped and not isinstance(state, spec.Choose):
            target = BUILTIN_END if getattr(state, "reserve", False) else self.exceeded
            self.transitions.append(Transition(name, "exceeded", None, "exceeded", target))

    def _choose(self, name: str, state: spec.Choose) -> None:
        for number, arm in enumerate(state.choose, 1):
            target = spec.Target(to=arm.to, times=arm.times, else_=arm.else_, per=arm.per)
            when = None if arm.when is None else _guard(arm.when)
            self._arm(name, "success", f"arm_{number}", "success", target, BUILTIN_END, when)
        if not state.choose or state.choose[-1].when is not None:
            label = f"arm_{len(state.choose) + 1}"
            self.transitions.append(Transition(name, "success", label, "success", BUILTIN_END))

    def _work(self, name: str, state: spec.State) -> None:
        fallback: spec.Arm = getattr(state, "fallback", None) or BUILTIN_END
        last = fallback if isinstance(fallback, str) else fallback.to
        success = getattr(state, "success", BUILTIN_END)
        for label, arm in success.items() if isinstance(success, dict) else ((None, success),):
            self._arm(name, "success", label, "success", arm, last)
        retry: spec.Retry | None = getattr(state, "retry", None)
        if retry is not None:
            self._retry(name, retry)
        if retry is not None and retry.else_ is not None:
            self._way(name, "transient", "fallback", retry.else_, used_up=f"{name}.retry")
        else:
            self._arm(name, "transient", None, "fallback", fallback, last)
        invalid: spec.Invalid | None = getattr(state, "invalid", None)
        if invalid is not None:
            self._invalid(name, invalid)
        if invalid is not None and invalid.else_ is not None and invalid.times is not None:
            self._way(name, "invalid", "fallback", invalid.else_, used_up=f"{name}.invalid")
        elif invalid is None or invalid.times is not None:
            self._arm(name, "invalid", None, "fallback", fallback, last)
        self._arm(name, "failure", None, "fallback", fallback, last)
        unknown: spec.Arm | None = getattr(state, "unknown", None)
        if unknown is not None or getattr(state, "effect", None) == "once":
            self._arm(name, "unknown", None, "unknown", unknown or fallback, last)

    def _retry(self, name: str, retry: spec.Retry) -> None:
        pause = Backoff(
            first_us=retry.backoff.microseconds,
            factor=float(retry.factor),
            cap_us=retry.cap.microseconds,
            jitter=retry.jitter,
            retry_after=retry.retry_after,
        )
        counter = self._counter(f"{name}.retry", retry.times, self.names.scope(retry.per, name))
        self.transitions.append(
            Transition(name, "transient", None, "retry", name, (counter,), pause=pause, same_visit=True)
        )

    def _invalid(self, name: str, invalid: spec.Invalid) -> None:
        again = invalid.to is None
        below: tuple[str, ...] = ()
        if invalid.times is not None:
            scope = self.names.scope(invalid.per, name if again else None)
            below = (self._counter(f"{name}.invalid", invalid.times, scope),)
        self.transitions.append(
            Transition(
                name,
                "invalid",
                None,
                "invalid",
                name if again else self.names.resolve(invalid.to or ""),
                below,
                same_visit=again,
                feedback=not again,
            )
        )

    def _arm(
        self,
        name: str,
        on: Outcome,
        label: str | None,
        kind: Kind,
        arm: spec.Arm,
        otherwise: str,
        when: Guard | None = None,
    ) -> None:
        """Add an edge and, if it is capped, the way out of its cap."""
        target = spec.Target(to=arm) if isinstance(arm, str) else arm
        if target.times is None:
            self._way(name, on, kind, target.to, label=label, when=when)
            return
        counter = self._counter(f"{name}.{label or kind}", target.times, self.names.scope(target.per, None))
        self._way(name, on, kind, target.to, label=label, when=when, below=(counter,))
        self._way(name, on, kind, target.else_ or otherwise, label=label, when=when, used_up=counter)

    def _way(
        self,
        name: str,
        on: Outcome,
        kind: Kind,
        to: str,
        *,
        label: str | None = None,
        when: Guard | None = None,
        below: tuple[str, ...] = (),
        used_up: str | None = None,
    ) -> None:
        target = self.names.resolve(to)
        self.transitions.append(Transition(name, on, label, kind, target, below, when=when, used_up=used_up))

    def _counter(self, name: str, cap: int, per: str | None) -> str:
        self.counters[name] = Counter(name, cap, per)
        return name


def reserve(
    states: Mapping[str, ir.State], transitions: Iterable[Transition], counters: Mapping[str, Counter]
) -> Resources:
    """Give the worst-case use of the reserve region, from its dearest entry.

    The region is free of loops, so a state's worst case is that of its own visit and the greatest
    of its successors', resource by resource (longest path in a directed acyclic graph).
    """
    ways: dict[str, list[Transition]] = {n: [] for n, s in states.items() if getattr(s, "reserve", False)}
    for transition in transitions:
        if transition.source in ways:
            ways[transition.source].append(transition)
    worst: dict[str, Resources] = {}
    for name in _bottom_up(ways):
        after = Resources()
        for way in ways[name]:
            after = after.joined(worst.get(way.target, Resources()))
        worst[name] = _visit(states[name], ways[name], counters) + after
    total = Resources()
    for found in worst.values():
        total = total.joined(found)
    return total


def _visit(state: ir.State, ways: Iterable[Transition], counters: Mapping[str, Counter]) -> Resources:
    """Give the worst case of one visit to `state`: every retry and re-ask, every pause at its longest."""
    match state:
        case ir.Wait():
            return Resources(time_us=state.duration_us)
        case ir.Work():
            again = [way for way in ways if way.same_visit]
            attempts = 1 + sum(counters[way.below[0]].cap for way in again if way.below)
            once = state.cost + Resources(steps=1, time_us=state.timeout_us or 0)
            pauses = sum(longest_pauses(w.pause, counters[w.below[0]].cap) for w in again if w.pause)
            return once.scaled(attempts) + Resources(time_us=pauses)
    return Resources()


def longest_pauses(backoff: Backoff, times: int) -> int:
    """Give the longest that `times` pauses can take together, in microseconds.

    A server's Retry-After may ask for the cap each time; otherwise each pause is at most its level.
    """
    if backoff.retry_after:
        return backoff.cap_us * times
    total, level = 0, float(backoff.first_us)
    for k in range(times):
        if level >= backoff.cap_us or backoff.factor == 1:
            return total + int(min(level, backoff.cap_us)) * (times - k)
        total += int(level)
        level *= backoff.factor
    return total


def _bottom_up(ways: Mapping[str, list[Transition]]) -> list[str]:
    """Order the region's states so that successors come first; a loop is cut where it closes."""
    order: list[str] = []
    seen: set[str] = set()
    for root in ways:
        stack = [(root, iter(ways[root]))] if root not in seen else []
        seen.add(root)
        while stack:
            name, rest = stack[-1]
            way = next(rest, None)
            if way is None:
                order.append(name)
                stack.pop()
            elif way.target in ways and way.target not in seen:
                seen.add(way.target)
                stack.append((way.target, iter(ways[way.target])))
    return order


def _state(name: str, state: spec.State, prices: Mapping[str, spec.Price]) -> ir.State:
    title = state.title or ""
    match state:
        case spec.End():
            return ir.End(name=name, title=title, kind=state.end, output=template(state.output))
        case spec.Choose():
            return ir.Choice(name=name, title=title, reserve=state.reserve)
        case spec.Wait():
            return ir.Wait(name=name, title=title, reserve=state.reserve, duration_us=state.wait.microseconds)
    success = getattr(state, "success", None)
    cost: spec.Cost = getattr(state, "cost", None) or spec.Cost()
    model = _model(state, prices) if isinstance(state, spec.Llm) else None
    timeout: spec.Duration | None = getattr(state, "timeout", None)
    key: str | None = getattr(state, "key", None)
    return ir.Work(
        name=name,
        title=title,
        reserve=getattr(state, "reserve", False),
        call=getattr(state, "run", ""),
        arguments=tuple((k, template(v)) for k, v in getattr(state, "with_", {}).items()),
        value=getattr(state, "as_", None) or name,
        gives=_type(state.output if isinstance(state, spec.Llm) else getattr(state, "gives", None)),
        accept=tuple(getattr(state, "accept", ())),
        cost=Resources(
            tool_calls=cost.tool_calls,
            tokens=cost.tokens,
            micro_usd=cost.usd.micro_usd or (0 if model is None else _dearest(model, cost.tokens)),
        ),
        timeout_us=None if timeout is None else timeout.microseconds,
        effect=getattr(state, "effect", None) or (None if model is None else "none"),
        key=None if key is None else template(key),
        inline=getattr(state, "inline", False),
        labels=tuple(success) if isinstance(success, dict) else None,
        model=model,
    )


def _model(state: spec.Llm, prices: Mapping[str, spec.Price]) -> ir.Model:
    asked, price = state.llm, prices.get(state.llm.model)
    heat = asked.temperature
    return ir.Model(
        model=asked.model,
        prompt=asked.prompt,
        system=asked.system,
        max_tokens=asked.max_tokens,
        temperature=None if heat is None else _decimal(heat),
        format=state.form,
        price=None if price is None else (price.input.micro_usd, price.output.micro_usd),
    )


def _decimal(number: int | Real) -> str:
    """Write a number as the shortest decimal text that is just as much."""
    exact = Decimal(number.text if isinstance(number, Real) else number)
    return f"{exact.normalize():f}"


def _dearest(model: ir.Model, tokens: int) -> int:
    """Give the most that `tokens` can cost, as many of them written as may be, rounded up."""
    if model.price is None:
        return 0
    read, written = model.price
    exact = tokens * read + min(tokens, model.max_tokens) * max(0, written - read)
    return -(-exact // 1_000_000)


def template(data: Any) -> Template:
    """Read a template; data with a bad reference in it becomes null, and a check says so."""
    try:
        return parse_template(data)
    except ValueError:
        return Constant(None)


def _guard(text: str) -> Guard:
    try:
        return parse_guard(text)
    except ValueError:
        return _NEVER


def _type(text: str | None) -> TypeExpr | None:
    try:
        return None if text is None else parse_type(text)
    except ValueError:
        return None


def _caps(budget: spec.Budget) -> Caps:
    return Caps(
        steps=budget.steps,
        tool_calls=budget.tool_calls,
        tokens=budget.tokens,
        micro_usd=None if budget.usd is None else budget.usd.micro_usd,
        time_us=None if budget.time is None else budget.time.microseconds,
    )


def _exceeded(workflow: spec.Workflow, names: _Names) -> str:
    chosen = workflow.budget.exceeded
    return BUILTIN_END if chosen is None else names.resolve(chosen)


def _policy(policy: spec.Policy) -> ir.Policy | None:
    between = None
    if policy.between is not None:
        if len(policy.between) != 2:
            return None
        between = (policy.between[0], policy.between[1])
    match policy:
        case spec.Policy(never=str(event), always=None, at_most=None, before=None, after=None, visit=None):
            return ir.Policy(pattern="never", event=event, between=between)
        case spec.Policy(never=None, always=str(event), at_most=None, before=None, after=None, visit=None):
            return ir.Policy(pattern="always", event=event, between=between)
        case spec.Policy(never=None, always=None, at_most=int(n), before=None, after=None, visit=str(event)):
            return ir.Policy(pattern="at_most", event=event, limit=n, between=between)
        case spec.Policy(never=None, always=None, at_most=None, before=str(e), after=None, visit=str(f)):
            return ir.Policy(pattern="before", event=e, visit=f, between=between)
        case spec.Policy(never=None, always=None, at_most=None, before=None, after=str(e), visit=str(f)):
            return ir.Policy(pattern="after", event=e, visit=f, between=between)
    return None
