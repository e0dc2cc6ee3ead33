"""The steps of `read_source`: read one source, and note what it says about a topic."""

from __future__ import annotations

from collections.abc import Iterator

from ask_docs.index import NoIndex, read_documentation
from ask_docs.words import sentences, stems
from attrs import frozen
from find_sources import Source, topics

from fsmflow.runtime import Outcome, Permanent, StepContext, Transient

LONGEST = 3_000
"""How many characters of a source are read."""


@frozen
class Reading:
    """A source, and the topic that it is read for."""

    topic: str
    source: Source


@frozen
class Note:
    """What a source says, in short, and the words of it that say so; empty if it says nothing."""

    source: str
    says: str
    quote: str


def fetch(source: Source) -> str:
    """Give the beginning of what the documentation says.

    Raises:
        Permanent: There is no such source.
        Transient: Python's documentation could not be read just now.
    """
    if source.place == "language":
        text = topics().get(source.name, "")
    else:
        try:
            (found,) = read_documentation(source.name)
        except NoIndex as error:
            raise Transient(str(error)) from error
        text = found["doc"] if found else ""
    if not text:
        raise Permanent(f"the documentation has nothing under {source.name}")
    return text[:LONGEST]


def is_prose(text: str) -> list[str]:
    """Say what is wrong with a text: it holds no sentence that could be noted."""
    words = [word for word in text.split() if word.isalpha()]
    return [] if len(words) >= 3 else [f"this is no prose: {text[:60]!r}"]


def quotes_the_text(note: Note, text: str) -> list[str]:
    """Say what is wrong with a note: its quote does not stand in the text."""
    if not note.says:
        return []
    if not note.quote.strip():
        return ["nothing is quoted; quote the sentence that says so"]
    return [] if flat(note.quote) in flat(text) else ["the quoted words do not stand in the text"]


def flat(text: str) -> str:
    """Write text on one line."""
    return " ".join(text.split())


def note_offline(topic: str, source: Source, text: str, ctx: StepContext) -> Outcome:
    """Note the sentence that shares most words with the topic; the first of equals."""
    ctx.charge(tokens=0, usd=0)
    asked = stems(f"{topic} {source.question}")
    said = list(prose(text))
    shared = [len(asked & stems(each)) for each in said]
    if not any(shared):
        return Outcome("beside", Note(source.name, "", ""))
    best = said[shared.index(max(shared))]
    return Outcome("found", Note(source.name, best, best))


def quote(source: Source, text: str) -> Note:
    """Quote the first sentence.

    Raises:
        Permanent: There is none.
    """
    first = next(prose(text), None)
    if first is None:
        raise Permanent("there is no sentence to quote")
    return Note(source.name, first, first)


def prose(text: str) -> Iterator[str]:
    """Give the sentences of a text: no headings, no grammar, no code."""
    for each in sentences(text):
        opens = each.lstrip("\"'`(*")[:1]
        if 3 <= len(each.split()) <= 60 and opens.isupper() and each[-1] in ".!?:)" and "::=" not in each:
            yield each
