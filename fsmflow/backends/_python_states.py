"""The functions of one state: what a generated module does when a run enters, leaves and resumes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import assert_never

from attrs import frozen

from fsmflow.backends._python import Parameter, after, condition, laid_out, literal, wrapped
from fsmflow.backends._python_terms import branch, is_total, looks_at_values, references, template
from fsmflow.expressions import Constant, DictTemplate, Template
from fsmflow.machine import Ask, Choice, End, Machine, Resources, State, Transition, Wait, Work

_INDENT = "    "
_NAMES = ("steps", "tool_calls", "tokens", "micro_usd", "time_us")

RESERVED = frozenset({"DIGEST", "LIMITS", "RESERVE", "RUNNER", "TYPE_CHECKING"})
"""Constants of a module that are no state's."""


def constant(state: State) -> str:
    """Name the command of `state`; no state's name holds two underscores in a row."""
    if isinstance(state.name, Parameter):
        return "command"
    name = state.name.upper()
    return f"{name}__" if name in RESERVED else name


def backoff(name: str) -> str:
    """Name how long a state waits before it is tried again."""
    return "backoff" if isinstance(name, Parameter) else f"{name.upper()}__BACKOFF"


def function(kind: str, name: str) -> str:
    """Name a function of a state."""
    return kind if isinstance(name, Parameter) else f"{kind}_{name}"


def entering(name: str) -> str:
    """Write the function that enters a state, from those of any other."""
    return f"to[{name.number}]" if isinstance(name, Parameter) else f"enter_{name}"


def told(name: str) -> str:
    """Name a state in prose."""
    return "such a state" if isinstance(name, Parameter) else f"`{name}`"


def cost(state: Work) -> str:
    """Write the declared cost of a state."""
    return literal((state.cost.tool_calls, state.cost.tokens, state.cost.micro_usd))


def pauses(machine: Machine, state: State) -> bool:
    """Tell whether a run can pause in `state`."""
    return isinstance(state, Wait) or any(way.pause is not None for way in machine.outgoing[state.name])


@frozen
class StateFunctions:
    """Writes the functions of the states of one machine."""

    machine: Machine

    def limit(self, state: Work | Wait, resource: int) -> str | None:
        """Give how much of a resource may be spent outside the reserve: the cap, less what is set aside."""
        cap = self.machine.caps.amounts()[resource]
        if cap is None:
            return None
        aside = 0 if state.reserve else self.machine.reserve.amounts()[resource]
        return f"{literal(cap)} - {literal(aside)}" if aside else literal(cap)

    def of(self, state: State) -> Iterator[str]:
        """Give every function of one state."""
        yield from ("", "")
        match state:
            case Work():
                yield from self._enter_work(state)
                if self._is_tried_again(state):
                    yield from ("", "")
                    yield from self._admit(state)
                yield from ("", "")
                yield from self._leave(state)
                if pauses(self.machine, state):
                    yield from ("", "")
                    yield from self._resume_work(state)
            case Ask():
                yield from self._enter_ask(state)
                yield from ("", "")
                yield from self._leave(state)
            case Wait():
                yield from self._enter_wait(state)
                yield from ("", "")
                yield f"def {function('resume', state.name)}(run: Run) -> Command:"
                yield f'    """Go on from {told(state.name)}."""'
                yield from self._ways(state, self.machine.ways(state.name, "success"), _INDENT, plain=True)
            case Choice():
                yield from self._enter_choice(state)
            case End():
                yield from self._enter_end(state)
            case _:
                assert_never(state)

    @staticmethod
    def _entry(state: State, what: str) -> Iterator[str]:
        parameters = ("run: Run", "feedback: tuple[str, ...] = ()")
        yield from wrapped(f"def {function('enter', state.name)}(", parameters, ") -> Command:")
        yield f'    """{what}"""'

    def _resets(self, state: State) -> Iterator[str]:
        for counter in self.machine.resets[state.name]:
            yield f"    run.counts[{literal(counter)}] = 0"

    def _visit(self, state: State, what: str) -> Iterator[str]:
        """Begin to enter a state that calls no step."""
        yield from self._entry(state, what)
        yield f"    run.enter({literal(state.name)}, feedback)"
        yield from self._resets(state)

    def _enter_work(self, state: Work) -> Iterator[str]:
        yield from self._begun(state, f"Begin a visit to {told(state.name)}.")
        if not self._is_tried_again(state):
            yield from self._admitted(state)
        else:
            yield f"    return {function('admit', state.name)}(run)"

    def _enter_ask(self, state: Ask) -> Iterator[str]:
        yield from self._begun(state, f"Begin a visit to {told(state.name)}: a question.")
        yield f"    return {constant(state)}"

    def _begun(self, state: Work | Ask, what: str) -> Iterator[str]:
        """Begin to enter a state that takes arguments and gives a value."""
        yield from self._entry(state, what)
        name = literal(state.name)
        yield f"    run.state = {name}"
        yield f"    run.visits[{name}] = run.visits.get({name}, 0) + 1"
        yield "    run.attempt = 1"
        yield "    run.feedback = feedback"
        yield from self._resets(state)
        yield "    values = run.values"
        made = DictTemplate(state.arguments)
        yield from _assigned("run.arguments", made)
        yield f"    values.pop({literal(state.value)}, None)"

    def _is_tried_again(self, state: Work) -> bool:
        return any(way.same_visit for way in self.machine.outgoing[state.name])

    def _checks(self, state: Work | Wait, time_us: int) -> list[str]:
        """Give the conditions under which a cap leaves no room."""
        cost = state.cost if isinstance(state, Work) else Resources()
        needs = (
            state.steps if isinstance(state, Work) else 0,
            cost.tool_calls,
            cost.tokens,
            cost.micro_usd,
            time_us,
        )
        found = []
        for number, (name, need) in enumerate(zip(_NAMES, needs, strict=True)):
            limit = self.limit(state, number)
            if limit is not None:
                found.append(f"run.{name} + {literal(need)} > {limit}" if need else f"run.{name} > {limit}")
        return found

    def _admit(self, state: Work) -> Iterator[str]:
        yield f"def {function('admit', state.name)}(run: Run) -> Command:"
        yield f'    """Start an attempt of {told(state.name)} if the caps leave room for it."""'
        yield from self._admitted(state)

    def _admitted(self, state: Work) -> Iterator[str]:
        checks = self._checks(state, 1)
        if checks:
            yield from condition("if", checks, "or", _INDENT)
            yield from self._exceed(state, _INDENT * 2)
        yield f"    return {constant(state)}"

    def _exceed(self, state: Work | Wait, indent: str) -> Iterator[str]:
        reserve = "Spent()" if state.reserve else "RESERVE"
        if isinstance(state, Wait):
            amounts = Resources(time_us=state.duration_us)
        else:
            amounts = Resources(state.steps, *state.cost.amounts()[1:4], time_us=1)
        named = zip(_NAMES, amounts.amounts(), strict=True)
        needs = ", ".join(f"{name}={literal(need)}" for name, need in named if need)
        yield from wrapped("run.exceed(", ["LIMITS", reserve, f"Spent({needs})"], ")", indent)
        target = self.machine.ways(state.name, "exceeded")[0].target
        yield f"{indent}return {self._go(target)}"

    def _leave(self, state: Work | Ask) -> Iterator[str]:
        name = state.name
        told_apart = self.follows(state) is not None
        yield f"def {function('leave', name)}(run: Run, event: Ended) -> Command:"
        what = "an answer to" if isinstance(state, Ask) else "an attempt of"
        rest = " that gave no output" if told_apart else ""
        yield f'    """Go on from {what} {told(name)}{rest}."""'
        if not told_apart:
            yield '    if event.outcome == "success":'
            yield from self._success(state, _INDENT * 2)
        if isinstance(state, Work) and self.machine.ways(name, "exceeded"):
            yield '    if event.outcome == "exceeded":'
            yield from self._exceed(state, _INDENT * 2)
        failure = self.machine.ways(name, "failure")
        for outcome in ("unknown", "transient", "invalid"):
            special = _without_tail(self.machine.ways(name, outcome), failure)
            heard = f'event.outcome == "{outcome}"'
            if len(special) == 1 and special[0].below:
                yield from self._ways(state, special, _INDENT, heard=heard)
            elif special:
                yield f"    if {heard}:"
                yield from self._ways(state, special, _INDENT * 2)
        yield from self._ways(state, failure, _INDENT)

    def follows(self, state: State) -> str | None:
        """Give the state that is entered after any output of this one, if nothing else is done then."""
        if not isinstance(state, Work) or state.labels is not None:
            return None
        ways = self.machine.ways(state.name, "success")
        return ways[0].target if len(ways) == 1 and not ways[0].below else None

    def _success(self, state: Work | Ask, indent: str) -> Iterator[str]:
        if state.labels is None:
            yield from self._ways(state, self.machine.ways(state.name, "success"), indent)
            return
        *others, last = state.labels
        for label in others:
            yield f'{indent}if event.label == "{label}":'
            yield from self._ways(state, self.machine.ways(state.name, "success", label), indent + _INDENT)
        yield from self._ways(state, self.machine.ways(state.name, "success", last), indent)

    def _ways(
        self, state: State, ways: Sequence[Transition], indent: str, *, heard: str = "", plain: bool = False
    ) -> Iterator[str]:
        """Give the code that takes the first of `ways` that is enabled, where `heard` holds.

        Where it is `plain`, there is no event at hand, since nothing but a success leads there.
        """
        for way in ways:
            inner = indent
            if way.below:
                caps = [
                    f"run.counts[{literal(name)}] < {literal(self.machine.counters[name].cap)}"
                    for name in way.below
                ]
                yield from condition("if", [heard, *caps] if heard else caps, "and", indent)
                inner = indent + _INDENT
            if way.pause is not None:
                assert isinstance(state, Work)
                yield from self._retry(state, way, inner)
                continue
            yield from (f"{inner}run.counts[{literal(counter)}] += 1" for counter in way.below)
            if way.same_visit:
                assert isinstance(state, Work)
                yield f"{inner}run.again(event)"
                yield f"{inner}return {function('admit', state.name)}(run)"
                continue
            if way.kind != "success" or way.used_up is not None:
                event = "event"
                if plain or isinstance(state, Choice):
                    event = (
                        f"Ended({literal('success')}, {literal(way.label)})"
                        if way.label
                        else 'Ended("success")'
                    )
                if way.used_up is None:
                    yield f"{inner}run.fail({event})"
                else:
                    reason = _reason(way.used_up)
                    yield from wrapped("run.fail(", [event, f"reason={reason}"], ")", inner)
            yield f"{inner}return {self._go(way.target, way, choice=isinstance(state, Choice))}"

    def _retry(self, state: Work, way: Transition, indent: str) -> Iterator[str]:
        (counter,) = way.below
        counted = f"run.counts[{literal(counter)}]"
        arguments = [f"{counted} + 1", "event.draw", "event.retry_after_us"]
        yield from wrapped(f"pause = {backoff(state.name)}.pause(", arguments, ")", indent)
        limit = self.limit(state, 4)
        fits = ["pause is not None"]
        if limit is not None:
            fits.append(f"run.time_us + pause < {limit}")
        yield from condition("if", fits, "and", indent)
        inner = indent + _INDENT
        if self._checks(state, 1):
            yield f"{inner}admitted = {function('admit', state.name)}(run)"
            yield f"{inner}if admitted is not {constant(state)}:"
            yield f"{inner}    return admitted"
        yield f"{inner}{counted} += 1"
        yield f"{inner}run.pausing = True"
        yield f"{inner}return Pause(pause)"

    def _go(self, target: str, way: Transition | None = None, *, choice: bool = False) -> str:
        """Give the expression that enters `target`."""
        if choice and isinstance(self.machine.states[target], Choice):
            return f"Onward({entering(target)})"
        if way is not None and way.feedback:
            return f"{entering(target)}(run, event.complaints)"
        return f"{entering(target)}(run)"

    def _resume_work(self, state: Work) -> Iterator[str]:
        yield f"def {function('resume', state.name)}(run: Run) -> Command:"
        yield f'    """Try {told(state.name)} again, after the pause."""'
        yield "    run.pausing = False"
        yield "    run.attempt += 1"
        yield f"    return {function('admit', state.name)}(run)"

    def _enter_wait(self, state: Wait) -> Iterator[str]:
        yield from self._visit(state, f"Begin a visit to {told(state.name)}: a pause.")
        checks = self._checks(state, state.duration_us)
        if checks:
            yield from condition("if", checks, "or", _INDENT)
            yield from self._exceed(state, _INDENT * 2)
        yield f"    return {constant(state)}"

    def _enter_choice(self, state: Choice) -> Iterator[str]:
        yield from self._visit(state, f"Choose, in {told(state.name)}, where to go.")
        arms: dict[str | None, list[Transition]] = {}
        for way in self.machine.successes(state.name):
            arms.setdefault(way.label, []).append(way)
        if any(ways[0].when is not None and looks_at_values(ways[0].when) for ways in arms.values()):
            yield "    values = run.values"
        for ways in arms.values():
            if ways[0].when is None:
                yield from self._ways(state, ways, _INDENT)
                return
            yield from branch(ways[0].when, _INDENT)
            yield from self._ways(state, ways, _INDENT * 2)

    def _enter_end(self, state: End) -> Iterator[str]:
        yield from self._visit(state, f"End in {told(state.name)}.")
        if next(references(state.output), None) is not None:
            yield "    values = run.values"
        if state.output != Constant(None):
            yield from _assigned("run.output", state.output)
        yield f"    return {constant(state)}"


def _assigned(target: str, made: Template) -> Iterator[str]:
    """Give an assignment that becomes `Unbound` where a reference in it leads nowhere."""
    value = after(f"{target} = ", template(made))
    if is_total(made):
        yield from laid_out(value, _INDENT)
        return
    yield "    try:"
    yield from laid_out(value, _INDENT * 2)
    yield "    except LookupError as missing:"
    yield f"        {target} = Unbound.of(missing)"


def _reason(counter: str) -> str:
    """Write why a way was not taken whose counter is used up."""
    said = " was taken as often as it may be"
    if isinstance(counter, Parameter):
        return f"{counter} + {literal(said)}"
    return literal(counter + said)


def _without_tail(ways: Sequence[Transition], tail: Sequence[Transition]) -> Sequence[Transition]:
    """Drop from the end of `ways` what `tail` does just the same."""

    def same(a: Transition, b: Transition) -> bool:
        return (a.kind, a.target, a.below, a.used_up, a.feedback) == (
            b.kind,
            b.target,
            b.below,
            b.used_up,
            b.feedback,
        )

    if len(ways) >= len(tail) and all(same(a, b) for a, b in zip(ways[-len(tail) :], tail, strict=True)):
        return ways[: -len(tail)]
    return ways
