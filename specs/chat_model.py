"""One question to whatever OpenAI-compatible endpoint the environment names.

`OPENAI_BASE_URL` and `OPENAI_API_KEY` say where, `OPENAI_MODEL` which model. Every retry is the
runtime's, so the client makes none.
"""

from __future__ import annotations

import json
import os
from typing import Any

from fsmflow.runtime import Invalid, Permanent, StepContext, Transient

DEFAULT_MODEL = "gpt-4o-mini"


async def ask(system: str, prompt: str, *, max_tokens: int, ctx: StepContext) -> dict[str, Any]:
    """Ask for a JSON object, and charge the tokens that this took.

    What was wrong with earlier answers of this visit goes along with the prompt.

    Args:
        system: What the model is to do, and the shape of its reply.
        prompt: What it is to do it with.
        max_tokens: The longest reply, in tokens.
        ctx: The step's context.

    Raises:
        Invalid: The reply is empty, cut short, or no JSON object.
        Transient: There is no reply in what comes back.
        Permanent: The model refused, or the openai client is not installed.
    """
    try:
        from openai import AsyncOpenAI
    except ImportError:
        raise Permanent("a model is configured but openai is not: pip install fsmflow[llm]") from None
    wrong = "".join(f"\n- {complaint[:200]}" for complaint in ctx.feedback[-4:])
    async with AsyncOpenAI(max_retries=0, api_key=os.environ.get("OPENAI_API_KEY") or "none") as client:
        # Of whatever form: the client holds it to none.
        reply: Any = await client.chat.completions.create(
            model=os.environ.get("OPENAI_MODEL") or DEFAULT_MODEL,
            messages=[
                {"role": "system", "content": system},
                {
                    "role": "user",
                    "content": f"{prompt}\n\nWrong in your last reply:{wrong}" if wrong else prompt,
                },
            ],
            max_tokens=max_tokens,
            response_format={"type": "json_object"},
        )
    if getattr(reply, "usage", None):
        ctx.charge(tokens=reply.usage.total_tokens)
    choice: Any = next(iter(getattr(reply, "choices", None) or ()), None)
    if getattr(choice, "message", None) is None:
        raise Transient("the endpoint's reply holds no answer")
    if choice.finish_reason == "content_filter" or choice.message.refusal:
        raise Permanent("the model refused to answer")
    return parse_object(choice.message.content or "", cut_short=choice.finish_reason == "length")


def parse_object(text: str, *, cut_short: bool = False) -> dict[str, Any]:
    """Read a reply as a JSON object.

    Raises:
        Invalid: It is none.
    """
    if cut_short:
        raise Invalid("the reply was cut short; be briefer")
    try:
        found = json.loads(text)
    except ValueError:
        raise Invalid("the reply is not JSON") from None
    if not isinstance(found, dict):
        raise Invalid("the reply is not a JSON object")
    return found
