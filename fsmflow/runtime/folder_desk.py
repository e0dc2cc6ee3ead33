"""A desk in a folder: a run in one process asks, and a person in another one answers.

A question is a file, and so is its answer, which can be made only once. The run holds its question locked
while it waits: a question that nobody holds any more is left over from a process that is gone.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from fsmflow.runtime.complaints import Rejected
from fsmflow.runtime.desk import Answer, Asked, NotWaiting
from fsmflow.runtime.trace import plain

try:
    import fcntl
except ImportError:  # Windows has no such locks: there, every question counts as held.
    fcntl = None  # type: ignore[assignment]

POLL_S = 0.05
"""How often a run looks whether it is answered."""

_QUESTION, _ANSWER, _VERDICT = ".question.json", ".answer.json", ".verdict.json"


class Waiting(NamedTuple):
    """A question in a folder.

    Attributes:
        token: What an answer must carry.
        workflow: The workflow's name.
        run_id: The run's id.
        state: The state that asks.
        visit: Which visit to it this is, from 1.
        question: The question.
        role: Who may answer; empty for anybody.
        shown: What the person sees, as plain data.
        labels: What the person picks from; None if the answer is a value alone.
        gives: The type of what is filled in; empty if nothing.
        asked_ns: When it was asked, in nanoseconds since 1970.
        until_ns: Until when an answer is waited for; None if for ever.
    """

    token: str
    workflow: str
    run_id: str
    state: str
    visit: int
    question: str
    role: str
    shown: dict[str, Any]
    labels: list[str] | None
    gives: str
    asked_ns: int
    until_ns: int | None

    @classmethod
    def of(cls, asked: Asked, asked_ns: int) -> Waiting:
        """Give a question that is asked at a time, in nanoseconds since 1970."""
        return cls(
            asked.token,
            asked.workflow,
            asked.run_id,
            asked.state,
            asked.visit,
            asked.question,
            asked.role,
            plain(dict(asked.shown)),
            None if asked.labels is None else list(asked.labels),
            asked.gives,
            asked_ns,
            None if asked.timeout_us is None else asked_ns + asked.timeout_us * 1000,
        )


class FolderDesk:
    """Puts questions into a folder, and waits for their answers there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def ask(self, asked: Asked) -> Answer:
        """Ask, and wait until somebody has answered; to be cancelled is to take the question back."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / f"{asked.token}{_QUESTION}"
        path.with_name(asked.token + _ANSWER).unlink(missing_ok=True)
        for left_over in self._folder.glob(f"{asked.token}.*{_VERDICT}"):
            left_over.unlink(missing_ok=True)
        with _held(path, Waiting.of(asked, time.time_ns())._asdict()):
            while True:
                answer = self._answer(asked)
                if answer is not None:
                    return answer
                await asyncio.sleep(POLL_S)

    def _answer(self, asked: Asked) -> Answer | None:
        """Take the answer, if there is one; one that is none is handed back with the reason."""
        path = self._folder / f"{asked.token}{_ANSWER}"
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
            answer = asked.answer(said["label"], said["value"])
        except FileNotFoundError:
            return None
        except Rejected as rejected:
            self._judge(asked, said, rejected.complaints)
            path.unlink(missing_ok=True)
            return None
        except (ValueError, LookupError, TypeError):
            # Nothing that `answer_in` wrote, so nobody waits for a word on it.
            path.unlink(missing_ok=True)
            return None
        self._judge(asked, said, ())
        return answer

    def _judge(self, asked: Asked, said: dict[str, Any], complaints: tuple[str, ...]) -> None:
        _write(_verdict(self._folder, asked.token, str(said.get("id"))), {"complaints": complaints})


@contextmanager
def _held(path: Path, question: dict[str, Any]) -> Iterator[None]:
    """Hold a question, and take it back in the end."""
    temporary = path.with_suffix(".tmp")
    with _private(temporary) as file:
        json.dump(question, file)
        file.flush()
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX)
        temporary.replace(path)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            path.with_name(question["token"] + _ANSWER).unlink(missing_ok=True)


def _write(path: Path, data: dict[str, Any]) -> None:
    temporary = path.with_suffix(".tmp")
    with _private(temporary) as file:
        json.dump(data, file)
    temporary.replace(path)


def _private(path: Path) -> TextIO:
    """Open a file that only its owner may read."""
    path.unlink(missing_ok=True)
    return open(path, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600))


def waiting_in(folder: Path) -> list[Waiting]:
    """Give the questions that wait in a folder, the oldest first; what is left over is swept away."""
    found = []
    for path in sorted(folder.glob(f"*{_QUESTION}")):
        with suppress(FileNotFoundError, ValueError, TypeError), path.open(encoding="utf-8") as file:
            if _is_left_over(file):
                path.unlink(missing_ok=True)
                continue
            found.append(Waiting(**json.load(file)))
    return sorted(found, key=lambda waiting: (waiting.asked_ns, waiting.token))


def _is_left_over(file: Any) -> bool:
    """Tell whether nobody holds the file of a question any more."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def answer_in(
    folder: Path, token: str, label: str | None = None, value: Any = None, *, patience_s: float = 5
) -> None:
    """Answer a question that waits in a folder, and wait until the run has taken the answer.

    Args:
        folder: The folder.
        token: The question's token.
        label: The label that is picked, if it has labels.
        value: What is filled in, as plain data, if anything is.
        patience_s: How long to wait for the run, in seconds.

    Raises:
        NotWaiting: No question waits under this token, it is answered already, or its run does not take it.
        Rejected: The answer is none of those that there are; the question still waits.
    """
    if not token.isalnum() or all(waiting.token != token for waiting in waiting_in(folder)):
        raise NotWaiting(f"no question waits under {token!r}: it is answered, or was taken back")
    ours = secrets.token_hex(8)
    path, verdict = folder / f"{token}{_ANSWER}", _verdict(folder, token, ours)
    temporary = folder / f"{token}.{ours}.tmp"
    with _private(temporary) as file:
        json.dump({"id": ours, "label": label, "value": value}, file)
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise NotWaiting(f"{token!r} has just been answered") from None
    finally:
        temporary.unlink()
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        if verdict.is_file():
            complaints = json.loads(verdict.read_text(encoding="utf-8"))["complaints"]
            verdict.unlink(missing_ok=True)
            if complaints:
                raise Rejected(tuple(complaints))
            return
        time.sleep(POLL_S)
    path.unlink(missing_ok=True)
    raise NotWaiting(f"the run that asked {token!r} does not take the answer")


def _verdict(folder: Path, token: str, answer_id: str) -> Path:
    """Give where the run says what it makes of one answer: to whoever gave it, and nobody else."""
    name = answer_id if answer_id.isalnum() else "unknown"
    return folder / f"{token}.{name}{_VERDICT}"
