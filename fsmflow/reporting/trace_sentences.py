"""The transitions of a recorded run in words: a sentence for each, from its cause to where it led."""

from __future__ import annotations

from fsmflow.analysis.traces.recording import Stage
from fsmflow.glance import time
from fsmflow.machine import Ask, Choice, Machine, Transition, Wait, Work
from fsmflow.reporting.amounts import worded
from fsmflow.reporting.proof_wording import listed
from fsmflow.reporting.trace_amounts import amount
from fsmflow.reporting.trace_moves import Closed, Lack, Move
from fsmflow.reporting.trace_summary import Tally, children, tally
from fsmflow.reporting.visible import visible

LONGEST = 160
"""How many characters of a message are told."""


def sentence(machine: Machine, move: Move) -> str:
    """Say one transition, from its cause to where it led."""
    way = move.way
    cause = _cause(machine, move)
    shut = "".join(f"; {_shut(closed)}" for closed in move.closed)
    return f"{cause}{shut}, {_led(way)}."


def _led(way: Transition) -> str:
    match way.kind, way.same_visit:
        case "retry", _:
            return f"so `{way.target}` was tried again, after a pause"
        case "invalid", True:
            return f"so `{way.target}` was asked again"
        case ("fallback", _) if way.used_up is None:
            return f"so its fallback was taken, to `{way.target}`"
        case ("exceeded", _):
            return f"so the run went to `{way.target}`"
    return f"which led to `{way.target}`"


def _cause(machine: Machine, move: Move) -> str:
    way, stage = move.way, move.stage
    name = f"`{way.source}`"
    state = machine.states[way.source]
    if way.kind == "exceeded":
        if stage is not None and stage.outcome == "exceeded":
            return f"{name} was cut off after {time(stage.elapsed_us)}, since the run had no time left"
        what = "wait in" if isinstance(state, Wait) else "attempt of"
        more = "another" if stage is not None else "an"
        more = "the" if isinstance(state, Wait) else more
        return f"The budget had no room for {more} {what} {name}: {listed(map(_lack, move.lacks))}"
    if isinstance(state, Choice):
        arm = (way.label or "").removeprefix("arm_")
        return f"{name} chose its arm {arm}"
    if stage is None or way.kind == "success":
        if isinstance(state, Wait):
            return f"{name} waited"
        if isinstance(state, Ask):
            return f"{name} was answered" + (f" `{way.label}`" if way.label is not None else "")
        return f"{name} gave `{way.label}`" if way.label is not None else succeeded(name, stage)
    may = 0 if not isinstance(state, Work) or state.children is None else state.children.tolerate
    return failure(name, stage, may)


def failure(name: str, stage: Stage, may: int = 0) -> str:
    """Say that a stage did not succeed, and why; of its children so many `may` fail."""
    if stage.children:
        return f"{name} failed{_of_children(stage, may)}"
    if stage.kind == "question":
        return f"{name} got no answer{_bracketed(stage)}"
    why = _bracketed(stage)
    match stage.outcome:
        case "transient":
            return f"{name} failed in a way that may pass{why}"
        case "invalid":
            return f"The output of {name} was rejected{why}"
        case "unknown":
            return f"Nobody can tell whether {name} happened{why}"
    return f"{name} failed{why}"


def _shut(closed: Closed) -> str:
    way = closed.way
    match way.kind, way.same_visit:
        case "retry", _:
            what = "its retries"
        case "invalid", True:
            what = "asking again"
        case _:
            what = f"its way to `{way.target}`"
    if closed.cap is None:
        return "the pause before a retry was too long, or did not fit in the time left"
    were = "were" if what == "its retries" else "was"
    return f"{what} {were} used up (≤ {closed.cap:,})"


def _lack(lack: Lack) -> str:
    """Say which cap left no room, and by how much."""
    cap, aside = _exactly(lack.resource, lack.cap), _exactly(lack.resource, lack.aside)
    is_bare = lack.resource not in ("micro_usd", "time_us")
    used = f"{lack.used:,}" if is_bare else _exactly(lack.resource, lack.used)
    kept = f", with {aside} set aside" if lack.aside else ""
    if lack.resource == "time_us" and lack.needed == 1:
        return f"{used} of {cap} were used{kept}, and any attempt takes time"
    more, short = _exactly(lack.resource, lack.needed), _exactly(lack.resource, lack.short)
    return f"{used} of {cap} were used{kept}, and it may need {more}, {short} too much"


def _exactly(resource: str, used: int) -> str:
    return worded("microseconds", used) if resource == "time_us" else amount(resource, used)


def _bracketed(stage: Stage) -> str:
    # That nobody can tell is said by the sentence itself.
    error = stage.error.removesuffix(": nobody can tell if it happened")
    if not error:
        return ""
    return f" ({short(error)}{f', at {short(stage.where)}' if stage.where else ''})"


def _of_children(stage: Stage, may: int) -> str:
    """Say which of the runs that a stage started failed; if none did, what else went wrong."""
    found = tally(children(stage), stage.given)
    if not found.failed:
        return _bracketed(stage)
    return f", since {_failed_of(found)}" + (f", and {may:,} may" if may else "")


def succeeded(name: str, stage: Stage | None) -> str:
    """Say that a stage succeeded, though some of the runs that it started may have failed."""
    found = None if stage is None else tally(children(stage), stage.given)
    though = f", though {_failed_of(found)}" if found is not None and found.failed else ""
    return f"{name} succeeded{though}"


def _failed_of(found: Tally) -> str:
    of = "runs" if found.workflow is None else f"runs of `{named(found.workflow)}`"
    if found.meant == 1:
        return f"its {of.replace('runs', 'run', 1)} failed"
    return f"{found.failed:,} of {found.meant:,} {of} failed"


def named(name: str) -> str:
    """Write a name from a trace so that it is one to a reader."""
    return visible(name if len(name) <= 64 else f"{name[:63]}…")


def short(text: str) -> str:
    """Write a message from a trace on one line, cut if it is long."""
    line = " ".join(text.split())
    return visible(line if len(line) <= LONGEST else f"{line[: LONGEST - 1].rstrip()}…")
