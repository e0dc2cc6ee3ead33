"""Where Hypothesis keeps what it learns: not in the folder of who runs a command that only draws values."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

_CHOSEN = "HYPOTHESIS_STORAGE_DIRECTORY"


@contextmanager
def elsewhere() -> Iterator[None]:
    """Have Hypothesis write to a folder that is gone afterwards, unless the user has chosen one for it."""
    if os.environ.get(_CHOSEN):
        yield
        return
    from hypothesis.configuration import set_hypothesis_home_dir

    with TemporaryDirectory(prefix="fsmflow-") as folder:
        set_hypothesis_home_dir(folder)
        try:
            yield
        finally:
            set_hypothesis_home_dir(None)
