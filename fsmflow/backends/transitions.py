"""The `transitions` backend: the same machine as a real `transitions.Machine`, to be stepped by hand.

Every edge is a transition of that library, with a condition for each counter and cap; a pause is a
state of its own, `x__pause`. What flows through a run (values, ledger, visits) is kept by the model,
a `Walk`, in callbacks. Outcomes are triggers: `walk.success(value)`, `walk.grounded()`,
`walk.transient()`, `walk.elapsed(us)`; `walk.enabled()` lists those that may come next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from transitions import EventData
from transitions import Machine as Engine
from transitions.extensions.asyncio import AsyncMachine as AsyncEngine

from fsmflow.diagnostics import FsmflowError
from fsmflow.machine import Ask, Choice, End, Machine, Resources, Transition, Wait, Work
from fsmflow.runtime.backoff import Backoff
from fsmflow.runtime.events import Elapsed, Ended, Event, Late, Lost
from fsmflow.runtime.run import Configuration, Error, Limits, Spent, Unbound, shortfall
from fsmflow.runtime.values import Missing
from fsmflow.semantics import holds, resolve

PAUSE = "__pause"
_BLANK = "__blank"
_Condition = Callable[[EventData], bool]


class UnknownName(FsmflowError):
    """A transition names a state that the machine does not have; the library would accept it."""


class Walk:
    """One run as a model of the `transitions` library: the state in `state`, the rest in attributes.

    Attributes:
        ir: The machine that is walked.
        engine: The `transitions` machine that owns the states and triggers.
        state: The engine's state; `x__pause` while `x` pauses before a retry.
        trail: The states that were visited, in order.
        pending_us: How long the pause or wait that is under way lasts.
        output: What the end gives, once there.
    """

    state: str

    def __init__(self, ir: Machine, given: Any) -> None:
        self.ir = ir
        self.trail: list[str] = []
        self.visits: dict[str, int] = {}
        self.counts: dict[str, int] = {}
        self.values: dict[str, Any] = {"input": given}
        self.arguments: dict[str, Any] | Unbound = {}
        self.attempt = 0
        self.spent = Resources()
        self.feedback: tuple[str, ...] = ()
        self.pending_us = 0
        self.output: Any = None
        self._way: Transition | None = None
        self._event = Ended("success")

    @property
    def place(self) -> str:
        """The machine's state, whether or not it pauses."""
        return self.state.removesuffix(PAUSE)

    @property
    def is_pausing(self) -> bool:
        """Whether a retry waits for its pause to end."""
        return self.state.endswith(PAUSE)

    def enabled(self) -> tuple[str, ...]:
        """Give the triggers that the world may pull now, in the order in which outcomes are listed."""
        state = self.ir.states[self.place]
        if self.is_pausing or isinstance(state, Wait):
            return ("elapsed",)
        if not isinstance(state, Work | Ask):
            return ()
        ways = self.ir.outgoing[state.name]
        return tuple(dict.fromkeys(_trigger(way) for way in ways))

    def configuration(self) -> Configuration:
        """Give the configuration in the terms of `fsmflow.semantics`."""
        return Configuration(
            self.place,
            self.visits[self.place],
            self.attempt,
            {name: count for name, count in self.counts.items() if count},
            dict(self.visits),
            Spent(*self.spent.amounts()),
            dict(self.values),
            self.arguments,
            self.feedback,
            self.is_pausing,
        )

    def room(self, time_us: int = 1) -> bool:
        """Tell whether the caps leave room for what the present state would start."""
        state = self.ir.states[self.place]
        assert isinstance(state, Work | Wait)
        needs = Resources(time_us=time_us)
        if isinstance(state, Work):
            needs = _needed(state, time_us)
        if not state.reserve:
            needs += self.ir.reserve
        after = (self.spent + needs).amounts()
        return all(
            cap is None or amount <= cap for amount, cap in zip(after, self.ir.caps.amounts(), strict=True)
        )

    def pause_of(self, way: Transition, event: Ended) -> int | None:
        """Give the pause before a retry; None if it would not be waited for."""
        assert way.pause is not None
        rule = way.pause
        backoff = Backoff(rule.first_us, rule.factor, rule.cap_us, rule.jitter == "full", rule.retry_after)
        pause = backoff.pause(self.counts.get(way.below[0], 0) + 1, event.draw, event.retry_after_us)
        cap = self.ir.caps.time_us
        if pause is None or cap is None:
            return pause
        state = self.ir.states[way.source]
        aside = 0 if getattr(state, "reserve", False) else self.ir.reserve.time_us
        return pause if self.spent.time_us + pause < cap - aside else None

    def book(self, event: Late | Lost) -> None:
        """Put what an abandoned attempt charged too late, or a lost one may have, on the ledger."""
        if isinstance(event, Late):
            self.spent += Resources(0, *event.use)
            return
        state = self.ir.states[self.place]
        assert isinstance(state, Work)
        _, tool_calls, tokens, micro_usd, _ = state.cost.amounts()
        self.spent += Resources(state.steps, tool_calls, tokens, micro_usd, event.elapsed_us)

    # Callbacks of the engine.

    def settle(self, data: EventData) -> None:
        """Put an ended attempt, or time that has passed, on the ledger."""
        event = data.kwargs["event"]
        if isinstance(event, Elapsed):
            self.spent += Resources(time_us=event.elapsed_us)
            self._event = Ended("success")
            return
        state = self.ir.states[self.place]
        assert isinstance(state, Work | Ask)
        if isinstance(state, Work):
            _, tool_calls, tokens, micro_usd, _ = state.cost.amounts()
            if event.use is not None:
                tool_calls, tokens, micro_usd = event.use
            self.spent += Resources(event.steps, tool_calls, tokens, micro_usd, event.elapsed_us)
        self._event = event
        if event.outcome == "success":
            self.values[state.value] = event.value

    def take(self, way: Transition) -> Callable[[EventData], None]:
        """Make the callback that counts an edge and records a way out."""

        def before(_: EventData) -> None:
            self._way = way
            for name in way.below:
                self.counts[name] = self.counts.get(name, 0) + 1
            if way.kind == "exceeded":
                self.values["error"] = Error(self.place, "exceeded", self._shortfall())
            elif not way.same_visit and (way.kind != "success" or way.used_up):
                event = self._event
                reason = f"{way.used_up} was taken as often as it may be" if way.used_up else ""
                label = way.label if isinstance(self.ir.states[way.source], Choice) else event.label
                self.values["error"] = Error(
                    self.place,
                    label or event.outcome,
                    event.message or reason,
                    event.complaints,
                    event.value if event.outcome == "invalid" else None,
                )

        return before

    def again(self, way: Transition) -> Callable[[EventData], None]:
        """Make the callback that begins another attempt in the same visit."""

        def before(_: EventData) -> None:
            for name in way.below:
                self.counts[name] = self.counts.get(name, 0) + 1
            self.attempt += 1
            self.feedback += self._event.complaints

        return before

    def pause(self, way: Transition) -> Callable[[EventData], None]:
        """Make the callback that counts a retry and begins its pause."""

        def before(_: EventData) -> None:
            pause = self.pause_of(way, self._event)
            assert pause is not None
            self.pending_us = pause
            self.counts[way.below[0]] = self.counts.get(way.below[0], 0) + 1

        return before

    def wake(self, _: EventData) -> None:
        """Begin the attempt that a pause was for."""
        self.attempt += 1

    def visit(self, _: EventData) -> None:
        """Begin a visit to the state that has just been entered."""
        name, way = self.state, self._way
        state = self.ir.states[name]
        self.trail.append(name)
        self.visits[name] = self.visits.get(name, 0) + 1
        for counter in self.ir.resets[name]:
            self.counts[counter] = 0
        self.attempt = 1
        self.feedback = self._event.complaints if way is not None and way.feedback else ()
        self.arguments = {}
        if isinstance(state, Work | Ask):
            try:
                self.arguments = {key: resolve(template, self.values) for key, template in state.arguments}
            except Missing as missing:
                self.arguments = Unbound(str(missing))
            self.values.pop(state.value, None)
        elif isinstance(state, Wait):
            self.pending_us = state.duration_us
        elif isinstance(state, End):
            try:
                self.output = resolve(state.output, self.values)
            except Missing as missing:
                self.output = Unbound(str(missing))
        self._way = None

    def _shortfall(self) -> str:
        state = self.ir.states[self.place]
        assert isinstance(state, Work | Wait)
        needs = Resources(time_us=state.duration_us) if isinstance(state, Wait) else _needed(state, 1)
        reserve = Resources() if state.reserve else self.ir.reserve
        limits = Limits(*self.ir.caps.amounts())
        return shortfall(
            Spent(*self.spent.amounts()), limits, Spent(*reserve.amounts()), Spent(*needs.amounts())
        )


def _needed(state: Work, time_us: int) -> Resources:
    """Give what there must be room for before an attempt begins."""
    return Resources(state.steps, *state.cost.amounts()[1:4], time_us)


def build(ir: Machine, given: Any = None) -> Walk:
    """Make `ir` a `transitions.Machine`, and start a walk of it on the input `given`.

    Raises:
        UnknownName: A transition leads to a state that is not there.
    """
    walk = Walk(ir, given)
    engine = Engine(**_options(walk))
    for arguments in _edges(walk):
        engine.add_transition(**arguments)
    walk.engine = engine  # type: ignore[attr-defined]  # set once, here
    walk.begin()  # type: ignore[attr-defined]  # a trigger, which the engine has put on the model
    settle(walk)
    return walk


async def build_async(ir: Machine, given: Any = None) -> Walk:
    """Make `ir` a `transitions` `AsyncMachine`, whose triggers are awaited, and start a walk of it.

    Raises:
        UnknownName: A transition leads to a state that is not there.
    """
    walk = Walk(ir, given)
    engine = AsyncEngine(**_options(walk))
    for arguments in _edges(walk):
        engine.add_transition(**arguments)
    walk.engine = engine  # type: ignore[attr-defined]  # set once, here
    await walk.begin()  # type: ignore[attr-defined]  # a trigger, which the engine has put on the model
    while onward := _onward(walk):
        await getattr(walk, onward)()
    return walk


def feed(walk: Walk, event: Event) -> None:
    """Pull the trigger that `event` is, and let the machine come to rest."""
    if isinstance(event, Late | Lost):
        walk.book(event)
    else:
        name = "elapsed" if isinstance(event, Elapsed) else _name(event.outcome, event.label)
        getattr(walk, name)(event=event)
    if not isinstance(event, Late):
        settle(walk)


async def feed_async(walk: Walk, event: Event) -> None:
    """Do what `feed` does, on an asynchronous machine."""
    if isinstance(event, Late | Lost):
        walk.book(event)
    else:
        name = "elapsed" if isinstance(event, Elapsed) else _name(event.outcome, event.label)
        await getattr(walk, name)(event=event)
    while not isinstance(event, Late) and (onward := _onward(walk)):
        await getattr(walk, onward)()


def settle(walk: Walk) -> None:
    """Take what needs no event: admission to a cap, and choices."""
    while onward := _onward(walk):
        getattr(walk, onward)()


def _onward(walk: Walk) -> str | None:
    """Name the trigger that the machine itself must pull now, if there is one."""
    state = walk.ir.states[walk.place]
    if isinstance(state, Choice):
        return "choose"
    if walk.is_pausing or isinstance(state, Ask | End):
        return None
    time_us = state.duration_us if isinstance(state, Wait) else 1
    return None if walk.room(time_us) else "refuse"


def _options(walk: Walk) -> dict[str, Any]:
    ir = walk.ir
    for way in ir.transitions:
        for name in (way.source, way.target):
            if name not in ir.states:
                raise UnknownName(f"`{name}` is no state of `{ir.name}`")
    states: list[dict[str, Any]] = [{"name": _BLANK}]
    for name in ir.states:
        states.append({"name": name})
        if any(way.pause is not None for way in ir.outgoing[name]):
            states.append({"name": name + PAUSE})
    return {
        "model": walk,
        "states": states,
        "initial": _BLANK,
        "auto_transitions": False,
        "send_event": True,
        "queued": False,
    }


def _edges(walk: Walk) -> Iterator[dict[str, Any]]:
    """Give every transition of the library, in the order in which it tries them."""
    ir = walk.ir
    yield {"trigger": "begin", "source": _BLANK, "dest": ir.start, "after": walk.visit}
    for state in ir.states.values():
        for way in ir.outgoing[state.name]:
            if isinstance(state, Choice):
                yield from _choice(walk, way)
            elif way.kind == "exceeded":
                taken = {"dest": way.target, "before": walk.take(way), "after": walk.visit}
                yield {"trigger": "refuse", "source": state.name, **taken}
                if isinstance(state, Work):
                    yield {"trigger": "exceeded", "source": state.name, "prepare": walk.settle, **taken}
            elif isinstance(state, Wait):
                yield from _plain(walk, way, "elapsed")
            else:
                yield from _worked(walk, way)


def _choice(walk: Walk, way: Transition) -> Iterator[dict[str, Any]]:
    def is_open(_: EventData) -> bool:
        return (way.when is None or holds(way.when, walk.values)) and _below(walk, way)

    yield {
        "trigger": "choose",
        "source": way.source,
        "dest": way.target,
        "conditions": is_open,
        "prepare": _forget(walk),
        "before": walk.take(way),
        "after": walk.visit,
    }


def _worked(walk: Walk, way: Transition) -> Iterator[dict[str, Any]]:
    trigger = _trigger(way)
    if way.pause is None:
        yield from _plain(walk, way, trigger)
        return
    exceeded = next((w for w in walk.ir.outgoing[way.source] if w.kind == "exceeded"), None)
    common: dict[str, Any] = {"trigger": trigger, "source": way.source, "prepare": _once(walk)}

    def may_pause(_: EventData) -> bool:
        return _below(walk, way) and walk.pause_of(way, walk._event) is not None  # noqa: SLF001 - its own model

    if exceeded is not None:
        yield {
            **common,
            "dest": exceeded.target,
            "conditions": [may_pause, lambda _: not walk.room()],
            "before": walk.take(exceeded),
            "after": walk.visit,
        }
    yield {**common, "dest": way.source + PAUSE, "conditions": may_pause, "before": walk.pause(way)}
    yield {
        "trigger": "elapsed",
        "source": way.source + PAUSE,
        "dest": way.source,
        "prepare": walk.settle,
        "before": walk.wake,
    }


def _plain(walk: Walk, way: Transition, trigger: str) -> Iterator[dict[str, Any]]:
    common: dict[str, Any] = {
        "trigger": trigger,
        "source": way.source,
        "prepare": _once(walk),
        "conditions": lambda _: _below(walk, way),
    }
    if way.same_visit:
        yield {**common, "dest": None, "before": walk.again(way)}
    else:
        yield {**common, "dest": way.target, "before": walk.take(way), "after": walk.visit}


def _once(walk: Walk) -> Callable[[EventData], None]:
    """Settle an event before the first of its transitions is tried, and only then."""

    def prepare(data: EventData) -> None:
        if not data.kwargs.get("settled"):
            data.kwargs["settled"] = True
            walk.settle(data)

    return prepare


def _forget(walk: Walk) -> Callable[[EventData], None]:
    def prepare(_: EventData) -> None:
        walk._event = Ended("success")  # noqa: SLF001 - its own model

    return prepare


def _below(walk: Walk, way: Transition) -> bool:
    return all(walk.counts.get(name, 0) < walk.ir.counters[name].cap for name in way.below)


def _trigger(way: Transition) -> str:
    return _name(way.on, way.label)


def _name(outcome: str, label: str | None) -> str:
    """Name the trigger of an outcome; a label could be the name of something that a model has."""
    return outcome if label is None else f"success_{label}"
