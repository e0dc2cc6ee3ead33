"""Steps that tell their secrets wherever a step can tell anything."""

from __future__ import annotations

import asyncio
from typing import Any

from attrs import frozen

from fsmflow.runtime import Invalid, Permanent, StepContext, Transient
from tests.canaries import FORMS, canaries

FRESH = canaries(40, seed=99)


@frozen
class Given:
    """What a run is given; `codes`, the card's number and its holder's pin are secret."""

    mode: str
    codes: list[str]
    card: dict[str, Any]
    note: str = ""


class HttpError(Exception):
    """An error as HTTP clients have it: with the address that was called, and headers."""

    def __init__(self, code: str, status: int) -> None:
        super().__init__(f"GET {FORMS['in a URL'](code)} answered {status}: Authorization: Basic {code}")
        self.status_code = status
        self.headers = {"X-Api-Key": code, "Retry-After": "0"}


def in_some_forms(number: int, code: str) -> dict[str, str]:
    """Write a secret in four of the forms that there are, others than those of the secret before."""
    names = list(FORMS)
    chosen = [names[(4 * number + n) % len(names)] for n in range(4)]
    return {form: f"see {FORMS[form](code)} there" for form in chosen}


def echo(codes: list[str], card: dict[str, Any]) -> dict[str, Any]:
    """Give secrets back: nested, as keys, in all forms."""
    return {
        "forms": [in_some_forms(*each) for each in enumerate(codes)],
        "keys": {code: {code: [code]} for code in codes},
        "card": card,
        "bytes": [code.encode() for code in codes],
        "pairs": {(code, 1): code for code in codes},
        "set": set(codes),
        "number": card["digits"],
    }


async def handed(echo: Any, all: Any, pin: Any) -> str:
    """Take what others gave."""
    await asyncio.sleep(0)
    return f"{pin}"


async def errors(ctx: StepContext, codes: list[str]) -> None:
    """Fail, each time with another secret, told in another way."""
    await asyncio.sleep(0)
    if ctx.attempt > len(codes):
        raise Permanent(f"gave up on {codes[0]} and {codes[1]!r:.40}")
    code = codes[ctx.attempt - 1]
    forms = list(FORMS.values())
    match ctx.attempt % 3:
        case 0:
            raise HttpError(code, 503)
        case 1:
            raise Transient(f"busy with {forms[ctx.attempt // 3 % len(forms)](code)}")
    raise ConnectionResetError("padding " * 55 + code)


def rejected(ctx: StepContext, codes: list[str]) -> str:
    """Reject what was made, each time with another secret among the complaints."""
    if ctx.attempt > len(codes):
        raise HttpError(ctx.feedback[-1], 403)
    forms = list(FORMS.values())
    code = codes[ctx.attempt - 1]
    raise Invalid(f"{code} is wrong", forms[ctx.attempt % len(forms)](code), *ctx.feedback[-1:])


def unfit(codes: list[str]) -> Any:
    """Give what does not fit."""
    return {"whole": [in_some_forms(*each) for each in enumerate(codes)]} | {code: code for code in codes}


def never(value: Any) -> str:
    """Accept nothing."""
    return f"{value} is not accepted"


def fresh(ctx: StepContext) -> Any:
    """Tell of new secrets in what goes wrong, and give more of them."""
    code = FRESH[ctx.attempt]
    match ctx.attempt:
        case 1:
            raise HttpError(code, 503)
        case 2:
            raise Invalid(f"no {code}", code)
        case 3:
            raise Transient(code)
    return {"new": FRESH[10:], FRESH[5]: {"deep": [FRESH[6]]}}


async def waits(codes: list[str]) -> None:
    """Wait to be cancelled, and say something else then."""
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        raise ValueError(f"interrupted at {codes}") from None


def told_by_child(ctx: StepContext, code: str, whole: Any) -> Any:
    """Fail with what came in, if at all."""
    if ctx.attempt == 1:
        raise Invalid(f"{code} is nothing", f"{whole}")
    raise HttpError(code, 404)
