"""Bytes from disk and text from bytes: bounded, and never waiting on a pipe or a device."""

from __future__ import annotations

import os
import re
import stat
from bisect import bisect_right

import yaml
from attrs import frozen

from fsmflow.diagnostics import Diagnostic, InvalidSpec
from fsmflow.source import Document, Span

# Without libyaml the event parser is some twenty times slower.
MAX_BYTES = 1 << 20 if yaml.__with_libyaml__ else 128 << 10

# What YAML forbids, what its versions disagree on as line breaks, and what hides in an editor.
_UNFIT = re.compile(
    "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\\u2028\\u2029\\ufeff\\ud800-\\udfff\\ufffe\\uffff]|\\r(?!\\n)"
)
_MAX_SHOWN = 20

_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}

_OTHERS = (
    (b'{"schema": "fsmflow.trace/', "a trace", "`fsmflow trace show` shows what is in it"),
    (b"SQLite format 3\0", "a database", "`fsmflow runs --db` lists the durable runs in it"),
)


@frozen
class Kind:
    """What a text is to be, for those who are told that it is none.

    Attributes:
        name: What it is called.
        begin: How one begins.
        alone: What to do with several in one text.
        smaller: What to do about one that is too large.
    """

    name: str
    begin: str
    alone: str = ""
    smaller: str = ""


SPEC = Kind(
    "spec",
    begin="begin with `fsmflow: 1`",
    alone="put each workflow in a file of its own",
    smaller="split the workflow: `call` and `map` run children",
)


class Unreadable(InvalidSpec):
    """A text is no document.

    `document` holds the text, so that it can be shown, and its tree if all of it could be read.
    """

    def __init__(self, diagnostics: list[Diagnostic], document: Document) -> None:
        super().__init__(diagnostics)
        self.document = document


class Lines:
    """Where the lines of a text begin, to turn offsets into spans and back."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def offset(self, line: int, column: int) -> int:
        """Give the offset of a place whose line and column count from 1."""
        return self._starts[min(line, len(self._starts)) - 1] + column - 1

    def place(self, offset: int) -> tuple[int, int]:
        """Give the line and column of `offset`, counted from 1."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def span(self, start: int, end: int) -> Span:
        """Give the span from `start` to just before `end`."""
        return Span(*self.place(start), *self.place(end))


def read_bytes(path: str | os.PathLike[str], kind: Kind = SPEC) -> bytes:
    """Read a regular file of at most `MAX_BYTES`.

    Raises:
        Unreadable: It is missing, not permitted, no regular file, something else (`unreadable-file`), or
            too large.
    """
    name = os.fspath(path)
    try:
        # Asked before opening, because to open a device can already be an action.
        _refuse_special(os.stat(name).st_mode, name)  # noqa: PTH116 - as os.open below
        descriptor = os.open(name, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with open(descriptor, "rb") as file:  # noqa: PTH123 - an open descriptor
            _refuse_special(os.fstat(descriptor).st_mode, name)
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        why = (getattr(error, "strerror", None) or str(error)).lower()
        raise _unreadable("unreadable-file", f"the file can't be read: {why}", name) from None
    _refuse_others(data, name, kind)
    refuse_too_large(len(data), name, kind)
    return data


def decode(data: bytes, path: str) -> str:
    """Read `data` as UTF-8, without a byte order mark.

    Raises:
        Unreadable: It is in another encoding (`not-text`).
    """
    other = _other_encoding(data)
    if other is not None:
        raise _unreadable("not-text", f"the file is {other}, not UTF-8", path, hint="save it as UTF-8")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        text = data.decode("utf-8", "replace")
        span = Lines(text).span(len(before), len(before) + 1)
        raise Unreadable(
            [
                Diagnostic(
                    "not-text",
                    f"the byte 0x{data[error.start]:02x} is not UTF-8",
                    span=span,
                    hint="save the file as UTF-8",
                )
            ],
            Document(path, text, None),
        ) from None
    return text.removeprefix("\ufeff")


def _other_encoding(data: bytes) -> str | None:
    """Name the encoding that the first bytes are in, if a mark says so, or where zeros stand."""
    if data.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff", b"\0\0\0")) or data[1:4] == b"\0\0\0":
        return "UTF-32"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or (len(data) > 1 and 0 in data[:2]):
        return "UTF-16"
    return None


def refuse_unfit_characters(text: str, path: str, kind: Kind = SPEC) -> None:
    """Refuse control characters, surrogates and line breaks that only some programs see.

    Raises:
        Unreadable: There are some (`not-text`).
    """
    found = [match.start() for _, match in zip(range(_MAX_SHOWN), _UNFIT.finditer(text), strict=False)]
    # Lines that all end in carriage returns alone are one fault.
    first = next((at for at in found if text[at] == "\r"), None)
    found = [at for at in found if text[at] != "\r" or at == first]
    if found:
        lines = Lines(text)
        diagnostics = [
            Diagnostic(
                "not-text",
                f"the character U+{ord(text[at]):04X} may not stand in a {kind.name}",
                span=lines.span(at, at + 1),
                hint=_escape_hint(text[at]),
            )
            for at in found
        ]
        raise Unreadable(diagnostics, Document(path, text, None))


def refuse_too_large(size: int, path: str, kind: Kind = SPEC) -> None:
    """Refuse more than `MAX_BYTES` bytes.

    Raises:
        Unreadable: There are more (`too-large`).
    """
    if size > MAX_BYTES:
        message = f"a {kind.name} is at most {MAX_BYTES >> 10} KiB long"
        raise _unreadable("too-large", message, path, hint=kind.smaller)


def _escape_hint(character: str) -> str:
    if "\ud800" <= character <= "\udfff":
        return ""
    if character == "\r":
        return 'end lines with a line feed; inside double quotes it can be written "\\u000d"'
    return f'inside double quotes it can be written "\\u{ord(character):04x}"'


def _refuse_special(mode: int, path: str) -> None:
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), "not a regular file")
        raise _unreadable("unreadable-file", f"this is {kind}, not a file", path)


def _refuse_others(data: bytes, path: str, kind: Kind) -> None:
    """Refuse what fsmflow knows as something else, and would find many faults in."""
    for begin, what, hint in _OTHERS:
        if data.startswith(begin):
            raise _unreadable("unreadable-file", f"this is {what}, not a {kind.name}", path, hint=hint)


def _unreadable(check: str, message: str, path: str, hint: str = "") -> Unreadable:
    return Unreadable([Diagnostic(check, message, hint=hint)], Document(path, "", None))
