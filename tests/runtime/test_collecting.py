"""The collector of garbage is held off, and comes back as it was."""

from __future__ import annotations

import gc

import pytest

from fsmflow.runtime import families
from fsmflow.runtime.collecting import uncollected


def test_no_garbage_is_looked_for_within():
    """The collector is off within the block, and on again after it, also if that raises."""
    seen = []

    def look():
        seen.append(gc.isenabled())
        raise LookupError

    with pytest.raises(LookupError), uncollected():
        look()

    assert (seen, gc.isenabled()) == ([False], True)


def test_a_collector_that_was_off_stays_off():
    """Whoever has turned the collector off finds it so."""
    gc.disable()
    try:
        with uncollected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_machine_of_many_states_is_made_without_looking():
    """While its states are made of their rows, nothing is looked for."""
    seen = []

    def family(name, to):
        seen.append(gc.isenabled())
        return families.Member(enter=lambda run, feedback=(): None)

    families.Members([(family, ("a",)), (family, ("b",))])

    assert seen == [False, False]
    assert gc.isenabled()
