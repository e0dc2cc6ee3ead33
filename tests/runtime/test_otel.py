"""Traces by OpenTelemetry: one span a run, attempt, question and pause, under the ids of the trace."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from contextlib import ExitStack
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode

from fsmflow.runtime import Answer, Invalid, Permanent, Runner, StepContext, Transient
from fsmflow.runtime.otel import INSTALL, MissingExtra, OtelSink, otel_sink
from fsmflow.spec import Ask, Budget, Cost, Duration, End, Llm, Model, Wait
from tests.runtime.families import family
from tests.runtime.model_server import says, serving
from tests.runtime.workbench import compiled, reask, retry, seconds, step


class Person:
    """A desk at which every question is answered alike."""

    async def ask(self, asked: Any) -> Answer:
        return asked.answer("yes")


def exported(runner: Runner[Any, Any], given: Any = None, **options: Any) -> tuple[list[Any], list[Any]]:
    """Run, and give the spans that were exported, and the events of the trace."""
    exporter, events = InMemorySpanExporter(), list[Any]()
    content = options.pop("content", None)
    with otel_sink(exporter, content=content) as sink:

        def both(event: dict[str, Any]) -> None:
            sink(event)
            events.append(event)

        runner.run_sync(given, trace=both, **options)
    return list(exporter.get_finished_spans()), events


def ids(span: Any) -> tuple[str, str, str | None]:
    parent = None if span.parent is None else f"{span.parent.span_id:016x}"
    return f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}", parent


def flow(**more: Any) -> Runner[Any, Any]:
    states = {
        "draft": step(retry=retry(1), invalid=reask(1), cost=Cost(tokens=9), success="rest"),
        "rest": Wait(wait=Duration(1000), success="sure"),
        "sure": Ask(
            ask="Sure?", timeout=seconds(60), success={"yes": "last", "no": "failed"}, fallback="failed"
        ),
        "last": step(fallback="failed"),
    }
    return compiled(states, **more)


def drafting() -> Any:
    async def draft(ctx: StepContext) -> str:
        ctx.charge(tokens=3)
        if ctx.attempt == 1:
            raise Transient("busy")
        if ctx.attempt == 2:
            raise Invalid("too short", "no source")
        return "x"

    return draft


def failing() -> None:
    raise Permanent("broken")


def test_each_part_of_a_run_is_a_span():
    """Runs, attempts, pauses, waits and questions are spans, with the ids, parents and times of the trace."""
    steps = {"draft": drafting(), "last": failing}
    spans, events = exported(flow(), steps=steps, desk=Person())
    written = {event["span_id"]: event for event in events if event["event"] not in ("run", "late")}
    opening = events[0]

    assert [span.name for span in spans] == [
        "draft", "draft (pause)", "draft", "draft", "rest (pause)", "sure", "last", "invoke_workflow little"
    ]  # fmt: skip
    assert {ids(span)[0] for span in spans} == {opening["trace_id"]}
    assert [ids(span)[1] for span in spans] == list(written)
    assert [ids(span)[2] for span in spans] == [*[opening["span_id"]] * 7, None]
    for span in spans[:-1]:
        event = written[ids(span)[1]]
        assert (span.start_time, span.end_time) == (event["start_ns"], event["end_ns"])
    assert (spans[-1].start_time, spans[-1].end_time) == (opening["start_ns"], events[-1]["end_ns"])


def test_a_span_tells_how_its_attempt_ended():
    """What failed has the status of an error, its outcome and its reason; complaints are events."""
    steps = {"draft": drafting(), "last": failing}
    spans, _ = exported(flow(), steps=steps, desk=Person())
    first, _, second, third, _, asked, last, whole = spans

    assert first.status.status_code == StatusCode.ERROR
    assert (first.status.description, first.attributes["error.type"]) == ("busy", "transient")
    assert (first.attributes["fsmflow.attempt"], first.attributes["fsmflow.use.tokens"]) == (1, 3)
    assert [event.attributes["fsmflow.complaint"] for event in second.events] == ["too short", "no source"]
    assert third.status.status_code == StatusCode.UNSET
    assert "error.type" not in third.attributes
    assert (asked.attributes["fsmflow.stage"], asked.attributes["fsmflow.label"]) == ("question", "yes")
    assert last.attributes["error.type"] == "failure"
    assert (whole.status.description, whole.attributes["error.type"]) == ("broken", "failed")
    assert whole.attributes["fsmflow.end"] == "failed"
    assert whole.attributes["fsmflow.spent.tokens"] == 9
    assert whole.attributes["gen_ai.operation.name"] == "invoke_workflow"
    assert whole.attributes["gen_ai.agent.name"] == "little"


def test_the_runs_of_children_are_below_what_started_them():
    """A child's run is a span below the attempt that ran it, and its attempts are below the child's."""
    child = "states:\n  a: {run: m:f, effect: none, success: ok, fallback: ok}\n  ok: {end: success}\n"
    parent = (
        "states:\n  each: {map: child, over: $input, at_most: 3, width: 2, success: ok, fallback: ok}\n"
        "  ok: {end: success}\n"
    )
    runner = family(child=child, parent=parent)
    spans, _ = exported(runner, [{}, {}], steps={"each.a": lambda: None})
    by_name: dict[str, list[Any]] = {}
    for span in spans:
        by_name.setdefault(span.name, []).append(span)
    (whole,), (each,) = by_name["invoke_workflow parent"], by_name["each"]
    children = by_name["invoke_workflow child"]

    assert {ids(span)[0] for span in spans} == {ids(whole)[0]}
    assert ids(each)[2] == ids(whole)[1]
    assert {ids(child)[2] for child in children} == {ids(each)[1]}
    assert sorted(child.attributes["fsmflow.child"] for child in children) == [0, 1]
    assert {ids(a)[2] for a in by_name["a"]} == {ids(child)[1] for child in children}
    assert each.attributes["fsmflow.steps"] == 3


def test_a_run_within_a_span_is_below_it() -> None:
    """Under the span of a request, a run is a part of its trace, and says which id it has in its own."""
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("service")
    with tracer.start_as_current_span("request") as request:
        spans, events = exported(flow(), steps={"draft": drafting(), "last": failing}, desk=Person())
    about = request.get_span_context()
    above = {event["span_id"]: event.get("parent_id") for event in events}
    top = f"{about.span_id:016x}"

    assert len(spans) > 3
    assert {span.context.trace_id for span in spans} == {about.trace_id}
    assert {at: parent for _, at, parent in map(ids, spans)} == {at: above[at] or top for at in above}
    assert spans[-1].attributes["fsmflow.trace_id"] == events[0]["trace_id"]


def test_a_run_within_a_span_that_is_not_sampled_is_not_either() -> None:
    """What nobody samples has no spans below it."""
    tracer = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False).get_tracer("service")
    with tracer.start_as_current_span("request"):
        spans, events = exported(flow(), steps={"draft": drafting(), "last": failing}, desk=Person())

    assert (spans, events[-1]["event"]) == ([], "end")


@pytest.mark.parametrize("is_within", [True, False])
def test_what_a_step_traces_itself_is_below_its_attempt(*, is_within: bool) -> None:
    """Spans that are begun inside of steps, async and in threads, hang from their attempts."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("service")

    async def waiting(ctx: StepContext) -> str:
        await asyncio.sleep(0)
        with tracer.start_as_current_span(f"attempt {ctx.attempt}"):
            await asyncio.sleep(0)
        if ctx.attempt == 1:
            raise Transient("busy")
        return "x"

    def blocking() -> None:
        with tracer.start_as_current_span("thread"):
            raise Permanent("broken")

    async def serve(sink: OtelSink) -> None:
        steps = {"draft": waiting, "last": blocking}
        await flow().run(None, trace=sink, live=True, steps=steps, desk=Person())
        tracer.start_span("after").end()

    with otel_sink(told := InMemorySpanExporter()) as sink, ExitStack() as stack:
        if is_within:
            stack.enter_context(tracer.start_as_current_span("request"))
        asyncio.run(serve(sink))
    own = {span.name: span for span in exporter.get_finished_spans()}
    spans = told.get_finished_spans()
    first, second, last = (span for span in spans if span.name in ("draft", "last"))

    assert [own[name].parent.span_id for name in ("attempt 1", "attempt 2", "thread")] == [
        span.context.span_id for span in (first, second, last)
    ]
    assert own["attempt 1"].context.trace_id == first.context.trace_id
    assert own["after"].parent == (own["request"].context if is_within else None)


def test_a_model_is_told_of_by_the_conventions(tmp_path, monkeypatch):
    """An attempt that asks a model is a client's span, with what GenAI conventions have words for."""
    (tmp_path / "p.md").write_text("Hi", encoding="utf-8")
    model = Model(model="small", prompt="p.md", max_tokens=40, temperature=1)
    state = Llm(llm=model, cost=Cost(tokens=900), timeout=seconds(20), success="done", fallback="failed")
    runner = compiled({"draft": state}, budget=Budget(steps=3))
    runner.folder = tmp_path
    with serving(says("Hello")) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        spans, events = exported(runner)
    span, attributes = spans[0], dict(spans[0].attributes)

    assert (span.name, span.kind) == ("chat small", SpanKind.CLIENT)
    assert {key: value for key, value in attributes.items() if key.startswith("gen_ai.")} == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "small",
        "gen_ai.request.max_tokens": 40,
        "gen_ai.request.temperature": 1.0,
        "gen_ai.response.id": "1",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 90,
        "gen_ai.usage.output_tokens": 33,
    }
    assert events[1]["model"]["name"] == "small"


def test_bodies_are_exported_only_if_asked_for(monkeypatch):
    """Inputs and outputs stay here, unless the environment or the caller wants them; secrets always do."""
    monkeypatch.delenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", raising=False)
    states = {"a": step(with_={"x": "$input.open", "y": "$input.hidden"}, success="given")}
    runner = compiled(states | {"given": End(end="success", output="$a")}, secret=["hidden"])
    given, steps = {"open": "an open text", "hidden": "a hidden text"}, {"a": lambda x, y: x + y}
    silent = "".join(span.to_json() for span in exported(runner, given, steps=steps)[0])
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true")
    (attempt, whole), _ = exported(runner, given, steps=steps)

    assert "open text" not in silent
    assert json.loads(attempt.attributes["fsmflow.input"])["x"] == "an open text"
    assert json.loads(whole.attributes["fsmflow.output"]) == "an open text[secret]"
    assert "hidden text" not in attempt.to_json() + whole.to_json()


def test_what_is_charged_late_is_an_event_of_the_run():
    """A late charge has no time of its own: it is told on the run's span."""
    exporter = InMemorySpanExporter()
    ids_ = {"trace_id": "0" * 31 + "1", "span_id": "0" * 15 + "1"}
    with otel_sink(exporter) as sink:
        sink({"event": "run", **ids_, "workflow": "w", "start_ns": 5})
        sink({"event": "late", "parent_id": ids_["span_id"], "start_ns": 7, "use": {"tokens": 4}})
        sink({"event": "end", **ids_, "end": "done", "kind": "success", "end_ns": 9, "spent": {}})
    (span,) = exporter.get_finished_spans()

    assert [(event.name, event.timestamp, dict(event.attributes)) for event in span.events] == [
        ("fsmflow.late", 7, {"fsmflow.use.tokens": 4})
    ]


def test_a_run_that_is_cancelled_or_breaks_off_is_exported_all_the_same():
    """A cancelled run is an error of that kind; one that has no end yet has a span too."""

    async def main(sink: Any) -> None:
        task = asyncio.create_task(runner.run(None, steps={"a": forever}, trace=sink))
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])

    async def forever() -> None:
        await asyncio.sleep(60)

    runner = compiled({"a": step()})
    exporter = InMemorySpanExporter()
    with otel_sink(exporter) as sink:
        asyncio.run(main(sink))
        sink({"event": "run", "trace_id": "1", "span_id": "2", "workflow": "other", "start_ns": 5})
    attempt, whole, open_one = exporter.get_finished_spans()

    assert attempt.attributes["error.type"] == "cancelled"
    assert whole.attributes["error.type"] == "cancelled"
    assert (open_one.name, open_one.status.status_code) == ("invoke_workflow other", StatusCode.UNSET)


@pytest.mark.parametrize(
    "hidden", ["opentelemetry.sdk.trace.export", "opentelemetry.exporter.otlp.proto.http"]
)
def test_a_missing_extra_is_named(monkeypatch, hidden):
    """Without OpenTelemetry the message is the command that installs it."""
    monkeypatch.delenv("OTEL_TRACES_EXPORTER", raising=False)
    for name in [name for name in sys.modules if name.startswith(hidden)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, hidden, None)

    with pytest.raises(MissingExtra) as missing:
        otel_sink()
    assert INSTALL in str(missing.value)


@pytest.mark.parametrize("named", ["zipkin", "none"])
def test_another_exporter_is_refused(monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    """Spans do not go where nobody said that they should go."""
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", named)

    with pytest.raises(
        ValueError, match=f"OTEL_TRACES_EXPORTER is '{named}': fsmflow exports by otlp or console"
    ):
        otel_sink()


def test_the_environment_says_where_to():
    """OTEL_TRACES_EXPORTER chooses, and `fsmflow` alone needs none of it."""
    code = (
        "import sys, fsmflow.runtime, fsmflow.cli\n"
        "from fsmflow.runtime.otel import otel_sink\n"
        "assert not any(name.startswith('opentelemetry') for name in sys.modules)\n"
        "with otel_sink() as sink:\n"
        "    sink({'event': 'run', 'trace_id': '1', 'span_id': '2', 'workflow': 'w', 'start_ns': 5})\n"
    )
    environment = {"OTEL_TRACES_EXPORTER": "console", "OTEL_SERVICE_NAME": "shop", "PATH": ""}
    said = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )

    assert "invoke_workflow w" in said.stdout
    assert '"service.name": "shop"' in said.stdout
