"""A run that was played, in the words of a plan: what Hypothesis shows of an example speaks of acts alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from attrs import frozen
from hypothesis import currently_in_test_context, note

from fsmflow.machine import Ask, Machine, Work
from fsmflow.runtime import Ended, Span
from fsmflow.runtime.trace import plain
from fsmflow.spec import Duration


def tell(machine: Machine, given: Any, trace: Sequence[Span]) -> None:
    """Have Hypothesis say what happened in a run, should the test fail over it."""
    if currently_in_test_context():
        note(_Told(machine, given, trace))


@frozen
class _Told:
    """What is said of a run; it is put in words for no other example than the one that is shown."""

    machine: Machine
    given: Any
    trace: Sequence[Span]

    def _repr_pretty_(self, printer: Any, _: bool) -> None:
        what = "That run, as a plan for `fsmflow run SPEC --plan FILE`; the first line is no part of it"
        printer.text(f"{what}:\n{as_plan(self.machine, self.given, self.trace)}")


def as_plan(machine: Machine, given: Any, trace: Sequence[Span]) -> str:
    """Say what happened at each attempt of a run, as plans do, below a line with its input."""
    attempts: dict[str, list[str]] = {}
    for span in trace:
        state = machine.states[span.state]
        if isinstance(span.event, Ended) and isinstance(state, Work | Ask):
            attempts.setdefault(span.state, []).append(_entry(state, span.event))
    lines = [f"{_word(name)}: [{', '.join(entries)}]" for name, entries in attempts.items()]
    return "\n".join([f"input: {_json(given)}", *lines])


def _entry(state: Work | Ask, event: Ended) -> str:
    return f"{{{', '.join(f'{key}: {written}' for key, written in _parts(state, event))}}}"


def _parts(state: Work | Ask, event: Ended) -> Iterator[tuple[str, str]]:
    if event.label is not None:
        yield "label", _word(event.label)
    else:
        # What is cut off by the deadline of the whole run is planned as what its own one cuts off.
        yield "outcome", {"success": "ok", "exceeded": "timeout"}.get(event.outcome, event.outcome)
    if event.outcome == "success" and event.value is not None and _gives(state):
        yield "value", _json(event.value)
    if (
        isinstance(state, Work)
        and state.children is None
        and event.use not in (None, state.cost.amounts()[1:4])
    ):
        tool_calls, tokens, micro_usd = event.use
        dollars = f'"{Decimal(micro_usd).scaleb(-6).normalize():f}"'
        amounts = [("tool_calls", tool_calls), ("tokens", tokens), ("usd", dollars if micro_usd else 0)]
        yield "use", f"{{{', '.join(f'{name}: {amount}' for name, amount in amounts if amount)}}}"
    if event.elapsed_us:
        yield "takes", str(Duration(event.elapsed_us))
    if event.outcome == "transient" and event.retry_after_us is not None:
        yield "retry_after", str(Duration(event.retry_after_us))


def _gives(state: Work | Ask) -> bool:
    """Tell whether a plan may say what a success of a state gives."""
    return state.labels is None or state.gives is not None or (isinstance(state, Work) and bool(state.tools))


def _word(name: str) -> str:
    """Write a name so that YAML reads a text in it."""
    return _json(name) if name in ("true", "false", "null") else name


def _json(value: Any) -> str:
    """Write a value as JSON that is YAML too, and can be shown."""
    text = json.dumps(plain(value), ensure_ascii=False, default=repr)
    return re.sub(r"[^ -~]", lambda found: _escaped(ord(found[0])), text)


def _escaped(code: int) -> str:
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
