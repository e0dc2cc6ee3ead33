"""The tools: exact, total on their own terms, and free of side effects.

Each takes text and gives text, and raises `ValueError` for what it can't do.
"""

from __future__ import annotations

import ast
import calendar as months
import datetime
import operator
import re
from collections.abc import Callable
from fractions import Fraction

MAX_EXPRESSION = 200
_MAX_POWER = 256
_MAX_BITS = 4096

_OPERATORS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: lambda a, b: Fraction(a // b),
    ast.Mod: operator.mod,
}


def calculate(expression: str) -> str:
    """Evaluate arithmetic: numbers, `+ - * / // % **` and brackets, exactly.

    Raises:
        ValueError: It is no arithmetic, divides by zero, or has a huge result.
    """
    if len(expression) > MAX_EXPRESSION:
        raise ValueError(f"an expression is at most {MAX_EXPRESSION} characters long")
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, RecursionError, MemoryError):
        raise ValueError(f"{expression!r} is no arithmetic") from None
    try:
        return show(_evaluate(tree))
    except ZeroDivisionError:
        raise ValueError("division by zero") from None


def _evaluate(node: ast.expr) -> Fraction:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            result = Fraction(str(number))
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            result = -_evaluate(inner)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            base, power = _evaluate(left), _evaluate(right)
            if power.denominator != 1 or abs(power) > _MAX_POWER:
                raise ValueError(f"a power is a whole number of at most {_MAX_POWER}")
            result = Fraction(base ** int(power))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            result = _OPERATORS[type(op)](_evaluate(left), _evaluate(right))
        case _:
            raise ValueError(f"{ast.unparse(node)!r} is no arithmetic")
    if max(result.numerator.bit_length(), result.denominator.bit_length()) > _MAX_BITS:
        raise ValueError("the result is too large")
    return result


def show(number: Fraction) -> str:
    """Write a number plainly: whole, or rounded to six decimals, up to twelve where it is small."""
    if number.denominator == 1:
        return str(number.numerator)
    digits = 6
    while digits < 12 and abs(number) < Fraction(1, 10 ** (digits - 4)):
        digits += 1
    scaled = round(number * 10**digits)
    sign, text = ("-" if scaled < 0 else ""), str(abs(scaled)).rjust(digits + 1, "0")
    return f"{sign}{text[:-digits]}.{text[-digits:]}".rstrip("0").rstrip(".")


# Each unit as its dimension and its size in that dimension's base unit.
_UNITS: dict[str, tuple[str, Fraction]] = {
    name: (dimension, Fraction(size))
    for dimension, units in {
        "time": {
            "s second seconds sec": "1",
            "min minute minutes": "60",
            "h hour hours hr": "3600",
            "day days": "86400",
            "week weeks": "604800",
            "ms millisecond milliseconds": "0.001",
        },
        "length": {
            "m metre metres meter meters": "1",
            "km kilometre kilometres kilometer kilometers": "1000",
            "cm centimetre centimetres centimeter centimeters": "0.01",
            "mm millimetre millimetres millimeter millimeters": "0.001",
            "mile miles mi": "1609.344",
            "foot feet ft": "0.3048",
            "inch inches": "0.0254",
            "yard yards yd": "0.9144",
        },
        "mass": {
            "kg kilogram kilograms": "1",
            "g gram grams": "0.001",
            "t tonne tonnes": "1000",
            "pound pounds lb lbs": "0.45359237",
            "ounce ounces oz": "0.028349523125",
        },
        "volume": {
            "l litre litres liter liters": "1",
            "ml millilitre millilitres milliliter milliliters": "0.001",
            "gallon gallons": "3.785411784",
        },
        "speed": {"m/s": "1", "km/h kph": "5/18", "mph": "0.44704"},
        "data": {
            "byte bytes b": "1",
            "kb kilobyte kilobytes": "1000",
            "mb megabyte megabytes": "1000000",
            "gb gigabyte gigabytes": "1000000000",
            "bit bits": "1/8",
            "gib": "1073741824",
            "mib": "1048576",
        },
    }.items()
    for names, size in units.items()
    for name in names.split()
}


def convert(request: str) -> str:
    """Convert an amount: `90 min to h`.

    Raises:
        ValueError: It is no such request, or the units measure different things.
    """
    parts = re.fullmatch(r"\s*(-?[\d.]+)\s*([a-z/]+)\s+to\s+([a-z/]+)\s*", request.lower())
    if parts is None:
        raise ValueError(f"expected an amount such as `90 min to h`, not {request!r}")
    amount, source, target = parts.groups()
    for unit in (source, target):
        if unit not in _UNITS:
            raise ValueError(f"unknown unit {unit!r}")
    (dimension, size), (other, other_size) = _UNITS[source], _UNITS[target]
    if dimension != other:
        raise ValueError(f"{source} is a {dimension}, {target} a {other}")
    return show(Fraction(amount) * size / other_size)


def reckon(request: str) -> str:
    """Answer about the calendar: `days DATE DATE`, `weekday DATE` or `DATE plus N days|weeks|months|years`.

    Dates are written as 2024-02-27. A month later than the 31st of January is its last day.

    Raises:
        ValueError: It is no such request, or no date of the years 1 to 9999.
    """
    match request.split():
        case ["days", first, second]:
            return str((_date(second) - _date(first)).days)
        case ["weekday", date]:
            return months.day_name[_date(date).weekday()]
        case [date, "plus", amount, unit] if re.fullmatch(r"-?\d{1,7}", amount):
            return _shifted(_date(date), int(amount), unit.removesuffix("s")).isoformat()
    raise ValueError(f"{request!r} is nothing that a calendar says")


def _date(text: str) -> datetime.date:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        raise ValueError(f"{text!r} is no date such as 2024-02-27")
    return datetime.date.fromisoformat(text)


def _shifted(date: datetime.date, amount: int, unit: str) -> datetime.date:
    try:
        if unit in ("day", "week"):
            return date + datetime.timedelta(days=amount * (7 if unit == "week" else 1))
        if unit in ("month", "year"):
            year, month = divmod(date.year * 12 + date.month - 1 + amount * (12 if unit == "year" else 1), 12)
            last = months.monthrange(year, month + 1)[1]
            return date.replace(year=year, month=month + 1, day=min(date.day, last))
    except (OverflowError, ValueError, IndexError):
        raise ValueError("that is no date of the years 1 to 9999") from None
    raise ValueError(f"a calendar knows no {unit}")


FACTS = {
    "speed of light": "299792458 m/s",
    "speed of sound": "343 m/s",
    "distance to the sun": "149597870700 m",
    "distance to the moon": "384400000 m",
    "circumference of the earth": "40075017 m",
    "radius of the earth": "6371000 m",
    "height of mount everest": "8849 m",
    "length of a marathon": "42195 m",
}


def look_up(name: str) -> str:
    """Give a fact, with its unit.

    Raises:
        ValueError: It is not among the facts.
    """
    try:
        return FACTS[" ".join(name.lower().split())]
    except KeyError:
        raise ValueError(f"nothing is known of {name!r}") from None
