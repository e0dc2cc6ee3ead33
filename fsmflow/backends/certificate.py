"""The certificate backend: what is proved of the workflow, in a file that needs not be trusted.

`fsmflow/analysis/verify.py` checks it, and shares no code with the prover.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fsmflow.analysis import Analysis
from fsmflow.analysis.proof import Proof
from fsmflow.analysis.proving.bounds import Form
from fsmflow.analysis.proving.certificate import Part, certificate, written
from fsmflow.analysis.proving.counter_machine import METRICS, Metric
from fsmflow.analysis.proving.sharpening import sharpened
from fsmflow.analysis.verify import Rejected, read, verify
from fsmflow.backends import Artifact, Places
from fsmflow.machine import Machine

SUFFIX = ".certificate.json"


def emit(analysis: Analysis, places: Places) -> Iterator[Artifact]:
    """Make the certificate, `NAME.certificate.json`, once the checker has accepted it."""
    proof = analysis.proof
    if proof.budgeted is None:
        return
    path = places.generated / f"{proof.machine.name}{SUFFIX}"
    yield Artifact(path, written(certified(proof)))


def certified(proof: Proof) -> dict[str, Any]:
    """Write a proof as a certificate that the checker accepts.

    Raises:
        Rejected: The checker does not accept it, and so the proof is wrong.
    """
    assert proof.budgeted is not None
    machine = proof.machine
    found = certificate(
        machine.name,
        machine.digest,
        proof.terminates,
        None if proof.structural is None else _part(proof.structural, {}),
        _part(proof.budgeted, _caps(machine)),
    )
    verify(json.loads(written(found)))
    return found


def claims_the_same(found: Path, wanted: bytes) -> bool:
    """Tell whether the certificate at `found` is accepted, and claims all that another one does."""
    try:
        theirs = read(str(found))
        verify(theirs)
        return bool(_claims(theirs) == _claims(json.loads(wanted)))
    except (Rejected, ValueError, LookupError, TypeError, RecursionError):
        return False


def _claims(data: dict[str, Any]) -> list[Any]:
    parts = [part for part in (data["structural"], data["budgeted"]) if part is not None]
    claimed = [
        [part["machine"], part["caps"], {m: (b["upper"], b["lower"]) for m, b in part["bounds"].items()}]
        for part in parts
    ]
    return [data["schema"], data["workflow"], data["digest"], data["terminates"], claimed]


def _caps(machine: Machine) -> dict[Metric, int]:
    caps = zip(METRICS[1:], machine.caps.amounts(), strict=True)
    return {metric: cap for metric, cap in caps if cap is not None}


def _part(form: Form, caps: dict[Metric, int]) -> Part:
    bounds = form.bounds.values()
    return Part(
        machine=form.counting,
        caps=caps,
        invariant=form.invariant,
        ranking=form.ends.ranking,
        ranked=form.ends.machine,
        split=form.ends.split,
        any_caps=form.any_caps,
        potentials={m: p for m, b in form.bounds.items() if (p := sharpened(form.counting, b)) is not None},
        bounds={b.metric: (b.upper, None if b.witness is None else b.lower) for b in bounds},
        paths={b.metric: b.witness.path for b in bounds if b.witness is not None},
    )
