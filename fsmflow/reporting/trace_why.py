"""Why a run ended as it did, in sentences that are true of the transitions it took."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from attrs import evolve, frozen

from fsmflow.analysis.traces.following import Followed, follow
from fsmflow.analysis.traces.recording import Recording, rest_of
from fsmflow.machine import End, Machine
from fsmflow.reporting.amounts import counted
from fsmflow.reporting.trace_fold import shape
from fsmflow.reporting.trace_moves import Move, moves
from fsmflow.reporting.trace_sentences import failure, named, sentence, short, succeeded
from fsmflow.reporting.trace_summary import Run, Visit
from fsmflow.reporting.visible import visible

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
        below: Why runs of children failed for which steps of the chain did, or which a step put up with.
    """

    doubts: tuple[str, ...]
    ending: str
    chain: tuple[Move, ...]
    sentences: tuple[str, ...]
    before: tuple[str, ...]
    below: tuple[Below, ...] = ()

    @property
    def text(self) -> str:
        """All of it, in paragraphs."""
        parts = [*self.doubts, " ".join((self.ending, *self.sentences)), *_paragraphs(self.below)]
        if self.before:
            parts.append(f"Before that: {'; '.join(each[0].lower() + each[1:] for each in self.before)}.")
        return "\n\n".join(parts)


@frozen
class Below:
    """Why the run of a child failed: the first one to fail, of those that a step started.

    Attributes:
        run: The run.
        why: The explanation.
        alike: How many others failed in the same way.
        otherwise: How many others failed in another way.
        step: What became of the step all the same, if nothing else tells.
    """

    run: Run
    why: Why
    alike: int
    otherwise: int
    step: str = ""

    @property
    def text(self) -> str:
        """It in a paragraph, without those of its own children."""
        before = [self.step] if self.step else []
        return " ".join((*before, *self.why.doubts, self.why.ending, *self.why.sentences, *self._others()))

    def _others(self) -> Iterator[str]:
        told = (("in the same way", self.alike), ("in another way", self.otherwise))
        of = f"of `{named(self.run.recording.workflow)}`"
        for way, number in told:
            if number:
                yield f"{counted(number, 'other run')} {of} failed {way}."


def _paragraphs(below: Sequence[Below]) -> Iterator[str]:
    for each in below:
        yield each.text
        yield from _paragraphs(each.why.below)


def explain(machine: Machine, recording: Recording, machines: Mapping[str, Machine] | None = None) -> Why:
    """Say which outcomes led a recorded run to its end, and the runs of children that failed to theirs.

    Args:
        machine: The machine that ran, or one like it.
        recording: The run.
        machines: The machines of the workflows that it runs, by name, as far as they are known. Of a run
            of another one there is told what the trace alone says.
    """
    return _explained(machine, Run(recording), machines or {})


def _explained(machine: Machine, run: Run, machines: Mapping[str, Machine]) -> Why:
    recording = run.recording
    followed = follow(machine, recording)
    taken = list(moves(machine, recording, followed))
    if followed.stray is not None:
        # What led to the end is none of the transitions that are known.
        return evolve(
            _told(run, machines),
            doubts=tuple(_doubts(machine, run, followed)),
            ending=_ending(machine, run),
            before=tuple(_summed_up(machine, taken)),
        )
    start = _decisive(machine, taken)
    chain, before = taken[start:], taken[:start]
    sentences = [sentence(machine, move) for move in chain]
    if len(chain) > LONGEST_CHAIN:
        half = LONGEST_CHAIN // 2
        gap = f"({len(chain) - 2 * half:,} transitions more.)"
        sentences = [*sentences[:half], gap, *sentences[-half:]]
    told = {move.number: move.stage.outcome for move in chain if move.stage is not None}
    steps: list[tuple[Visit, str]] = []
    for visit in run.visits:
        outcome = told.get(visit.last.number)
        if outcome is None and visit.last.outcome == "success":
            steps.append((visit, f"{succeeded(f'`{named(visit.state)}`', visit.last)}."))
        elif outcome is not None:
            steps.append((visit, ""))
    return Why(
        tuple(_doubts(machine, run, followed)),
        _ending(machine, run),
        tuple(chain),
        tuple(sentences),
        tuple(_summed_up(machine, before)),
        tuple(_below(steps, machines)),
    )


def _told(run: Run, machines: Mapping[str, Machine]) -> Why:
    """Say what a trace alone says of why a run ended as it did."""
    visit = run.failing
    sentences = () if visit is None else (f"{failure(f'`{named(visit.state)}`', visit.last)}.",)
    below = tuple(_below([] if visit is None else [(visit, "")], machines))
    return Why((), _ending(None, run), (), sentences, (), below)


def _below(steps: Sequence[tuple[Visit, str]], machines: Mapping[str, Machine]) -> Iterator[Below]:
    for visit, became in steps:
        failed = [run for run in visit.runs if run.has_failed]
        if not failed:
            continue
        first, *others = failed
        machine = machines.get(first.recording.workflow)
        if machine is None or machine.digest != first.recording.digest:
            why = _told(first, machines)
        else:
            why = _explained(machine, first, machines)
        alike = sum(shape(run) == shape(first) for run in others)
        yield Below(first, why, alike, len(others) - alike, became)


def _doubts(machine: Machine, run: Run, followed: Followed) -> Iterator[str]:
    recording = run.recording
    if recording.workflow != machine.name:
        yield f"The run is of another workflow, `{named(recording.workflow)}`; the spec is `{machine.name}`."
    elif recording.digest != machine.digest:
        ran = visible(recording.digest[:8])
        yield (
            f"The spec has changed since this run: it was of version {ran}…, "
            f"and the spec is {machine.digest[:8]}… now. What follows is by the spec as it is."
        )
    elif not followed.begins:
        yield f"This trace {rest_of(run.whole.recording)}."
        return
    if followed.stray is not None:
        number = followed.stray
        where = f"`{named(recording.stages[number - 1].state)}`, " if recording.stages else ""
        yield f"From {where}step {number:,} on, this spec does not explain what the run did."


def _ending(machine: Machine | None, run: Run) -> str:
    """Say where a run ended, or stands."""
    recording, which = run.recording, "The run"
    if run.above is not None:
        which = f"In `{named(run.place)}`, the run of `{named(recording.workflow)}`"
    last = recording.stages[-1] if recording.stages else None
    where = "before its first step"
    if last is not None:
        where = f"in `{named(last.state)}`, visit {last.visit:,}, attempt {last.attempt:,}"
    error = recording.error
    match recording.kind:
        case None:
            return f"{which} is not over, or its trace breaks off; it was last seen {_last_seen(run, where)}."
        case "cancelled":
            return f"{which} was cancelled {where}.{''.join(_in_doubt(recording))}"
    end = named(recording.end or "")
    said = f"{which} ended in `{end}` ({recording.kind})."
    if error is not None and error.state == recording.end:
        declared = None if machine is None else machine.states.get(error.state)
        meant = f", which is of kind {declared.kind}" if isinstance(declared, End) else ""
        said = f"{which} came to `{end}`{meant}, and failed there: {short(error.message)}."
    return said


def _in_doubt(recording: Recording) -> Iterator[str]:
    """Say what may have happened or not in a run that was cancelled, and in those that it ran by then."""
    last = recording.stages[-1] if recording.stages and recording.kind == "cancelled" else None
    if last is not None and last.outcome == "unknown":
        yield f" Nobody can tell whether `{named(last.state)}` happened."
    for child in () if last is None else last.children:
        yield from _in_doubt(child.recording)


def _last_seen(run: Run, where: str) -> str:
    """Say where a run was last seen: in a stage that is over, or in one that is not."""
    for each, runs in run.under_way:
        step = "a step" if each.state is None else f"`{named(each.state)}`"
        match each.kind:
            case "question":
                return f"in {step}, which waits for an answer"
            case "pause":
                return f"in {step}, which lets time pass"
            case _ if not runs:
                return f"in {step}, of which an attempt was under way"
        over = sum(child.recording.kind is not None for child in runs)
        were = "was" if over == 1 else "were"
        return f"in {step} that had started {counted(len(runs), 'run')}, of which {over:,} {were} over"
    return where


def _decisive(machine: Machine, taken: Sequence[Move]) -> int:
    """Give the place of the last transition at which the run could have gone another way."""
    return max((place for place, move in enumerate(taken) if _is_a_turn(machine, move)), default=0)


def _is_a_turn(machine: Machine, move: Move) -> bool:
    """Tell whether the run could have gone another way, or went another than straight on."""
    way = move.way
    return way.kind != "success" or way.used_up is not None or len(machine.successes(way.source)) > 1


def _summed_up(machine: Machine, before: Sequence[Move]) -> Iterator[str]:
    """Tell what went another way than straight on, each kind once, in the order of its first time."""
    groups: dict[int, list[Move]] = {}
    for move in before:
        if _is_a_turn(machine, move):
            groups.setdefault(id(move.way), []).append(move)
    for found in list(groups.values())[:MOST_BEFORE]:
        yield _counted(machine, found)
    if len(groups) > MOST_BEFORE:
        yield f"and {len(groups) - MOST_BEFORE:,} more turns of other kinds"


def _counted(machine: Machine, found: Sequence[Move]) -> str:
    """Say a transition that was taken more than once; what was said of it is that of the last time."""
    said = sentence(machine, found[-1]).removesuffix(".")
    if len(found) == 1:
        return said
    told = [sentence(machine, move) for move in found]
    differ = any(each != told[0] for each in told)
    return f"{said} ({len(found):,} times{'; this is the last of them' if differ else ''})"
