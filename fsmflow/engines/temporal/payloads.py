"""Where large values are kept: a history then holds a reference to each, not the value.

A reference is the hash of what it stands for, so that a value is kept once however often it is passed on,
and one that is not what was kept is noticed.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

_NAME = re.compile(r"[0-9a-f]{64}")
_REMAINS = re.compile(r"\.[0-9a-f]{64}\..*")
"""What is left of a value that was about to be kept when its process ended, or to be forgotten."""


class Lost(LookupError):
    """A payload is not kept, or is not what was kept."""


class Payloads(Protocol):
    """Keeps bytes under their hash. What is kept is never changed."""

    def put(self, name: str, content: bytes) -> None:
        """Keep `content`, whose SHA-256 in hex is `name`; to keep it again changes nothing."""

    def get(self, name: str) -> bytes:
        """Give what is kept under `name`.

        Raises:
            Lost: It is not there, or is not what was kept.
        """


class Folder:
    """Keeps payloads as files of one folder, which all workers and clients must reach."""

    def __init__(self, path: Path) -> None:
        """Make the folder, if there is none.

        Raises:
            OSError: It can't be made.
        """
        self.path = path
        path.mkdir(parents=True, exist_ok=True)

    def put(self, name: str, content: bytes) -> None:
        """Keep `content`: for good once this returns."""
        place = self._place(name)
        try:
            # From now on it is as young as one that is kept for the first time.
            os.utime(place)
            return
        except FileNotFoundError:
            place.parent.mkdir(exist_ok=True)
        with tempfile.NamedTemporaryFile(prefix=f".{name}.", dir=place.parent, delete=False) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # Two that keep the same do each other no harm: a rename is all or nothing.
        Path(file.name).replace(place)

    def get(self, name: str) -> bytes:
        """Give what is kept under `name`."""
        try:
            content = self._place(name).read_bytes()
        except FileNotFoundError:
            raise Lost(f"the payload {name[:12]}… is not in {self.path}") from None
        if hashlib.sha256(content).hexdigest() != name:
            raise Lost(f"the payload {name[:12]}… in {self.path} is not what was kept")
        return content

    def forget(self, before_s: float) -> int:
        """Forget what was last kept before a time, in seconds since 1970; give how many values that were.

        Nothing but values is touched, whatever else is in the folder.

        Raises:
            OSError: The folder can't be read or written.
        """
        return sum(self._forget(place, before_s) for place in list(self._files()))

    def _files(self) -> Iterator[Path]:
        """Give the files of values, and what remains of some."""
        for folder in self.path.glob("[0-9a-f][0-9a-f]"):
            for place in folder.iterdir():
                name = place.name
                is_value = _NAME.fullmatch(name) and name.startswith(folder.name)
                if (is_value or _REMAINS.fullmatch(name)) and place.is_file():
                    yield place

    @staticmethod
    def _forget(place: Path, before_s: float) -> bool:
        try:
            if place.stat().st_mtime >= before_s:
                return False
            if _REMAINS.fullmatch(place.name):
                place.unlink()
                return False
            # It may be kept anew at this moment: then it is not there, or it is young, and comes back.
            aside = place.with_name(f".{place.name}.forgotten")
            place.replace(aside)
            if aside.stat().st_mtime >= before_s:
                aside.replace(place)
                return False
            aside.unlink()
        except FileNotFoundError:
            # Somebody else forgets it.
            return False
        return True

    def _place(self, name: str) -> Path:
        return self.path / name[:2] / name
