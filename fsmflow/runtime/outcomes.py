"""How an attempt can end, and how an exception says so.

Exception
└── StepError
    ├── Transient    try the same step again
    ├── Invalid      the output is rejected, with complaints
    ├── Permanent    the step can't succeed
    └── Breach       the step used more than it declared
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from datetime import UTC
from decimal import ROUND_CEILING, Context, Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, NamedTuple

from fsmflow.runtime.whereabouts import raised_at

if TYPE_CHECKING:
    # Where `Outcome` says no more, it is one of any label and value (PEP 696).
    from typing_extensions import TypeVar

    Label = TypeVar("Label", bound=str, default=str, covariant=True)
    Value = TypeVar("Value", default=Any, covariant=True)
else:
    from typing import TypeVar

    Label, Value = TypeVar("Label"), TypeVar("Value")

MAX_RETRY_AFTER_US = 366 * 86_400_000_000


class Outcome(NamedTuple, Generic[Label, Value]):
    """What a step with labelled `success` and a `gives` returns: the label and the value.

    `-> Outcome[Literal["good", "poor"], Answer]` tells type checkers, and `fsmflow check`, which.
    """

    label: Label
    value: Value


class Stop(BaseException):
    """The root of what ends the driving of a run where it stands, and is no outcome of a step."""


class StepError(Exception):
    """The root of what a step may raise to say how its attempt ended."""


class Transient(StepError):
    """The attempt failed in a way that may pass; `retry_after` is a server's wish, in seconds."""

    def __init__(self, message: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Invalid(StepError):
    """The output is rejected; the complaints reach the next attempt as `ctx.feedback`."""

    def __init__(self, *complaints: object) -> None:
        self.complaints = tuple(map(str, complaints))
        super().__init__("; ".join(self.complaints))


class Permanent(StepError):
    """The step can't succeed: its fallback is taken at once."""


class Breach(StepError):
    """A charge went past what the step declared; the attempt is cut short and never retried."""


class Failure(NamedTuple):
    """An exception, classified.

    `ambiguous` says that the step's effect may have happened all the same, `where` in which line a bug was
    met.
    """

    outcome: str
    message: str
    complaints: tuple[str, ...] = ()
    retry_after_us: int | None = None
    ambiguous: bool = False
    where: str = ""


TRANSIENT_STATUSES = frozenset({408, 409, 425, 429})
AMBIGUOUS_STATUSES = frozenset({408})


def classify(error: BaseException) -> Failure:
    """Say which outcome an exception from a step is.

    Our own exceptions speak for themselves. Timeouts, broken connections, and whatever carries
    an HTTP status of 408, 409, 425, 429 or 5xx, are transient; anything else is a failure, so that
    a bug is never retried. An HTTP status is looked for in `status_code`, `status` and `code` of
    the exception and of its `response`, as httpx, aiohttp, requests, urllib and openai carry it. What is
    raised together, as by `asyncio.TaskGroup`, is what the worst of it is.
    """
    message = describe(error)
    match error:
        case BaseExceptionGroup():
            return _together(message, [classify(each) for each in _leaves(error)])
        case Transient():
            return Failure("transient", message, (), _microseconds(error.retry_after))
        case Invalid():
            return Failure("invalid", message, error.complaints)
        case Permanent() | Breach():
            return Failure("failure", message)
    status = _status(error)
    if status is not None:
        if status in TRANSIENT_STATUSES or 500 <= status <= 599:
            ambiguous = status in AMBIGUOUS_STATUSES or status >= 500
            return Failure("transient", message, (), retry_after_us(error), ambiguous)
        return Failure("failure", message)
    if _is_connection(type(error).__mro__):
        return Failure("transient", _with_cause(message, error.__cause__), ambiguous=True)
    return Failure("failure", message, where=raised_at(error))


_WORST_FIRST = ("failure", "transient", "invalid")


def _together(message: str, found: list[Failure]) -> Failure:
    """Say what errors are that are raised together: the worst, and an effect of any may have happened."""
    worst = min(found, key=lambda each: _WORST_FIRST.index(each.outcome))
    said = tuple(complaint for each in found for complaint in each.complaints)
    wishes = [each.retry_after_us for each in found if each.retry_after_us is not None]
    return Failure(
        worst.outcome,
        f"{message}: {worst.message}"[:500],
        said if worst.outcome == "invalid" else (),
        max(wishes, default=None) if worst.outcome == "transient" else None,
        any(each.ambiguous for each in found),
        worst.where,
    )


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    """Give the errors in a group, and in the groups in it, in order."""
    left: list[BaseException] = [group]
    while left:
        error = left.pop()
        if isinstance(error, BaseExceptionGroup):
            left += reversed(error.exceptions)
        else:
            yield error


def describe(error: BaseException) -> str:
    """Name an exception in one line of at most 500 characters."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 - a broken __str__ must not hide the error it belongs to
        text = "(its message could not be read)"
    name = type(error).__name__
    if isinstance(error, StepError):
        return text[:500] or name
    return (f"{name}: {text}" if text else name)[:500]


def _with_cause(message: str, cause: BaseException | None) -> str:
    """Add to what a client says, such as that there is no connection, the reason that it has from below."""
    said = "" if cause is None else describe(cause)
    return message if not said or said in message else f"{message} ({said})"[:500]


# By name, so that no HTTP library needs to be imported.
_CONNECTION_ERRORS = frozenset(
    {
        "httpx.TransportError",
        "httpx2.TransportError",
        "httpcore.NetworkError",
        "httpcore.TimeoutException",
        "openai.APIConnectionError",
        "anthropic.APIConnectionError",
        "requests.ConnectionError",
        "requests.Timeout",
        "requests.ChunkedEncodingError",
        "urllib3.HTTPError",
        "aiohttp.ClientConnectionError",
        "aiohttp.ClientPayloadError",
        "http.RemoteDisconnected",
        "http.IncompleteRead",
    }
)


@lru_cache(maxsize=256)
def _is_connection(ancestry: tuple[type, ...]) -> bool:
    """Tell whether errors of this ancestry are timeouts, lost connections or broken streams."""
    if issubclass(ancestry[0], TimeoutError | ConnectionError | EOFError):
        return True
    names = {f"{cls.__module__.partition('.')[0]}.{cls.__name__}" for cls in ancestry}
    return not names.isdisjoint(_CONNECTION_ERRORS)


def _status(error: BaseException) -> int | None:
    if isinstance(error, SystemExit):
        # Its code is for whoever started the program.
        return None
    for holder in (error, _attribute(error, "response")):
        for name in ("status_code", "status", "code"):
            value = _attribute(holder, name)
            # A status that says no error tells nothing of what went wrong after it.
            if type(value) is int and 400 <= value <= 599:
                return value
    return None


def _attribute(holder: object, name: str) -> Any:
    """Read an attribute; None if it is not there, or raises in being read."""
    try:
        return getattr(holder, name, None)
    except Exception:  # noqa: BLE001 - an error must be classified, whatever its properties do
        return None


def retry_after_us(error: BaseException) -> int | None:
    """Read the Retry-After header of an error's response, in microseconds, if it has a sane one."""
    for holder in (_attribute(error, "response"), error):
        headers = _lowered(_attribute(holder, "headers"))
        for name, unit_us in _WISHES.items():
            wish = parse_retry_after(headers.get(name), unit_us=unit_us)
            if wish is not None:
                return wish
    return None


def _lowered(headers: Any) -> dict[str, object]:
    """Give headers by their names in small letters, from a mapping or an email message."""
    try:
        return {str(name).lower(): value for name, value in headers.items()}
    except Exception:  # noqa: BLE001 - an error must be classified, whatever its headers are
        return {}


_WISHES = {"retry-after-ms": 1_000, "retry-after": 1_000_000}


def parse_retry_after(text: object, *, unit_us: int = 1_000_000, now: float | None = None) -> int | None:
    """Read a Retry-After value (RFC 9110 §10.2.3): whole or decimal seconds, or an HTTP date.

    Gives microseconds, at most a leap year's; None for anything malformed: `-1`, `nan`, `1e9`,
    digits of other scripts, lists. Real servers send decimals, so those count.

    Args:
        text: The header's value.
        unit_us: What a number in it counts, in microseconds.
        now: The time since 1970, in seconds.
    """
    from email.utils import parsedate_to_datetime

    if not isinstance(text, str) or not text.isascii() or len(text) > 64:
        return None
    text = text.strip()
    if text.replace(".", "", 1).isdigit():
        return min(int(_EXACT.multiply(Decimal(text), Decimal(unit_us))), MAX_RETRY_AFTER_US)
    try:
        date = parsedate_to_datetime(text)
        if date.tzinfo is None:
            date = date.replace(tzinfo=UTC)
        seconds = date.timestamp() - (time.time() if now is None else now)
    except (TypeError, ValueError, OverflowError):
        return None
    return max(0, min(int(seconds * 1_000_000), MAX_RETRY_AFTER_US))


def _microseconds(seconds: float | None) -> int | None:
    if seconds is None or isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    if not math.isfinite(seconds) or seconds < 0:
        return None
    return min(int(seconds * 1_000_000), MAX_RETRY_AFTER_US)


def micro_usd(amount: Decimal | int | float | str) -> int:
    """Turn dollars into whole micro-dollars, rounded up, so that a charge is never too low.

    A float is taken as the decimal that it is written as: 0.1 is one tenth.

    Raises:
        ValueError: The amount is negative, or no number.
    """
    if isinstance(amount, bool) or not isinstance(amount, Decimal | int | float | str):
        raise ValueError(f"a charge in dollars must be a number, not {amount!r}")
    try:
        exact = Decimal(repr(amount) if isinstance(amount, float) else amount)
    except ArithmeticError:
        raise ValueError(f"a charge in dollars must be a number, not {amount!r}") from None
    if not exact.is_finite() or exact.adjusted() > 30:
        raise ValueError(f"a charge in dollars must be a sensible number, not {str(amount)[:40]}")
    if exact < 0:
        raise ValueError(f"a charge can't be negative: {amount!r}")
    return int(_EXACT.multiply(exact, Decimal(1_000_000)).to_integral_value(ROUND_CEILING))


# What does not fit is rounded up, never down.
_EXACT = Context(prec=60, rounding=ROUND_CEILING)
