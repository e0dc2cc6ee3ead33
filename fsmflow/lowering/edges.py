"""The transitions of states: every way out, retry and loop-back, as plain guarded edges."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, field

from fsmflow import machine as ir
from fsmflow import spec
from fsmflow.diagnostics import nearest
from fsmflow.expressions import Guard, Path, Within, parse_guard
from fsmflow.machine import BUILTIN_END, Backoff, Counter, Kind, Outcome, Transition

MAX_GUESSES = 100
"""How many wrong names are taken for the nearest right one."""

# What an unreadable guard becomes: a condition of which nothing is known and that never holds.
_NEVER: Guard = Within(Path("input"), ())


@define
class Names:
    """The states there are, and which of them a wrong name was most likely meant to be."""

    states: Mapping[str, ir.State]
    guesses: dict[str, str] = field(factory=dict)

    def resolve(self, name: str) -> str:
        """Give the state that a name was meant to be; the built-in end if it is near to none."""
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
class Edges:
    """The transitions and counters found so far."""

    names: Names
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
            case spec.Ask():
                self._ask(name, state)
            case _:
                self._work(name, state)
        if capped and not isinstance(state, spec.Choose | spec.Ask):
            target = BUILTIN_END if getattr(state, "reserve", False) else self.exceeded
            self.transitions.append(Transition(name, "exceeded", None, "exceeded", target))

    def _choose(self, name: str, state: spec.Choose) -> None:
        for number, arm in enumerate(state.choose, 1):
            when = None if arm.when is None else _guard(arm.when)
            self._arm(name, "success", f"arm_{number}", "success", arm.target, BUILTIN_END, when)
        if not state.choose or state.choose[-1].when is not None:
            label = f"arm_{len(state.choose) + 1}"
            self.transitions.append(Transition(name, "success", label, "success", BUILTIN_END))

    def _ask(self, name: str, state: spec.Ask) -> None:
        fallback = state.fallback or BUILTIN_END
        last = _last(fallback)
        self._success(name, state.success, last)
        self._arm(name, "failure", None, "fallback", fallback, last)

    def _success(self, name: str, success: spec.Success, last: str) -> None:
        for label, arm in success.items() if isinstance(success, dict) else ((None, success),):
            self._arm(name, "success", label, "success", arm, last)

    def _work(self, name: str, state: spec.State) -> None:
        fallback: spec.Arm = getattr(state, "fallback", None) or BUILTIN_END
        last = _last(fallback)
        self._success(name, getattr(state, "success", BUILTIN_END), last)
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


def _last(fallback: spec.Arm) -> str:
    """Give where a state goes when nothing else is said: to the target of its fallback."""
    return fallback if isinstance(fallback, str) else fallback.to


def _guard(text: str) -> Guard:
    try:
        return parse_guard(text)
    except ValueError:
        return _NEVER
