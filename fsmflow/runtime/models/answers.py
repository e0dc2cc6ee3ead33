"""What a model is asked to answer, and how its answer is read."""

from __future__ import annotations

import inspect
import json
from dataclasses import dataclass
from typing import Any

from fsmflow.runtime.commands import Stage
from fsmflow.runtime.complaints import Rejected
from fsmflow.runtime.models.json_answers import json_object
from fsmflow.runtime.models.json_schema import Schema, is_object, is_strict, json_schema
from fsmflow.runtime.models.streamed_calls import arguments_text
from fsmflow.runtime.models.thoughts import after_thoughts
from fsmflow.runtime.outcomes import Invalid, Outcome
from fsmflow.runtime.validation import Validate


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that a model may call.

    Attributes:
        label: Its name, which is a label of the state's success.
        schema: The JSON Schema of its arguments.
        is_wrapped: Whether what it takes is no object, and so stands in one, under `value`.
        validate: Holds its arguments to their type; None if anything will do.
        description: What it is for, as the docstring of its arguments' class says; empty if none does.
    """

    label: str
    schema: Schema
    is_wrapped: bool
    validate: Validate | None
    description: str = ""

    @property
    def told(self) -> dict[str, Any]:
        """What the endpoint is told of it."""
        described = {"description": self.description} if self.description else {}
        function = {"name": self.label, **described, "parameters": self.schema}
        return {"type": "function", "function": function}

    def read(self, arguments: str) -> Any:
        """Give the arguments of a call.

        Raises:
            Invalid: They are not of its type.
        """
        # Where there is nothing to say, some say nothing.
        found = json_object(arguments if arguments.strip() else "{}", f"the arguments of {self.label} are")
        value = _value(found) if self.is_wrapped else found
        try:
            return value if self.validate is None else self.validate(value)
        except Rejected as rejected:
            raise Invalid(*(f"{self.label}: {each}" for each in rejected.complaints)) from None


def tool_of(label: str, kind: Any, validate: Validate | None) -> Tool:
    """Make the tool that goes by `label` and takes values of the type `kind`."""
    schema = json_schema(kind)
    if is_object(schema):
        return Tool(label, schema, is_wrapped=False, validate=validate, description=_description(kind))
    definitions = schema.pop("$defs", {})
    whole: Schema = {
        "type": "object",
        "properties": {"value": schema},
        "required": ["value"],
        "additionalProperties": False,
        **({"$defs": definitions} if definitions else {}),
    }
    return Tool(label, whole, is_wrapped=True, validate=validate)


def _description(kind: Any) -> str:
    """Give what an author says of a class; what a dataclass says of itself tells no more than its schema."""
    said = kind.__dict__.get("__doc__") if isinstance(kind, type) else None
    if not isinstance(said, str) or said.startswith(f"{kind.__name__}("):
        return ""
    return inspect.cleandoc(said)


@dataclass(frozen=True, slots=True)
class Form:
    """The form of one state's answers.

    Attributes:
        name: What the form is called on the wire: the state's name.
        schema: The JSON Schema of the whole answer; None for an answer in words.
        is_told: Whether the endpoint is to hold the model to the schema.
        labels: The labels of success, one of which is in the answer; None if there are none.
        has_value: Whether an answer with a label holds a value too.
        is_wrapped: Whether the value is no object, and so stands in one, under `value`.
        tools: The tools of which the model calls one; empty for an answer in its own words.
    """

    name: str
    schema: Schema | None
    is_told: bool
    labels: tuple[str, ...] | None
    has_value: bool
    is_wrapped: bool
    tools: tuple[Tool, ...] = ()

    @property
    def told(self) -> dict[str, Any]:
        """What the endpoint is told of the form; nothing if it is free."""
        if self.tools:
            return {"tools": [tool.told for tool in self.tools], "tool_choice": "required"}
        form = self.response_format
        return {} if form is None else {"response_format": form}

    @property
    def instruction(self) -> str:
        """What the model is told of the form; empty if it is free."""
        if self.schema is not None:
            told = "Answer with one JSON object that fits this JSON Schema, and nothing else:"
            return f"{told}\n{_written(self.schema)}"
        if self.labels is not None and not self.tools:
            return f"Answer with one of these words, and nothing else: {', '.join(self.labels)}"
        return ""

    @property
    def response_format(self) -> dict[str, Any] | None:
        """What the endpoint is told of the form; None if it is free."""
        if self.schema is None:
            return None
        if not self.is_told or self.schema.get("additionalProperties") == {}:
            return {"type": "json_object"}
        told = {"name": self.name, "schema": self.schema, "strict": is_strict(self.schema)}
        return {"type": "json_schema", "json_schema": told}

    def called(self, calls: Any) -> Outcome:
        """Give what a call of a tool says: the tool's label, and its arguments.

        Raises:
            Invalid: It is not one call of one of the tools, or its arguments are not what that takes.
        """
        known = ", ".join(tool.label for tool in self.tools)
        if not isinstance(calls, list) or not calls:
            raise Invalid(f"the answer calls no tool: call one of {known}")
        if len(calls) > 1:
            raise Invalid(f"the answer calls {len(calls)} tools: call one at a time")
        function = calls[0].get("function") if isinstance(calls[0], dict) else None
        name = function.get("name") if isinstance(function, dict) else None
        tool = next((tool for tool in self.tools if tool.label == name), None)
        if tool is None:
            raise Invalid(f"{name!r:.100} is none of the tools: call one of {known}")
        arguments = function.get("arguments") if isinstance(function, dict) else None
        return Outcome(tool.label, tool.read(arguments_text(arguments)))

    def read(self, answer: str) -> Any:
        """Give what an answer says: a value, a label, or an `Outcome` of both.

        Raises:
            Invalid: It is not of this form. That its value fits the state's type is not looked at.
        """
        if self.schema is None:
            return answer.strip() if self.labels is None else self._label(after_thoughts(answer).strip())
        found = json_object(answer)
        if self.labels is None:
            return _value(found) if self.is_wrapped else found
        if "label" not in found:
            raise Invalid("the answer has no `label`")
        label = self._label(found["label"])
        return Outcome(label, _value(found)) if self.has_value else label

    def _label(self, label: Any) -> str:
        assert self.labels is not None
        if not isinstance(label, str) or label not in self.labels:
            raise Invalid(f"{label!r:.100} is none of the labels: expected {', '.join(self.labels)}")
        return label


def form_of(stage: Stage, kind: Any, tools: tuple[Tool, ...] = ()) -> Form:
    """Give the form of the answers that `stage` asks for.

    Args:
        stage: A stage with a model.
        kind: The type of its output; None if it is a label alone.
        tools: The tools that its model chooses from.
    """
    assert stage.model is not None
    told = stage.model.format == "schema"
    if tools:
        return Form(stage.name, None, told, stage.labels, has_value=True, is_wrapped=False, tools=tools)
    if stage.model.format == "text":
        return Form(stage.name, None, told, stage.labels, has_value=False, is_wrapped=False)
    value = None if kind is None else json_schema(kind)
    if stage.labels is None and value is not None and is_object(value):
        return Form(stage.name, value, told, None, has_value=True, is_wrapped=False)
    parts: dict[str, Schema] = {}
    definitions: Schema = {}
    if stage.labels is not None:
        parts["label"] = {"type": "string", "enum": list(stage.labels)}
    if value is not None:
        definitions = value.pop("$defs", {})
        parts["value"] = value
    whole = {
        "type": "object",
        "properties": parts,
        "required": list(parts),
        "additionalProperties": False,
        **({"$defs": definitions} if definitions else {}),
    }
    return Form(stage.name, whole, told, stage.labels, has_value=value is not None, is_wrapped=True)


def _written(schema: Schema) -> str:
    return json.dumps(schema, ensure_ascii=False, separators=(", ", ": "))


def _value(found: dict[str, Any]) -> Any:
    if "value" not in found:
        raise Invalid("the answer has no `value`")
    return found["value"]
