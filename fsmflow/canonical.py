"""Attrs values as canonical JSON: equal values have equal bytes, whatever made them.

Keys are sorted, and all of it is ASCII (RFC 8259, §7). An object tells its class as `is`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from json.encoder import encode_basestring_ascii as quoted
from operator import attrgetter
from typing import Any

from attrs import fields, frozen


@frozen
class Form:
    """How classes are written.

    Attributes:
        untagged: Classes that do not tell which they are.
        never: The fields of a class that are not written.
        unless_set: Those that are not written if they are empty.
    """

    untagged: frozenset[type]
    never: Mapping[type, frozenset[str]]
    unless_set: Mapping[type, frozenset[str]]

    def written(self, value: Any) -> str:
        """Write attrs values, mappings with keys that are texts, sequences, and plain data.

        Raises:
            ValueError: A number in it is not finite.
            TypeError: It holds anything else.
        """
        return _Writing(self).of(value)


@frozen
class _Plan:
    """How values of one class are written: their fields, by what comes before each."""

    leads: tuple[str, ...]
    parts: Callable[[Any], Iterable[Any]]
    unless_set: tuple[bool, ...]


class _Writing:
    """Writes one value; what is met again and again is made ready once."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._plans: dict[type, _Plan | None] = {}
        self._texts: dict[str, str] = {}

    def of(self, value: Any) -> str:
        cls = value.__class__
        if cls is str:
            return self._text(value)
        if value is None:
            return "null"
        if cls is int:
            return int.__repr__(value)
        if cls is tuple or cls is list:
            return f"[{','.join(map(self.of, value))}]"
        plan = self._plans.get(cls) or self._plan(cls)
        if plan is not None:
            return self._object(plan, value)
        if isinstance(value, Mapping):
            pairs = sorted((str(key), item) for key, item in value.items())
            return f"{{{','.join(f'{self._text(key)}:{self.of(item)}' for key, item in pairs)}}}"
        return json.dumps(value, allow_nan=False)

    def _object(self, plan: _Plan, value: Any) -> str:
        written = []
        for lead, part, unless_set in zip(plan.leads, plan.parts(value), plan.unless_set, strict=True):
            if unless_set and not part:
                continue
            # Most parts are one of these: a call for each would take twice as long.
            if part is None:
                written.append(f"{lead}null")
            elif part.__class__ is str:
                written.append(lead + (self._texts.get(part) or self._text(part)))
            elif part is False:
                written.append(f"{lead}false")
            else:
                written.append(lead + self.of(part))
        return f"{{{','.join(written)}}}"

    def _text(self, text: str) -> str:
        return self._texts.get(text) or self._texts.setdefault(text, quoted(text))

    def _plan(self, cls: type) -> _Plan | None:
        if not hasattr(cls, "__attrs_attrs__"):
            return None
        never = self._form.never.get(cls, frozenset())
        names = sorted(a.name for a in fields(cls) if a.name not in never)
        tag = "is"
        if cls not in self._form.untagged:
            names = sorted([*names, tag])
        unless = self._form.unless_set.get(cls, frozenset())
        leads = tuple(f"{quoted(name)}:" for name in names)
        parts = attrgetter(*("__class__.__name__" if name == tag else name for name in names), "__class__")
        plan = _Plan(leads, lambda value: parts(value)[:-1], tuple(name in unless for name in names))
        self._plans[cls] = plan
        return plan
