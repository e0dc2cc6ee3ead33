"""Facts about a workflow, each computed once, when first asked for.

Checks, diagrams, runners and tests all take one `Analysis`. A fact has a file of its own here and
a property on the class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import define, evolve, field

from fsmflow import spec
from fsmflow.machine import Ask, Machine, Transition, Work
from fsmflow.source import Document, Route

if TYPE_CHECKING:
    from fsmflow.analysis.assignment import Assignment
    from fsmflow.analysis.callees import Found
    from fsmflow.analysis.cycles import Cycles
    from fsmflow.analysis.guesses import Guesses
    from fsmflow.analysis.hints import Hints
    from fsmflow.analysis.misspelt import Misspelt
    from fsmflow.analysis.modules import Modules
    from fsmflow.analysis.policies import Policies
    from fsmflow.analysis.prompting import Prompt
    from fsmflow.analysis.proof import Proof
    from fsmflow.analysis.reachability import Reachability
    from fsmflow.analysis.reads import Reads
    from fsmflow.analysis.termination import Termination
    from fsmflow.analysis.values import Values


@define(frozen=True, slots=False)
class Analysis:
    """A workflow in every form that it has, and what is known about it.

    Attributes:
        document: The text that the spec was read from.
        workflow: What the author said.
        machine: What it means. Where the spec is at fault, its likeliest meaning.
        folder: Where step modules are looked for first; None for a spec without a place.
        damaged: The routes of what loading had to leave out or replace.
        callees: The workflows that it runs, by the names that it has for them.
    """

    document: Document
    workflow: spec.Workflow
    machine: Machine
    folder: Path | None
    damaged: frozenset[Route] = frozenset()
    callees: Mapping[str, Found] = field(factory=dict)

    @cached_property
    def reachability(self) -> Reachability:
        """Which states a run can enter, and from which it can end."""
        from fsmflow.analysis.reachability import Reachability

        return Reachability.of(self.machine)

    @cached_property
    def cycles(self) -> Cycles:
        """Which states a run can visit more than once."""
        from fsmflow.analysis.cycles import Cycles

        return Cycles.of(self.machine)

    @cached_property
    def guesses(self) -> Guesses:
        """Where the machine is a guess, since the spec is at fault there."""
        from fsmflow.analysis.guesses import Guesses

        return Guesses.of(self.workflow, self.damaged, self.document.tree)

    @cached_property
    def certain(self) -> Machine:
        """The machine as far as its author wrote it."""
        from fsmflow.analysis.certain import certain

        def place(way: Transition) -> Route | None:
            route = self.route(way)
            return None if _at(self.document.tree, route) is None else route

        return certain(self.workflow, self.machine, place)

    @cached_property
    def termination(self) -> Termination:
        """Which loops no counter bounds."""
        from fsmflow.analysis.termination import Termination

        return Termination.of(self.machine, self.guesses.states)

    @cached_property
    def proof(self) -> Proof:
        """Why every run ends, and what it can use at most; found with the same effort on any machine."""
        from fsmflow.analysis.proof import prove

        return prove(self.machine)

    @cached_property
    def policies(self) -> Policies:
        """Which policies every run keeps, as far as a short search tells."""
        from fsmflow.analysis.policies import Policies

        if self.guesses.any or len(self.machine.policies) < len(self.workflow.policies):
            return Policies.of(evolve(self.machine, policies=()))
        return Policies.of(self.machine)

    @cached_property
    def reads(self) -> Reads:
        """Where values are read."""
        from fsmflow.analysis.reads import Reads

        return Reads.of(self.workflow)

    @cached_property
    def assignment(self) -> Assignment:
        """Which values may be unset where, if those that nothing reads are the ones that they are near to."""
        from fsmflow.analysis.assignment import Assignment

        states = {
            name: evolve(state, value=self.unread[name])
            for name, state in self.machine.states.items()
            if name in self.unread and isinstance(state, Work | Ask)
        }
        machine = evolve(self.machine, states={**self.machine.states, **states}) if states else self.machine
        return Assignment.of(machine, self.guesses.states)

    @cached_property
    def presence(self) -> Assignment:
        """Which values may be unset where, or null: by their types, and as far as nothing shows otherwise."""
        from fsmflow.analysis.assignment import Assignment
        from fsmflow.analysis.nulls import doubtful, proves

        return Assignment.of(
            self.machine, self.guesses.states, doubtful(self.workflow, self.values), proves(self.reads)
        )

    @cached_property
    def modules(self) -> Modules:
        """The modules that hold steps and types, read as text."""
        from fsmflow.analysis.modules import Modules

        return Modules(self.folder)

    @cached_property
    def values(self) -> Values:
        """The types of values, as far as they are known."""
        from fsmflow.analysis.calling import called
        from fsmflow.analysis.values import Values

        callees = {name: at.callee for name, at in self.callees.items() if at.callee is not None}
        return Values(self.workflow, self.modules, callees, called(self.workflow, self.machine))

    @cached_property
    def prompts(self) -> Sequence[Prompt]:
        """What models are asked, read from the files beside the spec."""
        from fsmflow.analysis.prompting import prompts

        return tuple(prompts(self.workflow, self.folder))

    @cached_property
    def misnamed(self) -> Mapping[str, Mapping[str, str]]:
        """By state, the arguments of models that prompts speak of by another name, with that name."""
        from fsmflow.analysis.prompting import misnamed

        return misnamed(self.workflow, self.prompts)

    @cached_property
    def misspelt(self) -> Mapping[str, Misspelt]:
        """What is misspelt where it is named first, by the name that everything else has for it."""
        from fsmflow.analysis.misspelt import misspelt

        return misspelt(self.workflow, self.reads, self.hints.nearest)

    @cached_property
    def unread(self) -> Mapping[str, str]:
        """The states whose value nothing reads, each with the value that it may be meant to be."""
        from fsmflow.analysis.hints import Hints
        from fsmflow.analysis.misspelt import MOST_UNREAD, unread

        # Comparisons of their own: there may be many such values, and none be wrong.
        return unread(self.workflow, self.reads, Hints(MOST_UNREAD).nearest, self.values.declared_by)

    @cached_property
    def hints(self) -> Hints:
        """The right names that wrong ones are near to."""
        from fsmflow.analysis.hints import Hints

        return Hints()

    @cached_property
    def successors(self) -> Mapping[str, Sequence[str]]:
        """The states that each state leads to, in order, each once."""
        return {
            name: tuple(dict.fromkeys(way.target for way in ways))
            for name, ways in self.machine.outgoing.items()
        }

    def route(self, way: Transition) -> Route:
        """Find where in the document a transition was written."""
        route = self._arm(way)
        if way.used_up is not None:
            return (*route, "else")
        return (*route, "to") if isinstance(_at(self.document.tree, route), dict) else route

    def _arm(self, way: Transition) -> Route:
        state: Route = ("states", way.source)
        if way.kind == "exceeded":
            return ("budget", "exceeded")
        if isinstance(self.workflow.states.get(way.source), spec.Choose) and way.label is not None:
            return (*state, "choose", int(way.label.removeprefix("arm_")) - 1)
        key = {"transient": "retry", "invalid": "invalid"}.get(way.on)
        if key is not None and way.used_up == f"{way.source}.{key}":
            return (*state, key)
        if way.kind == "success":
            return (*state, "success", way.label) if way.label is not None else (*state, "success")
        return (*state, way.kind)


def _at(tree: Any, route: Route) -> Any:
    """Give what stands at `route`, or None."""
    for key in route:
        try:
            tree = tree[key]
        except (KeyError, IndexError, TypeError):
            return None
    return tree
