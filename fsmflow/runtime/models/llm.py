"""One attempt of a state that asks a model: one wire call over the OpenAI-compatible protocol.

`OPENAI_BASE_URL` and `OPENAI_API_KEY` say where, and `OPENAI_MODEL`, if it is set, which model is asked
in the place of the spec's. Every retry is the runtime's: the client makes none, and follows no redirect.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

from fsmflow.runtime.commands import Stage
from fsmflow.runtime.context import StepContext
from fsmflow.runtime.model import Model
from fsmflow.runtime.models.answers import Form, Tool, form_of, tool_of
from fsmflow.runtime.models.cap_names import cap_name, learn_cap_name
from fsmflow.runtime.models.endings import content_of, message_of
from fsmflow.runtime.models.endpoint import client, endpoint
from fsmflow.runtime.models.left_out import learn_refused, without_refused
from fsmflow.runtime.models.refusals import look_into
from fsmflow.runtime.models.streaming import reply_in, streamed
from fsmflow.runtime.models.tokens import PER_MESSAGE, most_tokens
from fsmflow.runtime.outcomes import Permanent, Transient, describe
from fsmflow.runtime.prompts import PromptNotFound, filled, read_prompt
from fsmflow.runtime.steps import resolve_type
from fsmflow.runtime.validation import StepNotFound, validator

MOST = 4
LONGEST_COMPLAINT = 200
LONGEST_NAME = 200
MOST_TOKENS = 10**12
"""Beyond how many tokens an endpoint is not believed that it has counted them."""

_TOO_MANY = 429

Messages = list[dict[str, str]]


def step(stage: Stage, folder: Path) -> Callable[..., Awaitable[Any]]:
    """Make the step of a stage that asks a model: its prompts are read once, here.

    Raises:
        StepNotFound: A prompt can't be had, or the type of the output is not there.
    """
    model = stage.model
    assert model is not None
    prompt = _prompt(stage, folder, model.prompt)
    system = _prompt(stage, folder, model.system) if model.system else ""
    tools = tuple(_tool(label, kind, folder) for label, kind in model.tools)
    form = form_of(stage, resolve_type(stage.gives, folder) if stage.gives else None, tools)
    if endpoint().key or endpoint().place:
        # Loaded before a run begins, so that it takes no time of an attempt's.
        with suppress(ImportError):
            import_module("openai")

    async def ask(ctx: StepContext, **arguments: Any) -> Any:
        """Ask the model once.

        Raises:
            Transient: The endpoint could not answer; errors of the client may be so too.
            Invalid: The answer is empty, cut short, or not of the form that was asked for.
            Permanent: The model refused, the prompt does not fit, or no endpoint is set up.
            Breach: The endpoint counts more tokens than the state declares.
        """
        messages = _messages(stage, ctx, _put(system, arguments, ctx), _put(prompt, arguments, ctx), form)
        request = _request(model, messages, form)
        heat = model.temperature or None
        ctx.note_model(name=request["model"], max_tokens=model.max_tokens, temperature=heat)
        reply = await _answer(request, stage, ctx)
        _charge(ctx, model, reply.get("usage"))
        ctx.note_model(**_about(reply))
        message = message_of(reply, model)
        return form.called(message.get("tool_calls")) if form.tools else form.read(content_of(message))

    return ask


def _tool(label: str, kind: str, folder: Path) -> Tool:
    resolved = resolve_type(kind, folder)
    return tool_of(label, resolved, validator(resolved))


def _prompt(stage: Stage, folder: Path, path: str) -> str:
    try:
        return read_prompt(folder, path)
    except PromptNotFound as error:
        raise StepNotFound(f"the prompt {path} of state `{stage.name}` can't be read: {error}") from None


def _put(text: str, arguments: Mapping[str, Any], ctx: StepContext) -> str:
    try:
        return filled(text, arguments)
    except KeyError as error:
        raise _unsent(ctx, f"the prompt speaks of {error.args[0]!r}, which is no argument") from None


def _unsent(ctx: StepContext, why: str) -> Permanent:
    """Say why nothing is sent, and that so nothing is used."""
    _charge_nothing(ctx)
    return Permanent(why)


def _messages(stage: Stage, ctx: StepContext, system: str, prompt: str, form: Form) -> Messages:
    """Put together what is sent, with as many of the latest complaints as there is room for.

    Raises:
        Permanent: Not even without them does it fit into the tokens that the state declares.
    """
    assert stage.model is not None
    name, room = _name(stage.model), stage.cost[1] - stage.model.max_tokens
    opening = "\n\n".join(filter(None, (system, form.instruction)))
    size = sum(most_tokens(name, json.dumps(part)) for part in form.told.values())
    complaints = [_complaint(text) for text in ctx.feedback[-MOST:]]
    while True:
        messages = [{"role": "user", "content": _with_complaints(prompt, complaints)}]
        if opening:
            messages.insert(0, {"role": "system", "content": opening})
        needed = size + sum(PER_MESSAGE + most_tokens(name, message["content"]) for message in messages)
        if needed <= room:
            return messages
        if not complaints:
            beside = f"{room:,} of the {stage.cost[1]:,} declared are left beside the answer"
            raise _unsent(ctx, f"the prompt may have {needed:,} tokens, and {beside}")
        del complaints[0]


def _complaint(text: str) -> str:
    """Give a complaint as it is sent, which half of a character, such as a model may end in, can't be."""
    sendable = text.encode("utf-8", "backslashreplace").decode()
    return " ".join(sendable.split())[:LONGEST_COMPLAINT]


def _with_complaints(prompt: str, complaints: list[str]) -> str:
    if not complaints:
        return prompt
    return f"{prompt}\n\nWhat was wrong with the last answer:" + "".join(f"\n- {each}" for each in complaints)


def _name(model: Model) -> str:
    return endpoint().model or model.model


def _request(model: Model, messages: Messages, form: Form) -> dict[str, Any]:
    name = _name(model)
    request: dict[str, Any] = {
        "model": name,
        "messages": messages,
        cap_name(endpoint().place, name): model.max_tokens,
    }
    if model.temperature:
        request["temperature"] = float(model.temperature)
    if model.options:
        # The client knows some of them by name, and would refuse the others.
        request["extra_body"] = dict(model.options)
    return request | form.told


async def _answer(request: Mapping[str, Any], stage: Stage, ctx: StepContext) -> dict[str, Any]:
    """Send a request, once, and give the reply.

    Raises:
        Transient: The endpoint knows the request in another form, which the next attempt has; or it could
            not answer.
        Invalid: The endpoint blames the answer.
        Permanent: It is not sent, or blamed.
    """
    place, model = endpoint().place, request["model"]
    usage = {"stream_options": {"include_usage": True}} if ctx.is_watched else {}
    sent = without_refused({**request, **usage}, place)
    try:
        if ctx.is_watched:
            return await streamed(sent, _client(stage, ctx), ctx.emit)
        return await _reply(sent, _client(stage, ctx))
    except Exception as error:
        if getattr(error, "status_code", None) == _TOO_MANY:
            # It was turned away unread.
            _charge_nothing(ctx)
        look_into(error)
        if name := learn_cap_name(error, sent, place):
            learned = f"the endpoint caps answers of {model} by `{name}`, as the next attempt does"
        elif name := learn_refused(error, sent, place):
            learned = f"the endpoint refuses `{name}`, which the next attempt leaves out: {describe(error)}"
        else:
            raise
        _charge_nothing(ctx)
        raise Transient(learned) from None


def _client(stage: Stage, ctx: StepContext) -> Any:
    """Make the client of one call.

    Raises:
        Permanent: There is none, none can be made, or nobody has said whom to call.
    """
    try:
        return client(is_timed=stage.timeout_us is not None)
    except Permanent as unready:
        raise _unsent(ctx, str(unready)) from None


async def _reply(request: Mapping[str, Any], client: Any) -> dict[str, Any]:
    """Send a request, once.

    Raises:
        Transient: What comes back is no JSON object, or an error, or goes on and on.
        Permanent: It is an error that blames the request.
        Invalid: It is an error that blames the answer.
    """
    try:
        async with client:
            raw = await client.chat.completions.with_raw_response.create(**request)
            content: bytes = raw.http_response.content
    except Exception as error:
        if isinstance(error.__cause__, Transient):
            # The client has made another error of it that a response goes on and on.
            raise error.__cause__ from None
        raise
    return reply_in(content)


def _about(reply: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a reply tells of itself: which model answered, why it stopped, and what it read and wrote."""
    usage = reply.get("usage")
    read, written = (
        _count(usage.get(name)) if isinstance(usage, dict) else None
        for name in ("prompt_tokens", "completion_tokens")
    )
    choices = reply.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    finish = choice.get("finish_reason") if isinstance(choice, dict) else None
    said = {"answered_by": reply.get("model"), "answer_id": reply.get("id"), "finish": finish}
    told = {name: text[:LONGEST_NAME] for name, text in said.items() if isinstance(text, str)}
    counted = {"input_tokens": read, "output_tokens": written}
    return told | {name: count for name, count in counted.items() if count is not None}


def _charge(ctx: StepContext, model: Model, usage: Any) -> None:
    """Put on the ledger what the endpoint says was used; what it does not say is not charged."""
    if not isinstance(usage, dict):
        return
    read, written = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    total = _count(usage.get("total_tokens"))
    if total is None and (read is None or written is None):
        return
    tokens = max(total or 0, (read or 0) + (written or 0))
    if not tokens:
        # No call uses none: so says who does not count them.
        return
    money: Decimal | None = None
    if model.price is not None and read is not None:
        # Tokens that are neither read nor written, as a model's own thoughts, are paid for as written.
        amount = read * model.price[0] + (tokens - read) * model.price[1]
        # Written, since to reckon with decimals is as exact as the program around has set them to be.
        money = Decimal(f"{amount}e-12")
    ctx.charge(tokens=tokens, usd=money)


def _charge_nothing(ctx: StepContext) -> None:
    """Say that nothing was used: what is not charged would count as declared."""
    ctx.charge(tool_calls=0, tokens=0, usd=0)


def _count(number: Any) -> int | None:
    """Give a number of tokens; none for what no answer could have used, and so says nothing."""
    return number if type(number) is int and 0 <= number <= MOST_TOKENS else None
