"""A full-text index of the standard library's documentation, built once and cached.

SQLite's FTS5 ranks by BM25. The index is one file in the user's cache directory, named after the
Python that it describes and the code that made it, so a stale one is never read.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from attrs import frozen

from ask_docs.words import content_words, split_identifiers

READER = Path(__file__).with_name("reader.py")
# How much a hit in the name, the summary and the rest of the docstring counts.
_WEIGHTS = (3.0, 4.0, 1.0)
_SHOWN_CALL = re.compile(r"[\w.]+\((?:[^()]|\([^()]*\))*\)\s*(?:(?:--?|=)>+|--?|:)?\s*")


class NoIndex(Exception):
    """The documentation could not be read or indexed here."""


@frozen
class Entry:
    """What one docstring says: how its object is called, what it does in brief, and the rest."""

    name: str
    signature: str
    summary: str
    body: str


def read_documentation(*names: str, timeout: float = 60) -> list[Mapping[str, str] | None]:
    """Read docstrings in a child process: of `names`, None where there is no such object, or all.

    Raises:
        NoIndex: The child process failed.
    """
    command = [sys.executable, "-I", "-S", str(READER), *names]
    try:
        done = subprocess.run(command, capture_output=True, timeout=timeout, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        raise NoIndex(f"the documentation can't be read: {error}") from error
    return [json.loads(line) for line in done.stdout.decode("utf-8").splitlines()]


def parse_docstring(name: str, signature: str, doc: str) -> Entry:
    """Part a docstring into the calls that it opens with, its first paragraph, and the rest."""
    head, _, body = doc.partition("\n\n")
    calls = []
    last = name.rpartition(".")[2]
    while (shown := _SHOWN_CALL.match(head)) and last in shown[0].partition("(")[0].split("."):
        calls.append(shown[0].strip(" ->=:"))
        line, newline, further = head[shown.end() :].partition("\n")
        # After an arrow a few words only name the result: `range(stop) -> range object`.
        names_result = len(line.split()) <= 3 and (newline or body)
        head = further if names_result else line + newline + further
    if not head.strip():
        head, _, body = body.partition("\n\n")
    if not signature and calls:
        signature = calls[0][calls[0].index("(") :]
    elif not signature:
        signature = "(...)"
    return Entry(name, name + signature, " ".join(head.split()), " ".join(body.split()))


def index_path() -> Path:
    """Say where the index of this Python lies, whether or not it exists yet."""
    made_by = hashlib.sha256(f"{sys.version} {sys.base_prefix} {os.name}".encode())
    for source in (READER, Path(__file__), Path(__file__).with_name("words.py")):
        made_by.update(source.read_bytes())
    version = ".".join(map(str, sys.version_info[:3]))
    return _cache_directory() / f"ask_docs-{version}-{made_by.hexdigest()[:16]}.sqlite"


def _cache_directory() -> Path:
    if os.environ.get("XDG_CACHE_HOME"):
        base = Path(os.environ["XDG_CACHE_HOME"])
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path.home() / ".cache"
    return base / "fsmflow"


def build(path: Path, entries: Iterable[Entry]) -> None:
    """Write an index to `path`: whole or not at all, whoever else is writing it too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".part")
    os.close(handle)
    part = Path(name)
    try:
        with contextlib.closing(sqlite3.connect(part)) as database, database:
            database.execute(
                "CREATE VIRTUAL TABLE entries USING fts5(words, summary, body,"
                " name UNINDEXED, signature UNINDEXED, tokenize = 'porter unicode61')"
            )
            database.executemany(
                "INSERT INTO entries VALUES (?, ?, ?, ?, ?)",
                ((_searchable(e.name), e.summary, e.body, e.name, e.signature) for e in entries),
            )
        part.replace(path)
    except PermissionError:
        # Windows does not replace a file that someone has open: then theirs is as good as ours.
        if not path.exists():
            raise
    finally:
        part.unlink(missing_ok=True)


def _searchable(name: str) -> str:
    """Take a name apart where its users do: `assertEqual` is found by `equal`, and by itself."""
    return " ".join((*split_identifiers(name), name.rpartition(".")[2]))


def open_index(*, make: bool = True) -> sqlite3.Connection:
    """Open the index of this Python for reading; the first time, make it.

    Raises:
        NoIndex: There is none, and it can't be or should not be made.
    """
    path = index_path()
    with contextlib.suppress(sqlite3.DatabaseError):
        if path.exists():
            return _connect(path)
    if not make:
        raise NoIndex("the documentation has not been indexed yet")
    try:
        entries = (parse_docstring(d["name"], d["signature"], d["doc"]) for d in read_documentation() if d)
        build(path, entries)
        return _connect(path)
    except (OSError, sqlite3.Error) as error:
        raise NoIndex(f"the documentation can't be indexed: {error}") from error


def _connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, check_same_thread=False)
    try:
        database.execute("SELECT count(*) FROM entries WHERE entries MATCH 'list'").fetchone()
    except sqlite3.Error:
        database.close()
        raise
    return database


def search(index: sqlite3.Connection, text: str) -> Iterator[Entry]:
    """Give the entries that share a word with `text`, best first by BM25; equals by name."""
    words = content_words(text) or split_identifiers(text)
    if not words:
        return
    wanted = " OR ".join(f'"{word}"' for word in words)
    found = index.execute(
        "SELECT name, signature, summary, body FROM entries WHERE entries MATCH ?"
        " ORDER BY bm25(entries, ?, ?, ?), name",
        (wanted, *_WEIGHTS),
    )
    for row in found:
        yield Entry(*row)


def rarity(index: sqlite3.Connection, words: Iterable[str]) -> dict[str, float]:
    """Say how much each word tells: its inverse document frequency, 0 for a word in every entry."""
    total = _count(index, "SELECT count(*) FROM entries")
    return {
        word: math.log(
            (total + 1)
            / (_count(index, "SELECT count(*) FROM entries WHERE entries MATCH ?", f'"{word}"') + 1)
        )
        for word in words
    }


def _count(index: sqlite3.Connection, query: str, *values: str) -> int:
    return int(index.execute(query, values).fetchone()[0])
