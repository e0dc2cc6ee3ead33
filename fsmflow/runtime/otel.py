"""Traces by OpenTelemetry: each run, attempt, question and pause is a span, under its ids in the trace.

A run that begins within a span, as in a service that traces its requests, is below that: its spans belong to
the trace of the request, and are sampled if that is. Where the sink is told what begins (`live=True`), what a
step traces itself is below its attempt.

Names and attributes follow the GenAI semantic conventions where these have a word, and begin with `fsmflow.`
where they have none. What is exported is what a trace may hold, so nothing that is secret; inputs and outputs
are only if `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT` is true.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from importlib import import_module
from types import TracebackType
from typing import Any

INSTALL = "pip install 'fsmflow[otel]'"
LONGEST = 8_000
"""How many characters of an input or an output are exported."""

_CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_BAD_ENDS = ("failed", "cancelled")


class MissingExtra(ImportError):
    """What it takes to export is not installed; the message says how to install it."""


class OtelSink:
    """A sink for traces that makes spans of them; of any number of runs at a time.

    It is to be closed, so that all is exported: it is a context manager.
    """

    def __init__(self, processor: Any, *, content: bool = False) -> None:
        """Make a sink.

        Args:
            processor: An OpenTelemetry `SpanProcessor`, which is told each span when it ends.
            content: Whether inputs and outputs are exported too.
        """
        self._processor = processor
        self._content = content
        self._resource = _module("sdk.resources").Resource.create()
        self._scope = _module("sdk.util.instrumentation").InstrumentationScope("fsmflow")
        self._runs: dict[str, dict[str, Any]] = {}
        self._late: dict[str, list[dict[str, Any]]] = {}
        self._above: dict[str, Any] = {}
        self._around: dict[str, Any] = {}

    def __call__(self, event: dict[str, Any]) -> None:
        """Take one trace event."""
        match event["event"]:
            case "run":
                self._runs[event["span_id"]] = event
                above = _module("trace").get_current_span().get_span_context()
                if event.get("parent_id") is None and above.is_valid:
                    self._above[event["trace_id"]] = above
            case "start" if event["of"] == "attempt":
                self._enter(event)
            case "attempt" | "answer" | "pause":
                self._leave(event)
                self._stage(event)
            case "late":
                self._late.setdefault(event["parent_id"], []).append(event)
            case "end":
                self._run(self._runs.pop(event["span_id"], {}), event)

    def close(self) -> None:
        """Export all that there is; a run that is under way ends here, as one that broke off."""
        # What is below is told before what is above it.
        for run in reversed(list(self._runs.values())):
            self._run(
                run, {"trace_id": run["trace_id"], "span_id": run["span_id"], "end_ns": run["start_ns"]}
            )
        self._runs.clear()
        self._processor.shutdown()

    def __enter__(self) -> OtelSink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _enter(self, event: Mapping[str, Any]) -> None:
        """Have what is traced from now on, in the task of the run, be below an attempt."""
        context, api = _module("context"), _module("trace")
        self._around[event["span_id"]] = context.get_current()
        span = api.NonRecordingSpan(_context(api, *self._trace_of(event), event["span_id"]))
        context.attach(api.set_span_in_context(span))

    def _leave(self, event: Mapping[str, Any]) -> None:
        """Have it be below what the attempt itself is below."""
        around = self._around.pop(event["span_id"], None)
        if around is not None:
            _module("context").attach(around)

    def _trace_of(self, ids: Mapping[str, Any]) -> tuple[int, Any]:
        """Give the trace that an event is exported in, and whether that is sampled."""
        above = self._above.get(ids["trace_id"])
        if above is not None:
            return above.trace_id, above.trace_flags
        flags = _module("trace").TraceFlags
        return int(ids["trace_id"], 16), flags(flags.SAMPLED)

    def _run(self, run: Mapping[str, Any], end: Mapping[str, Any]) -> None:
        """Tell of a run that is over."""
        name = run.get("workflow", "")
        about: dict[str, Any] = {
            "gen_ai.operation.name": "invoke_workflow",
            "gen_ai.agent.name": name,
            "fsmflow.digest": run.get("digest"),
            "fsmflow.run_id": run.get("run_id"),
            "fsmflow.profile": run.get("profile"),
            "fsmflow.child": run.get("child"),
            "fsmflow.end": end.get("end"),
            "fsmflow.end.kind": end.get("kind"),
            **{f"fsmflow.spent.{what}": amount for what, amount in end.get("spent", {}).items()},
            **self._bodies({"input": run.get("input"), "output": end.get("output")}),
        }
        problem = None
        if end.get("kind") in _BAD_ENDS:
            error = end.get("error")
            problem = (end["kind"], error["message"] if error else "")
        late = self._late.pop(end["span_id"], [])
        events = [("fsmflow.late", each["start_ns"], _used(each["use"])) for each in late]
        times = (run.get("start_ns", end["end_ns"]), end["end_ns"])
        parent_id = run.get("parent_id")
        if parent_id is None and end["trace_id"] in self._above:
            about["fsmflow.trace_id"] = end["trace_id"]
        self._end(f"invoke_workflow {name}", end, parent_id, times, about, problem, events)
        if parent_id is None:
            self._above.pop(end["trace_id"], None)

    def _stage(self, event: Mapping[str, Any]) -> None:
        """Tell of an attempt, a question or a pause that is over."""
        kind = "question" if event["event"] == "answer" else event["event"]
        about: dict[str, Any] = {
            "fsmflow.state": event["state"],
            "fsmflow.stage": kind,
            "fsmflow.visit": event["visit"],
            "fsmflow.attempt": event["attempt"],
        }
        name, problem, is_call = event["state"], None, False
        events: list[tuple[str, int, dict[str, Any]]] = []
        if kind == "pause":
            name = f"{name} (pause)"
        else:
            model = event.get("model") or {}
            is_call = bool(model)
            name = f"chat {model['name']}" if is_call else name
            about |= {
                "fsmflow.outcome": event["outcome"],
                "fsmflow.label": event["label"],
                "fsmflow.steps": event.get("steps"),
                **_used(event["use"]),
                **_asked(model),
                **self._bodies(event),
            }
            if event["outcome"] != "success":
                problem = (event["outcome"], event["message"])
            told = event["complaints"]
            events = [("fsmflow.complaint", event["end_ns"], {"fsmflow.complaint": each}) for each in told]
        times = (event["start_ns"], event["end_ns"])
        self._end(name, event, event["parent_id"], times, about, problem, events, is_call=is_call)

    def _bodies(self, event: Mapping[str, Any]) -> dict[str, str]:
        if not self._content:
            return {}
        bodies = {part: event.get(part) for part in ("input", "output")}
        return {
            f"fsmflow.{part}": json.dumps(body, ensure_ascii=False)[:LONGEST]
            for part, body in bodies.items()
            if body is not None
        }

    def _end(
        self,
        name: str,
        ids: Mapping[str, Any],
        parent_id: str | None,
        times: tuple[int, int],
        about: Mapping[str, Any],
        problem: tuple[str, str] | None,
        events: list[tuple[str, int, dict[str, Any]]],
        *,
        is_call: bool = False,
    ) -> None:
        """Tell the processor of a span."""
        sdk, api, status = _module("sdk.trace"), _module("trace"), _module("trace.status")
        above, trace = self._above.get(ids["trace_id"]), self._trace_of(ids)
        attributes = {key: value for key, value in about.items() if value is not None}
        if problem is not None:
            attributes["error.type"] = problem[0]
        self._processor.on_end(
            sdk.ReadableSpan(
                name=name,
                context=_context(api, *trace, ids["span_id"]),
                parent=above if parent_id is None else _context(api, *trace, parent_id),
                resource=self._resource,
                attributes=attributes,
                events=[sdk.Event(what, of, timestamp=when) for what, when, of in events],
                kind=api.SpanKind.CLIENT if is_call else api.SpanKind.INTERNAL,
                status=status.Status(status.StatusCode.UNSET)
                if problem is None
                else status.Status(status.StatusCode.ERROR, problem[1] or problem[0]),
                start_time=times[0],
                end_time=times[1],
                instrumentation_scope=self._scope,
            )
        )


def otel_sink(exporter: Any = None, *, content: bool | None = None) -> OtelSink:
    """Give a sink that exports traces, for `trace=`; it is closed when all runs are over.

    Args:
        exporter: An OpenTelemetry `SpanExporter`; unless given, what `OTEL_TRACES_EXPORTER` names, `otlp` or
            `console`: if it is not set, over OTLP to where `OTEL_EXPORTER_OTLP_ENDPOINT` says.
        content: Whether inputs and outputs are exported too, without what is secret in them; unless given,
            as the environment says.

    Raises:
        MissingExtra: The extra `otel` is not installed.
        ValueError: `OTEL_TRACES_EXPORTER` names another exporter.
    """
    if content is None:
        content = os.environ.get(_CONTENT, "").lower() in ("true", "1")
    export = _module("sdk.trace.export")
    if exporter is None:
        named = os.environ.get("OTEL_TRACES_EXPORTER") or "otlp"
        if named not in _EXPORTERS:
            known = " or ".join(_EXPORTERS)
            raise ValueError(f"OTEL_TRACES_EXPORTER is {named!r:.60}: fsmflow exports by {known}")
        exporter = _EXPORTERS[named]()
    return OtelSink(export.BatchSpanProcessor(exporter), content=content)


def _otlp() -> Any:
    said = (os.environ.get(f"OTEL_EXPORTER_OTLP_{part}PROTOCOL") for part in ("TRACES_", ""))
    way = "grpc" if next(filter(None, said), "") == "grpc" else "http"
    return _module(f"exporter.otlp.proto.{way}.trace_exporter").OTLPSpanExporter()


def _console() -> Any:
    return _module("sdk.trace.export").ConsoleSpanExporter()


_EXPORTERS: Mapping[str, Callable[[], Any]] = {"otlp": _otlp, "console": _console}


def _module(name: str) -> Any:
    """Import a part of OpenTelemetry.

    Raises:
        MissingExtra: It is not installed.
    """
    try:
        return import_module(f"opentelemetry.{name}")
    except ImportError as error:
        if "grpc" in name:
            raise MissingExtra("to export over gRPC takes opentelemetry-exporter-otlp-proto-grpc") from error
        raise MissingExtra(f"to export traces takes OpenTelemetry: {INSTALL}") from error


def _context(api: Any, trace_id: int, flags: Any, span_id: str) -> Any:
    return api.SpanContext(trace_id, int(span_id, 16), is_remote=False, trace_flags=flags)


def _used(use: Mapping[str, int]) -> dict[str, int]:
    return {f"fsmflow.use.{name}": amount for name, amount in use.items()}


def _asked(model: Mapping[str, Any]) -> dict[str, Any]:
    """Give what the conventions have words for, of a model that was asked."""
    if not model:
        return {}
    heat = model.get("temperature")
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": model["name"],
        "gen_ai.request.max_tokens": model.get("max_tokens"),
        "gen_ai.request.temperature": None if heat is None else float(heat),
        "gen_ai.response.model": model.get("answered_by"),
        "gen_ai.response.id": model.get("answer_id"),
        "gen_ai.response.finish_reasons": [model["finish"]] if model.get("finish") else None,
        "gen_ai.usage.input_tokens": model.get("input_tokens"),
        "gen_ai.usage.output_tokens": model.get("output_tokens"),
    }
