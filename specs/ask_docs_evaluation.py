"""Ask `ask_docs` a few hundred questions whose answers are known, and count how it did.

    python specs/ask_docs_evaluation.py [--questions 300] [--seed 0] [--runner generated/ask_docs_fsm.py]
    python specs/local_model.py python specs/ask_docs_evaluation.py --model --questions 40

The questions are what others wrote about the same objects (see `ask_docs.questions`). Runs are
offline, against an index of their own from which what would give an answer away is held out; with
`--model` the drafts are those of the model that the environment names.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ask_docs import Answer, Question
from ask_docs.index import build, index_path, parse_docstring, read_documentation
from attrs import frozen

from fsmflow.runtime import Result, Runner, load_runner

SOURCES = ("listing", "reference", "twin", "detail")
_COLUMNS = (
    "asked",
    "draft right",
    "answered right",
    "rescued",
    "answered wrong",
    "degraded",
    "(right)",
    "handed off",
)


@frozen
class Asked:
    """A question, where it came from, and the names that answer it."""

    source: str
    text: str
    names: frozenset[str]


def prepare(cache: Path) -> list[Asked]:
    """Make the questions, and under `cache` an index without the entries that they were made of."""
    os.environ["XDG_CACHE_HOME"] = str(cache)
    docs = {item["name"]: item for item in read_documentation() if item is not None}
    made = _made_questions()
    held_out = {question["held_out"] for question in made}
    entries = (parse_docstring(d["name"], d["signature"], d["doc"]) for d in docs.values())
    build(index_path(), (entry for entry in entries if entry.name not in held_out))
    same: dict[tuple[str, str], set[str]] = {}
    for name, item in docs.items():
        same.setdefault((name.rpartition(".")[2], item["doc"]), set()).add(name)
    return [
        Asked(
            question["source"],
            question["text"],
            # One docstring under two names, as in `bytes.find` and `bytearray.find`, is one answer.
            frozenset[str]().union(*(same[name.rpartition(".")[2], docs[name]["doc"]] for name in known)),
        )
        for question in made
        if (known := [name for name in question["names"] if name in docs and name not in held_out])
    ]


def _made_questions() -> list[dict[str, Any]]:
    child = subprocess.run(
        [sys.executable, "-m", "ask_docs.questions"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        check=True,
    )
    return [json.loads(line) for line in child.stdout.decode("utf-8").splitlines()]


def choose(questions: list[Asked], count: int, seed: int) -> list[Asked]:
    """Draw `count` questions; those in others' words first, the easy `detail` kind to fill up."""
    drawn = sorted(questions, key=lambda question: (question.source, question.text))
    random.Random(seed).shuffle(drawn)  # noqa: S311
    return sorted(drawn, key=lambda question: question.source == "detail")[:count]


def grade(asked: Asked, result: Result[Answer]) -> list[str]:
    """Say in which columns a run counts."""
    drafts = [span.value for span in result.trace if span.state == "draft" and span.value is not None]
    first_right = bool(drafts) and _is_right(asked, drafts[0])
    right = _is_right(asked, result.output)
    columns = ["asked", *(["draft right"] if first_right else [])]
    match result.kind:
        case "success":
            columns.append("answered right" if right else "answered wrong")
            columns += ["rescued"] if right and not first_right else []
        case "degraded":
            columns += ["degraded", *(["(right)"] if right else [])]
        case _:
            columns.append("handed off")
    return columns


def _is_right(asked: Asked, answer: Answer | None) -> bool:
    return answer is not None and any(name in asked.names for name in answer.citations)


def table(grades: Iterable[tuple[str, list[str]]]) -> str:
    """Lay out the counts, a row for each source and one for all but `detail`."""
    counts: dict[str, Counter[str]] = {source: Counter() for source in SOURCES}
    for source, columns in grades:
        counts[source].update(columns)
    counts["all but detail"] = sum((counts[source] for source in SOURCES[:-1]), Counter())
    lines = ["  ".join(("questions from".ljust(14), *_COLUMNS))]
    for source, row in counts.items():
        lines.append("  ".join((source.ljust(14), *(str(row[c]).rjust(len(c)) for c in _COLUMNS))))
    return "\n".join(lines)


def main() -> None:
    """Ask, grade and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", action="store_true")
    root = Path(__file__).resolve().parent.parent
    parser.add_argument("--runner", type=Path, default=root / "generated" / "ask_docs_fsm.py")
    options = parser.parse_args()
    runner: Runner[Question, Answer] = load_runner(options.runner)
    with tempfile.TemporaryDirectory() as cache:
        chosen = choose(prepare(Path(cache)), options.questions, options.seed)
        profile = None if options.model else "offline"
        graded = [
            (asked.source, grade(asked, runner.run_sync(Question(asked.text), profile=profile)))
            for asked in chosen
        ]
    sys.stdout.write(table(graded) + "\n")


if __name__ == "__main__":
    main()
