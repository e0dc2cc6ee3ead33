"""What a state asks of a model: the part of a stage that stands in the place of a step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple


class Model(NamedTuple):
    """One wire call to a model over the OpenAI-compatible protocol.

    Attributes:
        model: The model, by the name that its endpoint has for it.
        prompt: The file of the prompt, from the spec's folder.
        system: The file of the system message, likewise; empty if there is none.
        max_tokens: The longest answer.
        temperature: How freely it chooses its words, as decimal text; empty for the endpoint's own.
        format: How it answers: in JSON of the shape of the output, in a JSON object, in words, or by a call
            of a tool.
        price: What a million tokens cost that are read, and written, in micro-dollars; None if not known.
        tools: The tools that it chooses from, by label, with the type of what each takes.
        options: What else the endpoint is told, by name; None for nothing.
    """

    model: str
    prompt: str
    max_tokens: int
    system: str = ""
    temperature: str = ""
    format: Literal["schema", "object", "text", "tools"] = "text"
    price: tuple[int, int] | None = None
    tools: tuple[tuple[str, str], ...] = ()
    options: Mapping[str, Any] | None = None
