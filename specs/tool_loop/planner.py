"""Choose the next tool by rules: a question is taken apart into calls, one after the other.

A rule is a pattern and the calls that it stands for. In a call, `{0}` is the first result so far,
`{1}` the second; `{0.number}` is a result without its unit.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tool_loop.tools import FACTS

Call = tuple[str, str]
"""A tool, and what to ask it."""

_DATE = r"(\d{4}-\d{2}-\d{2})"
_AMOUNT = r"(-?\d+(?:\.\d+)?)"
_UNIT = r"([a-z]+(?:/[a-z]+)?)"
_SPAN = "days?|weeks?|months?|years?"
_FACT = "(" + "|".join(sorted(FACTS, key=len, reverse=True)) + ")"
_WORDS = (
    (r"\bplus\b", "+"), (r"\bminus\b", "-"), (r"\b(?:times|multiplied by)\b", "*"), (r"\bdivided by\b", "/"),
    (r"\bto the power of\b", "**"), (r"\bsquared\b", "** 2"), (r"\bcubed\b", "** 3"),
    (r"([\d.]+) ?(?:%|percent) of\b", r"\1 / 100 *"), (r"(?<=\d)(?:,)(?=\d{3}\b)", ""),
    ("[×·]", "*"), ("÷", "/"), ("−", "-"),
)  # fmt: skip


def next_call(question: str, results: list[str]) -> Call | None:
    """Give the next tool and what to ask it, `("answer", text)` when all is known, or None if at a loss.

    Args:
        question: What is to be answered.
        results: What the tools have said so far, in order.
    """
    calls = decompose(question)
    if calls is None or len(results) > len(calls):
        return None
    if len(results) == len(calls):
        return ("answer", results[-1])
    tool, request = calls[len(results)]
    return (tool, _filled(request, results))


def _filled(request: str, results: list[str]) -> str:
    def result(place: re.Match[str]) -> str:
        text = results[int(place[1])]
        return text.split()[0] if place[2] else text

    return re.sub(r"\{(\d)(\.number)?\}", result, request)


def decompose(question: str) -> list[Call] | None:
    """Take a question apart into calls, by the first rule that fits; None if none does."""
    text = " ".join(re.sub(r"[?!]|\.(?!\d)", " ", question.lower()).split())
    for pattern, rule in _RULES:
        found = pattern.search(text)
        calls = rule(found) if found else None
        if calls:
            return calls
    return None


def _between(found: re.Match[str]) -> list[Call]:
    unit, first, second = found.groups()
    days: list[Call] = [("calendar", f"days {first} {second}")]
    return days if unit in ("day", "days") else [*days, _converted("{0}", "days", unit)]


def _converted(amount: str, source: str, target: str) -> Call:
    return ("units", f"{amount} {source} to {target}")


def _shift(found: re.Match[str]) -> list[Call]:
    weekday, amount, unit, way, date = found.groups()
    sign = "-" if way == "before" else ""
    calls: list[Call] = [("calendar", f"{date} plus {sign}{amount} {unit}")]
    return [*calls, ("calendar", "weekday {0}")] if weekday else calls


def _weekday(found: re.Match[str]) -> list[Call]:
    return [("calendar", f"weekday {found[1]}")]


def _travel_fact(found: re.Match[str]) -> list[Call]:
    unit, traveller, fact = found.groups()
    return [
        ("lookup", fact),
        ("lookup", f"speed of {traveller}"),
        ("calculator", "{0.number} / {1.number}"),
        _converted("{2}", "s", unit),
    ]


def _travel(found: re.Match[str]) -> list[Call]:
    unit, amount, source, speed, speed_unit = found.groups()
    return [
        _converted(amount, source, "m"),
        _converted(speed, speed_unit, "m/s"),
        ("calculator", "{0} / {1}"),
        _converted("{2}", "s", unit),
    ]


def _sum(found: re.Match[str]) -> list[Call]:
    first, unit, word, second, other, target = found.groups()
    sign = "-" if word in ("-", "minus") else "+"
    return [
        _converted(second, other, unit),
        ("calculator", f"{first} {sign} {{0}}"),
        _converted("{1}", unit, target),
    ]


def _fact_in(found: re.Match[str]) -> list[Call]:
    fact, unit = found.groups()
    return _fact(fact) if unit is None else _fact(fact, unit)


def _many_in_fact(found: re.Match[str]) -> list[Call]:
    return _fact(found[2], found[1])


def _fact(name: str, unit: str = "") -> list[Call]:
    conversion = [_converted("{0.number}", FACTS[name].split()[1], unit)] if unit else []
    return [("lookup", name), *conversion]


def _many(found: re.Match[str]) -> list[Call]:
    target, amount, source = found.groups()
    return [_converted("1" if amount in ("a", "an", "one") else amount, source, target)]


def _convert(found: re.Match[str]) -> list[Call]:
    return [_converted(found[1], found[2], found[3])]


def _arithmetic(found: re.Match[str]) -> list[Call] | None:
    expression = found[1]
    for pattern, symbol in _WORDS:
        expression = re.sub(pattern, symbol, expression)
    is_arithmetic = re.fullmatch(r"[\d\s.+\-*/%()]*\d[\d\s.+\-*/%()]*", expression)
    return [("calculator", expression.strip())] if is_arithmetic else None


_RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], list[Call] | None]], ...] = tuple(
    (re.compile(pattern), rule)
    for pattern, rule in (
        (
            rf"how many {_UNIT} (?:are there |are |pass )?(?:between|from) {_DATE} (?:and|to|until) {_DATE}",
            _between,
        ),
        (
            rf"^(?:.*?(weekday|day of the week))?.*?\b(\d+) ({_SPAN}) (after|before|from) {_DATE}",
            _shift,
        ),
        (rf"(?:weekday|day of the week).*?{_DATE}", _weekday),
        (rf"how many {_UNIT} does (light|sound) (?:take|need).*?{_FACT}", _travel_fact),
        (rf"how many {_UNIT} does it take to .*?{_AMOUNT} ?{_UNIT} at {_AMOUNT} ?{_UNIT}", _travel),
        (rf"{_AMOUNT} ?{_UNIT} (plus|minus|and|\+|-) {_AMOUNT} ?{_UNIT} in {_UNIT}", _sum),
        (rf"how many {_UNIT} (?:is|are in|make up) the {_FACT}", _many_in_fact),
        (rf"{_FACT}(?: in {_UNIT})?$", _fact_in),
        (rf"how many {_UNIT} (?:are |is )?(?:there )?in (a|an|one|[\d.]+) ?{_UNIT}$", _many),
        (rf"{_AMOUNT} ?{_UNIT} (?:to|in|into|as) {_UNIT}$", _convert),
        (r"^(?:what is|what's|how much is|calculate|compute)?(.+)$", _arithmetic),
    )
)
