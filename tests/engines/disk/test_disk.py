"""The simulated disk keeps what is synced, and may lose the rest."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.engines.disk.disk import MODES, Disk, Image, Mark, Mode, Recording

LONG = bytes(range(256)) * 8


def images(disk: Disk, mode: Mode, *, point: int | None = None) -> Iterator[Image]:
    """Give what may be left of a disk after its last operation, or at a point, many times over."""
    recording = Recording(disk.base, tuple(disk.log))
    chance = random.Random(1)
    for _ in range(64):
        yield recording.at(len(disk.log) if point is None else point).after(mode, chance)


def written(*, synced: bool) -> Disk:
    """Write to a file that was there, and to a new one."""
    disk = Disk({"old": b"old " * 1_000})
    for name in ("old", "new"):
        file = disk.open(name)
        disk.write(file, LONG, 100)
        if synced:
            disk.sync(file, folder=True)
    return disk


@pytest.mark.parametrize("mode", MODES)
def test_what_is_synced_stays(mode: Mode) -> None:
    """Whatever becomes of the rest, what was synced is there."""
    expected = {"old": (b"old " * 1_000)[:100] + LONG + (b"old " * 1_000)[2148:], "new": bytes(100) + LONG}

    assert all(image == expected for image in images(written(synced=True), mode))


@pytest.mark.parametrize(
    ("mode", "least"),
    [
        ("dropped", 1),
        ("kept", 1),
        ("cut short", 20),
        ("torn sectors", 20),
        ("torn bytes", 50),
        ("garbage", 50),
    ],
)
def test_what_is_not_synced_may_be_lost_in_each_way(mode: Mode, least: int) -> None:
    """What was not synced is lost whole, or stays, or is there in parts, and different ones each time."""
    found = {tuple(sorted(image.items())) for image in images(written(synced=False), mode)}

    assert len(found) >= least
    assert (mode == "dropped") == (found == {(("old", b"old " * 1_000),)})


def test_a_sector_that_is_written_in_part_keeps_its_rest() -> None:
    """Only bytes that were written to are ever other ones than before."""
    before = b"old " * 1_000
    for image in images(written(synced=False), "garbage"):
        assert image["old"][:100] == before[:100]
        assert image["old"][2148:] == before[2148:]


def test_names_are_synced_with_their_folder() -> None:
    """A file that is new may be gone, and one that was deleted may be there, until the folder is synced."""
    disk = Disk({"old": b"old"})
    file = disk.open("new")
    disk.write(file, b"new", 0)
    disk.sync(file, folder=False)
    disk.delete("old", synced=False)

    assert {tuple(sorted(image)) for image in images(disk, "cut short")} == {
        ("old",),
        ("new", "old"),
        ("new",),
    }
    disk.sync(file, folder=True)
    assert {tuple(image.items()) for image in images(disk, "dropped")} == {(("new", b"new"),)}


def test_a_disk_reads_what_was_written_to_it() -> None:
    """While there is power, what was written is there, synced or not."""
    disk = written(synced=False)
    file = disk.open("new")
    disk.truncate(file, 104)

    assert (disk.read(file, 99, 98), disk.size(file)) == (bytes(2) + LONG[:4], 104)
    assert next(images(disk, "kept"))["new"] == bytes(100) + LONG[:4]


def test_marks_tell_what_had_happened() -> None:
    """A point of a record knows of what was marked before it, and of nothing else."""
    disk = Disk({})
    expected: list[Any] = []
    for number in range(3):
        disk.write(disk.open("a"), b"a", number)
        disk.log.append(Mark(number))
        expected.append(number)
    recording = Recording({}, tuple(disk.log))

    assert list(recording.marks()) == expected
    assert list(recording.marks(len(disk.log) - 1)) == expected[:-1]
