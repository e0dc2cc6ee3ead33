"""What the prompts of a workflow say differently: files beside its spec, which its machine names alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import SequenceMatcher

from fsmflow.analysis.comparing.changes import Change, Key
from fsmflow.analysis.prompting import Prompt

BETWEEN = " / "
"""Stands between lines."""

BESIDE = 3
"""How many words are told on each side of what differs."""


def reworded(
    before: Iterable[Prompt], after: Iterable[Prompt], renamed: Mapping[str, str]
) -> Iterator[Change]:
    """Give the lines of each prompt that are gone, and those that have come, of states that are in both.

    Args:
        before: The prompts of the old version.
        after: Those of the new one.
        renamed: The new name of each state that was renamed.
    """
    known = {(renamed.get(prompt.state, prompt.state), prompt.route[-1]): prompt.text for prompt in before}
    for prompt in after:
        old, new = known.get((prompt.state, prompt.route[-1])), prompt.text
        if old is None or new is None:
            continue
        gone, come = _differing(old.splitlines(), new.splitlines())
        if gone or come:
            key = Key("contract", prompt.state, name=str(prompt.route[-1]), aspect="words")
            yield Change(key, gone or None, come or None)


def _differing(old: list[str], new: list[str]) -> tuple[str, str]:
    """Give what is only in one of two texts, and what is only in the other, place by place."""
    gone: list[str] = []
    come: list[str] = []
    for what, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        before, after = _joined(old[i:j]), _joined(new[k:m])
        if what != "equal" and before != after:
            before, after = _narrowed(before, after)
            gone.append(before)
            come.append(after)
    return _joined(gone), _joined(come)


def _narrowed(before: str, after: str) -> tuple[str, str]:
    """Leave out what two texts begin and end with alike, but for a few words beside what differs."""
    old, new = before.split(" "), after.split(" ")
    shorter = min(len(old), len(new))
    alike = next((n for n in range(shorter) if old[n] != new[n]), shorter)
    first = max(0, alike - BESIDE)
    rest = shorter - alike
    alike = next((n for n in range(rest) if old[-1 - n] != new[-1 - n]), rest)
    last = max(0, alike - BESIDE)
    return _cut(old, first, last), _cut(new, first, last)


def _cut(words: list[str], first: int, last: int) -> str:
    said = " ".join(words[first : len(words) - last])
    return f"{'… ' if first else ''}{said}{' …' if last else ''}" if said else ""


def _joined(lines: Iterable[str]) -> str:
    # A model reads nothing in blank lines.
    return BETWEEN.join(line.strip() for line in lines if line.strip())
