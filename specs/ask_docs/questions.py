"""Questions with known answers, in other words than the answer's own entry; a program of its own.

    python -m ask_docs.questions        one JSON object a line: `source`, `names`, `text`, `held_out`

Others have described the objects of the standard library a second time, and each description, with
the object's name taken out, is a question that the object answers:

    listing    the author of a module or class, in the overview at its top
    reference  the writers of the language reference that Python carries for its `help`
    twin       the author of a base class, about a method that subclasses describe in their own words;
               the base's own entry is held out of the index
    detail     the author of the docstring itself, in a sentence beyond its first paragraph; the
               index holds that sentence, so this is the easy kind
"""

from __future__ import annotations

import json
import os
import re
import sys
import warnings
from collections.abc import Iterator
from typing import Any

from attrs import asdict, evolve, frozen

from ask_docs import reader
from ask_docs.words import content_words, sentences

_LISTED = re.compile(
    r"^[ *-]*(?:\w+ ?= ?)?(?:[a-z]\.)?([A-Za-z_]\w*)(?:\([^)\n]*\)(?:,? *\w+\([^)\n]*\))*)?"
    r"(?: *-->? +| *: +| +# +|  +)([A-Za-z]\S*[^\n]*(?:\n {8,}[^\n]+)*)",
    re.MULTILINE,
)
_DESCRIBED = re.compile(r"^([\w.]+)\([^\n]*\)\n(?:[\w.]+\([^\n]*\)\n)*\n((?:   [^\n]+\n)+)", re.MULTILINE)
_DECORATION = re.compile(r"[-=*#~_]{3,}|@param|>>>")


@frozen
class MaskedQuestion:
    """A description that does not say the name of what it describes.

    Attributes:
        source: Who wrote it: `listing`, `reference`, `twin` or `detail`.
        names: The objects that answer it.
        text: The description.
        held_out: The entry that must not be in the index, because it says the same; or nothing.
    """

    source: str
    names: list[str]
    text: str
    held_out: str = ""


def listed(known: dict[str, Any], modules: dict[str, Any]) -> Iterator[MaskedQuestion]:
    """Give what overviews at the top of modules and classes say of what is in them."""
    owners = {**modules, **{name: thing for name, thing in known.items() if isinstance(thing, type)}}
    for owner_name, owner in owners.items():
        for found in _LISTED.finditer(
            reader.documentation(owner) if isinstance(owner, type) else owner.__doc__ or ""
        ):
            yield MaskedQuestion("listing", [f"{owner_name}.{found[1]}".removeprefix("builtins.")], found[2])


def referenced() -> Iterator[MaskedQuestion]:
    """Give what the language reference says of the methods of builtin types."""
    from pydoc_data.topics import topics

    for topic in topics.values():
        for found in _DESCRIBED.finditer(topic):
            for sentence in sentences(found[2])[:1]:
                yield MaskedQuestion("reference", [found[1]], sentence)


def twinned(known: dict[str, Any]) -> Iterator[MaskedQuestion]:
    """Give what a base class says of methods that its subclasses document in other words."""
    classes = [(name, thing) for name, thing in known.items() if isinstance(thing, type)]
    answers: set[str] = set()
    for base_name, base in classes:
        family = [(name, thing) for name, thing in classes if thing is not base and _is_subclass(thing, base)]
        for method, thing in sorted(vars(base).items()):
            text = reader.documentation(thing)
            twins = [f"{name}.{method}" for name, derived in family if _says_otherwise(derived, method, text)]
            own = f"{base_name}.{method}"
            if text and twins and own not in answers:
                answers.update(twins)
                yield MaskedQuestion("twin", twins, text, held_out=own)


def _says_otherwise(derived: type, method: str, text: str) -> bool:
    own = reader.documentation(vars(derived).get(method))
    return bool(own) and own.split() != text.split()


def detailed(entries: dict[str, dict[str, str]]) -> Iterator[MaskedQuestion]:
    """Give one sentence of each docstring that has more than its first paragraph."""
    for name, item in entries.items():
        _, _, body = item["doc"].partition("\n\n")
        longest = max(sentences(body), key=len, default="")
        yield MaskedQuestion("detail", [name], longest)


def _is_subclass(derived: type, base: type) -> bool:
    try:
        return base is not object and issubclass(derived, base)
    except TypeError:
        return False


def mask(question: MaskedQuestion) -> MaskedQuestion:
    """Keep the first sentence of a description, without the name and the call that it may open with."""
    called = re.compile(r"^\S*\([^)]*\)\s*(?:--?>?|=>|:)?\s*")
    first = next(iter(sentences(called.sub("", question.text.strip()))), "")
    own = re.escape(question.names[0].rpartition(".")[2])
    return evolve(question, text=re.sub(rf"\b{own}\b(?:\(\))?", "", first, flags=re.IGNORECASE).strip())


def questions() -> Iterator[MaskedQuestion]:
    """Give every question of at least four words that matter, once."""
    entries = {item["name"]: item for item in reader.entries()}
    modules = {home: sys.modules[home] for home in sorted({item["module"] for item in entries.values()})}
    known = {name: _resolve(name, modules[item["module"]], item["module"]) for name, item in entries.items()}
    seen = set()
    for found in (*listed(known, modules), *referenced(), *twinned(known), *detailed(entries)):
        question = mask(found)
        fits = len(content_words(question.text)) >= 4 and len(question.text) <= 300
        names = [name for name in question.names if name in entries]
        if fits and names and question.text not in seen and not _DECORATION.search(question.text):
            seen.add(question.text)
            yield evolve(question, names=names)


def _resolve(name: str, module: Any, home: str) -> Any:
    thing = module
    for part in name.removeprefix(home + ".").split("."):
        thing = getattr(thing, part)
    return thing


def main() -> None:
    """Write the questions, a line each; what imported modules print must not mix with them."""
    warnings.simplefilter("ignore")
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answer:
        os.dup2(2, 1)
        for question in questions():
            answer.write(json.dumps(asdict(question)) + "\n")
        answer.flush()
        os._exit(0)  # threads and exit handlers of imported modules have no say


if __name__ == "__main__":
    main()
