"""How much each attempt of a path uses: as much as it may, while all that follows still happens.

A path of the counter machine says which attempts are made, and which are refused for want of budget.
Whatever is used early is lacking later, so for each resource the most that may have been used at each
point is worked out backward, and forward every attempt takes as much as that leaves. The resources
do not touch one another, so one plan uses the most of all of them at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import define, evolve, field, frozen

from fsmflow.analysis.proving.counter_machine import CounterMachine, Edge, Valuation
from fsmflow.machine import Backoff, Machine, Resources, Wait, Work
from fsmflow.runtime import backoff as timing

Amounts = tuple[int, int, int, int, int]
"""Steps, tool calls, tokens, micro-dollars and microseconds, in the order of `Resources.amounts`."""

NOTHING: Amounts = (0, 0, 0, 0, 0)
_ONE_STEP: Amounts = (1, 0, 0, 0, 0)
_NO_LIMIT = 1 << 62
_FREE: Amounts = (_NO_LIMIT,) * 5
_TIME = 4


@frozen(kw_only=True)
class Move:
    """What one edge of a path asks of the budget, and may use of it.

    Attributes:
        edge: The edge.
        before: The most that may have been used before it.
        least: The least that its attempt, or its wait, uses; an attempt that runs children, one step.
        most: The most.
        after: The most that may have been used when that has ended.
        pause: The shortest and the longest pause that follows, in microseconds.
        refused_before: It is refused, or cut off by the run's deadline, and so more than one of these must
            have been used before it.
        refused_after: Its retry is refused, and so more than one of these must have been used after it.
        ends_at: The time that must have been used when its attempt has ended.
        wish_us: What a server asks for, so that its retry is passed over.
    """

    edge: Edge
    before: Amounts = _FREE
    least: Amounts = NOTHING
    most: Amounts = NOTHING
    after: Amounts = _FREE
    pause: tuple[int, int] = (0, 0)
    refused_before: Amounts | None = None
    refused_after: Amounts | None = None
    ends_at: int = 0
    wish_us: int | None = None


@define
class Plan:
    """What every move of a path uses.

    Attributes:
        moves: The path.
        uses: What each move's attempt or wait uses.
        pauses: How long the pause after it is, in microseconds.
        breaks_at: The first move that can't come about; None if all can.
    """

    moves: Sequence[Move]
    uses: list[Amounts] = field(factory=list)
    pauses: list[int] = field(factory=list)
    breaks_at: int | None = None

    @classmethod
    def of(cls, machine: Machine, counting: CounterMachine, edges: Sequence[Edge]) -> Plan:
        """Plan a run of `machine` along `edges`, from its start."""
        plan = cls(list(_moves(machine, counting, edges)))
        plan.breaks_at = plan._fill()
        return plan

    def _fill(self) -> int | None:
        """Fill the plan; give the first move that can't come about."""
        resources = range(len(NOTHING))
        ceilings = [list(_ceilings(self.moves, resource)) for resource in resources]
        used = list(NOTHING)
        for number, move in enumerate(self.moves):
            if any(used[r] > move.before[r] for r in resources) or not _lacks(used, move.refused_before):
                return number
            before = tuple(used)
            for r in resources:
                after, _ = ceilings[r][-1 - number]
                used[r] = max(before[r] + move.least[r], min(before[r] + move.most[r], after))
            too_much = any(used[r] > move.after[r] for r in resources)
            if too_much or used[_TIME] < move.ends_at or not _lacks(used, move.refused_after):
                return number
            steps, tool_calls, tokens, micro_usd, time_us = (used[r] - before[r] for r in resources)
            self.uses.append((steps, tool_calls, tokens, micro_usd, time_us))
            shortest, longest = move.pause
            most = ceilings[_TIME][-1 - number][1] - used[_TIME]
            self.pauses.append(max(shortest, min(longest, most)))
            used[_TIME] += self.pauses[-1]
        return None


def _lacks(used: Sequence[int], more_than: Amounts | None) -> bool:
    return more_than is None or any(a > limit for a, limit in zip(used, more_than, strict=True))


def _ceilings(moves: Sequence[Move], resource: int) -> Iterator[tuple[int, int]]:
    """Give the most that may have been used of a resource after each move and after its pause, last first."""
    most = _NO_LIMIT
    for move in reversed(moves):
        after_pause = most
        if resource == _TIME:
            most -= move.pause[0]
        most = min(most, move.after[resource])
        yield most, after_pause
        most = min(most - move.least[resource], move.before[resource])
        if most < 0:
            # From here on the path can't be had; what comes before it is planned as if it ended here.
            most = _NO_LIMIT


def _moves(machine: Machine, counting: CounterMachine, edges: Sequence[Edge]) -> Iterator[Move]:
    caps = [_NO_LIMIT if cap is None else cap for cap in machine.caps.amounts()]
    values: Valuation = (0,) * len(counting.caps)
    for edge in edges:
        assert edge.way is not None
        state = machine.states[edge.way.source]
        if isinstance(state, Work | Wait):
            aside = (Resources() if state.reserve else machine.reserve).amounts()
            left = [cap - kept for cap, kept in zip(caps, aside, strict=True)]
            if isinstance(state, Wait):
                yield _wait(edge, state, left)
            else:
                yield _attempt(edge, state, left, _retry(machine, counting, state, values))
        else:
            # What is chosen by values, or by a person, asks for nothing and uses nothing.
            yield Move(edge=edge)
        values = counting.after(edge, values)


def _retry(
    machine: Machine, counting: CounterMachine, state: Work, values: Valuation
) -> tuple[Backoff, int] | None:
    """Give the pause of the retry that comes next, and its level; None if there is none."""
    for way in machine.ways(state.name, "transient"):
        if way.pause is not None:
            number = counting.counters.index(way.below[0])
            if values[number] >= counting.caps[number]:
                return None
            levels = timing.Backoff(way.pause.first_us, way.pause.factor, way.pause.cap_us)
            return way.pause, levels.level(values[number] + 1)
    return None


def _wait(edge: Edge, state: Wait, left: Sequence[int]) -> Move:
    room: Amounts = (*_FREE[:4], left[4] - state.duration_us)
    assert edge.way is not None
    if edge.way.kind == "exceeded":
        return Move(edge=edge, refused_before=room)
    time: Amounts = (0, 0, 0, 0, state.duration_us)
    return Move(edge=edge, before=room, least=time, most=time)


def _attempt(edge: Edge, state: Work, left: Sequence[int], retry: tuple[Backoff, int] | None) -> Move:
    """Work out an attempt; `left` are the caps less what is set aside."""
    assert edge.way is not None
    steps, tool_calls, tokens, micro_usd = state.steps, *state.cost.amounts()[1:4]
    room: Amounts = (
        left[0] - steps,
        left[1] - tool_calls,
        left[2] - tokens,
        left[3] - micro_usd,
        left[4] - 1,
    )
    if edge.outcome is None:
        return Move(edge=edge, refused_before=room)
    longest = left[4] if state.timeout_us is None else min(state.timeout_us, left[4])
    longest = 0 if longest > _NO_LIMIT // 2 else max(longest, 0)
    after: Amounts = (*_FREE[:4], left[4])
    attempt = Move(
        edge=edge,
        before=room,
        least=_ONE_STEP,
        most=(steps, tool_calls, tokens, micro_usd, longest),
        after=after,
    )
    if edge.outcome == "exceeded":
        # If as much time is left as its own timeout, it is that which cuts the attempt off.
        late = -1 if state.timeout_us is None else left[4] - state.timeout_us
        return evolve(attempt, refused_before=(*_FREE[:4], late), ends_at=left[4])
    if edge.outcome != "transient" or retry is None:
        return attempt
    backoff, level = retry
    drawn = backoff.jitter == "full"
    shortest, longest = 0 if drawn else level, max(level - 1, 0) if drawn else level
    # A pause that is not shorter than the time left is not waited for.
    enough: Amounts = (*room[:4], min(room[4], left[4] - shortest - 1))
    if edge.way.pause is not None:
        pause = (shortest, backoff.cap_us if backoff.retry_after else longest)
        return evolve(attempt, after=enough, pause=pause)
    if edge.way.kind == "exceeded":
        lacking: Amounts = (*room[:4], _NO_LIMIT)
        return evolve(attempt, after=(*_FREE[:4], enough[4]), refused_after=lacking)
    if backoff.retry_after:
        return evolve(attempt, wish_us=backoff.cap_us + 1)
    return evolve(attempt, ends_at=left[4] - longest)
