"""The steps of `ask_docs`: answer a question from the standard library's documentation.

Retrieval ranks by BM25 over names and docstrings. The draft is judged by other signals, from what
Python itself says about the objects, so that the check can tell a draft wrong and send the run
back for another passage.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from typing import Literal

from attrs import frozen

from ask_docs.fit import fit
from ask_docs.index import Entry, NoIndex, open_index, rarity, read_documentation, search
from ask_docs.words import content_words, sentences, stems
from fsmflow.runtime import Error, Permanent, StepContext, Transient

# Chosen where the evaluation lost fewest right drafts for each wrong one that it caught.
ENOUGH = 0.36
MARGIN = 0.05
_QUOTED = 600


@frozen
class Question:
    """What somebody wants to know about the standard library."""

    text: str


@frozen
class Passage:
    """What the documentation of one object says, in brief.

    Attributes:
        name: The dotted name, such as `math.gcd`.
        signature: The call, such as `math.gcd(*integers)`.
        summary: The first paragraph of the docstring.
    """

    name: str
    signature: str
    summary: str


@frozen
class Answer:
    """An answer with where it comes from.

    Attributes:
        text: The answer, to be read.
        citations: The dotted names of the objects that it rests on.
        signature: The call of the first of these.
        quote: The words of the documentation that it rests on, unchanged.
    """

    text: str
    citations: list[str]
    signature: str = ""
    quote: str = ""


def retrieve(question: str, rejected: Answer | None, seen: list[Passage] | None, limit: int) -> list[Passage]:
    """Find the `limit` passages most likely to answer `question`, best first.

    Args:
        question: What is asked.
        rejected: A draft that did not hold: what it cites is left out.
        seen: What the last search gave. Of it stays all but the rejected, topped up with what comes
            next, so that what an earlier draft was rejected for stays out too.
        limit: How many passages to give.

    Raises:
        Permanent: Python's documentation can't be read or indexed here, or holds nothing like it.
    """
    refused = set(rejected.citations) if rejected else set()
    kept = [passage for passage in seen or () if passage.name not in refused]
    try:
        with contextlib.closing(open_index()) as index:
            hits: Iterator[Passage] = map(_passage, search(index, question))
            if seen:
                # Everything up to the last one seen is seen, or was rejected before.
                hits = itertools.dropwhile(lambda hit: hit.name != seen[-1].name, hits)
            known = {passage.name for passage in seen or ()}
            fresh = (hit for hit in hits if hit.name not in known)
            found = [*kept, *itertools.islice(fresh, limit - len(kept))]
    except NoIndex as error:
        raise Permanent(str(error)) from error
    if not found:
        raise Permanent("nothing in the documentation shares a word with the question")
    return found


def _passage(entry: Entry) -> Passage:
    return Passage(entry.name, entry.signature, (entry.summary or entry.body)[:_QUOTED])


def draft_offline(question: str, passages: list[Passage], ctx: StepContext) -> Answer:
    """Answer `question` by quoting the passage that is most about it."""
    ctx.charge(tokens=0)
    return _quoting(best_passage(question, passages))


def _quoting(passage: Passage, caveat: str = "") -> Answer:
    text = f"{caveat}{passage.signature}: {passage.summary} [{passage.name}]"
    return Answer(text, [passage.name], passage.signature, passage.summary)


def best_passage(question: str, passages: list[Passage]) -> Passage:
    """Choose the passage that is most about `question`.

    The score is the F-measure of stems that the question shares with the passage's name and first
    sentence, and a bonus for the place at which search ranked it.
    """
    asked = stems(question)

    def score(ranked: tuple[int, Passage]) -> float:
        rank, passage = ranked
        said = stems(passage.name).union(*(stems(first) for first in sentences(passage.summary)[:1]))
        return 2 * len(asked & said) / (len(asked) + len(said) or 1) + 0.6 / (rank + 1)

    return max(enumerate(passages), key=score)[1]


def cites_only_what_it_was_given(answer: Answer, passages: list[Passage]) -> list[str]:
    """Say what is wrong with the citations of `answer`: none, an invented one, or altered words."""
    given = {passage.name: passage for passage in passages}
    complaints = [
        f"{name} is cited but was not among the passages" for name in answer.citations if name not in given
    ]
    if not answer.citations:
        complaints.append("nothing is cited; cite the passage that the answer rests on by its name")
    if not answer.text.strip():
        complaints.append("the answer is empty")
    quotable = [
        f"{given[name].signature} {given[name].summary}" for name in answer.citations if name in given
    ]
    if quotable and not any(_holds(text, answer.quote) for text in quotable):
        complaints.append("the quoted words do not stand in the passage that is cited; copy them unchanged")
    return complaints


def _holds(text: str, quote: str) -> bool:
    wanted = " ".join(quote.split())
    return bool(wanted) and wanted in " ".join(text.split())


def check(question: str, answer: Answer, passages: list[Passage]) -> Literal["grounded", "ungrounded"]:
    """Hold a draft against what Python itself says, which the draft never saw.

    Grounded means: everything cited exists, the quoted words are in the real documentation of the
    first, this fits the question well enough, and no other passage's real documentation fits clearly
    better.

    Raises:
        Transient: Python's documentation could not be read just now.
    """
    others = [passage.name for passage in passages if passage.name not in answer.citations]
    cited = len(answer.citations)
    try:
        found = read_documentation(*answer.citations, *others) if cited else []
        with contextlib.closing(open_index()) as index:
            weights = rarity(index, content_words(question))
    except NoIndex as error:
        raise Transient(str(error)) from error
    if not cited or any(real is None for real in found[:cited]):
        return "ungrounded"
    fits = [fit(question, real["name"], real["signature"], real["doc"], weights) for real in found if real]
    quoted = _holds(f"{answer.signature} {found[0]['doc']}" if found[0] else "", answer.quote)
    well_enough = fits[0] >= max(ENOUGH, max(fits[cited:], default=0) - MARGIN)
    return "grounded" if quoted and well_enough else "ungrounded"


def quote(question: str, why: Error | None) -> Answer:
    """Quote the passage that search ranks first, and say that nobody checked that it is the answer.

    Raises:
        Permanent: There is no index, or nothing in it shares a word with the question.
    """
    try:
        with contextlib.closing(open_index(make=False)) as index:
            nearest = [_passage(entry) for entry in itertools.islice(search(index, question), 4)]
    except NoIndex as error:
        raise Permanent(str(error)) from error
    if not nearest:
        raise Permanent("nothing in the documentation shares a word with the question")
    reason = f" ({why.message})" if why and why.message else ""
    return _quoting(
        best_passage(question, nearest),
        f"This may not be what you asked for; it is the nearest passage{reason}. ",
    )
