"""A disk that may lose power: it knows what of its files is synced, and what was written since.

It records what is done to it. From the record, any number of images are made of what a power loss at any
point may leave: of what was not synced, each sector was written, or not, or in part, or is garbage. What was
synced stays. A sector that is written in part keeps the rest of it, as SQLite assumes of disks as well
("powersafe overwrite").
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from attrs import define, field, frozen

SECTOR = 512

Image = Mapping[str, bytes]
"""What a disk holds, file by file."""

Mode = Literal["dropped", "kept", "cut short", "torn sectors", "torn bytes", "garbage"]
MODES: tuple[Mode, ...] = ("dropped", "kept", "cut short", "torn sectors", "torn bytes", "garbage")
"""What becomes of what was not synced."""


class Write(NamedTuple):
    """Bytes were written to a file."""

    file: int
    at: int
    data: bytes


class Truncate(NamedTuple):
    """A file was cut, or made longer."""

    file: int
    size: int


class Sync(NamedTuple):
    """A file was synced, and if `folder` its folder with it."""

    file: int
    folder: bool


class Name(NamedTuple):
    """A name was given to a file, or with None taken away."""

    name: str
    file: int | None


class SyncFolder(NamedTuple):
    """The folder was synced."""


class Mark(NamedTuple):
    """Something happened elsewhere that tells of what is on the disk."""

    what: Any


Operation = Write | Truncate | Sync | Name | SyncFolder | Mark


@define
class Disk:
    """A disk in use.

    Attributes:
        base: What it held in the beginning, all of it synced.
        log: What was done to it since, in order.
    """

    base: Image
    log: list[Operation] = field(factory=list)
    _files: dict[int, bytearray] = field(factory=dict)
    _names: dict[str, int] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        for name, data in self.base.items():
            self._names[name] = len(self._files)
            self._files[len(self._files)] = bytearray(data)

    def open(self, name: str) -> int:
        """Open a file, and make it if there is none."""
        if name not in self._names:
            self._names[name] = len(self._files)
            self._files[self._names[name]] = bytearray()
            self.log.append(Name(name, self._names[name]))
        return self._names[name]

    def has(self, name: str) -> bool:
        """Tell whether there is a file of this name."""
        return name in self._names

    def delete(self, name: str, *, synced: bool) -> None:
        """Take a name away."""
        del self._names[name]
        self.log.append(Name(name, None))
        if synced:
            self.log.append(SyncFolder())

    def read(self, file: int, size: int, at: int) -> bytes:
        """Read of a file."""
        return bytes(self._files[file][at : at + size])

    def size(self, file: int) -> int:
        """Tell how long a file is."""
        return len(self._files[file])

    def write(self, file: int, data: bytes, at: int) -> None:
        """Write to a file."""
        self._did(Write(file, at, data))

    def truncate(self, file: int, size: int) -> None:
        """Cut a file."""
        self._did(Truncate(file, size))

    def sync(self, file: int, *, folder: bool) -> None:
        """Sync a file."""
        self.log.append(Sync(file, folder))

    def _did(self, operation: Write | Truncate) -> None:
        _apply(operation, self._files[operation.file])
        self.log.append(operation)


def _apply(operation: Write | Truncate, data: bytearray) -> None:
    match operation:
        case Write(at=at, data=written):
            if len(data) < at:
                data.extend(bytes(at - len(data)))
            data[at : at + len(written)] = written
        case Truncate(size=size):
            del data[size:]
            data.extend(bytes(size - len(data)))


@define
class Unplugged:
    """A disk as its power goes, at a point of its record.

    Attributes:
        point: How many operations were done.
        files: What is synced of each file.
        names: Which names are.
        pending: What was done to files and is not synced, in order.
        renamed: What was done to names and is not synced, in order.
    """

    point: int
    files: dict[int, bytearray]
    names: dict[str, int]
    pending: list[Write | Truncate] = field(factory=list)
    renamed: list[Name] = field(factory=list)

    def after(self, mode: Mode, chance: random.Random) -> Image:
        """Give what the disk may hold once there is power again."""
        files = {file: bytearray(data) for file, data in self.files.items()}
        last = chance.randrange(len(self.pending) + 1)
        for number, operation in enumerate(self.pending):
            data = files.setdefault(operation.file, bytearray())
            if mode == "cut short" and number > last:
                break
            for part in _left(operation, mode, chance, is_last=number == last):
                _apply(part, data)
        names = dict(self.names)
        kept = {"dropped": 0, "kept": len(self.renamed)}.get(mode, chance.randint(0, len(self.renamed)))
        for name, given in self.renamed[:kept]:
            if given is None:
                names.pop(name, None)
            else:
                names[name] = given
        return {name: bytes(files.get(file, b"")) for name, file in names.items()}


def _left(
    operation: Write | Truncate, mode: Mode, chance: random.Random, *, is_last: bool
) -> Iterator[Write | Truncate]:
    """Give what is left of one operation that was not synced."""
    match mode:
        case "dropped":
            return
        case "kept":
            yield operation
            return
        case "cut short" if not is_last:
            yield operation
            return
    if isinstance(operation, Truncate):
        if chance.random() < 0.5:
            yield operation
        return
    file, at, data = operation
    if mode == "cut short":
        yield Write(file, at, data[: chance.randint(0, len(data))])
        return
    for start, piece in _sectors(at, data):
        if chance.random() < 0.5:
            continue
        if mode == "torn bytes":
            piece = piece[: chance.randint(0, len(piece))]
        elif mode == "garbage" and chance.random() < 0.5:
            piece = _GARBAGE[chance.randrange(len(_GARBAGE))](piece, chance)
        yield Write(file, start, piece)


def _sectors(at: int, data: bytes) -> Iterator[tuple[int, bytes]]:
    start = at
    while start < at + len(data):
        end = min((start // SECTOR + 1) * SECTOR, at + len(data))
        yield start, data[start - at : end - at]
        start = end


def _noise(piece: bytes, chance: random.Random) -> bytes:
    return chance.randbytes(len(piece))


def _zeros(piece: bytes, _: random.Random) -> bytes:
    return bytes(len(piece))


def _flipped(piece: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(piece))
    return piece[:at] + bytes([piece[at] ^ 1 << chance.randrange(8)]) + piece[at + 1 :]


_GARBAGE: tuple[Callable[[bytes, random.Random], bytes], ...] = (_noise, _zeros, _flipped)


@frozen
class Recording:
    """What was done to a disk, from its beginning to its end."""

    base: Image
    log: tuple[Operation, ...]

    def unplugged(self) -> Iterator[Unplugged]:
        """Give the disk at each point of the record, from before the first operation on.

        It is the same object each time: what is wanted of it is taken before the next point.
        """
        names = {name: number for number, name in enumerate(self.base)}
        files = {names[name]: bytearray(data) for name, data in self.base.items()}
        disk = Unplugged(0, files, names)
        yield disk
        for point, operation in enumerate(self.log, 1):
            _done(disk, operation)
            disk.point = point
            yield disk

    def at(self, point: int) -> Unplugged:
        """Give the disk at one point of the record."""
        return next(disk for disk in self.unplugged() if disk.point == point)

    def marks(self, point: int | None = None) -> Iterator[Any]:
        """Give the marks before a point."""
        return (operation.what for operation in self.log[:point] if isinstance(operation, Mark))


def _done(disk: Unplugged, operation: Operation) -> None:
    match operation:
        case Write() | Truncate():
            disk.pending.append(operation)
        case Name():
            disk.renamed.append(operation)
        case Sync(file=file, folder=folder):
            data = disk.files.setdefault(file, bytearray())
            for each in disk.pending:
                if each.file == file:
                    _apply(each, data)
            disk.pending = [each for each in disk.pending if each.file != file]
            if folder:
                _settle(disk)
        case SyncFolder():
            _settle(disk)


def _settle(disk: Unplugged) -> None:
    for name, given in disk.renamed:
        if given is None:
            disk.names.pop(name, None)
        else:
            disk.names[name] = given
    disk.renamed = []
