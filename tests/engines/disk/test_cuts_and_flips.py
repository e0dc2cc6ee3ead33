"""A database that is cut at any byte, or has any bit flipped, gives no wrong value."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from fsmflow.engines.workflows import Workflow
from tests.engines.disk.damage import Sample, Wrong, judge, sample
from tests.engines.disk.disk import Image
from tests.engines.disk.order import workflow_in

EVERY = int(os.environ.get("FSMFLOW_FLIPS_EVERY", "331"))
"""Which bits the slow campaign flips, and how it goes through cuts; the full one takes each: 1."""


@pytest.fixture(scope="module")
def known(order: Workflow, specs: Path, tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """The database, as it was."""
    return sample(order, workflow_in(specs, "disk_asked"), tmp_path_factory.mktemp("sample"))


def cut(image: Image, every: int) -> Iterator[tuple[str, Image]]:
    """Cut each file at each byte."""
    for name, data in image.items():
        for size in range(0, len(data) + 1, every):
            yield f"{name} cut at byte {size}", {**image, name: data[:size]}


def flipped(image: Image, every: int) -> Iterator[tuple[str, Image]]:
    """Flip each bit of each file."""
    for name, data in image.items():
        for bit in range(0, len(data) * 8, every):
            changed = bytearray(data)
            changed[bit // 8] ^= 1 << bit % 8
            yield f"{name} with bit {bit} flipped", {**image, name: bytes(changed)}


def judged(
    known: Sample, images: Iterator[tuple[str, Image]], folder: Path
) -> tuple[Counter[str], list[str]]:
    """Judge images; give how often each outcome was seen, and what went wrong."""
    outcomes: Counter[str] = Counter()
    wrong = []
    for what, image in images:
        try:
            outcomes[judge(known, image, folder)] += 1
        except Wrong as error:
            wrong.append(f"{what}: {error}")
    print(f"{outcomes.total():,} judged: {dict(outcomes)}, {len(wrong)} wrong")  # noqa: T201
    return outcomes, wrong


def test_the_database_itself_is_as_it_was(known: Sample, memory: Path) -> None:
    """Without damage, each run is taken up where it ended, and comes to its end."""
    assert judge(known, known.image, memory) == "as it was"


def test_a_database_without_its_log_is_taken_up_earlier(known: Sample, memory: Path) -> None:
    """What was only in the log is lost with it, and no more: the run is taken up before it."""
    database = {name: data for name, data in known.image.items() if not name.endswith("-wal")}

    assert judge(known, database, memory) == "taken up earlier"


@pytest.mark.parametrize(
    ("other", "said"),
    [({"lines": set()}, "the list of runs"), ({"questions": []}, "question"), ({"events": {}}, "event")],
)
def test_what_is_another_thing_than_it_was_is_judged_wrong(
    known: Sample, memory: Path, other: dict[str, Any], said: str
) -> None:
    """Had the database been another one, what this one says would be wrong."""
    with pytest.raises(Wrong, match=said):
        judge(evolve(known, **other), known.image, memory)


@pytest.mark.slow
def test_every_cut(known: Sample, memory: Path) -> None:
    """Wherever a file is cut, a run is taken up at a point that it has passed, or an error says so."""
    outcomes, wrong = judged(known, cut(known.image, every=max(1, EVERY // 8)), memory)

    assert wrong == []
    assert outcomes["taken up earlier"] > 0
    assert outcomes["refused: StoreError"] > 0


@pytest.mark.slow
def test_every_flip(known: Sample, memory: Path) -> None:
    """Whichever bit is flipped, no value is another one than it was."""
    outcomes, wrong = judged(known, flipped(known.image, every=EVERY), memory)

    assert wrong == []
    assert outcomes["as it was"] > 0
    assert outcomes["refused: Corrupt"] > 0
