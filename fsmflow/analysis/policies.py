"""Which policies every run keeps: each is proved, refuted by a shortest path, or said to be unknown.

For each policy, a run that breaks it is looked for, at first as if no counter mattered. A path that is
found and that some counter forbids shows which counter does matter, and the search begins again with
that one (counterexample-guided abstraction refinement: Clarke, Grumberg, Jha, Lu, Veith, CAV 2000). So
a proof rests on few counters, often on none, and a path is the shortest there is.

What is proved holds of all that a run does until it ends, while steps keep to what they declare.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import define, evolve, field, frozen

from fsmflow.analysis.proving.admission import RESOURCES
from fsmflow.analysis.proving.automaton import Automaton, events
from fsmflow.analysis.proving.counter_machine import CounterMachine
from fsmflow.analysis.proving.counting import budgeted
from fsmflow.analysis.proving.liveness import live_masks
from fsmflow.analysis.proving.product import Allowance, OutOfRoom, Path, Product
from fsmflow.analysis.proving.spending import Spending
from fsmflow.machine import Machine, Policy

MOST_CONFIGURATIONS = 200_000
"""How many configurations are looked at for one policy, beside some for each state."""

MOST_TRIED = 64
"""How many paths are tried for one policy, if one after another turns out not to be real."""

_SHORT = 20_000
"""How many configurations a short search looks at, for all policies together."""

_FEW = 12
"""How many paths a short search tries for one policy."""

_ARRIVALS = (1, 8)
"""By how many paths each configuration is gone on from: at first, and where no path was real."""

IsReal = Callable[[Path], bool]
"""Tells whether a run of the real machine takes a path of the counter machine."""


@frozen
class Proved:
    """Every run keeps the policy.

    Attributes:
        rests_on: The names of the counters and of the resources that the proof needs; if there are
            none, the policy is kept whatever the caps are.
    """

    rests_on: tuple[str, ...]


@frozen
class Refuted:
    """A run breaks the policy.

    Attributes:
        path: The numbers of the edges that it takes until then; none if the start state breaks it.
        shortest: Whether it is sure that no run breaks the policy by fewer edges.
    """

    path: Path
    shortest: bool


@frozen
class Unknown:
    """The policy was neither proved nor refuted.

    Attributes:
        why: The reason, as a clause.
        path: The first path that would break it and that no counter forbids, if one was found.
    """

    why: str
    path: Path | None


Verdict = Proved | Refuted | Unknown


@frozen
class Judgement:
    """A policy, and what is known of it."""

    policy: Policy
    verdict: Verdict


def judge(
    machine: Machine,
    counter_machine: CounterMachine,
    *,
    is_real: IsReal = lambda _: True,
    limit: int = MOST_CONFIGURATIONS,
    tries: int = MOST_TRIED,
) -> tuple[Judgement, ...]:
    """Judge every policy of `machine`, in order.

    Args:
        machine: The machine.
        counter_machine: What it was lowered to, under its budget if it has one.
        is_real: Tells whether a run takes a path of edges. The counter machine allows more than can
            happen: where the answer is no, another path is looked for.
        limit: How many configurations may be looked at for one policy.
        tries: How many paths may be asked about for one policy.
    """
    if not machine.policies:
        return ()
    spending = Spending.of(machine, counter_machine)
    always = sum(1 << quantity for quantity in spending.quantities)
    read = [live | always for live in live_masks(counter_machine)]
    judgements: list[Judgement] = []
    for policy in machine.policies:
        product = Product(counter_machine, spending, read, Automaton(policy))
        judgements.append(Judgement(policy, _Trial(product, is_real, limit, tries).verdict()))
    return tuple(judgements)


@define
class _Trial:
    """The search for a run that breaks one policy."""

    product: Product
    is_real: IsReal
    limit: int
    tries: int
    told: frozenset[int] = frozenset()
    unreal: dict[Path, None] = field(factory=dict)

    def verdict(self) -> Verdict:
        """Look for a run until one is found, or none is left to be found."""
        machine = self.product.machine
        most = self.limit + 4 * len(machine.states)
        allowance = Allowance(most)
        why = "of the ways that would break it, none that was tried can happen"
        try:
            for arrivals in _ARRIVALS:
                path = self._real_path(allowance, arrivals)
                if path is not None:
                    return Refuted(path, not self.unreal)
                if not self.unreal:
                    names = (*machine.counters, *RESOURCES)
                    return Proved(tuple(names[number] for number in sorted(self.told)))
        except OutOfRoom:
            why = f"{most:,} configurations were looked at, and there are more"
        return Unknown(why, next(iter(self.unreal), None))

    def _real_path(self, allowance: Allowance, arrivals: int) -> Path | None:
        """Find a path that breaks the policy and that a run takes; None if no more are to be tried."""
        refined = True
        while refined:
            refined = False
            for path in self.product.violations(sorted(self.told), allowance, arrivals=arrivals):
                obstacles = self.product.obstacles(path)
                if obstacles:
                    self.told |= obstacles
                    refined = True
                    break
                if path not in self.unreal:
                    if self.is_real(path):
                        return path
                    self.unreal[path] = None
                if len(self.unreal) == self.tries:
                    return None
        return None


@frozen
class Policies:
    """What a short search tells of the policies of a machine.

    Attributes:
        counting: The counter machine that they were judged on.
        judgements: What is known of each policy, by its place. Those with an event that can't happen are
            left out: they say nothing.
    """

    counting: CounterMachine
    judgements: Mapping[int, Judgement]

    @classmethod
    def of(cls, machine: Machine) -> Policies:
        """Judge the policies of `machine`; every path that refutes one is a run that was played."""
        caps = zip(RESOURCES, machine.caps.amounts(), strict=True)
        counting = budgeted(machine, [name for name, cap in caps if cap is not None])
        known = {name for way in machine.transitions for event in events(way) for name in event}
        known.update(machine.states)
        places = [n for n, policy in enumerate(machine.policies) if Automaton(policy).alphabet <= known]
        some = evolve(machine, policies=tuple(machine.policies[place] for place in places))

        def is_real(path: Path) -> bool:
            # Only a path that is to be played needs what plays it.
            from fsmflow.analysis.proving.witness import realise

            return realise(machine, counting, path, capped=True).whole

        limit = _SHORT // max(1, len(places))
        judgements = judge(some, counting, is_real=is_real, limit=limit, tries=_FEW)
        return cls(counting, dict(zip(places, judgements, strict=True)))


def spoken(policy: Policy) -> str:
    """Put a policy in plain words."""
    event, visit = f"`{policy.event}`", f"`{policy.visit}`"
    match policy.pattern:
        case "never":
            words = f"{event} never comes"
        case "always":
            words = f"{event} always comes"
        case "at_most":
            comes = "comes" if "." in policy.event else "is entered"
            words = f"{event} {comes} at most {'once' if policy.limit == 1 else f'{policy.limit} times'}"
        case "before":
            words = f"{visit} never comes before {event}"
        case "after":
            words = f"{visit} always comes after {event}"
    if policy.between is None:
        return words
    opens, closes = policy.between
    return f"{words} between `{opens}` and `{closes}`"
