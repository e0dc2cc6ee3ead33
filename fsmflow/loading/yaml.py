"""YAML to `Document`: an event stream under a bounded builder of our own.

Only what a spec needs is taken: one mapping with string keys, plain data below it, typed by
the YAML 1.2 core schema. Anchors, aliases, tags and merge keys are refused, and so nothing can
expand, construct or run. PyYAML gives the events (through libyaml where it can); depth, size
and number are held to limits while they arrive, and nothing here recurses.
"""

from __future__ import annotations

import os
import re
from typing import Any

import yaml
from attrs import define, field

from fsmflow.diagnostics import Diagnostic, Related
from fsmflow.loading.files import (
    SPEC,
    Kind,
    Lines,
    Unreadable,
    decode,
    read_bytes,
    refuse_too_large,
    refuse_unfit_characters,
)
from fsmflow.loading.names import shown
from fsmflow.loading.scalars import BadNumber, Plain, is_text, typed
from fsmflow.source import Document, Route, Span

MAX_DEPTH = 32
MAX_EVENTS = 200_000
MAX_ITEMS = 20_000
MAX_SCALAR_LENGTH = 64 << 10
MAX_DIAGNOSTICS = 100

_TOO_DEEP = f"values are nested at most {MAX_DEPTH} deep"

_LOADER: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
_INDICATOR = re.compile(r"!<[^>\n]*>|[&*!][^\s,\[\]{}]*")
_SURROGATE = re.compile("[\\ud800-\\udfff]")

Place = tuple[int, int]
"""A line and a column, counted from 1."""

_PLAIN, _BLOCK = (None, ""), ("|", ">")

_COLON = "could not find expected ':'"
_SYNTAX_HINTS = (
    ("mapping values are not allowed", "text that holds `: ` needs quotes"),
    (_COLON, "a key needs a colon and a space after it"),
    ("did not find expected key", "check the indentation"),
    ("did not find expected '-' indicator", "check the indentation, and each `-`"),
    ("expected <block end>", "check the indentation"),
    (
        "expected ',' or",
        "a `[` or `{` is not closed, or a comma is missing; what holds a bracket or a comma needs quotes",
    ),
    ("while scanning a quoted scalar", "a quote is not closed, or a backslash is not doubled"),
)
_MERGING = ("<<<<<<< ", "=======\n", "=======\r", ">>>>>>> ")
"""How lines begin that git leaves where two versions clash."""
_STRANGE_SPACE = re.compile("(?:^|[:,-]) *([\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000])")
"""What looks like a space that indents, or parts a key from its value, and is none to YAML."""


def load_file(path: str | os.PathLike[str], kind: Kind = SPEC) -> Document:
    """Read the spec at `path`, or what else is written in the same way.

    Raises:
        Unreadable: It can't be read, or is no document; an `InvalidSpec`.
    """
    return read_document(read_bytes(path, kind), os.fspath(path), kind)


def read_document(source: str | bytes, path: str, kind: Kind = SPEC) -> Document:
    """Read a YAML text; `path` is what diagnostics call it.

    Raises:
        Unreadable: It is no document, with every reason that can be told at once; an `InvalidSpec`.
    """
    refuse_too_large(len(source), path, kind)
    text = decode(source, path) if isinstance(source, bytes) else source.removeprefix("\ufeff")
    refuse_unfit_characters(text, path, kind)
    refuse_too_large(len(text.encode()), path, kind)
    return _Builder(path, text, kind).build()


@define
class _Frame:
    """A mapping or list that is being read.

    `route` is None in what is read only to be thrown away: a key that is no scalar, or the
    value of a key that can't stand.
    """

    node: dict[str, Any] | list[Any]
    route: Route | None
    start: Place
    end: Place
    is_key: bool = False
    key: str | None = None
    awaits_value: bool = False


def _at(mark: Any) -> Place:
    return mark.line + 1, mark.column + 1


@define
class _Builder:
    path: str
    text: str
    kind: Kind
    lines: Lines = field(init=False)
    behind: Place = field(init=False)
    tree: Any = None
    keys: dict[Route, Span] = field(factory=dict)
    values: dict[Route, Span] = field(factory=dict)
    stack: list[_Frame] = field(factory=list)
    diagnostics: list[Diagnostic] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.lines = Lines(self.text)
        self.behind = (self.text.count("\n") + 1, len(self.text.rpartition("\n")[2]) + 1)

    def build(self) -> Document:
        """Read the events to their end, or to the first that can't be gone past."""
        documents = 0
        try:
            for count, event in enumerate(yaml.parse(self.text, Loader=_LOADER)):
                if count > MAX_EVENTS:
                    message = f"a {self.kind.name} is at most {MAX_EVENTS:,} YAML events long"
                    raise self.refuse("too-large", message, event)
                if isinstance(event, yaml.DocumentStartEvent):
                    documents += 1
                    self.start_document(event, documents)
                else:
                    self.take(event)
        except yaml.YAMLError as error:
            raise self.syntax_error(error) from None
        if self.diagnostics:
            raise self.unreadable()
        if self.tree is None:
            message = f"there is nothing in this {self.kind.name}"
            raise self.refuse("empty-document", message, hint=self.kind.begin)
        if not isinstance(self.tree, dict):
            found = "a list" if isinstance(self.tree, list) else "a single value"
            message = f"a {self.kind.name} is a mapping, not {found}"
            raise self.refuse("not-a-mapping", message, hint=self.kind.begin)
        return Document(self.path, self.text, self.tree, self.keys, self.values)

    def start_document(self, event: yaml.DocumentStartEvent, number: int) -> None:
        if number > 1:
            message = f"a file holds one {self.kind.name}"
            raise self.refuse("several-documents", message, event, hint=self.kind.alone)
        if event.tags:
            self.report("yaml-tag", "tag directives are not part of the language", event)

    def take(self, event: yaml.Event) -> None:
        """Take one event that is part of a node."""
        if self.stack and len(self.stack[-1].node) > MAX_ITEMS:
            raise self.refuse("too-large", f"a list or mapping has at most {MAX_ITEMS:,} entries", event)
        if isinstance(event, yaml.ScalarEvent):
            self.refuse_extras(event)
            self.take_scalar(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self.refuse_extras(event)
            self.open(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self.close(event)
        elif isinstance(event, yaml.AliasEvent):
            hint = "write the value out where it is used"
            self.report("yaml-anchor", "aliases are not part of the language", event, hint=hint)
            self.place(None, _at(event.start_mark), _at(event.end_mark))

    def refuse_extras(self, event: yaml.NodeEvent) -> None:
        if event.anchor is not None:
            hint = "write the value out where it is used"
            self.report("yaml-anchor", "anchors are not part of the language", event, hint=hint)
        if getattr(event, "tag", None) is not None:
            hint = "every value has the type it is written as"
            self.report("yaml-tag", "tags are not part of the language", event, hint=hint)

    def open(self, event: yaml.CollectionStartEvent) -> None:
        if len(self.stack) >= MAX_DEPTH:
            raise self.refuse("too-deep", _TOO_DEEP, event)
        parent = self.stack[-1] if self.stack else None
        is_key = parent is not None and isinstance(parent.node, dict) and not parent.awaits_value
        start = _at(event.start_mark)
        if is_key:
            self.report("non-string-key", "a key is a string, not a list or mapping", event)
        node: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        route = None if is_key else self.next_route()
        self.stack.append(_Frame(node, route, start, start, is_key))

    def close(self, event: yaml.CollectionEndEvent) -> None:
        frame = self.stack.pop()
        # A block collection ends, to the scanner, only where the next token begins.
        end = _at(event.end_mark)
        if _at(event.start_mark) != end:
            frame.end = end
        if frame.is_key:
            self.stack[-1].key, self.stack[-1].awaits_value = None, True
        else:
            self.place(frame.node, frame.start, frame.end)

    def take_scalar(self, event: yaml.ScalarEvent) -> None:
        start, end = _at(event.start_mark), _at(event.end_mark)
        if event.style in _BLOCK:
            first, last = self.lines.offset(*start), self.lines.offset(*end)
            end = self.lines.place(first + len(self.text[first:last].rstrip()))
        text = event.value
        if len(text) > MAX_SCALAR_LENGTH:
            self.report("too-large", f"one value is at most {MAX_SCALAR_LENGTH >> 10} KiB long", event)
        elif _SURROGATE.search(text):
            self.report("not-text", "half a surrogate pair is not a character", event)
        frame = self.stack[-1] if self.stack else None
        if frame is not None and isinstance(frame.node, dict) and not frame.awaits_value:
            self.take_key(frame, text, start, end, event)
            return
        value: Plain = text
        if event.style in _PLAIN and len(text) <= MAX_SCALAR_LENGTH:
            try:
                value = typed(text)
            except BadNumber as error:
                self.report("bad-number", str(error), event, hint=error.hint)
        self.place(value, start, end)

    def take_key(self, frame: _Frame, key: str, start: Place, end: Place, event: yaml.ScalarEvent) -> None:
        frame.awaits_value, frame.key, frame.end = True, None, end
        if event.style in _PLAIN and not is_text(key):
            hint = f'write "{shown(key)}" in quotes' if key else "write a name before the colon"
            self.report("non-string-key", "a key is a string", event, hint=hint)
        elif key == "<<" and event.style in _PLAIN:
            hint = "write the keys out where they are used"
            self.report("yaml-merge", "merge keys are not part of the language", event, hint=hint)
        elif frame.route is None:
            return
        elif key in frame.node:
            first = Related("first written here", (*frame.route, key))
            message = f"the key `{shown(key)}` is written twice"
            self.report("duplicate-key", message, event, related=(first,), route=first.route)
        else:
            frame.key = key
            self.keys[(*frame.route, key)] = Span(*start, *end)

    def next_route(self) -> Route | None:
        """The route of the value that is about to be read."""
        if not self.stack:
            return ()
        frame = self.stack[-1]
        if frame.route is None:
            return None
        if isinstance(frame.node, list):
            return (*frame.route, len(frame.node))
        return None if frame.key is None else (*frame.route, frame.key)

    def place(self, value: Any, start: Place, end: Place) -> None:
        """Put a finished value where it belongs."""
        route = self.next_route()
        if route is not None:
            # What is left out at the end of a text may be marked as behind it.
            self.values[route] = Span(*min(start, self.behind), *min(end, self.behind))
        if not self.stack:
            self.tree = value
            return
        frame = self.stack[-1]
        frame.end = max(frame.end, end)
        if isinstance(frame.node, list):
            frame.node.append(value)
        else:
            if frame.key is not None:
                frame.node[frame.key] = value
            frame.key, frame.awaits_value = None, False

    def report(
        self,
        check: str,
        message: str,
        event: yaml.Event | None = None,
        hint: str = "",
        related: tuple[Related, ...] = (),
        route: Route = (),
    ) -> None:
        """Note a fault that doesn't keep the rest from being read."""
        span = None
        if event is not None:
            start = self.lines.offset(*_at(event.start_mark))
            end = self.lines.offset(*_at(event.end_mark))
            indicator = _INDICATOR.match(self.text, start)
            if check in ("yaml-anchor", "yaml-tag") and indicator:
                end = indicator.end()
            span = self.lines.span(start, max(end, min(start + 1, len(self.text))))
        self.diagnostics.append(Diagnostic(check, message, route, span=span, hint=hint, related=related))
        if len(self.diagnostics) >= MAX_DIAGNOSTICS:
            raise self.unreadable()

    def refuse(self, check: str, message: str, event: yaml.Event | None = None, hint: str = "") -> Unreadable:
        """Word a fault that ends the reading."""
        self.report(check, message, event, hint)
        return self.unreadable()

    def unreadable(self) -> Unreadable:
        # Faults that could be gone past leave a tree, in which later stages may find more.
        tree = self.tree if isinstance(self.tree, dict) else None
        return Unreadable(self.diagnostics, Document(self.path, self.text, tree, self.keys, self.values))

    def strange_space(self, line: int) -> int | None:
        """Find what only looks like a space in a line that can't be read, or in the one before."""
        lines = self.text.split("\n")
        for number in (line, line - 1):
            found = _STRANGE_SPACE.search(lines[number - 1]) if 0 < number <= len(lines) else None
            if found is not None:
                return self.lines.offset(number, found.start(1) + 1)
        return None

    def syntax_error(self, error: yaml.YAMLError) -> Unreadable:
        """Tell what the parser says; newer parsers bound depth themselves, and look ahead of their events."""
        problem = getattr(error, "problem", None) or "this is not YAML"
        context = getattr(error, "context", None) or ""
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        if _COLON in problem:
            # The key began where the context says, maybe lines before anything was found to be amiss.
            mark = getattr(error, "context_mark", None) or mark
        said = f"{context}: {problem}" if context else problem
        hint = next((hint for words, hint in _SYNTAX_HINTS if words in f"{context} {problem}"), "")
        span = None
        if mark is not None:
            at = min(self.lines.offset(*_at(mark)), len(self.text))
            before, sign = self.text[self.lines.offset(mark.line + 1, 1) : at], self.text[at : at + 1]
            space = self.strange_space(mark.line + 1)
            if self.text.startswith(_MERGING, at - len(before)):
                at -= len(before)
                said, hint = "a merge that is not finished", "keep one of its versions, and no such line"
            elif sign == "\t":
                said, hint = "a tab can't indent or begin a value", "indent with spaces"
            elif space is not None:
                at = space
                said, hint = f"U+{ord(self.text[at]):04X} is no space", "write a plain space"
            elif "cannot start any token" in problem:
                hint = f"text that begins with `{shown(sign)}` needs quotes"
            elif hint == "check the indentation" and before.count("'") > 1:
                hint = "`'` inside single quotes is written `''`"
            span = self.lines.span(at, min(at + 1, len(self.text)))
        if "maximum nesting depth" in problem:
            self.diagnostics.append(Diagnostic("too-deep", _TOO_DEEP, span=span))
        else:
            self.diagnostics.append(Diagnostic("yaml-syntax", f"not YAML: {said}", span=span, hint=hint))
        return self.unreadable()
