"""What happens at the attempts of a simulated run: how each ends, what it charges, how long it takes.

An attempt's fate is read off one number of 64 bits, in the terms of whatever state the attempt is in.
How it is told is the driver's own: the same verdicts, on the same exceptions, with the same ledger.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from attrs import define, frozen

from fsmflow.runtime import (
    Breach,
    Ended,
    Invalid,
    Outcome,
    Permanent,
    Rejected,
    Run,
    Runner,
    Spent,
    Stage,
    Transient,
)
from fsmflow.runtime.clock import NEVER
from fsmflow.runtime.context import StepContext
from fsmflow.runtime.run import Unbound
from fsmflow.runtime.steps import Bound
from fsmflow.runtime.validation import Validate
from fsmflow.runtime.verdict import Use, cut_at, cut_off, is_cut_by_run, raised, returned

MOODS: Mapping[str, str] = {
    "fair": 24 * "s" + "ttbbiiuufflllndx",
    "smooth": 120 * "s" + "tbiuflnx",
    "flaky": 8 * "s" + 10 * "t" + 6 * "b" + "lllnniifx",
    "picky": 8 * "s" + 12 * "i" + "uuuttflx",
    "slow": 10 * "s" + 12 * "l" + "ddtti",
    "wearing": 16 * "s" + 8 * "t" + 8 * "i",
    "greedy": 10 * "s" + 5 * "x" + 5 * "d" + "tif",
}
"""How likely each fate is in a run of a mood: a letter for each chance.

s success, t transient, b busy (a server asks to be left alone), i invalid, u unfit (an output or a label
that is none), f failure, l late (it runs into its deadline), n not known to have happened (the connection
is lost), d a deadline after which it charges on, x a breach: it charges more than it declared.
"""

WEARING = "wearing"
"""The mood that uses budgets up: each attempt takes all of its cost and its time."""


class Busy(Exception):
    """A server's answer that it is busy, as an HTTP client tells it."""

    def __init__(self, status: int, retry_after: str) -> None:
        super().__init__(f"status {status}")
        self.status_code = status
        self.headers = {"Retry-After": retry_after}


WISHES: tuple[Exception, ...] = (
    *(
        Busy(429, text)
        for text in ("0", "1", "5", "0.25", "60", "3600", " 2 ", "-1", "nan", "inf", "1e9", "٣")
    ),
    *(Busy(503, text) for text in ("5, 10", "", "Thu, 01 Jan 1970 00:00:00 GMT", "9" * 64, "soon")),
    Busy(529, "Fri, 31 Dec 9999 23:59:59 GMT"),
    *(Transient("busy", retry_after=seconds) for seconds in (0, 0.001, 1, 30, 1e18, -1, float("nan"))),
    Transient("busy", retry_after="5"),  # type: ignore[arg-type] # what a careless step passes on
)
"""How servers, and steps, ask to be left alone: sane wishes and hostile ones."""

PASSING: tuple[Exception, ...] = (
    Transient("for a moment"),
    TimeoutError("read timed out"),
    Busy(500, ""),
    Busy(408, ""),
)
LOST: tuple[Exception, ...] = (ConnectionResetError("by peer"), EOFError("the stream broke off"))
FAILURES: tuple[BaseException, ...] = (
    Permanent("it can't be done"),
    ValueError("a bug"),
    Busy(400, "1"),
    SystemExit(1),
)


class Draw(random.Random):
    """A source of jitter that gives the number it was set to."""

    value = 0.0

    def random(self) -> float:
        """Give that number."""
        return self.value


@frozen
class Part:
    """What the attempts of one state are made of.

    Attributes:
        stage: The state, as the runner has it.
        values: Outputs that fit, by label where a model calls tools, and by None where not; all of them
            None where the state declares no type.
        taking: Takes an output as it is; what fits was looked at before.
        checking: Holds an output to its type.
    """

    stage: Stage
    values: Mapping[str | None, tuple[Any, ...]]
    taking: Mapping[str, Bound]
    checking: Bound

    @classmethod
    def of(
        cls, stage: Stage, values: Mapping[str | None, tuple[Any, ...]], validate: Validate | None
    ) -> Part:
        """Prepare a state whose outputs are `values`, and are held to `validate`."""
        taking = {
            mode: Bound(_never, mode, True, None, (), False) for mode in ("async", "thread", "children")
        }
        checking = Bound(_never, "async", True, validate, (), False)
        return cls(stage, values, taking, checking)


def fitting(values: Sequence[Any], validate: Validate | None) -> tuple[Any, ...]:
    """Give values without those that their type does not take; None alone, if it takes none of them."""
    found = []
    for value in values:
        try:
            found.append(value if validate is None else validate(value))
        except Rejected:
            continue
    return tuple(found) or (None,)


def _never() -> None:
    """Stand for a step that is never called."""


@define
class Temper:
    """What the attempts of one run have in common.

    Attributes:
        mood: How likely each fate is.
        lean: A label that every success gives, if not None.
        pace: How much of its deadline each attempt takes, in thirds, if not None.
    """

    mood: str
    lean: int | None = None
    pace: int | None = None


class Fates:
    """Tells how attempts of one workflow end."""

    def __init__(self, runner: Runner[Any, Any], parts: Mapping[str, Part]) -> None:
        self._runner = runner
        self._parts = parts
        self._draw = Draw(0)

    def ended(self, run: Run, bits: int, temper: Temper, now: int, late: list[tuple[int, int, int]]) -> Ended:
        """Say how the attempt ends that begins where `run` stands.

        Args:
            run: The run, before its attempt is on the ledger.
            bits: A number of 64 bits, from which all is read.
            temper: What the attempts of the run have in common.
            now: The time, in microseconds.
            late: Where to put what the attempt charges after it was cut off.
        """
        part = self._parts[run.state]
        stage, arguments = part.stage, run.arguments
        if isinstance(arguments, Unbound):
            return Ended("failure", message=arguments.reason, use=(0, 0, 0))
        if stage.key is not None:
            try:
                stage.key(run.values)
            except LookupError as missing:
                return Ended("failure", message=f"key: {Unbound.of(missing).reason}", use=(0, 0, 0))
        chances = MOODS[temper.mood]
        fate = chances[(bits & 0xFFFF) % len(chances)]
        self._draw.value = (bits >> 40) / 0x1000000
        at_us = cut_at(stage, run, now)
        left = None if at_us == NEVER else at_us - now
        context = StepContext(self._runner, run, stage, None, "", lambda: now, at_us, late.append)
        cut, longest = fate in "ld" and left is not None, left
        if stage.children is not None and stage.timeout_us is not None:
            # Children keep to their time themselves, so that only the run's own deadline can cut them off.
            longest = stage.timeout_us if left is None else min(left, stage.timeout_us)
            cut = cut and longest == left
        elapsed = _elapsed(bits >> 16 & 0xFF, longest, cut, 3 if temper.mood == WEARING else temper.pace)
        if temper.mood != WEARING:
            _charge(context, stage, fate, bits >> 24 & 0xFF)
        use = context.close(cut=cut)
        if fate == "d" and cut and stage.children is None:
            _charge(context, stage, "x", bits >> 24 & 0xFF)
        elif context.breach:
            breached = Ended("failure", None, None, context.breach, (), use, elapsed)
            return breached._replace(steps=context.steps)
        if cut:
            # Only a thread can charge on, since it can't be stopped.
            mode = "thread" if fate == "d" or bits >> 32 & 1 else "async"
            bound = part.taking[mode if stage.children is None else "children"]
            event = cut_off(stage, bound, elapsed, use, self._draw, by_run=is_cut_by_run(stage, run))
        else:
            event = self._told(part, fate, bits >> 32 & 0xFF, temper, arguments, elapsed, use)
        return event if stage.steps == 1 else event._replace(steps=context.steps)

    def _told(
        self,
        part: Part,
        fate: str,
        which: int,
        temper: Temper,
        arguments: Mapping[str, Any],
        elapsed: int,
        use: Use,
    ) -> Ended:
        """Tell how an attempt ended that was not cut off and kept to its cost."""
        stage = part.stage
        match fate:
            case "t" | "l" | "d":
                return raised(stage, PASSING[which % len(PASSING)], elapsed, use, self._draw)
            case "b":
                return raised(stage, WISHES[which % len(WISHES)], elapsed, use, self._draw)
            case "n":
                return raised(stage, LOST[which % len(LOST)], elapsed, use, self._draw)
            case "f":
                return raised(stage, FAILURES[which % len(FAILURES)], elapsed, use, self._draw)
            case "i":
                return raised(stage, Invalid("it was found wanting"), elapsed, use, self._draw)
            case "u":
                return returned(stage, part.checking, _UNFIT, arguments, elapsed, use)
        label = None
        if stage.labels is not None:
            number = which >> 4 if temper.lean is None else temper.lean
            label = stage.labels[number % len(stage.labels)]
        values = part.values.get(label) or part.values[None]
        value = values[which % len(values)]
        if label is not None:
            value = Outcome(label, value) if stage.gives else label
        return returned(stage, part.taking["async"], value, arguments, elapsed, use)


class _Unfit:
    """An output that fits no type that a spec can name but `Any`."""

    def __repr__(self) -> str:
        return "<unfit>"


_UNFIT = _Unfit()


def _elapsed(part: int, left: int | None, cut: bool, pace: int | None) -> int:
    """Give how long an attempt takes: no time, a part of what is left, or all of it to the microsecond."""
    if left is None:
        left = 1_000_000
    if cut:
        return left
    if pace is not None:
        return left * min(pace, 3) // 3
    if part < 32:
        return min(left, part & 1)
    return left if part > 248 else left * part // 512


def _charge(context: StepContext, stage: Stage, fate: str, part: int) -> None:
    """Charge nothing, nothing but in words, a part, all of what was declared, or in a breach more."""
    tool_calls, tokens, micro_usd = stage.cost
    try:
        if fate == "x":
            # One of the resources, declared or not, by one too much or by far.
            over = [1 << (part >> 3) * 2 // 3 if part % 3 == number else 0 for number in range(3)]
            amounts = (tool_calls + over[0], tokens + over[1], micro_usd + over[2])
            if stage.children is not None:
                context.book([Spent(stage.steps - 1, *amounts)])
            else:
                context.charge(tool_calls=amounts[0], tokens=amounts[1], usd=Decimal(amounts[2]).scaleb(-6))
        elif (stage.full is not None or stage.children is not None) and part >= 96:
            some = 32 if part >= 224 else (part - 96) // 4
            if stage.children is not None:
                whole = (stage.steps - 1, *stage.cost)
                context.book([Spent(*(amount * some // 32 for amount in whole))])
                return
            context.charge(
                tool_calls=tool_calls * some // 32,
                tokens=tokens * some // 32,
                usd=Decimal(micro_usd * some // 32).scaleb(-6) if micro_usd else None,
            )
    except Breach:
        return
