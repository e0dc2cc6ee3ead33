"""Fault plans as authors write them: what is to happen at each attempt of each state.

draft: [transient, {outcome: invalid, complaints: [no citation]}, ok]
check: [ungrounded, grounded]
others: ok
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from attrs import define, field, frozen

from fsmflow.diagnostics import Diagnostic, did_you_mean
from fsmflow.loading.files import Kind
from fsmflow.runtime import Question, Runner, Stage
from fsmflow.runtime.complaints import Rejected
from fsmflow.source import Real, Route
from fsmflow.spec import Duration, Money
from fsmflow.testing.given import given_with, holding

PLAN = Kind("plan", begin="begin with a step and what its attempts do, such as `draft: [transient, ok]`")

OTHERS = "others"
"""The key that says what states do that the plan does not name."""

OUTCOMES = ("ok", "transient", "invalid", "failure", "timeout", "unknown", "real")
"""What may happen at an attempt; a label of the state says `ok` with that label."""

Planable = Stage | Question
"""What can be planned: attempts of a state, and answers to one that asks."""

KEYS = ("outcome", "label", "value", "use", "takes", "message", "complaints", "retry_after")
"""What may be said of an attempt."""

USES = ("tool_calls", "tokens", "usd")
_WITH = {"label": ("ok",), "value": ("ok",), "complaints": ("invalid",), "retry_after": ("transient",)}
"""Which outcomes a key may stand with, where not with any."""


@frozen
class Planned:
    """What is to happen at one attempt.

    Attributes:
        outcome: One of `OUTCOMES`; `real` calls the state's own step.
        label: Which label a success gives; the first one unless said.
        value: What a success gives, in a tuple of one; empty for any value that fits.
        use: What is charged; None charges nothing, so that what is declared counts in full.
        takes_us: How long it takes, in microseconds.
        message: What went wrong.
        complaints: Why the output is rejected.
        retry_after_us: How long the server asks to be left alone.
    """

    outcome: str = "ok"
    label: str | None = None
    value: tuple[Any, ...] = ()
    use: Mapping[str, Any] | None = None
    takes_us: int = 0
    message: str = ""
    complaints: tuple[str, ...] = ()
    retry_after_us: int | None = None


@frozen
class FaultPlan:
    """What is to happen at the attempts of some states; the last of each list is repeated.

    Attributes:
        states: By state, its attempts in order.
        others: What states do that are not named: `real` calls their step, `ok` lets all go well.
    """

    states: Mapping[str, tuple[Planned, ...]]
    others: Literal["ok", "real"] = "real"


@frozen
class Reading:
    """A plan, as far as it could be read, and what is wrong with it."""

    plan: FaultPlan
    diagnostics: tuple[Diagnostic, ...]


def read_plan(tree: Mapping[str, Any], runner: Runner[Any, Any]) -> Reading:
    """Read a plan for the runs of `runner`, from plain data."""
    reader = _Reader(runner)
    plan = reader.plan(tree)
    return Reading(plan, tuple(reader.found))


@define
class _Reader:
    """The reading of one plan."""

    runner: Runner[Any, Any]
    found: list[Diagnostic] = field(factory=list)

    def wrong(self, check: str, message: str, route: Route, hint: str = "", *, key: bool = False) -> None:
        self.found.append(Diagnostic(check, message, route, hint=hint, key=key))

    def plan(self, tree: Mapping[str, Any]) -> FaultPlan:
        states: dict[str, tuple[Planned, ...]] = {}
        others: Literal["ok", "real"] = "real"
        for name, written in tree.items():
            stage = self.runner.stages.get(name) or self.runner.questions.get(name)
            # A step may have that name; then what it does is a list.
            if name == OTHERS and (stage is None or not isinstance(written, list)):
                if written not in ("ok", "real"):
                    self.wrong("bad-value", "expected ok or real", (name,))
                others = "ok" if written == "ok" else "real"
                continue
            if stage is None:
                deeper = below(self.runner, name)
                hint = (
                    f"a plan goes no deeper than `{deeper[0]}`; plan a run of `{deeper[1]}`"
                    if deeper is not None
                    else did_you_mean(name, [*self.runner.stages, *self.runner.questions, OTHERS])
                )
                self.wrong("unknown-state", f"there is no step `{name}`", (name,), hint, key=True)
                continue
            if written == []:
                self.wrong("bad-value", "expected at least one attempt", (name,))
                continue
            entries = written if isinstance(written, list) else [written]
            routes = [(name, n) if isinstance(written, list) else (name,) for n in range(len(entries))]
            states[name] = tuple(self.entry(e, stage, r) for e, r in zip(entries, routes, strict=True))
        return FaultPlan(states, others)

    def entry(self, written: Any, stage: Planable, route: Route) -> Planned:
        if isinstance(written, str):
            outcome, label = self.outcome(written, stage, route)
            return Planned(outcome, label)
        if not isinstance(written, dict):
            expected = f"expected an outcome, such as {_words(stage)}, or a mapping"
            self.wrong("bad-value", expected, route)
            return Planned()
        for key in written:
            if key not in KEYS:
                self.wrong(
                    "unknown-key",
                    f"`{key}` says nothing here",
                    (*route, key),
                    did_you_mean(key, KEYS),
                    key=True,
                )
        outcome, label = "ok", None
        if "outcome" in written:
            outcome, label = self.outcome(written["outcome"], stage, (*route, "outcome"))
        if "label" in written:
            label = self.label(written["label"], stage, (*route, "label"))
        for key, outcomes in _WITH.items():
            if key in written and outcome not in outcomes:
                said = f"`{key}` goes with {' or '.join(outcomes)}, not with {outcome}"
                self.wrong("bad-value", said, (*route, key), key=True)
        return Planned(
            outcome,
            label,
            self.value(written, stage, label, (*route, "value")),
            self.use(written["use"], (*route, "use")) if "use" in written else None,
            self.duration(written, "takes", route) or 0,
            self.text(written.get("message", ""), (*route, "message")),
            tuple(self.complaints(written.get("complaints", []), (*route, "complaints"))),
            self.duration(written, "retry_after", route),
        )

    def outcome(self, word: Any, stage: Planable, route: Route) -> tuple[str, str | None]:
        if word in (stage.labels or ()):
            return "ok", word
        if word == "success":
            return "ok", None
        if word not in OUTCOMES:
            known = [*_outcomes(stage), *(stage.labels or ())]
            hint = did_you_mean(word, known) if isinstance(word, str) else f"write {_words(stage)}"
            self.wrong("unknown-outcome", f"`{word}` is no outcome of `{stage.name}`", route, hint)
            return "ok", None
        if isinstance(stage, Question):
            return self.answer(word, stage, route)
        if word == "unknown" and stage.effect != "once":
            self.wrong(
                "unknown-outcome",
                f"`{stage.name}` can't end in `unknown`",
                route,
                "that takes `effect: once`",
            )
        if word == "real" and stage.children is not None:
            said = f"`{stage.name}` runs workflows, and a plan has no step to call in their place"
            self.wrong("unknown-outcome", said, route, "leave it out, and they are run")
        if word == "timeout" and stage.timeout_us is None and stage.time_limit_us is None:
            self.wrong("unknown-outcome", f"nothing cuts `{stage.name}` off", route, "that takes a `timeout`")
        return word, None

    def answer(self, word: str, question: Question, route: Route) -> tuple[str, str | None]:
        if word in ("transient", "invalid", "unknown"):
            said = f"`{word}` is no outcome of `{question.name}`, which asks a person"
            self.wrong("unknown-outcome", said, route, "a label, `timeout` and `failure` are")
        if word == "timeout" and question.timeout_us is None:
            self.wrong(
                "unknown-outcome", f"`{question.name}` waits for ever", route, "that takes a `timeout`"
            )
        return word, None

    def label(self, word: Any, stage: Planable, route: Route) -> str | None:
        if word in (stage.labels or ()):
            return str(word)
        hint = did_you_mean(str(word), stage.labels or ())
        self.wrong("unknown-outcome", f"`{word}` is no label of `{stage.name}`", route, hint)
        return None

    def value(
        self, written: Mapping[str, Any], stage: Planable, label: str | None, route: Route
    ) -> tuple[Any, ...]:
        if "value" not in written:
            return ()
        if stage.labels is not None and not stage.gives:
            self.wrong("bad-value", f"`{stage.name}` gives no value beside its label", route, key=True)
            return ()
        gives = given_with(stage, label)
        validate = holding(stage, gives, self.runner)
        try:
            return (written["value"] if validate is None else validate(written["value"]),)
        except Rejected as rejected:
            self.wrong("bad-value", f"the value is no `{gives}`: {rejected.complaints[0]}", route)
            return ()

    def use(self, written: Any, route: Route) -> Mapping[str, Any]:
        if not isinstance(written, dict):
            self.wrong("bad-value", "expected amounts, such as {tokens: 500}", route)
            return {}
        found: dict[str, Any] = {}
        for name, amount in written.items():
            if name not in USES:
                self.wrong(
                    "unknown-key",
                    f"`{name}` is no resource",
                    (*route, name),
                    did_you_mean(name, USES),
                    key=True,
                )
            elif name == "usd":
                found[name] = self.money(amount, (*route, name))
            elif type(amount) is not int or amount < 0:
                self.wrong("bad-value", "expected a whole number from 0 on", (*route, name))
            else:
                found[name] = amount
        return found

    def money(self, amount: Any, route: Route) -> str:
        try:
            if type(amount) is float:
                amount = Real(repr(amount))
            if type(amount) not in (int, Real, str):
                raise ValueError("expected an amount in dollars, such as 0.25")
            return str(Money.parse(amount))
        except ValueError as error:
            self.wrong("bad-value", str(error), route)
            return "0"

    def duration(self, written: Mapping[str, Any], key: str, route: Route) -> int | None:
        if key not in written:
            return None
        try:
            if not isinstance(written[key], str):
                raise ValueError("expected a duration such as 200ms, 5s or 2min")
            return Duration.parse(written[key]).microseconds
        except ValueError as error:
            self.wrong("bad-value", str(error), (*route, key))
            return None

    def text(self, written: Any, route: Route) -> str:
        if isinstance(written, str):
            return written
        self.wrong("bad-value", "expected text", route)
        return ""

    def complaints(self, written: Any, route: Route) -> Iterator[str]:
        if not isinstance(written, list):
            self.wrong("bad-value", "expected a list of texts", route)
            return
        for number, each in enumerate(written):
            yield self.text(each, (*route, number))


def below(runner: Runner[Any, Any], name: str) -> tuple[str, str] | None:
    """Give the state and the workflow in which a step of a child is, by its way; None if it is none."""
    above, *ways = re.split(r"[./]", name)
    stage = runner.stages.get(above)
    if not ways or stage is None or stage.children is None:
        return None
    callees = stage.children.callees
    return above, callees.get(ways[0], next(iter(callees.values()))).name


def _outcomes(stage: Planable) -> tuple[str, ...]:
    """Give what may happen at an attempt of a state, or to a question."""
    if isinstance(stage, Question):
        none = {"transient", "invalid", "unknown"} | (set() if stage.timeout_us is not None else {"timeout"})
    else:
        none = {"real"} if stage.children is not None else set()
        none |= set() if stage.effect == "once" else {"unknown"}
        none |= {"timeout"} if stage.timeout_us is None and stage.time_limit_us is None else set()
    return tuple(word for word in OUTCOMES if word not in none)


def _words(stage: Planable) -> str:
    return ", ".join([*(stage.labels or ()), *OUTCOMES[:4]])
