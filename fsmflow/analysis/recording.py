"""The trace of one run, read back from a file: what the run did, stage by stage, as plain data.

A trace file may come from anywhere, so it is data to be checked, and nothing in it is ever executed.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from math import isfinite
from pathlib import Path
from typing import Any, BinaryIO, Literal, NoReturn, TypeGuard

from attrs import evolve, field, frozen

from fsmflow.diagnostics import FsmflowError
from fsmflow.runtime.run import Error
from fsmflow.runtime.trace import SCHEMA

LONGEST_LINE = 64_000_000
"""More bytes than any line has that a run writes: inputs and outputs are cut to a bounded size."""

LARGEST = 2**63 - 1
"""The largest number of a ledger or a clock."""

CHARGED = ("tool_calls", "tokens", "micro_usd")
LEDGER = ("steps", *CHARGED, "time_us")
KINDS = ("success", "degraded", "handoff", "failed", "cancelled")

StageKind = Literal["attempt", "pause", "wait"]


class BadTrace(FsmflowError):
    """A text is not the trace of one run; the message says where, and what was expected."""


@frozen
class Stage:
    """One attempt of a step, one pause before a retry, or one wait; times in microseconds.

    Attributes:
        number: Its place in the run, from 1.
        kind: What it is.
        state: The state in which the run stood.
        visit: How often that state had been entered.
        attempt: Which attempt of the visit it was, or followed.
        start_us: When it began, since the run's start.
        elapsed_us: How long it took.
        outcome: How the attempt ended; `elapsed` for a pause or a wait.
        label: The label of a labelled success.
        given: The arguments of the attempt, as plain data.
        output: What it gave, as plain data.
        error: What went wrong; empty if nothing did.
        use: What it used: `tool_calls`, `tokens`, `micro_usd`.
        complaints: Why its output was rejected.
        retry_after_us: How long a server asked to be left alone.
        draw: The number from [0, 1) that was drawn for a pause that might follow.
    """

    number: int
    kind: StageKind
    state: str
    visit: int
    attempt: int
    start_us: int
    elapsed_us: int
    outcome: str
    label: str | None = None
    given: Any = None
    output: Any = None
    error: str = ""
    use: Mapping[str, int] = field(factory=lambda: dict.fromkeys(CHARGED, 0))
    complaints: tuple[str, ...] = ()
    retry_after_us: int | None = None
    draw: float = 0.0


@frozen
class LateCharge:
    """What an abandoned attempt charged, after it was cut off: booked where the run stood by then.

    It is written down when the next stage is over, just before that one.

    Attributes:
        after: The number of the stage that was the latest to be over.
        state: The state in which the run stood.
        use: What was charged.
    """

    after: int
    state: str
    use: Mapping[str, int]


@frozen(kw_only=True)
class Recording:
    """One run, as its trace tells it.

    Attributes:
        trace_id: The run's W3C trace id.
        run_id: The run's id.
        workflow: The name of the workflow.
        digest: The digest of the machine that ran.
        profile: The profile whose steps were called.
        start_ns: When it began, in nanoseconds since 1970.
        given: Its input, as plain data.
        stages: What it did, in order.
        end: The end it came to, or `cancelled`; None of a run that is not over.
        kind: The kind of that end, or `cancelled`.
        output: What it gave, as plain data.
        error: The latest way out that it took.
        spent: What it used: `steps`, `tool_calls`, `tokens`, `micro_usd`, `time_us`.
        total_us: How long it took in all, in microseconds.
        late: What abandoned attempts charged.
    """

    trace_id: str
    run_id: str
    workflow: str
    digest: str
    profile: str | None
    start_ns: int
    given: Any
    stages: tuple[Stage, ...]
    end: str | None
    kind: str | None
    output: Any
    error: Error | None
    spent: Mapping[str, int]
    total_us: int
    late: tuple[LateCharge, ...] = ()


def read(text: str) -> Recording:
    """Read the trace of one run: a JSON document a line, as `fsmflow run --trace FILE` writes them.

    A trace that breaks off, in the middle of a line or before its `end`, is that of a run that is not
    over. Events that this version does not know are passed over.

    Raises:
        BadTrace: It is no such trace.
    """
    try:
        return _read(io.BytesIO(text.encode()))
    except UnicodeEncodeError:
        raise BadTrace("expected text, not half of a character") from None


def read_file(path: Path) -> Recording:
    """Read the trace of one run from a file; see `read`.

    Raises:
        BadTrace: It holds no such trace.
        OSError: It can't be read.
    """
    if path.exists() and not path.is_file():
        raise BadTrace(f"{path}: expected a file")
    with path.open("rb") as file:
        try:
            return _read(file)
        except BadTrace as bad:
            raise BadTrace(f"{path}: {bad}") from None


@frozen
class _Entry:
    """One line of a trace, and where it stands."""

    line: int
    found: Mapping[str, Any]
    within: str = ""

    def refuse(self, key: str, expected: str) -> NoReturn:
        found = f"not {_shown(self.found[key])}" if key in self.found else "but it is missing"
        raise BadTrace(f"line {self.line}: {self.within}{key}: expected {expected}, {found}")

    def any(self, key: str) -> Any:
        if key not in self.found:
            self.refuse(key, "a value")
        return self.found[key]

    def text(self, key: str) -> str:
        found = self.found.get(key)
        return found if isinstance(found, str) else self.refuse(key, "text")

    def maybe_text(self, key: str) -> str | None:
        return None if self.any(key) is None else self.text(key)

    def count(self, key: str, least: int = 0) -> int:
        found = self.found.get(key)
        if not _is_count(found, least):
            self.refuse(key, f"a whole number from {least} on")
        return found

    def maybe_count(self, key: str) -> int | None:
        return None if self.any(key) is None else self.count(key)

    def texts(self, key: str) -> tuple[str, ...]:
        found = self.found.get(key)
        if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
            self.refuse(key, "a list of texts")
        return tuple(found)

    def amounts(self, key: str, names: tuple[str, ...]) -> dict[str, int]:
        found = self.found.get(key)
        if not isinstance(found, dict) or not all(_is_count(found.get(name)) for name in names):
            self.refuse(key, f"a whole number for each of {', '.join(names)}")
        return {name: found[name] for name in names}

    def draw(self) -> float:
        found = self.found.get("draw")
        if not isinstance(found, int | float) or isinstance(found, bool) or not 0 <= found < 1:
            self.refuse("draw", "a number from 0 to below 1")
        return float(found)

    def error(self) -> Error | None:
        found = self.any("error")
        if found is None:
            return None
        if not isinstance(found, dict):
            self.refuse("error", "a mapping or null")
        inner = _Entry(self.line, found, "error.")
        return Error(
            inner.text("state"),
            inner.text("outcome"),
            inner.text("message"),
            inner.texts("complaints"),
            inner.any("value"),
        )


def _is_count(found: Any, least: int = 0) -> TypeGuard[int]:
    return type(found) is int and least <= found <= LARGEST


def _shown(value: Any) -> str:
    """Write a value so that it fits in a message and in a terminal."""
    match value:
        case dict():
            return "a mapping"
        case list():
            return "a list"
    shown = ascii(value)
    return shown if len(shown) <= 40 else f"{shown[:39]}…"


def _read(file: BinaryIO) -> Recording:
    entries = _entries(file)
    opening = next(entries, None)
    if opening is None:
        raise BadTrace(
            "line 1: expected the `run` event that a trace begins with, but there is no whole line"
        )
    if opening.found.get("schema") != SCHEMA:
        opening.refuse("schema", SCHEMA)
    if opening.found.get("event") != "run":
        opening.refuse("event", "`run`, which a trace begins with")
    trace_id, start_ns = opening.text("trace_id"), opening.count("start_ns")
    stages: list[Stage] = []
    late: list[LateCharge] = []
    closing: _Entry | None = None
    for entry in entries:
        event = entry.text("event")
        if event == "run":
            raise BadTrace(f"line {entry.line}: event: a second run begins; expected the trace of one run")
        if event not in ("attempt", "pause", "late", "end"):
            continue
        if closing is not None:
            raise BadTrace(f"line {entry.line}: event: expected nothing after the `end` of the run")
        if entry.text("trace_id") != trace_id:
            entry.refuse("trace_id", f"that of the run, {_shown(trace_id)}")
        if event == "end":
            closing = entry
        elif event == "late":
            late.append(LateCharge(len(stages), entry.text("state"), entry.amounts("use", CHARGED)))
        else:
            stages.append(_stage(entry, event == "attempt", start_ns, stages[-1] if stages else None))
    return _recording(opening, stages, late, closing)


def _recording(
    opening: _Entry, stages: list[Stage], late: list[LateCharge], closing: _Entry | None
) -> Recording:
    start_ns = opening.count("start_ns")
    total_us = max((stage.start_us + stage.elapsed_us for stage in stages), default=0)
    kind, spent = None, _added_up(stages, late)
    if closing is not None:
        kind, spent = closing.text("kind"), closing.amounts("spent", LEDGER)
        if kind not in KINDS:
            closing.refuse("kind", f"one of {', '.join(KINDS)}")
        total_us = (_no_sooner(closing, "end_ns", start_ns) - start_ns) // 1000
    return Recording(
        trace_id=opening.text("trace_id"),
        run_id=opening.text("run_id"),
        workflow=opening.text("workflow"),
        digest=opening.text("digest"),
        profile=opening.maybe_text("profile"),
        start_ns=start_ns,
        given=opening.any("input"),
        stages=tuple(stages),
        end=None if closing is None else closing.text("end"),
        kind=kind,
        output=None if closing is None else closing.any("output"),
        error=None if closing is None else closing.error(),
        spent=spent,
        total_us=total_us,
        late=tuple(late),
    )


def _added_up(stages: list[Stage], late: list[LateCharge]) -> dict[str, int]:
    """Give the ledger of a run that is not over."""
    charges = [stage.use for stage in stages] + [charge.use for charge in late]
    spent = {name: sum(use[name] for use in charges) for name in CHARGED}
    steps = sum(stage.kind == "attempt" for stage in stages)
    return {"steps": steps, **spent, "time_us": sum(stage.elapsed_us for stage in stages)}


def _no_sooner(entry: _Entry, key: str, than: int) -> int:
    found = entry.count(key)
    if found < than:
        entry.refuse(key, "a time that is no sooner than what came before")
    return found


def _stage(entry: _Entry, is_attempt: bool, run_ns: int, before: Stage | None) -> Stage:
    start_ns = _no_sooner(entry, "start_ns", run_ns)
    state, visit = entry.text("state"), entry.count("visit", 1)
    follows = before is not None and (before.state, before.visit) == (state, visit)
    stage = Stage(
        number=1 if before is None else before.number + 1,
        kind="attempt" if is_attempt else "pause" if follows else "wait",
        state=state,
        visit=visit,
        attempt=entry.count("attempt", 1),
        start_us=(start_ns - run_ns) // 1000,
        elapsed_us=(_no_sooner(entry, "end_ns", start_ns) - start_ns) // 1000,
        outcome=entry.text("outcome") if is_attempt else "elapsed",
    )
    if not is_attempt:
        return stage
    return evolve(
        stage,
        label=entry.maybe_text("label"),
        given=entry.any("input"),
        output=entry.any("output"),
        error=entry.text("message"),
        use=entry.amounts("use", CHARGED),
        complaints=entry.texts("complaints"),
        retry_after_us=entry.maybe_count("retry_after_us"),
        draw=entry.draw(),
    )


def _entries(file: BinaryIO) -> Iterator[_Entry]:
    """Give the lines of a trace; a last one that breaks off is left out."""
    number = 0
    while raw := file.readline(LONGEST_LINE):
        number += 1
        is_whole = raw.endswith(b"\n")
        if len(raw) == LONGEST_LINE and not is_whole:
            raise BadTrace(f"line {number}: expected at most {LONGEST_LINE:,} bytes")
        if not raw.strip():
            continue
        try:
            found = _parse(raw)
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            if not is_whole and raw.startswith(b"{"):
                return
            raise BadTrace(f"line {number}: expected a JSON document: {error}") from None
        except RecursionError:
            raise BadTrace(f"line {number}: expected JSON that is not as deep as this") from None
        except ValueError as error:
            raise BadTrace(f"line {number}: {error}") from None
        if not isinstance(found, dict):
            raise BadTrace(f"line {number}: expected a JSON object, not {_shown(found)}")
        yield _Entry(number, found)


def _parse(raw: bytes) -> Any:
    found = json.loads(raw.decode(), object_pairs_hook=_object, parse_constant=_constant, parse_float=_number)
    if b"\\ud" in raw or b"\\uD" in raw:
        try:
            json.dumps(found, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("expected text, not half of a character") from None
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"expected each key once, but {_shown(twice)} is there again")
    return found


def _constant(name: str) -> NoReturn:
    raise ValueError(f"expected JSON, which has no number {name}")


def _number(text: str) -> float:
    found = float(text)
    if not isfinite(found):
        raise ValueError(f"expected a number that fits, not {_shown(text)}")
    return found
