"""Where the steps of a durable run are, which its database keeps."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from fsmflow.engines.durable import Durable
from fsmflow.engines.workflows import Workflow

SPEC = """
fsmflow: 1
workflow: still
budget: {steps: 1}
states: {rest: {wait: 1s, success: done}, done: {end: success}}
"""


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="every name is text there")
def test_a_folder_whose_name_is_no_text_is_refused(tmp_path: Path) -> None:
    """A run whose folder a database can't name is not submitted, and is told why."""
    folder = tmp_path / os.fsdecode(b"bad\xff")
    folder.mkdir()
    (folder / "still.fsm.yaml").write_text(SPEC)
    workflow = Workflow.of_spec(folder / "still.fsm.yaml")

    with (
        Durable(tmp_path / "runs.db") as durable,
        pytest.raises(ValueError, match=r"bad\\udcff' is no text in UTF-8: name it so, for the database"),
    ):
        durable.submit(workflow, None)
