"""The workflow that a run keeps to: made of the machines that travel with it, whatever its spec is by now."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import evolve

from fsmflow.engines.machines import called, read_machine
from fsmflow.engines.rows import Corrupt
from fsmflow.engines.store import Store
from fsmflow.engines.workflows import Workflow

Swapped = Mapping[str, Mapping[str, str]]
"""The steps of a profile, by the digests of the workflows that have it."""


def workflow_pinned(store: Store, about: Mapping[str, Any]) -> Workflow:
    """Make the workflow of a run, of which `about` is kept.

    Raises:
        Corrupt: A machine is not what was kept.
    """
    return workflow_kept(
        store, about["digest"], Path(about["folder"]), about["profile"], json.loads(about["profiles"])
    )


def workflow_kept(
    store: Store, digest: str, folder: Path, profile: str | None = None, swapped: Swapped | None = None
) -> Workflow:
    """Make the workflow whose machine has a digest, with all that it runs.

    Raises:
        Corrupt: A machine is not what was kept.
    """

    def work(connection: sqlite3.Connection) -> str:
        found = connection.execute("SELECT machine FROM machines WHERE digest = ?", (digest,)).fetchone()
        if found is None:
            raise Corrupt(f"the machine {digest[:12]} is not kept")
        return str(found[0])

    machine = read_machine(store.do_now(work), digest)
    if swapped and profile is not None and digest in swapped:
        machine = evolve(machine, profiles={profile: swapped[digest]})
    callees = {name: workflow_kept(store, each, folder, profile, swapped) for name, each in called(machine)}
    return Workflow.of_machine(machine, folder, callees)
