"""The steps of `research`: a short report on a topic, each point with the source that says so."""

from __future__ import annotations

import re

from ask_docs.words import content_words, stems
from attrs import evolve, frozen
from find_sources import Source, in_turn
from read_source import Note, flat

from fsmflow.runtime import Error, Outcome, Permanent, StepContext

MOST_QUESTIONS = 4
MOST_POINTS = 6


@frozen
class Topic:
    """What somebody wants to read about."""

    text: str


@frozen
class Report:
    """A report, to be read: each sentence names its source in brackets.

    Attributes:
        text: What it says, such as `A heap is a list [heapq.heapify].`
        citations: The sources that it names.
        caveat: What is uncertain about it.
    """

    text: str
    citations: list[str]
    caveat: str = ""


@frozen
class Criticism:
    """What is wrong with a report, and the sources whose points have no place in it."""

    text: str
    drop: list[str]


def asks_a_few_things(questions: list[str]) -> list[str]:
    """Say what is wrong with a plan: it asks nothing, too much, or something twice."""
    if not questions or len(questions) > MOST_QUESTIONS:
        return [f"there are {len(questions)} questions; ask 1 to {MOST_QUESTIONS}"]
    if any(not content_words(question) for question in questions):
        return ["a question has no word that could be looked up"]
    if len({flat(question).lower() for question in questions}) < len(questions):
        return ["a question is asked twice"]
    return []


def plan_offline(topic: str, ctx: StepContext) -> list[str]:
    """Part a topic by rule, in the place of a model."""
    ctx.charge(tokens=0, usd=0)
    return split(topic)


def split(topic: str) -> list[str]:
    """Part a topic where it joins two things, and ask for the whole first.

    Raises:
        Permanent: There is no word in it that could be looked up.
    """
    parts = re.split(r"[,;?]|\b(?:and|or|versus|vs|with|without|than)\b", topic)
    asked = dict.fromkeys(flat(part).strip(".! ") for part in (topic, *parts))
    found = [part for part in asked if content_words(part)]
    if not found:
        raise Permanent("there is no word in the topic that could be looked up")
    return found[:MOST_QUESTIONS]


def pick(library: list[Source], language: list[Source], most: int) -> list[Source]:
    """Take the likeliest sources of both places in turn, each once."""
    return in_turn([library, language])[:most]


def noted(notes: list[Note | None]) -> list[Note]:
    """Give the notes that say something, each thing once."""
    found: dict[str, Note] = {}
    for note in notes:
        if note is not None and note.says:
            found.setdefault(flat(note.says), note)
    return list(found.values())


def rests_on_notes(report: Report, notes: list[Note | None]) -> list[str]:
    """Say what is wrong with a report: it names no source, or one that was not noted, or hides one."""
    known = {note.source for note in noted(notes)}
    if not report.citations:
        return ["no source is named; name one for each sentence"]
    strange = [name for name in report.citations if name not in known]
    hidden = [name for name in report.citations if name in known and f"[{name}]" not in report.text]
    return [f"{name or 'an empty name'} is no source that was noted" for name in strange] + [
        f"{name} is cited, and no sentence names it: write [{name}] behind the one it bears out"
        for name in hidden
    ]


def write_offline(
    topic: str, notes: list[Note | None], criticism: Criticism | None, ctx: StepContext
) -> Report:
    """Write a report of the notes, in the order in which they were found, less what a critic struck."""
    ctx.charge(tokens=0, usd=0)
    return _report(notes, criticism.drop if criticism else [])


def write_plainly_offline(
    topic: str, notes: list[Note | None], criticism: Criticism | None, ctx: StepContext
) -> Report:
    """Write a plainer report."""
    return evolve(write_offline(topic, notes, criticism, ctx), caveat="Nobody has judged this report.")


def _report(notes: list[Note | None], drop: list[str], caveat: str = "") -> Report:
    kept = [note for note in noted(notes) if note.source not in drop]
    if not kept:
        raise Permanent("there is nothing to report")
    text = " ".join(f"{note.says.rstrip('.')} [{note.source}]." for note in kept)
    return Report(text, [note.source for note in kept], caveat)


def criticise_offline(topic: str, report: Report, ctx: StepContext) -> Outcome:
    """Strike sentences that share less with the topic than others do, and what is too much."""
    ctx.charge(tokens=0, usd=0)
    asked = stems(topic)
    said = dict(zip(report.citations, re.split(r"\[[^\]]*\]\. ?", report.text), strict=False))
    shared = {source: len(asked & stems(f"{source} {text}")) for source, text in said.items()}
    ranked = sorted(shared, key=lambda source: -shared[source])
    drop = [source for source in ranked if 2 * shared[source] < max(shared.values())]
    drop += [source for source in ranked[MOST_POINTS:] if source not in drop]
    if not drop:
        return Outcome("sound", Criticism("", []))
    return Outcome("revise", Criticism(f"beside the point: {', '.join(drop)}", drop))


def list_points(notes: list[Note | None] | None, why: Error | None) -> Report:
    """List what was noted, and say why there is no more.

    Raises:
        Permanent: Nothing was noted.
    """
    reason = f" ({why.message})" if why and why.message else ""
    return _report(notes or [], [], f"These are the points alone, unwritten and unjudged{reason}.")
