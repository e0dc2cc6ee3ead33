"""The certificate at run time: it must be the runner's own, and tells what a run can still use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fsmflow.analysis.proof import prove
from fsmflow.analysis.proving.bounds import Effort
from fsmflow.analysis.proving.certificate import written
from fsmflow.backends.certificate import certified
from fsmflow.machine import Machine
from fsmflow.runtime import Runner, StaleCertificate, StepContext, Transient, WorstCase
from fsmflow.runtime.gauge import Gauge
from tests.generated import runner_of
from tests.sample import machine

LOOP = """
draft: {run: m:f, cost: {tokens: 10}, timeout: 4s, retry: {times: 1, backoff: 1ms, jitter: none},
 success: check, fallback: lost}
check: {run: m:f, timeout: 1s, success: {ok: done, again: {to: draft, times: 2, else: lost}}, fallback: lost}
done: {end: success}
lost: {end: failed}
"""


def certificate_of(proved: Machine, folder: Path) -> Path:
    """Write the certificate of a machine."""
    path = folder / "sample.certificate.json"
    path.write_bytes(written(certified(prove(proved, Effort(most=10_000)))))
    return path


def runner_with(proved: Machine, path: Path) -> Runner[Any, Any]:
    """Give the runner of a machine, beside the certificate at `path`."""
    runner = runner_of(proved)
    runner.gauge = Gauge(path)
    runner._is_certified = False
    return runner


def steps(seen: list[WorstCase], labels: list[str]) -> dict[str, Any]:
    """Give steps that note what the gauge says, and a check that gives labels in turn."""

    def draft(ctx: StepContext) -> str:
        seen.append(ctx.worst_case_left)
        ctx.charge(tokens=1)
        if ctx.attempt == 1 and ctx.visit == 1:
            raise Transient("busy")
        return "a draft"

    def check(ctx: StepContext) -> str:
        seen.append(ctx.worst_case_left)
        return labels.pop(0)

    return {"draft": draft, "check": check}


def test_the_gauge_falls_as_a_run_goes_on(tmp_path: Path) -> None:
    """A step hears the most that the run can still use, this attempt included."""
    proved = machine(LOOP)
    seen: list[WorstCase] = []
    runner = runner_with(proved, certificate_of(proved, tmp_path))
    result = runner.run_sync(None, steps=steps(seen, ["again", "ok"]))

    assert result.end == "done"
    assert [left.steps for left in seen] == [9, 8, 7, 6, 5]
    assert [left.tokens for left in seen] == [60, 50, 40, 40, 30]
    assert [left.micro_usd for left in seen] == [0] * 5


def test_the_budget_may_leave_less_than_the_proof(tmp_path: Path) -> None:
    """Of what is proved and what the budget has left, the gauge tells the lesser."""
    proved = machine(LOOP, budget="{tokens: 25}")
    seen: list[WorstCase] = []
    runner = runner_with(proved, certificate_of(proved, tmp_path))
    runner.run_sync(None, steps=steps(seen, ["ok"]))

    assert [left.tokens for left in seen] == [25, 24, 23]


def test_without_a_certificate_the_budget_is_told() -> None:
    """A runner that was copied alone runs, and knows what its caps leave."""
    proved = machine(LOOP, budget="{tokens: 25, steps: 9}")
    seen: list[WorstCase] = []
    runner_of(proved).run_sync(None, steps=steps(seen, ["ok"]))

    assert seen[0] == WorstCase(9, None, 25, None, None)


def test_a_runner_refuses_the_certificate_of_another_machine(tmp_path: Path) -> None:
    """A certificate whose digest is not the runner's stops it before anything happens."""
    path = certificate_of(machine(LOOP, budget="{tokens: 25}"), tmp_path)
    runner = runner_with(machine(LOOP), path)

    with pytest.raises(StaleCertificate, match="does not speak of this machine"):
        runner.run_sync(None, steps={"draft": lambda: pytest.fail("it ran"), "check": lambda: "ok"})


@pytest.mark.parametrize("content", ["", "{}", "no JSON", json.dumps({"digest": "short"})])
def test_a_runner_refuses_what_is_no_certificate(tmp_path: Path, content: str) -> None:
    """A file in the certificate's place that has no digest is as bad as a wrong one."""
    path = tmp_path / "sample.certificate.json"
    path.write_text(content, encoding="ascii")

    with pytest.raises(StaleCertificate):
        runner_with(machine(LOOP), path).run_sync(None, steps={"draft": str, "check": str})


def test_the_gauge_is_the_potential_of_the_proof(tmp_path: Path) -> None:
    """What is read from the file is what the prover found, in every place that runs come to."""
    proved = machine(LOOP)
    gauge = Gauge(certificate_of(proved, tmp_path))
    proof = prove(proved, Effort(most=10_000))
    assert proof.budgeted is not None
    runner = runner_of(proved)
    run = runner.new_run(None)
    runner.begin(run)
    counting = proof.budgeted.counting
    for draft_again in range(3):
        run.counts["check.again"] = draft_again
        values = tuple(run.counts.get(name, 0) for name in counting.counters)
        for metric, left in (("steps", "steps"), ("tokens", "tokens"), ("microseconds", "time_us")):
            potential = proof.budgeted.bounds[metric].potential  # type: ignore[index]
            assert potential is not None
            told = getattr(gauge.proved_left(run), left)
            assert told == int(potential.at(counting.states.index(run.state), values))


def test_there_is_no_certificate_below_what_is_no_folder(tmp_path: Path) -> None:
    """Below what is no folder, as in a zip archive, there is no certificate."""
    (tmp_path / "a.zip").write_bytes(b"")
    assert Gauge(tmp_path / "a.zip" / "x.json").digest is None
