"""What is left out of the trace events of one workflow, before anything is written.

A *way* leads to something secret: `("input", "card")` to an argument of a state, `("output",)` to all that it
gives. A way goes through lists, item by item.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from fsmflow.runtime.secrets import SECRET, TAG, Secrets

Bodies = Literal["full", "hash", "none"]
"""How inputs and outputs are written: in full, as what tells only whether two are equal, or not at all."""

Way = tuple[str, ...]
Ways = tuple[Way, ...]

INPUT = "input"
"""The name under which the ways of a workflow's own input are found."""

_SAID = ("message", "complaints")
_ALL: Ways = (("input",), ("output",))

_OWN = re.compile(
    r"cut off (at its timeout, )?after [0-9.,e+-]+ s([:;] .*)?|the run was cancelled.*|no room for .*"
)
"""What the runtime itself says of an attempt, in which nothing of it stands."""

_NAMED = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,80}: ", re.ASCII)


def ways_of(written: Mapping[str, Iterable[str]]) -> dict[str, Ways]:
    """Read ways as generated code has them: `input.card`, by state."""
    return {name: tuple(tuple(way.split(".")) for way in ways) for name, ways in written.items()}


def within(ways: Iterable[Way], name: str) -> Ways:
    """Give the ways that lead through `name`, from there on."""
    return tuple(way[1:] for way in ways if way[:1] == (name,))


class Hiding:
    """Writes the trace events of one workflow without what is secret in them.

    Attributes:
        secrets: What the run has met that is secret; shared with its children.
    """

    def __init__(self, secrets: Secrets, ways: Mapping[str, Ways], bodies: Bodies = "full") -> None:
        self.secrets = secrets
        self._ways = ways
        self._bodies = bodies
        self._parts: dict[str, str] = {}

    def marked(self, name: str, part: str) -> Ways:
        """Give the ways to what is secret of what goes into a state, or comes out of it."""
        return within(self._ways.get(name, ()), part)

    def learn(self, name: str, part: str, data: Any) -> None:
        """Remember what is secret in plain data that goes into a state, or comes out of it."""
        if ways := self.marked(name, part):
            cut(data, ways, self.secrets.learn)

    def shown(self, name: str, data: Any) -> Any:
        """Give plain data that goes into a state as a person may see it."""
        self.learn(name, "input", data)
        found = cut(data, self.marked(name, "input"), lambda _: SECRET)
        return found if self.secrets.is_empty else self.secrets.data(found)

    def note(self, event: dict[str, Any]) -> None:
        """Remember what is secret in a trace event that nobody is told."""
        self.event(event, by_value=False)

    def event(self, event: dict[str, Any], *, by_value: bool = True) -> dict[str, Any]:
        """Give a trace event as it may be written."""
        more: tuple[str, ...]
        match event["event"]:
            case "run":
                name, more = INPUT, ("input",)
            case "attempt" | "answer":
                name, more = event["state"], ("input", "output", *_SAID)
            case "end":
                name, more = event["end"], ("output",)
            case _:
                return event
        ways = self._ways_of(name)
        error = event.get("error")
        if not ways and self.secrets.is_empty and not (error and self._ways_of(error["state"])):
            return event
        if self._bodies != "full":
            for part in ("input", "output"):
                self.learn(name, part, event.get(part))
        found = self._of_state(event, ways, event.get("outcome", ""))
        if error:
            of_error = {**error, "output": error["value"]}
            hidden = self._of_state(of_error, self._ways_of(error["state"]), error["outcome"])
            found["error"] = error | {"value": hidden["output"]} | _parts(hidden, _SAID)
        if by_value and not self.secrets.is_empty:
            # What is secret in any part is known by now.
            found |= self.secrets.data(_parts(found, more))
            if error:
                found["error"] |= self.secrets.data(_parts(found["error"], (*_SAID, "value")))
        return found

    def _of_state(self, event: dict[str, Any], ways: Ways, outcome: str) -> dict[str, Any]:
        """Hide what is marked, and what a state says of an output that is secret as a whole."""
        found = dict(event)
        given, gives = within(ways, "input"), within(ways, "output")
        if gives and outcome == "invalid":
            # It is of no form, so that anything may stand anywhere in it.
            gives = ((),)
        if given and "input" in found and not _is_unbound(found["input"]):
            found["input"] = cut(found["input"], given, self._token)
        if gives and "output" in found:
            found["output"] = cut(found["output"], gives, self._token)
        if () in gives and outcome not in ("", "success") and "message" in found:
            found["message"] = self._reason(found["message"])
            found["complaints"] = [self._reason(each) for each in found["complaints"]]
        return found

    def _reason(self, message: str) -> str:
        """Give what may be told of a message about an output that is secret: which exception it was."""
        if not message or _OWN.fullmatch(message):
            return message
        named = _NAMED.match(message)
        lead = "" if named is None else named[0]
        if self._bodies == "full":
            self.secrets.learn_text(message.removeprefix(lead))
        return lead + SECRET

    def _ways_of(self, name: str) -> Ways:
        return self._ways.get(name, ()) if self._bodies == "full" else _ALL

    def _token(self, data: Any) -> dict[str, Any]:
        if self._bodies == "none":
            return {TAG: None}
        if self._bodies == "full":
            self.secrets.learn(data)
        return self.secrets.token(data)

    def chunk(self, state: str, span_id: str, text: str) -> str:
        """Give as much of an output that comes in parts as can't be a part of a secret; keep the rest."""
        if within(self._ways_of(state), "output"):
            return ""
        if self.secrets.is_empty:
            return text
        told, kept = self.secrets.told(self._parts.pop(span_id, "") + text)
        if kept:
            self._parts[span_id] = kept
        return told

    def rest(self, span_id: str) -> str:
        """Give what was kept of an output that came in parts, now that it is over."""
        return self.secrets.text(self._parts.pop(span_id, ""))


def _parts(event: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: event[name] for name in names}


def _is_unbound(given: Any) -> bool:
    """Tell whether arguments could not be bound, of which it is said which reference led nowhere."""
    return isinstance(given, dict) and given.keys() == {"$unbound"}


def cut(data: Any, ways: Ways, hidden: Callable[[Any], Any]) -> Any:
    """Put what `hidden` gives in the place of each part of plain data to which a way leads.

    Where a way can't be followed, as data is of another form than it was taken to be, all of that is hidden.
    """
    if data is None or not ways:
        return data
    if () in ways:
        return hidden(data)
    match data:
        case list():
            return [cut(item, ways, hidden) for item in data]
        case dict() if not _is_tagged(data):
            return {key: cut(item, within(ways, key), hidden) for key, item in data.items()}
    return hidden(data)


def _is_tagged(data: Mapping[str, Any]) -> bool:
    """Tell whether plain data is what stands for a value that JSON has no word for."""
    return len(data) == 1 and all(key.startswith("$") and not key.startswith("$$") for key in data)


def is_hidden(data: Any) -> bool:
    """Tell whether something is left out of plain data, or may be."""
    pending = [data]
    while pending:
        match pending.pop():
            case str() as text if SECRET in text:
                return True
            case list() as items:
                pending += items
            case dict() as mapping:
                if mapping.keys() == {TAG}:
                    return True
                pending += mapping
                pending += mapping.values()
    return False
