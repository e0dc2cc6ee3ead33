"""Which attempts and waits a budget may admit or refuse, as far as a counter of attempts can tell.

The counter knows that each attempt was one step. Those that run children may have been more, so the
counter is the least that was spent: it admits whatever may be admitted, and a run may be refused as soon
as so many attempts could have spent so much, if each were the dearest of those that may come before.
Where none of them runs children, the counter is just what was spent.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from attrs import frozen

from fsmflow.analysis.graph import components
from fsmflow.lowering.reserve import reserve
from fsmflow.machine import End, Machine, Wait, Work

RESOURCES = ("steps", "tool_calls", "tokens", "micro_usd", "time_us")
"""The resources of a budget, in the order of `Resources.amounts`."""


@frozen
class Admission:
    """What the budget of a machine admits.

    Attributes:
        machine: The machine.
        binding: The resources, of `RESOURCES`, whose caps may ever stand in the way.
        is_set_aside: Whether what the reserve states need is known, is set aside, and fits under the caps.
    """

    machine: Machine
    binding: frozenset[str]
    is_set_aside: bool
    _dearest: Mapping[str, int]

    @classmethod
    def of(cls, machine: Machine, binding: frozenset[str]) -> Admission:
        """Read the budget of a machine."""
        return cls(machine, binding, _is_set_aside(machine), _dearest(machine))

    def fits(self, state: Work | Wait) -> bool:
        """Tell whether a state could begin if nothing had been spent, as far as caps stand in the way."""
        whole = (state.needs if state.reserve else state.needs + self.machine.reserve).amounts()
        caps = zip(RESOURCES, whole, self.machine.caps.amounts(), strict=True)
        return all(name not in self.binding or cap is None or need <= cap for name, need, cap in caps)

    def is_safe(self, state: Work | Wait) -> bool:
        """Tell whether all that a state needs was set aside for it, so that it never lacks anything."""
        return state.reserve and self.is_set_aside

    def may_lack(self, state: Work) -> bool:
        """Tell whether some cap, other than that on steps, may leave no room for an attempt."""
        if self.may_lack_time(state):
            return True
        needs = zip(RESOURCES[1:4], state.cost.amounts()[1:4], strict=True)
        return not self.is_safe(state) and any(
            name in self.binding and (need or not self.is_set_aside) for name, need in needs
        )

    def may_lack_time(self, state: Work | Wait) -> bool:
        """Tell whether the cap on time may leave no room, or cut an attempt off."""
        return "time_us" in self.binding and not self.is_safe(state)

    def may_lack_steps(self, state: Work) -> bool:
        """Tell whether the cap on steps may leave no room, as far as is not for the counter to say."""
        return self._most_before(state) == 1 or not self.is_safe(state)

    def room_for_steps(self, state: Work) -> int:
        """Give the most steps that may have been spent for an attempt to begin."""
        assert self.machine.caps.steps is not None
        aside = 0 if state.reserve else self.machine.reserve.steps
        return self.machine.caps.steps - aside - state.steps

    def attempts(self, state: Work, steps: int) -> int:
        """Give the fewest attempts before `state` that can have spent so many steps."""
        return -(-steps // self._most_before(state))

    def _most_before(self, state: Work) -> int:
        return self._dearest.get(state.name, 1)


def _dearest(machine: Machine) -> dict[str, int]:
    """Give the most steps that any one attempt before each state counts as, where they are more than 1."""
    costs = {state.name: state.steps for state in machine.states.values() if isinstance(state, Work)}
    found: dict[str, int] = {}
    for name in sorted(costs, key=lambda name: -costs[name]):
        pending = [name] if costs[name] > 1 else []
        while pending:
            for way in machine.outgoing[pending.pop()]:
                if way.target not in found:
                    found[way.target] = costs[name]
                    pending.append(way.target)
    return found


def _is_set_aside(machine: Machine) -> bool:
    caps, aside = machine.caps.amounts(), machine.reserve.amounts()
    if any(cap is not None and kept > cap for cap, kept in zip(caps, aside, strict=True)):
        return False
    region = {name for name, state in machine.states.items() if not isinstance(state, End) and state.reserve}
    needs = reserve(machine.states, machine.transitions, machine.counters).amounts()
    return _is_closed(machine, region) and all(kept >= need for kept, need in zip(aside, needs, strict=True))


def _is_closed(machine: Machine, region: Collection[str]) -> bool:
    """Tell whether nothing leads out of the reserve, or round in it, and each attempt in it ends in time."""
    onward: dict[str, list[str]] = {}
    for name in region:
        state, ways = machine.states[name], machine.outgoing[name]
        if isinstance(state, Work) and state.timeout_us is None:
            return False
        if any(not way.below for way in ways if way.same_visit):
            return False
        onward[name] = [way.target for way in ways if not way.same_visit]
        if any(not isinstance(machine.states[to], End) and to not in region for to in onward[name]):
            return False
    found = components(region, onward)
    return all(len(part) == 1 and part[0] not in onward.get(part[0], ()) for part in found)
