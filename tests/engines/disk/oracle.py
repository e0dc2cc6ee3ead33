"""What is owed to a run, however often its machine loses power, held against what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import define, evolve, field

from fsmflow.runtime.events import Event
from tests.engines.disk.order import BILL, RUN, Ended, Over, Requested, Seen, Submitted, Told
from tests.engines.disk.watched import Kept

SHIPPED = ["shipped a", "shipped b"]
STEPS, TOOL_CALLS = 12, 11


class Lost(AssertionError):
    """Something that was owed was lost."""


@define
class Owed:
    """What is known outside of a run so far, and so what is owed to it.

    Attributes:
        losses: How often power was lost.
        requests: The effects that were requested.
        events: The events that were said to be kept, by run.
        spent: The ledgers of the processes that carried runs out, by run.
        shown: The ledgers that the database showed, by run.
        settled: The keys of effects of which nothing more may be requested.
        is_submitted: Whether the run was said to be kept.
        over: How it was said to have ended.
    """

    losses: int = 0
    requests: list[Requested] = field(factory=list)
    events: dict[str, list[Event]] = field(factory=dict)
    spent: dict[str, Mapping[str, int]] = field(factory=dict)
    shown: dict[str, Mapping[str, int]] = field(factory=dict)
    settled: set[str] = field(factory=set)
    is_submitted: bool = False
    over: Over | None = None
    _open: dict[str, str] = field(factory=dict)
    _handed: dict[str, list[tuple[Event, str | None]]] = field(factory=dict)

    def copy(self) -> Owed:
        """Give the same, to go on from."""
        return evolve(
            self,
            requests=list(self.requests),
            events={run: list(events) for run, events in self.events.items()},
            spent=dict(self.spent),
            settled=set(self.settled),
            open=dict(self._open),
            handed={run: list(handed) for run, handed in self._handed.items()},
        )

    def see(self, seen: Seen) -> None:
        """Take note of what happens.

        Raises:
            Lost: It should not have happened.
        """
        match seen:
            case Requested():
                self._request(seen)
            case Ended(run_id=run_id, event=event):
                self._handed.setdefault(run_id, []).append((event, self._open.pop(run_id, None)))
            case Told(run_id=run_id, spent=spent):
                for event, key in self._handed.pop(run_id, []):
                    self.events.setdefault(run_id, []).append(event)
                    self.settled |= {key} if key is not None else set()
                self.spent[run_id] = spent
            case Submitted():
                self.is_submitted = True
            case Over():
                self.over = seen

    def _request(self, seen: Requested) -> None:
        _hold(seen.key not in self.settled, f"an effect of `{seen.state}` is repeated that was recorded")
        for before in self.requests:
            same = (before.run_id, before.state, before.visit) == (seen.run_id, seen.state, seen.visit)
            _hold(not same or before.key == seen.key, f"`{seen.state}` is requested under another key")
            _hold(before.key != seen.key or before.said == seen.said, "one key stands for two effects")
        self.requests.append(seen)
        self._open[seen.run_id] = seen.key

    def lose_power(self, seen: Iterable[Seen] = ()) -> Owed:
        """Give what is owed after a life in which this was seen before power was lost."""
        after = self.copy()
        for each in seen:
            after.see(each)
        after.losses += 1
        after._open.clear()
        after._handed.clear()
        return after

    def look(self, kept: Kept) -> None:
        """Hold what a database has after a power loss to what is owed, and go on from it.

        Raises:
            Lost: Something is missing, or another thing than it was.
        """
        _hold(not self.is_submitted or RUN in kept.events, "the run is lost")
        for run_id, events in self.events.items():
            found = kept.events.get(run_id, [])
            _hold(found[: len(events)] == events, f"a result of {run_id} is lost")
        for seen in self.requests:
            attempt = (seen.state, seen.visit, seen.attempt)
            has_begun = attempt in kept.begun.get(seen.run_id, ())
            _hold(has_begun, f"an effect of `{seen.state}` was requested, and none was intended")
        for run_id, spent in self.shown.items():
            _hold(not _falls(spent, kept.spent.get(run_id, {})), f"the ledger of {run_id} falls")
        _hold(self.over is None or self.over == kept.over, "the end of the run is lost")
        # What is on the disk after a power loss was read from there: it stays.
        self.events = {run: list(events) for run, events in kept.events.items()}
        self.shown = dict(kept.spent)

    def close(self, over: Over) -> str:
        """Hold a run that is over to what is owed, and say what came of it.

        Raises:
            Lost: It is not what it should be.
        """
        spent = over.spent
        _hold(not _falls(self.spent.get(RUN, {}), spent), "the ledger falls in the end")
        keyed = Counter(seen.key for seen in self.requests)
        told = [seen for seen in self.requests if seen.state == "tell"]
        _hold(max(keyed.values()) <= 1 + self.losses, "an effect was requested more than once a life")
        _hold(len(told) <= 1, "what must not be repeated was")
        _hold(all(seen.said == BILL for seen in told), "what was told is another thing")
        _hold(len(self.requests) <= spent["tool_calls"] <= TOOL_CALLS, f"{len(self.requests)} of {spent}")
        _hold(spent["steps"] <= STEPS, f"a cap was passed: {spent}")
        if over.kind == "failed":
            is_short = over.output == "out of budget" or "(failed)" in over.output
            _hold(is_short and self.losses > 1, f"it failed: {over.output}")
            return "out of budget"
        applied = Counter(seen.state for seen in {seen.key: seen for seen in self.requests}.values())
        applied.pop("tell", None)
        _hold(applied == {"look": 1, "ship": 2, "pay": 1}, f"an effect is missing: {applied}")
        _hold(over.output == [SHIPPED, "told" if over.kind == "success" else "in doubt"], "another output")
        _hold(len(told) == 1 or over.kind == "degraded", "nothing was told")
        _hold(self.losses > 0 or over.kind == "success", "it is in doubt for nothing")
        return "done" if over.kind == "success" else "in doubt"


def _falls(before: Mapping[str, int], after: Mapping[str, int]) -> bool:
    """Tell whether there is less of anything on a ledger than there was."""
    return any(after.get(name, 0) < amount for name, amount in before.items())


def _hold(truth: Any, message: str) -> None:
    if not truth:
        raise Lost(message)
