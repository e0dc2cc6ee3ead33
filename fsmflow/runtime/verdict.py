"""How an attempt ended: from what a step returned or raised to the event that says so."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from fsmflow.runtime.calling import owned
from fsmflow.runtime.clock import NEVER
from fsmflow.runtime.commands import Stage
from fsmflow.runtime.complaints import Rejected, named
from fsmflow.runtime.events import Ended
from fsmflow.runtime.outcomes import Breach, Invalid, Outcome, Stop, classify, describe
from fsmflow.runtime.run import Run
from fsmflow.runtime.steps import Bound
from fsmflow.runtime.whereabouts import raised_at

Use = tuple[int, int, int] | None


class Replayed(Exception):
    """Raised by what stands in for a step: the attempt ended as `event` says, which is taken over whole."""

    def __init__(self, event: Ended) -> None:
        super().__init__(event.outcome)
        self.event = event


def cut_at(stage: Stage, run: Run, started: int) -> int:
    """Give the time at which an attempt is cut off: by its timeout, for the run's own deadline, or never.

    Children cut their own attempts off, each in time, and so are cut off for the run's deadline alone.
    """
    timeout, limit = stage.timeout_us, stage.time_limit_us
    if stage.children is not None:
        timeout = None
    if limit is None:
        return NEVER if timeout is None else started + timeout
    left = limit - run.time_us
    return started + (left if timeout is None or left < timeout else timeout)


def is_cut_by_run(stage: Stage, run: Run) -> bool:
    """Tell whether it is the run's own deadline that cuts an attempt off."""
    if stage.time_limit_us is None:
        return False
    if stage.timeout_us is None or stage.children is not None:
        return True
    return stage.time_limit_us - run.time_us < stage.timeout_us


def returned(
    stage: Stage, bound: Bound, value: Any, arguments: Mapping[str, Any], elapsed_us: int, use: Use
) -> Ended:
    """Validate what a step returned, and say how the attempt ended."""
    label: str | None = None
    if stage.labels is not None:
        if isinstance(value, Outcome):
            label, value = value
        elif not stage.gives:
            label = value
        else:
            complaint = f"expected Outcome(label, value), found {type(value).__name__}"
            return Ended("invalid", None, value, complaint, (complaint,), use, elapsed_us)
        if not isinstance(label, str) or label not in stage.labels:
            said = f"{label!r:.100}" if isinstance(label, str) else named(label)
            complaint = f"{said} is no label of {stage.name}: expected " + ", ".join(stage.labels)
            return Ended("invalid", None, value, complaint, (complaint,), use, elapsed_us)
    asked = "its type"
    try:
        validate = bound.validate_with(label)
        value = owned(value) if validate is None else validate(value)
        asked = "accept"
        complaints = _complaints(bound, value, arguments)
    except Rejected as rejected:
        complaints = rejected.complaints
    except Breach as breach:
        return Ended("failure", None, None, describe(breach), (), use, elapsed_us)
    except (KeyboardInterrupt, Stop):
        raise
    except BaseException as error:  # noqa: BLE001 - a bug in what looks at it is a failure, never a retry
        said = f"{asked}: {describe(error)}"
        return Ended("failure", None, None, said, (), use, elapsed_us, where=raised_at(error))
    if complaints:
        return Ended("invalid", None, value, "; ".join(complaints)[:500], complaints, use, elapsed_us)
    return Ended("success", label, value, "", (), use, elapsed_us)


def raised(stage: Stage, error: BaseException, elapsed_us: int, use: Use, source: random.Random) -> Ended:
    """Classify what a step raised."""
    if isinstance(error, Replayed):
        return error.event
    failure = classify(error)
    outcome = failure.outcome
    if stage.effect == "once" and failure.ambiguous:
        outcome = "unknown"
    draw = source.random() if outcome == "transient" else 0.0
    complaints, wish = failure.complaints, failure.retry_after_us
    said, where = failure.message, failure.where
    return Ended(outcome, None, None, said, complaints, use, elapsed_us, wish, draw, where=where)


def cut_off(
    stage: Stage, bound: Bound, elapsed_us: int, use: Use, source: random.Random, *, by_run: bool
) -> Ended:
    """Say what it means that an attempt was cut off: by its timeout, or for the run's own deadline."""
    time = seconds(elapsed_us)
    if stage.effect == "once":
        message = f"cut off after {time}: nobody can tell if it happened"
        return Ended("unknown", None, None, message, (), use, elapsed_us)
    if by_run:
        message = f"cut off after {time}: the run has no time left"
        return Ended("exceeded", None, None, message, (), use, elapsed_us)
    message = f"cut off at its timeout, after {time}"
    if bound.mode == "thread" and stage.effect != "none":
        # The thread can't be killed and may still act, so another attempt must not begin.
        message += "; its thread could not be stopped"
        return Ended("failure", None, None, message, (), use, elapsed_us)
    return Ended("transient", None, None, message, (), use, elapsed_us, None, source.random())


def seconds(us: int) -> str:
    """Word how long something took, in seconds to three digits: `0.0203 s`, `1,800 s`."""
    return f"{us / 1_000_000:.3g} s" if us < 999_500_000 else f"{us / 1_000_000:,.0f} s"


def cancelled(stage: Stage, elapsed_us: int, use: Use) -> Ended:
    """Say what it means that the run was cancelled while an attempt was under way."""
    if stage.effect == "once":
        message = "the run was cancelled: nobody can tell if it happened"
        return Ended("unknown", None, None, message, (), use, elapsed_us)
    return Ended("cancelled", None, None, "the run was cancelled", (), use, elapsed_us)


def _complaints(bound: Bound, value: Any, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    found: list[str] = []
    for acceptor in bound.accept:
        known = {name: arguments[name] for name in acceptor.takes if name in arguments}
        try:
            said = acceptor.function(value, **known)
        except Invalid as invalid:
            said = invalid.complaints or ("rejected",)
        if isinstance(said, str):
            said = (said,) if said else ()
        elif said is False:
            said = ("rejected",)
        elif said is None or said is True:
            said = ()
        found += [str(complaint) for complaint in said]
    return tuple(found)
