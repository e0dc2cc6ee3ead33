"""Tables of the states by what they use: in runs, and in the worst case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from fsmflow.analysis.proof import Proof
from fsmflow.analysis.proving.counter_machine import Metric
from fsmflow.analysis.traces.recording import CHARGED, Recording
from fsmflow.glance import time
from fsmflow.machine import Machine
from fsmflow.reporting.amounts import NAMES, worded
from fsmflow.review._replay import is_failure
from fsmflow.review._states import used_by

_METRICS: tuple[Metric, ...] = ("microseconds", "tool_calls", "tokens", "micro_usd")
_WORST = "worst case"


def tables(
    machine: Machine, proof: Proof | None, recordings: Sequence[Recording], names: Sequence[str]
) -> list[dict[str, Any]]:
    """Give a table for each run, for all of them where there are several, and for the worst case.

    A cell is an amount to sort by and the words that are shown. The table of run k is the k-th.
    """
    found = [
        _table(name, _of_runs(machine, [run]), _at_a_glance)
        for name, run in zip(names, recordings, strict=True)
    ]
    if len(recordings) > 1:
        found.append(_table(f"all {len(recordings):,} runs", _of_runs(machine, recordings), _at_a_glance))
    if proof is not None and proof.bounds:
        found.append(_table(_WORST, _of_the_worst_case(proof), worded))
    return found


def _table(
    name: str, rows: Mapping[str, Mapping[str, int]], word: Callable[[Metric, int], str]
) -> dict[str, Any]:
    """Lay out rows of amounts; a column in which every amount is 0 is left out."""
    columns = [
        column
        for column in ("visits", "attempts", "failures", *_METRICS)
        if any(row.get(column) for row in rows.values())
    ]
    return {
        "name": name,
        "columns": [NAMES[column] if column in _METRICS else column for column in columns],
        "rows": [
            {"state": state, "cells": [_cell(column, row.get(column, 0), word) for column in columns]}
            for state, row in rows.items()
            if any(row.values())
        ],
    }


def _cell(column: str, amount: int, word: Callable[[Metric, int], str]) -> list[Any]:
    return [amount, next((word(metric, amount) for metric in _METRICS if metric == column), f"{amount:,}")]


def _at_a_glance(metric: Metric, amount: int) -> str:
    """Write an amount that was measured: of times, three digits say enough."""
    return time(amount) if metric == "microseconds" else worded(metric, amount)


def _of_runs(machine: Machine, recordings: Iterable[Recording]) -> dict[str, dict[str, int]]:
    rows: dict[str, dict[str, int]] = {name: {} for name in machine.states}
    for recording in recordings:
        visits = {(stage.state, stage.visit) for stage in recording.stages}
        for state, _ in visits:
            _add(rows, state, visits=1)
        for stage in recording.stages:
            amounts = (stage.ledger_us, *(stage.use[name] for name in CHARGED))
            used = dict(zip(_METRICS, amounts, strict=True))
            _add(
                rows,
                stage.state,
                attempts=int(stage.kind == "attempt"),
                failures=int(is_failure(stage)),
                **used,
            )
        for charge in recording.late:
            _add(rows, charge.state, **charge.use)
    return rows


def _add(rows: dict[str, dict[str, int]], state: str, **amounts: int) -> None:
    row = rows.setdefault(state, {})
    for column, amount in amounts.items():
        row[column] = row.get(column, 0) + amount


def _of_the_worst_case(proof: Proof) -> dict[str, dict[str, int]]:
    """Give what each state uses in the worst run of each metric; the runs may be different ones."""
    witness = proof.bounds["steps"].witness
    entries = () if witness is None else witness.entries
    attempts = Counter(entry.state for entry in entries if entry.use.steps)
    by_metric = {metric: used_by(proof, metric) for metric in _METRICS}
    return {
        name: {"attempts": attempts[name]} | {metric: used.get(name, 0) for metric, used in by_metric.items()}
        for name in proof.machine.states
    }
