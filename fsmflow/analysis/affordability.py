"""What a run to a state must at least be allowed to use, at full declared cost.

Amounts of one resource at a time. Attempts take time, but need not; only waits take it for certain. What
people are asked is on no ledger.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from heapq import heappop, heappush
from typing import assert_never

from attrs import field, frozen

from fsmflow.analysis.amounts import RESOURCES, Resource
from fsmflow.machine import Ask, Choice, End, Machine, State, Transition, Wait, Work


@frozen
class Approaches:
    """The cheapest ways from the start to each state, in one resource.

    Attributes:
        amounts: What a cheapest way to each state takes before the reserve, with that of one attempt in
            the state itself; the states that can be come to, cheapest first.
    """

    amounts: Mapping[str, int]
    _came: Mapping[str, Transition] = field(repr=False)

    @classmethod
    def of(cls, machine: Machine, resource: int, *, failing: bool = False) -> Approaches:
        """Find the cheapest ways (Dijkstra, 1959).

        Args:
            machine: The machine.
            resource: The index of the resource in `Resources.amounts`.
            failing: Over all that may come of a state while its budget lasts; else over successes alone.
        """
        if machine.start not in machine.states:
            return cls({}, {})
        position = {name: number for number, name in enumerate(machine.states)}
        best = {machine.start: _amount(machine.states[machine.start], resource)}
        came: dict[str, Transition] = {}
        queue = [(best[machine.start], position[machine.start], machine.start)]
        found: dict[str, int] = {}
        while queue:
            amount, _, name = heappop(queue)
            if name in found:
                continue
            found[name] = amount
            for way in machine.outgoing[name]:
                passes = way.kind != "exceeded" if failing else way.on == "success" and way.used_up is None
                if not passes or way.target in found:
                    continue
                after = amount + _amount(machine.states[way.target], resource)
                if way.target not in best or after < best[way.target]:
                    best[way.target] = after
                    came[way.target] = way
                    heappush(queue, (after, position[way.target], way.target))
        return cls(found, came)

    def path(self, state: str) -> tuple[Transition, ...]:
        """Give a cheapest way to `state`."""
        path: list[Transition] = []
        while state in self._came:
            path.append(self._came[state])
            state = path[-1].source
        return tuple(reversed(path))


@frozen
class Capped:
    """A resource that has a cap, which no attempt breaks by itself.

    Attributes:
        index: Its index in `Resources.amounts`.
        resource: Which it is.
        cap: Its cap.
        aside: What of the cap is set aside.
        happy: The cheapest ways, if nothing fails.
        happy_end: The end of success that is cheapest to come to; None if there is none.
    """

    index: int
    resource: Resource
    cap: int
    aside: int
    happy: Approaches
    happy_end: str | None

    @classmethod
    def of(cls, machine: Machine) -> Iterator[Capped]:
        """Give the resources of `machine` that have a cap which no attempt, and not the reserve, breaks."""
        alone = {index for _, index, _, _ in unaffordable(machine)}
        amounts = zip(RESOURCES, machine.caps.amounts(), machine.reserve.amounts(), strict=True)
        for index, (resource, cap, aside) in enumerate(amounts):
            if cap is not None and index not in alone and aside <= cap:
                happy = Approaches.of(machine, index)
                yield cls(index, resource, cap, aside, happy, happy_end(machine, happy))

    @property
    def affords_success(self) -> bool:
        """Whether the cheapest way to success, if there is one, is below the cap."""
        return self.happy_end is None or self.affords(self.happy.amounts[self.happy_end])

    def affords(self, amount: int) -> bool:
        """Whether an amount is below the cap, beside what is set aside."""
        return amount + self.aside <= self.cap

    def written(self, amount: int) -> str:
        """Write an amount, and what is set aside."""
        beside = f", with {self.resource.written(self.aside)} set aside" if self.aside else ""
        return f"{self.resource.written(amount)}{beside}"

    def enough_for(self, amount: int) -> str:
        """Write the cap that an amount would need."""
        return self.resource.written(amount + self.aside)


def happy_end(machine: Machine, approaches: Approaches) -> str | None:
    """Give the end of success that is cheapest to come to, if there is one at all."""
    for name in approaches.amounts:
        state = machine.states[name]
        if isinstance(state, End) and state.kind == "success":
            return name
    return None


def unaffordable(machine: Machine) -> Iterator[tuple[str, int, int, int]]:
    """Give each state of which one attempt is above a cap, beside the reserve.

    Each with the index of the resource, the amount, and what is set aside. Attempts that are one step
    are left to `Approaches`; those that run children may be too many steps by themselves.
    """
    for name, state in machine.states.items():
        if isinstance(state, End):
            continue
        for index, (cap, aside) in enumerate(
            zip(machine.caps.amounts(), machine.reserve.amounts(), strict=True)
        ):
            # A reserve that is above the cap by itself is a fault of its own.
            aside = 0 if state.reserve else aside
            amount = _use(state)[index]
            counts = amount > 1 if index == 0 else amount > 0
            if cap is not None and counts and aside <= cap < amount + aside:
                yield name, index, amount, aside


def _use(state: State) -> tuple[int, int, int, int, int]:
    match state:
        case Work(cost=cost):
            return (state.steps, cost.tool_calls, cost.tokens, cost.micro_usd, 0)
        case Wait(duration_us=duration):
            return (0, 0, 0, 0, duration)
        case Ask() | Choice() | End():
            return (0, 0, 0, 0, 0)
        case _:
            assert_never(state)


def _amount(state: State, resource: int) -> int:
    """Give what a state adds; in the reserve, nothing beyond what is set aside."""
    return 0 if isinstance(state, End) or state.reserve else _use(state)[resource]
