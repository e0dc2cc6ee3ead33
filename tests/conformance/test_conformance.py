"""Every engine, on every case: the same workflow and the same happenings come to the same run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.case import Case, cases
from tests.conformance.engines import ENGINES, Engine, Serving
from tests.conformance.observed import expected


def pairs() -> Iterator[Any]:
    """Give each engine with each case that it can run; Temporal's servers have a mark of their own."""
    for engine in ENGINES:
        marks = (pytest.mark.temporal,) if engine.name == "temporal" else ()
        for case in cases():
            if case.needs - {"draws"} <= engine.can:
                yield pytest.param((engine, case), id=f"{engine.name}: {case.name}", marks=marks)


@pytest.fixture(scope="module", autouse=True)
def _ended() -> Iterator[None]:
    """No engine leaves a server behind."""
    yield
    for engine in ENGINES:
        if isinstance(engine, Serving):
            engine.close()


@pytest.mark.parametrize("pair", list(pairs()))
def test_a_run_is_as_the_case_says(pair: tuple[Engine, Case]) -> None:
    """The trace, the ledger, the end, the output, and what was entered are those of the case.

    Where children are really run, or jitter is drawn by chance, it is left open how long that takes. What
    steps and people are told is what the reference meaning tells them.
    """
    engine, case = pair
    seen, wanted = engine.run(case), expected(case)
    if ("draws" in case.needs and "draws" not in engine.can) or (case.inside and "children" in engine.can):
        seen, wanted = seen.timeless, wanted.timeless

    assert seen == wanted
    assert case.inside or seen.calls == ENGINES[0].run(case).calls
