"""What `fsmflow run` shows on a terminal while a run goes on."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from attrs import define, field, frozen
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.live import Live
from rich.measure import Measurement
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from fsmflow import glance
from fsmflow.cli.output import is_terminal, wants_color
from fsmflow.cli.pipes import aside, say
from fsmflow.reporting.amounts import counted
from fsmflow.reporting.trace_amounts import money
from fsmflow.runtime import Runner
from fsmflow.runtime.trace import Sink

MOST_LINES = 12
"""How many attempts are shown; of a longer run the latest."""

_OF_LIVE_RUNS_ALONE = ("start", "chunk")
"""The events that no trace holds of a run that nobody watched."""


_DRAWN = "⠋ · …"
"""Characters that are drawn; one that came out as its code would be wider than it is taken to be."""


def can_be_drawn_on(stream: Any) -> bool:
    """Tell whether a stream is a terminal on which what was drawn can be drawn over."""
    if not is_terminal(stream) or os.environ.get("TERM") in ("dumb", "unknown"):
        return False
    try:
        _DRAWN.encode(stream.encoding)
    except UnicodeEncodeError:
        return False
    return True


class Lines:
    """A sink that writes a line for each attempt that is over, where there is no terminal to draw on."""

    def __init__(self, workflow: str, onward: Sink | None) -> None:
        self._workflow = workflow
        self._onward = onward
        self._run: str | None = None

    def __call__(self, event: dict[str, Any]) -> None:
        """Take one trace event."""
        kind = event["event"]
        if self._run is None:
            self._run = event["span_id"]
        if event.get("parent_id") == self._run and kind != "chunk":
            line = self._line(event)
            if line:
                say(f"{self._workflow}  {line}", err=True)
        if self._onward is not None and kind not in _OF_LIVE_RUNS_ALONE:
            self._onward(event)

    @staticmethod
    def _line(event: dict[str, Any]) -> str:
        kind = event["event"]
        if kind == "start":
            if event["of"] == "question":
                return f"{_name(event)}  waits for an answer"
            pause_us = event["pause_us"] or 0
            return f"{_name(event)}  pauses {_seconds(pause_us / 1e6)}" if pause_us >= 1_000_000 else ""
        if kind not in ("attempt", "answer"):
            return ""
        took = _seconds((event["end_ns"] - event["start_ns"]) / 1e9)
        use = event.get("use") or {}
        amounts = [counted(use["tokens"], "token")] if use.get("tokens") else []
        amounts += [money(use["micro_usd"])] if use.get("micro_usd") else []
        said = event["label"] or event["outcome"]
        why = f"  {event['message']}" if event["outcome"] != "success" and event["message"] else ""
        line = "  ".join((_name(event), said, took, *amounts)) + why
        return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)


class Progress:
    """A sink that shows each attempt while it is under way, and what the run has used so far.

    It is gone when the run is over: the result says it all.
    """

    def __init__(self, runner: Runner[Any, Any], onward: Sink | None) -> None:
        self._runner = runner
        self._onward = onward
        self._done: deque[tuple[_Called, str, int]] = deque(maxlen=MOST_LINES)
        self._steps = 0
        self._spent = {"tool_calls": 0, "tokens": 0, "micro_usd": 0}
        self._began = time.monotonic()
        self._now: dict[str, Any] | None = None
        self._since = self._began
        self._run: str | None = None
        self._below = Below()
        self._spinner = Spinner("dots")
        self._console = Console(stderr=True, no_color=not wants_color(sys.stderr), highlight=False)
        self._live = self._begun()

    def _begun(self) -> Live:
        return Live(
            console=self._console, get_renderable=self._shown, refresh_per_second=8, transient=True,
            redirect_stdout=False, redirect_stderr=False,
        )  # fmt: skip

    def __enter__(self) -> Progress:
        with aside():
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        with aside():
            self._live.stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Make way for a question on the terminal."""
        self._live.stop()
        try:
            yield
        finally:
            self._live = self._begun()  # the one before would go up to where it was, over the answer
            self._live.start()

    def __call__(self, event: dict[str, Any]) -> None:
        """Take one trace event."""
        if self._run is None:
            self._run = event["span_id"] if event["event"] == "run" else None
        if self._is_of_a_child(event):
            self._below.take(event)
        else:
            self._take(event)
        if self._onward is not None and event["event"] not in _OF_LIVE_RUNS_ALONE:
            self._onward(event)

    def _is_of_a_child(self, event: dict[str, Any]) -> bool:
        run = event.get("span_id" if event["event"] == "end" else "parent_id")
        return run is not None and run != self._run

    def _take(self, event: dict[str, Any]) -> None:
        match event["event"]:
            case "start":
                self._now, self._since, self._below = event, time.monotonic(), Below()
            case "attempt" | "answer" | "pause":
                self._note(event)
            case "late":
                self._book(event["use"])

    def _note(self, event: dict[str, Any]) -> None:
        outcome = "pause"
        if event["event"] != "pause":
            outcome = event["label"] or event["outcome"]
        if event["event"] == "attempt":
            self._steps += event.get("steps", 1)
            self._book(event["use"])
        self._done.append((_Called.by(event), outcome, (event["end_ns"] - event["start_ns"]) // 1000))
        self._now, self._below = None, Below()

    def _book(self, use: dict[str, int]) -> None:
        for name, amount in use.items():
            self._spent[name] += amount

    def _shown(self) -> RenderableType:
        """Draw the state of the run as it is at this moment."""
        lines = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        lines.add_column(width=1)
        lines.add_column()  # alone of these it gives way where there is no room for all
        lines.add_column(overflow="ellipsis", no_wrap=True)
        lines.add_column(justify="right", no_wrap=True)
        for name, outcome, elapsed_us in list(self._done):
            lines.add_row("", name, Text(outcome, "dim"), Text(_seconds(elapsed_us / 1e6), "dim"))
        now = self._now
        if now is not None:
            waited = _seconds(time.monotonic() - self._since)
            lines.add_row(self._spinner, _Called.by(now, "bold"), Text(self._waits_for(now)), Text(waited))
            if self._below.started:
                lines.add_row("", _Called(f"  {self._below.worded}"), "", "")
        return Group(self._head(), lines)

    def _head(self) -> Text:
        limits = self._runner.limits
        words = [_of(self._steps + self._below.steps, limits.steps, "step")]
        words.append(_seconds(time.monotonic() - self._began))
        for name, said in (("tool_calls", "tool call"), ("tokens", "token")):
            if used := self._spent[name] + self._below.spent[name]:
                words.append(_of(used, getattr(limits, name), said))
        if used := self._spent["micro_usd"] + self._below.spent["micro_usd"]:
            words.append(money(used))
        return Text.assemble((self._runner.name, "bold"), "  ", (" · ".join(words), "dim"))

    def _waits_for(self, event: dict[str, Any]) -> str:
        if event["of"] == "pause":
            return f"pauses {glance.time(event['pause_us'])}"
        if event["of"] == "question":
            return "waits for an answer"
        timeout_us = self._runner.stages[event["state"]].timeout_us
        return "under way" if timeout_us is None else f"at most {glance.time(timeout_us)}"


@define
class Below:
    """What the children of the attempt that is under way have done so far.

    Attributes:
        started: How many runs have begun, those of children's children too.
        over: How many of them are over.
        failed: How many of those came to an end that is none of success.
        steps: How many steps they have made.
        spent: What these used.
    """

    started: int = 0
    over: int = 0
    failed: int = 0
    steps: int = 0
    spent: Counter[str] = field(factory=Counter)

    @property
    def worded(self) -> str:
        """Say how far they are."""
        failed = f", {self.failed:,} failed" if self.failed else ""
        return f"{self.over:,} of {counted(self.started, 'run')} over{failed}"

    def take(self, event: dict[str, Any]) -> None:
        """Take a trace event of the run of a child."""
        match event["event"]:
            case "run":
                self.started += 1
            case "end":
                self.over += 1
                self.failed += event["kind"] in ("failed", "handoff")
            case "attempt":
                self.steps += 1
                # An attempt that ran children has what they had, of which each part was taken before.
                if event.get("steps", 1) == 1:
                    self.spent.update(event["use"])


@frozen
class _Called:
    """What an attempt is called; in a narrow column its state is cut, but not which visit of it this is."""

    state: str
    again: str = ""
    style: str = ""

    @classmethod
    def by(cls, event: dict[str, Any], style: str = "") -> _Called:
        return cls(event["state"], _again(event), style)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(1, cell_len(self.state + self.again))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        text = Text(self.state, self.style)
        text.truncate(max(1, options.max_width - cell_len(self.again)), overflow="ellipsis")
        yield text.append(self.again)


def _name(event: dict[str, Any]) -> str:
    return f"{event['state']}{_again(event)}"


def _again(event: dict[str, Any]) -> str:
    visit = f" #{event['visit']}" if event["visit"] > 1 else ""
    attempt = f" attempt {event['attempt']}" if event["attempt"] > 1 else ""
    return f"{visit}{attempt}"


def _of(amount: int, cap: int | None, what: str) -> str:
    return counted(amount, what) if cap is None else f"{amount:,} of {counted(cap, what)}"


def _seconds(seconds: float) -> str:
    """Word a time that goes on: in seconds, it is as wide from one look to the next."""
    return f"{seconds:.1f} s" if seconds < 120 else glance.time(int(seconds * 1e6))
