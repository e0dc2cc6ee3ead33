"""Which transitions the runs of a test campaign took: written by tests, and read back to be drawn."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeGuard

from attrs import evolve, frozen

from fsmflow.diagnostics import FsmflowError
from fsmflow.machine import BUILTIN_END, End, Machine, State, Transition, Work

SCHEMA = "fsmflow.coverage/1"
SUFFIX = ".coverage.json"

_LARGEST = 2**63 - 1
_LONGEST = 64_000_000


class BadCoverage(FsmflowError):
    """A text is no coverage of tests; the message says what was expected."""


@frozen
class Coverage:
    """How often each transition of one machine was taken.

    Attributes:
        workflow: The name of the workflow.
        digest: The digest of the machine.
        runs: How many runs there were.
        counts: How often they took each transition, in the order of the machine.
    """

    workflow: str
    digest: str
    runs: int
    counts: tuple[int, ...]

    @property
    def taken(self) -> int:
        """How many transitions were taken at all."""
        return sum(count > 0 for count in self.counts)


def can_be_taken(machine: Machine, transition: Transition) -> bool:
    """Tell whether a run can take a transition; if in doubt, it can.

    A state set aside never wants for its own cost, and the first attempt of a run for nothing.
    """
    if transition.kind != "exceeded":
        return True
    state = machine.states[transition.source]
    set_aside = not isinstance(state, End) and state.reserve
    return not (set_aside and transition.target == BUILTIN_END) and not _is_only_first(machine, state)


def _is_only_first(machine: Machine, state: State) -> bool:
    """Tell whether a state makes the first attempt of a run, no other, and is not cut off by the run."""
    if state.name != machine.start or not isinstance(state, Work):
        return False
    again = any(
        way.target == state.name or (way.same_visit and way.source == state.name)
        for way in machine.transitions
    )
    cap = machine.caps.time_us
    is_cut = cap is not None and (
        state.timeout_us is None or state.timeout_us > cap - machine.reserve.time_us
    )
    needs = (state.needs + machine.reserve).amounts()
    fits = all(
        limit is None or need <= limit for need, limit in zip(needs, machine.caps.amounts(), strict=True)
    )
    return fits and not again and not is_cut


def read(text: str) -> Coverage:
    """Read what `fsmflow test --coverage FOLDER` has written.

    Raises:
        BadCoverage: It is no such document.
    """
    try:
        found = json.loads(text[:_LONGEST])
    except (ValueError, RecursionError) as error:
        raise BadCoverage(f"expected a JSON document: {error}") from None
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise BadCoverage(f"expected a JSON document of the schema {SCHEMA}")
    workflow, digest, runs, counts = (found.get(key) for key in ("workflow", "digest", "runs", "counts"))
    if not isinstance(workflow, str) or not isinstance(digest, str):
        raise BadCoverage("workflow, digest: expected text")
    if not _is_count(runs):
        raise BadCoverage("runs: expected a whole number")
    if not isinstance(counts, list) or not all(map(_is_count, counts)):
        raise BadCoverage("counts: expected a list of whole numbers")
    return Coverage(workflow, digest, runs, tuple(counts))


def read_file(path: Path) -> Coverage:
    """Read a file that `fsmflow test --coverage FOLDER` has written.

    Raises:
        BadCoverage: It holds no such document.
        OSError: It can't be read.
    """
    if path.exists() and not path.is_file():
        raise BadCoverage(f"{path}: expected a file, such as NAME{SUFFIX}")
    try:
        with path.open(encoding="utf-8") as file:
            return read(file.read(_LONGEST))
    except (BadCoverage, UnicodeDecodeError) as bad:
        raise BadCoverage(f"{path}: {bad}") from None


def joined(coverages: Iterable[Coverage]) -> tuple[Coverage, ...]:
    """Add up what several processes counted; give one coverage of each machine."""
    found: dict[tuple[str, str], Coverage] = {}
    for each in coverages:
        known = found.get((each.workflow, each.digest))
        if known is not None:
            counts = tuple(a + b for a, b in zip(known.counts, each.counts, strict=True))
            each = evolve(known, runs=known.runs + each.runs, counts=counts)
        found[each.workflow, each.digest] = each
    return tuple(found[key] for key in sorted(found))


def document(coverage: Coverage) -> dict[str, Any]:
    """Give the JSON document of a coverage."""
    return {
        "schema": SCHEMA,
        "workflow": coverage.workflow,
        "digest": coverage.digest,
        "runs": coverage.runs,
        "counts": list(coverage.counts),
    }


def _is_count(found: Any) -> TypeGuard[int]:
    return type(found) is int and 0 <= found <= _LARGEST
