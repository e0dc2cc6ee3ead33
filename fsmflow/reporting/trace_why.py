"""Why a run ended as it did, in sentences that are true of the transitions it took."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import frozen

from fsmflow.analysis.following import Followed, follow
from fsmflow.analysis.recording import Recording, Stage
from fsmflow.glance import time
from fsmflow.machine import Choice, End, Machine, Transition, Wait
from fsmflow.reporting.amounts import worded
from fsmflow.reporting.excerpt import visible
from fsmflow.reporting.proof_wording import listed
from fsmflow.reporting.trace_amounts import amount
from fsmflow.reporting.trace_moves import Closed, Lack, Move, moves

LONGEST = 160
"""How many characters of a message are told."""

MOST_BEFORE = 8
"""How many kinds of what happened before are told."""

LONGEST_CHAIN = 12
"""How many of the last transitions are told."""


@frozen
class Why:
    """An explanation.

    Attributes:
        doubts: What is to be known first: that the run is of another version, or parts from the machine.
        ending: Where the run ended, or stands.
        chain: The transitions from the one that decided the end, in order.
        sentences: What the chain says, a sentence for each of its transitions.
        before: What happened before that, summed up.
    """

    doubts: tuple[str, ...]
    ending: str
    chain: tuple[Move, ...]
    sentences: tuple[str, ...]
    before: tuple[str, ...]

    @property
    def text(self) -> str:
        """All of it, in paragraphs."""
        parts = [*self.doubts, " ".join((self.ending, *self.sentences))]
        if self.before:
            parts.append(f"Before that: {'; '.join(self.before)}.")
        return "\n\n".join(parts)


def explain(machine: Machine, recording: Recording) -> Why:
    """Say which outcomes led a recorded run to its end."""
    followed = follow(machine, recording)
    taken = list(moves(machine, recording, followed))
    start = _decisive(machine, taken)
    chain, before = taken[start:], taken[:start]
    sentences = [_sentence(machine, move) for move in chain]
    if len(chain) > LONGEST_CHAIN:
        half = LONGEST_CHAIN // 2
        gap = f"({len(chain) - 2 * half:,} transitions more.)"
        sentences = [*sentences[:half], gap, *sentences[-half:]]
    return Why(
        tuple(_doubts(machine, recording, followed)),
        _ending(machine, recording),
        tuple(chain),
        tuple(sentences),
        tuple(_summed_up(machine, before)),
    )


def _doubts(machine: Machine, recording: Recording, followed: Followed) -> Iterator[str]:
    if recording.workflow != machine.name:
        yield f"The run is of another workflow, `{_named(recording.workflow)}`; the spec is `{machine.name}`."
    elif recording.digest != machine.digest:
        ran = visible(recording.digest[:8])
        yield (
            f"The spec has changed since this run: it was of version {ran}…, "
            f"and the spec is {machine.digest[:8]}… now. What follows is by the spec as it is."
        )
    if followed.stray is not None:
        number = followed.stray
        where = f"`{_named(recording.stages[number - 1].state)}`, " if recording.stages else ""
        yield f"From {where}step {number:,} on, this spec does not explain what the run did."


def _ending(machine: Machine, recording: Recording) -> str:
    last = recording.stages[-1] if recording.stages else None
    where = f"`{_named(last.state)}`, visit {last.visit:,}, attempt {last.attempt:,}" if last else "its start"
    error = recording.error
    match recording.kind:
        case None:
            return f"The run is not over, or its trace breaks off; it was last seen in {where}."
        case "cancelled":
            return f"The run was cancelled in {where}."
    end = _named(recording.end or "")
    said = f"The run ended in `{end}` ({recording.kind})."
    if error is not None and error.state == recording.end:
        declared = machine.states.get(error.state)
        meant = f", which is of kind {declared.kind}" if isinstance(declared, End) else ""
        said = f"The run came to `{end}`{meant}, and failed there: {_short(error.message)}."
    return said


def _decisive(machine: Machine, taken: Sequence[Move]) -> int:
    """Give the place of the last transition at which the run could have gone another way."""
    for place in range(len(taken) - 1, -1, -1):
        way = taken[place].way
        plain = way.kind == "success" and way.used_up is None
        if not plain or len(machine.successes(way.source)) > 1:
            return place
    return 0


def _sentence(machine: Machine, move: Move) -> str:
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
        return f"{name} gave `{way.label}`" if way.label is not None else f"{name} succeeded"
    return _failure(name, stage)


def _failure(name: str, stage: Stage) -> str:
    why = f" ({_short(stage.error)})" if stage.error else ""
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


def _summed_up(machine: Machine, before: Sequence[Move]) -> Iterator[str]:
    """Tell what went another way than straight on, each kind once, in the order of its first time."""
    groups: dict[int, list[Move]] = {}
    for move in before:
        way = move.way
        told = way.kind != "success" or way.used_up is not None or len(machine.successes(way.source)) > 1
        if told:
            groups.setdefault(id(way), []).append(move)
    for found in list(groups.values())[:MOST_BEFORE]:
        yield _counted(machine, found)
    if len(groups) > MOST_BEFORE:
        yield f"and {len(groups) - MOST_BEFORE:,} more turns of other kinds"


def _counted(machine: Machine, found: Sequence[Move]) -> str:
    """Say a transition that was taken more than once; what was said of it is that of the last time."""
    said = _sentence(machine, found[-1]).removesuffix(".")
    if len(found) == 1:
        return said
    told = [_sentence(machine, move) for move in found]
    differ = any(each != told[0] for each in told)
    return f"{said} ({len(found):,} times{'; this is the last of them' if differ else ''})"


def _named(name: str) -> str:
    return visible(name if len(name) <= 64 else f"{name[:63]}…")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return visible(line if len(line) <= LONGEST else f"{line[: LONGEST - 1].rstrip()}…")
