"""Copies of the engine for durable runs, each with one fault of the kind that loses what was kept.

The copy is a package of its own, so that the faults never touch the engine that everybody else uses.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import fsmflow.engines
from tests.engines.disk.watched import Engine


class Fault(NamedTuple):
    """One change to the engine.

    Attributes:
        what: What is wrong, in a few words.
        file: The file that is changed, without its ending.
        before: What stands there, once.
        after: What stands there instead.
    """

    what: str
    file: str
    before: str
    after: str


FAULTS = (
    Fault("nothing is synced", "store", "PRAGMA synchronous=FULL", "PRAGMA synchronous=OFF"),
    Fault(
        "only the database is synced, not its log",
        "store",
        "PRAGMA synchronous=FULL",
        "PRAGMA synchronous=NORMAL",
    ),
    Fault(
        "after its first rows nothing of a run is synced",
        "store",
        'self._connection.execute("COMMIT")',
        'self._connection.execute("COMMIT")\n'
        '            self._commits = getattr(self, "_commits", 0) + 1\n'
        "            if self._commits == 7:\n"
        '                self._connection.execute("PRAGMA synchronous=OFF")',
    ),
    Fault("what is undone is kept in memory", "store", "journal_mode=WAL", "journal_mode=MEMORY"),
    Fault(
        "a commit is told before it is made",
        "store",
        'self._connection.execute("COMMIT")',
        '_tell(batch); time.sleep(0.002); self._connection.execute("COMMIT")',
    ),
    Fault(
        "an attempt begins before its row is written",
        "journal",
        "        await self._store.do(self._handed())\n        return longest_us",
        "        return longest_us",
    ),
    Fault(
        "a payload is written after the row that names it",
        "journal",
        "        await self._store.do(self._handed())\n        return longest_us",
        "        payloads, self._payloads = self._payloads, []\n"
        "        await self._store.do(self._handed())\n"
        "        await self._store.do(Append(self._lease, (), payloads))\n"
        "        return longest_us",
    ),
    Fault(
        "the checksum of a row is of this row alone",
        "rows",
        'text = f"{before}\\n{kind}\\n{body}"',
        'text = f"{kind}\\n{body}"',
    ),
    Fault("no checksum is looked at", "rows", " or chain != before:", ":"),
    Fault(
        "a row that is damaged is left out",
        "rows",
        'raise Corrupt(f"row {number} of the journal of {run_id} is not what was written")',
        "continue",
    ),
    Fault(
        "nobody looks at the lease",
        "rows",
        "lost = leases_lost(connection, [work.lease for work in works])",
        "lost = set()",
    ),
    Fault("whoever takes over has the same number", "claims", 'about["fence"] + 1', 'about["fence"]'),
    Fault("nobody looks who has a run", "claims", "if before is not None and ", "if False and "),
    Fault(
        "an attempt that was cut off is not counted",
        "taking_up",
        "if not isinstance(command, Stage):",
        'if not isinstance(command, Stage) or (command.children is None and command.effect != "once"):',
    ),
    Fault(
        "what was set aside for an attempt that was cut off is given back",
        "taking_up",
        "event: Ended | Lost = Lost(elapsed_us)",
        'event: Ended | Lost = Ended("transient", use=(0, 0, 0))',
    ),
    Fault(
        "what must not be repeated is repeated",
        "taking_up",
        'command.effect == "once"',
        'command.effect == ""',
    ),
    Fault(
        "an attempt that is made again has another key",
        "taking_up",
        "            await journal.recovered(run, event)\n",
        "            await journal.recovered(run, event)\n            run.visits[run.state] += 1\n",
    ),
)


def copied(folder: Path, package: str, fault: Fault | None = None) -> Engine:
    """Copy the engine to `folder`, which is on the path, with a fault."""
    (folder / package).mkdir()
    for path in Path(fsmflow.engines.__file__).parent.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        if fault is not None and fault.file == path.stem:
            assert text.count(fault.before) == 1, f"{fault.what}: {path.name} has changed, so must the fault"
            text = text.replace(fault.before, fault.after)
        text = text.replace("fsmflow.engines", package)
        (folder / package / path.name).write_text(text, encoding="utf-8")
    return Engine(package)
