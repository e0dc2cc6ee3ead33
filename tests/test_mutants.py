"""The generated tests notice every change to a generated runner that matters."""

from __future__ import annotations
import __future__

import ast
import itertools
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FunctionType
from unittest.mock import patch

import pytest
from hypothesis import Phase, settings

from fsmflow.compiler import compile_file
from fsmflow.machine import Machine
from fsmflow.testing import Subject, corners
from fsmflow.testing.corners import Decision, decisions
from tests.generated import module_of, property_tests, source_of
from tests.mutation import Mutant, mutants

SPECS = Path(__file__).parents[1] / "specs"
NAMES = ("ask_docs", "extract_record", "find_sources", "read_source", "refund", "research", "tool_loop")


class Jury:
    """A spec's generated tests, asked about one mutant of its runner after another."""

    def __init__(self, name: str) -> None:
        analysis = compile_file(SPECS / f"{name}.fsm.yaml").analysis
        assert analysis is not None
        self.machine = analysis.machine
        self.tree = ast.parse(source_of(analysis.machine))
        self.module = module_of(self.tree)
        self.subject = Subject(analysis.machine, self.module.RUNNER, folder=SPECS)
        self.decisions = tuple(decisions(analysis.machine))
        self.near: dict[str, list[Decision]] = {}
        for decision in self.decisions:
            before = "" if decision.before is None else decision.before.state
            for state in {before, decision.expected[0].state}:
                self.near.setdefault(state, []).append(decision)
        options = {"max_examples": 15, "database": None, "derandomize": True, "phases": [Phase.generate]}
        settings.register_profile("jury", **options)
        usual = settings.get_current_profile_name()
        settings.load_profile("jury")
        try:
            module = property_tests(self.subject)
        finally:
            settings.load_profile(usual)
        self.tests: list[Callable[[], None]] = [module.test_the_runner_is_the_specs]
        self.tests += [module.test_every_edge_is_decided_as_the_spec_says]
        others = [test for name, test in vars(module).items() if name.startswith("test_")]
        self.tests += [test for test in others if test not in self.tests]

    def acquits(self, mutant: Mutant) -> bool:
        """Tell whether no generated test fails for `mutant`."""
        # The reference decides each corner once for all mutants, and those near the change come first.
        ordered = (*self.near.get(mutant.place.partition("_")[2], ()), *self.decisions)
        try:
            with self._in_place(mutant), patch.dict(corners.__globals__, decisions=lambda _: iter(ordered)):
                for test in self.tests:
                    test()
        except Exception:
            return False
        return True

    @contextmanager
    def _in_place(self, mutant: Mutant) -> Iterator[None]:
        if not isinstance(mutant.node, ast.FunctionDef):
            with patch.object(self.subject, "runner", module_of(self.tree).RUNNER):
                yield
            return
        # A function is changed where it stands: to build the module anew each time takes longer.
        function = getattr(self.module, mutant.place)
        original, function.__code__ = function.__code__, _code(mutant.node)
        try:
            yield
        finally:
            function.__code__ = original


@cache
def jury_of(name: str) -> Jury:
    """Give the jury of a spec; each mutant is undone before the next, so that one serves all tests."""
    return Jury(name)


def _code(node: ast.FunctionDef) -> object:
    flags = __future__.annotations.compiler_flag
    code = compile(ast.Module([node], []), "mutant.py", "exec", flags=flags, dont_inherit=True)
    scratch: dict[str, FunctionType] = {}
    exec(code, scratch)
    return scratch[node.name].__code__


DEFAULT = "the default of `Backoff` is the same"
ONCE = "a factor tells from the second retry on, and this state has one"
SET = "every way that leads here sets the values that are read"
CHOSEN = "a choice leads here, and has set it so"
KNOWN = "steps are scripted, and no workflow that is run is looked for"
SHADOWED = "only time can refuse this wait and still leave room for the reserve, whose refusal would hide it"
FIRST = "entered at the beginning alone, with nothing counted, used, heard or set"
UNCAPPED = "without a cap, no refusal tells of the resource"
PASSED = "what costs nothing is refused only past the cap; then the reserve is too, and tells of it instead"

EQUIVALENT = {
    "ask_docs": {
        "DRAFT__BACKOFF: cap_us=60000000 → nothing": DEFAULT,
        "enter_plain: run.output = Unbound.of(missing) → pass": SET,
    },
    "extract_record": {
        "EXTRACT__BACKOFF: cap_us=60000000 → nothing": DEFAULT,
        "enter_breathe: time_us=200000 → time_us=200001": SHADOWED,
        "enter_done: run.output = Unbound.of(missing) → pass": SET,
        "enter_partial: run.output = Unbound.of(missing) → pass": SET,
    },
    "find_sources": {
        "enter_done: run.output = Unbound.of(missing) → pass": SET,
    },
    "read_source": {
        "NOTE__BACKOFF: factor=2.0 → factor=3.0": ONCE,
        "enter_done: run.output = Unbound.of(missing) → pass": SET,
        "enter_unread: run.output = Unbound.of(missing) → pass": SET,
    },
    "refund": {
        "enter_approve: run.attempt = 1 → pass": CHOSEN,
        "enter_approve: run.feedback = feedback → pass": CHOSEN,
        "enter_approve: run.arguments = Unbound.of(missing) → pass": SET,
        "enter_settle: time_us=2000000 → time_us=2000001": SHADOWED,
        "enter_open_case: run.arguments = Unbound.of(missing) → pass": SET,
    },
    "research": {
        "PLAN__BACKOFF: factor=2.0 → factor=3.0": ONCE,
        "WRITE__BACKOFF: factor=2.0 → factor=3.0": ONCE,
        "CRITICISE__BACKOFF: factor=2.0 → factor=3.0": ONCE,
        "enter_find: run.arguments = Unbound.of(missing) → pass": SET,
        "enter_pick: run.arguments = Unbound.of(missing) → pass": SET,
        "enter_read: run.attempt = 1 → pass": CHOSEN,
        "enter_read: run.feedback = feedback → pass": CHOSEN,
        "enter_plainer: run.output = Unbound.of(missing) → pass": SET,
        "enter_listed: run.output = Unbound.of(missing) → pass": SET,
        "RUNNER: generated=Path(__file__).parent → nothing": KNOWN,
    },
    "tool_loop": {
        "PLAN__BACKOFF: cap_us=60000000 → nothing": DEFAULT,
        "LOOKUP__BACKOFF: cap_us=60000000 → nothing": DEFAULT,
        "LOOKUP__BACKOFF: factor=2.0 → factor=3.0": ONCE,
        "enter_calculator: run.arguments = Unbound.of(missing) → pass": SET,
        "enter_units: run.arguments = Unbound.of(missing) → pass": SET,
        "enter_calendar: run.arguments = Unbound.of(missing) → pass": SET,
        "enter_lookup: run.arguments = Unbound.of(missing) → pass": SET,
        "enter_answer: run.arguments = Unbound.of(missing) → pass": SET,
        "enter_done: run.output = Unbound.of(missing) → pass": SET,
        "enter_partial: run.output = Unbound.of(missing) → pass": SET,
    },
}
"""Mutants that no test could tell from the runner, and why; `_excuse` knows of those that follow a rule."""


def _excuse(machine: Machine, mutant: Mutant) -> str | None:
    """Say why no test could tell `mutant` from the runner, or give None."""
    again = any(way.target == machine.start and not way.same_visit for way in machine.transitions)
    if mutant.place == f"enter_{machine.start}" and not again:
        return FIRST
    if mutant.place.endswith("__BACKOFF") and mutant.change == "factor=2.0 → nothing":
        return DEFAULT
    costs = re.fullmatch(r"(\(.*,.*,.*\)) → (\(.*,.*,.*\))", mutant.change)
    if costs is not None and mutant.place.startswith(("enter_", "admit_", "leave_")):
        before, after = map(ast.literal_eval, costs.groups())
        changed = next(n for n in range(3) if before[n] != after[n])
        if machine.caps.amounts()[1 + changed] is None:
            return UNCAPPED
        if (before[changed], after[changed]) == (0, -1):
            return PASSED
    return EQUIVALENT[machine.name].get(str(mutant))


@pytest.mark.parametrize("name", NAMES)
def test_a_sixteenth_of_all_mutants_is_noticed(name):
    """Of every sixteenth mutant of a runner, all but those that mean the same fail a generated test."""
    jury = jury_of(name)
    tried = itertools.islice(mutants(jury.tree), 0, None, 16)

    assert [
        str(mutant) for mutant in tried if not _excuse(jury.machine, mutant) and jury.acquits(mutant)
    ] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_mutant_is_noticed(name):
    """All mutants of a runner but those that mean the same fail a generated test."""
    jury = jury_of(name)
    survivors = {
        str(mutant): _excuse(jury.machine, mutant) for mutant in mutants(jury.tree) if jury.acquits(mutant)
    }

    assert [mutant for mutant, excuse in survivors.items() if excuse is None] == []
    assert set(EQUIVALENT[name]) <= set(survivors)


@pytest.mark.parametrize("name", NAMES)
def test_the_runner_itself_is_acquitted(name):
    """Without a change, every generated test passes."""
    jury = jury_of(name)
    unchanged = Mutant("RUNNER", "nothing", next(n for n in jury.tree.body if isinstance(n, ast.AnnAssign)))

    assert jury.acquits(unchanged)


FEARED = [
    "leave_draft: run.counts['draft.retry'] < 2 → True",  # no cap
    "leave_draft: run.counts['draft.retry'] < 2 → run.counts['draft.retry'] < 3",  # a cap off by one
    "leave_draft: run.counts['draft.invalid'] < 2 → run.counts['draft.invalid'] < 1",
    "leave_draft: run.counts['draft.retry'] += 1 → pass",  # no count
    "leave_draft: run.counts['draft.invalid'] += 1 → pass",
    "enter_draft: run.counts['draft.retry'] = 0 → pass",  # no reset
    "admit_draft: run.steps + 1 > 32 - 1 → False",  # no budget
    "admit_draft: run.tokens + 6000 > 48000 → False",
    "admit_draft: run.time_us + 1 > 300000000 - 2000000 → False",
    "admit_draft: 32 - 1 → 32",  # no reserve
    "admit_draft: 300000000 - 2000000 → 300000000",
    "admit_draft: run.tokens + 6000 → run.tokens + 0",  # no reservation
    "admit_draft: run.tokens + 6000 > 48000 → run.tokens + 6000 > 48001",
    "RUNNER: enter_check → enter_quote",  # another target
    "leave_draft: run.fail(event) → pass",
    "leave_draft: run.again(event) → pass",
    "leave_draft: run.pausing = True → pass",
    "enter_draft: run.feedback = feedback → pass",
    "enter_draft: values.pop('answer', None) → pass",
    "leave_draft: event.label == 'grounded' → True".replace("draft", "check"),
]


@cache
def verdicts_on_the_feared() -> dict[str, list[bool]]:
    """Tell of each change to fear whether it is acquitted, wherever it can be made: in one walk for all."""
    jury = jury_of("ask_docs")
    verdicts: dict[str, list[bool]] = {change: [] for change in FEARED}
    for mutant in mutants(jury.tree):
        if (change := str(mutant)) in verdicts:
            verdicts[change].append(jury.acquits(mutant))
    return verdicts


@pytest.mark.parametrize("change", FEARED)
def test_the_changes_to_fear_are_among_the_mutants(change):
    """Dropped caps, counts, resets, budgets, reserves, pauses and feedback are all tried, and noticed."""
    assert verdicts_on_the_feared()[change].count(False) >= 1


def test_guards_and_sent_complaints_are_among_the_mutants():
    """A choice that does not choose and complaints that are not sent are tried, and noticed."""
    jury = jury_of("extract_record")
    feared = {
        "enter_worth_it: gt(length(maybe(values, 'read')), 0) → True",
        "enter_worth_it: gt(length(maybe(values, 'read')), 0) → False",
        "leave_normalise: enter_extract(run, event.complaints) → enter_extract(run)",
    }
    noticed = {
        str(mutant) for mutant in mutants(jury.tree) if str(mutant) in feared and not jury.acquits(mutant)
    }

    assert noticed == feared
