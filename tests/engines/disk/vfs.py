"""SQLite on a simulated disk: a VFS of `apsw`, and what a store uses of the `sqlite3` module over it.

The library is another one than the standard library's, with the same file format and the same order of
writes and syncs. Since `apsw` offers no shared memory, the index of the WAL is in the connection's own
(`locking_mode=EXCLUSIVE`): nothing of it ever is on the disk in either case.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import apsw

from tests.engines.disk.disk import Disk

NAME = "simulated"
POWERSAFE_OVERWRITE = 0x1000
"""What SQLite assumes of every disk on Unix."""


class _File:
    """An open file, as SQLite sees it."""

    def __init__(self, disk: Disk, name: str, flags: int) -> None:
        self._disk = disk
        # The Unix VFS syncs the folder with the first sync of a journal that it made.
        journals = apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_SUPER_JOURNAL
        self._is_new = bool(flags & journals) and not disk.has(name)
        self._file = disk.open(name)

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802 - named by SQLite, as all of these
        return self._disk.read(self._file, amount, offset)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._disk.write(self._file, bytes(data), offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        self._disk.truncate(self._file, newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._disk.sync(self._file, folder=self._is_new)
        self._is_new = False

    def xFileSize(self) -> int:  # noqa: N802
        return self._disk.size(self._file)

    def xSectorSize(self) -> int:  # noqa: N802
        return 4096

    def xDeviceCharacteristics(self) -> int:  # noqa: N802
        return POWERSAFE_OVERWRITE

    def xLock(self, level: int) -> None:  # noqa: N802
        pass

    def xUnlock(self, level: int) -> None:  # noqa: N802
        pass

    def xCheckReservedLock(self) -> bool:  # noqa: N802
        return False

    def xFileControl(self, op: int, ptr: int) -> bool:  # noqa: N802
        return False

    def xClose(self) -> None:  # noqa: N802
        pass


class _VFS(apsw.VFS):
    """The files of whatever disk is in use."""

    disk: Disk

    def __init__(self) -> None:
        super().__init__(NAME, "", maxpathname=4096)

    def xOpen(self, name: Any, flags: list[int]) -> Any:  # noqa: N802
        filename = name.filename() if isinstance(name, apsw.URIFilename) else name
        return _File(self.disk, Path(filename).name, flags[0])

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        name = Path(filename).name
        if not self.disk.has(name):
            error = apsw.IOError("there is no such file")
            error.extendedresult = apsw.SQLITE_IOERR_DELETE_NOENT
            raise error
        self.disk.delete(name, synced=bool(syncdir))

    def xAccess(self, pathname: str, flags: int) -> bool:  # noqa: N802
        return self.disk.has(Path(pathname).name)

    def xFullPathname(self, name: str) -> str:  # noqa: N802
        return name

    def xRandomness(self, numbytes: int) -> bytes:  # noqa: N802
        return os.urandom(numbytes)

    def xSleep(self, microseconds: int) -> int:  # noqa: N802
        return microseconds

    def xCurrentTime(self) -> float:  # noqa: N802
        return 2_460_000.5

    def xCurrentTimeInt64(self) -> int:  # noqa: N802
        return 212_544_043_200_000

    def xGetLastError(self) -> tuple[int, str]:  # noqa: N802
        return 0, ""


_vfs = _VFS()


class Rows:
    """What a statement gave, as a cursor of `sqlite3` would."""

    def __init__(self, rows: list[tuple[Any, ...]], changed: int) -> None:
        self._rows = iter(rows)
        self.rowcount = changed

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self._rows

    def fetchone(self) -> tuple[Any, ...] | None:
        return next(self._rows, None)

    def fetchall(self) -> list[tuple[Any, ...]]:
        return list(self._rows)


class Connection:
    """A connection with the names that `sqlite3` has for them."""

    def __init__(self, path: str, pragmas: Iterable[str]) -> None:
        self._connection = apsw.Connection(path, vfs=NAME)
        self._set = {"PRAGMA locking_mode", *(f"PRAGMA {pragma.partition('=')[0]}" for pragma in pragmas)}
        for pragma in ("locking_mode=EXCLUSIVE", *pragmas):
            self._connection.execute(f"PRAGMA {pragma}")

    def execute(self, sql: str, values: Any = ()) -> Rows:
        if sql.partition("=")[0] in self._set:
            # What is set for the test stays as it is.
            return Rows([], 0)
        try:
            before = self._connection.total_changes()
            rows = list(self._connection.execute(sql, tuple(values)))
            return Rows(rows, self._connection.total_changes() - before)
        except apsw.ConstraintError as error:
            raise sqlite3.IntegrityError(str(error)) from error
        except apsw.Error as error:
            raise sqlite3.DatabaseError(str(error)) from error

    def executemany(self, sql: str, many: Iterable[Any]) -> None:
        for values in many:
            self.execute(sql, values)

    def executescript(self, sql: str) -> None:
        self.execute(sql)

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    def close(self) -> None:
        self._connection.close()


class Sqlite:
    """The module `sqlite3`, with connections to a simulated disk."""

    def __init__(self, disk: Disk, pragmas: Iterable[str] = ()) -> None:
        _vfs.disk = disk
        self._pragmas = tuple(pragmas)

    def connect(self, path: Any, **_: Any) -> Connection:
        return Connection(str(path), self._pragmas)

    def __getattr__(self, name: str) -> Any:
        return getattr(sqlite3, name)
