"""What a change to a workflow comes to: what it says differently, and what that does to its proof."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from functools import cached_property
from importlib import import_module
from typing import Any, Literal

from attrs import define, frozen

from fsmflow.analysis import Analysis
from fsmflow.analysis.comparing.changes import Change, Key, changes
from fsmflow.analysis.comparing.needed import Needed, needed
from fsmflow.analysis.comparing.renames import renamed, renames
from fsmflow.analysis.comparing.values import followed
from fsmflow.analysis.comparing.wording import reworded
from fsmflow.analysis.policies import Proved, Refuted, spoken
from fsmflow.analysis.proof import Ending, Proof
from fsmflow.analysis.proving.bounds import Bound
from fsmflow.analysis.proving.counter_machine import METRICS, Metric
from fsmflow.diagnostics import Diagnostic, Severity

Standing = Literal["kept", "broken", "unknown"]
Cosmetic = Literal["titles", "profiles", "comments and layout"]


@frozen
class Version:
    """One side of a comparison.

    Attributes:
        analysis: The workflow; None if the text could not be read as one.
        diagnostics: What the checks say.
        is_clear: Whether the errors, if any, leave it clear what the machine is.
    """

    analysis: Analysis | None
    diagnostics: tuple[Diagnostic, ...] = ()
    is_clear: bool = True

    @property
    def proved(self) -> Analysis | None:
        """The workflow, if it is clear of what to prove something."""
        return self.analysis if self.is_clear else None


@frozen
class WorstCase:
    """The most that a run can use of one metric, before and after; None where that is not known.

    Attributes:
        metric: The metric.
        before: The bound of the old version; its `upper` is None where nothing bounds it.
        after: The bound of the new one.
    """

    metric: Metric
    before: Bound | None
    after: Bound | None

    @property
    def differs(self) -> bool:
        """Tell whether both are known, and are not the same."""
        return self.before is not None and self.after is not None and self.before.upper != self.after.upper

    @property
    def percent(self) -> float | None:
        """Give the increase; None from nothing, or where a bound is missing."""
        if self.before is None or self.after is None or self.after.upper is None or not self.before.upper:
            return None
        return 100 * (self.after.upper - self.before.upper) / self.before.upper

    def rises_by_more_than(self, percent: float) -> bool:
        """Tell whether the bound rises by more than that; from nothing, or to no bound, is more than any."""
        if not self.differs or self.before is None or self.before.upper is None or self.after is None:
            return False
        if self.after.upper is None:
            return True
        return 100 * (self.after.upper - self.before.upper) > percent * self.before.upper


@define(frozen=True, slots=False)
class Difference:
    """What differs between two versions of a workflow; one of them is None if it is new, or gone.

    Attributes:
        old: The version before.
        new: The version after.
    """

    old: Version | None
    new: Version | None

    @property
    def name(self) -> str:
        """The name of the workflow: the new one, if it was renamed."""
        for version in (self.new, self.old):
            if version is not None and version.analysis is not None:
                return version.analysis.machine.name
        return ""

    @cached_property
    def renamed(self) -> Mapping[str, str]:
        """The new name of each state that was renamed."""
        old, new = self._analyses
        return {} if old is None or new is None else renames(old.machine, new.machine)

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """What the two say differently; nothing where one of them is missing."""
        old, new = self._analyses
        if old is None or new is None:
            return ()
        names = tuple(
            Change(Key("state", now, name="name"), before, now) for before, now in self.renamed.items()
        )
        told = changes(followed(renamed(old.machine, self.renamed), new.machine), new.machine)
        found = names + told + tuple(reworded(old.prompts, new.prompts, self.renamed))
        place = {name: number for number, name in enumerate(dict.fromkeys(("", *new.machine.states)))}
        return tuple(sorted(found, key=lambda change: place.get(change.key.state, len(place))))

    @property
    def is_of_meaning(self) -> bool:
        """Tell whether the two may behave differently."""
        if self.old is None or self.new is None or None in self._analyses:
            return True
        return bool(self.changes) or self.unclear_anew

    @property
    def unclear_anew(self) -> bool:
        """Tell whether errors that leave a version unclear came, went, or are others now."""
        if self.old is None or self.new is None or (self.old.is_clear and self.new.is_clear):
            return False
        told = (*self.failing, *self.passing)
        return self.old.is_clear != self.new.is_clear or any(d.severity is Severity.ERROR for d in told)

    @property
    def cosmetic(self) -> tuple[Cosmetic, ...]:
        """What else differs, and does not count: titles, profiles; comments if nothing else does."""
        old, new = self._analyses
        if old is None or new is None:
            return ()
        found: list[Cosmetic] = []
        names = self.renamed
        titles = {names.get(name, name): state.title for name, state in old.machine.states.items()}
        titles_now = {name: state.title for name, state in new.machine.states.items() if name in titles}
        if old.machine.title != new.machine.title or any(
            titles[name] != title for name, title in titles_now.items()
        ):
            found.append("titles")
        if _profiles(old, names) != _profiles(new, {}):
            found.append("profiles")
        if not found and not self.is_of_meaning and old.document.text != new.document.text:
            found.append("comments and layout")
        return tuple(found)

    @cached_property
    def needed(self) -> tuple[Needed, ...]:
        """What runs in flight still call, and the new version does not, as far as it can be read."""
        old, new = self._analyses
        if old is None or (new is None and self.new is not None):
            return ()
        return tuple(needed(old.machine, old.reachability.entered, None if new is None else new.machine))

    @property
    def endings(self) -> tuple[Ending | None, Ending | None]:
        """How every run ends, before and after; None where it is not known."""
        old, new = self._proved
        return (
            None if old is None else old.proof.terminates,
            None if new is None else new.proof.terminates,
        )

    @cached_property
    def worst_cases(self) -> tuple[WorstCase, ...]:
        """The most that a run can use of each metric, under the budget."""
        old, new = (None if side is None else side.proof.bounds for side in self._proved)
        return tuple(_worst_cases(old, new))

    @cached_property
    def without_the_budget(self) -> tuple[WorstCase, ...]:
        """The most that a run could use of each metric if there were no budget."""
        old, new = (None if side is None else _structural(side.proof) for side in self._proved)
        return tuple(_worst_cases(old, new))

    @cached_property
    def failing(self) -> tuple[Diagnostic, ...]:
        """What the checks say now and did not say before."""
        return self._findings[1]

    @cached_property
    def passing(self) -> tuple[Diagnostic, ...]:
        """What the checks said before and do not say now; nothing if they could not look at all of it."""
        unread = self.new is not None and self.new.analysis is None
        return () if unread else self._findings[0]

    @cached_property
    def broken(self) -> tuple[str, ...]:
        """The policies, in words, that a run can break now; and that were kept, unknown or not there."""
        old, new = self._policies
        return tuple(words for words, now in new.items() if now == "broken" and old.get(words) != "broken")

    @cached_property
    def kept(self) -> tuple[str, ...]:
        """The policies, in words, that every run keeps now; and that a run could break, or were unknown."""
        old, new = self._policies
        return tuple(
            words for words, now in new.items() if now == "kept" and old.get(words, "kept") != "kept"
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Mapping[str, str]:
        """Show the change in a notebook: drawn, and in words."""
        # What a notebook shows stands above everything, and is loaded only when one asks.
        shown: Mapping[str, str] = import_module("fsmflow.notebook").of_difference(self)
        return shown

    def _repr_svg_(self) -> str | None:
        return self._repr_mimebundle_().get("image/svg+xml")

    @cached_property
    def _findings(self) -> tuple[tuple[Diagnostic, ...], tuple[Diagnostic, ...]]:
        """Give what was said before only, and what is said now only."""
        if self.old is None or self.new is None:
            return (), () if self.new is None else _counted(self.new.diagnostics)
        return _apart(_counted(self.old.diagnostics), _counted(self.new.diagnostics), _Renamed(self.renamed))

    @cached_property
    def _policies(self) -> tuple[Mapping[str, Standing], Mapping[str, Standing]]:
        old, new = self._proved
        before = {} if old is None else _standings(old, self.renamed)
        return before, {} if new is None else _standings(new, {})

    @property
    def _analyses(self) -> tuple[Analysis | None, Analysis | None]:
        return (
            None if self.old is None else self.old.analysis,
            None if self.new is None else self.new.analysis,
        )

    @property
    def _proved(self) -> tuple[Analysis | None, Analysis | None]:
        return (
            None if self.old is None else self.old.proved,
            None if self.new is None else self.new.proved,
        )


def _profiles(analysis: Analysis, names: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Give the profiles, with the names that states have now."""
    return {
        profile: {names.get(state, state): call for state, call in calls.items()}
        for profile, calls in analysis.machine.profiles.items()
    }


def _worst_cases(
    old: Mapping[Metric, Bound] | None, new: Mapping[Metric, Bound] | None
) -> Iterator[WorstCase]:
    """Pair the bounds of each metric; where every run is not proved to end, nothing bounds it."""
    for metric in METRICS:
        unbounded = Bound(metric, None, None, None)
        yield WorstCase(
            metric,
            None if old is None else old.get(metric, unbounded),
            None if new is None else new.get(metric, unbounded),
        )


def _structural(proof: Proof) -> Mapping[Metric, Bound]:
    return {} if proof.structural is None else proof.structural.bounds


def _standings(analysis: Analysis, names: Mapping[str, str]) -> dict[str, Standing]:
    """Give how each policy stands, by its words, with the names that states have now."""
    now = renamed(analysis.machine, names).policies
    found: dict[str, Standing] = {}
    for policy, judgement in zip(now, analysis.proof.policies, strict=True):
        verdict = judgement.verdict
        kept: Standing = "kept" if isinstance(verdict, Proved) else "unknown"
        found[spoken(policy)] = "broken" if isinstance(verdict, Refuted) else kept
    return found


def _counted(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Give errors and warnings; a note passes and fails nothing."""
    return tuple(d for d in diagnostics if d.severity is not Severity.NOTE)


@frozen
class _Renamed:
    """Findings of the old version, with the names that states have now."""

    names: Mapping[str, str]

    def message(self, text: str) -> str:
        return re.sub(r"`(\w+)`", lambda found: f"`{self.names.get(found[1], found[1])}`", text)

    def route(self, found: Diagnostic) -> tuple[str | int, ...]:
        return tuple(self.names.get(step, step) if isinstance(step, str) else step for step in found.route)


def _apart(
    old: Iterable[Diagnostic], new: Iterable[Diagnostic], now: _Renamed
) -> tuple[tuple[Diagnostic, ...], tuple[Diagnostic, ...]]:
    """Leave out what both say: of one check, in the same words or of the same place."""
    before, after = list(old), list(new)
    same: tuple[tuple[Callable[[Diagnostic], Hashable], Callable[[Diagnostic], Hashable]], ...] = (
        (lambda d: (d.check, now.message(d.message)), lambda d: (d.check, d.message)),
        (lambda d: (d.check, now.route(d)), lambda d: (d.check, d.route)),
    )
    for of_old, of_new in same:
        waiting: dict[Hashable, list[int]] = {}
        for number, found in enumerate(after):
            waiting.setdefault(of_new(found), []).append(number)
        paired = [waiting[of_old(d)].pop(0) if waiting.get(of_old(d)) else None for d in before]
        before = [d for d, number in zip(before, paired, strict=True) if number is None]
        taken = set(paired)
        after = [d for number, d in enumerate(after) if number not in taken]
    return tuple(before), tuple(after)
