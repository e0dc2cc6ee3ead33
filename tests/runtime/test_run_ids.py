"""What a run's id may be."""

from __future__ import annotations

import pytest

from fsmflow.runtime.run_ids import id_of


@pytest.mark.parametrize("run_id", ["r", "7", "r-1", "Order.A_1002:2/eu@shop+x=y-", "x" * 200])
def test_an_id_that_is_chosen_is_kept(run_id: str) -> None:
    """A name that fits into a line, a table and a command is the run's id as it is."""
    assert id_of(run_id) == run_id


@pytest.mark.parametrize(
    "run_id",
    [
        "", " ", "-r", ".r", "a b", "a\n", "x\ny", "\x1b[31mred", "a\x7f", "a\x9b", "a\u202eb", "a\u200bb",
        "a\ud800", "größe", "$(ls)", "a;b", "`a`", "a'b", "[red]", "x" * 201,
    ],
)  # fmt: skip
def test_what_would_not_stay_in_its_place_is_no_id(run_id: str) -> None:
    """What is empty, long, breaks lines, steers a terminal or means something to a shell is refused."""
    with pytest.raises(ValueError, match="can't be a run's id: it takes 1 to 200 ") as refused:
        id_of(run_id)

    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 200


def test_an_id_that_is_not_chosen_is_random() -> None:
    """Runs without an id of their own have one that no other run has, and that may be chosen too."""
    first, second = id_of(None), id_of(None)

    assert first != second
    assert id_of(first) == first
