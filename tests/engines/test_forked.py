"""Databases that were opened before their process was forked, as servers do that load an application once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import asyncio
import os
import sys
from contextlib import closing
from pathlib import Path
from fsmflow.engines.store import Store, StoreError

async def again(store):
    await store.do(lambda connection: None)

def refused(work, *given):
    try:
        work(*given)
    except StoreError as error:
        print(error, flush=True)

with closing(Store(Path("runs.db"))) as store:
    asyncio.run(again(store))
    child = os.fork()
    if child == 0:
        refused(store.do_now, lambda connection: None)
        refused(asyncio.run, again(store))
        store.close()
        with closing(Store(Path("runs.db"))) as anew:
            anew.do_now(lambda connection: None)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    asyncio.run(again(store))
print("whole")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_database_is_not_carried_over_a_fork(tmp_path: Path) -> None:
    """A process that was forked is told to open a database anew, and its parent's goes on."""
    done = subprocess.run(
        # That threads do not outlive a fork is what this is about; Python 3.12 warns of it.
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", SCRIPT],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )

    told = "runs.db was opened before this process was forked: open it anew in this one\n"
    assert (done.stdout, done.stderr, done.returncode) == (f"{told}{told}whole\n", "", 0)
