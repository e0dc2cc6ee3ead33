"""What a diagram says of a machine."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from fsmflow.backends.diagram import Diagram, Edge, Node, Reason, extract
from fsmflow.expressions import parse_guard
from fsmflow.machine import Choice, Machine, Resources, Transition
from tests.backends.drawn_machines import ASK_DOCS, compiled, end, machine, machines, work


@pytest.fixture(scope="module")
def ask_docs() -> Diagram:
    return extract(compiled(ASK_DOCS))


def node(diagram: Diagram, name: str) -> Node:
    return next(node for node in diagram.nodes if node.name == name)


def edge(diagram: Diagram, source: str, target: str) -> Edge:
    (found,) = (e for e in diagram.edges if (e.source, e.target) == (source, target))
    return found


def to(source: str, target: str, kind: str = "success", **rest: object) -> Transition:
    on = {"success": "success", "unknown": "unknown", "invalid": "invalid", "retry": "transient"}
    label = rest.pop("label", None)
    return Transition(source, on.get(kind, "failure"), label, kind, target, **rest)  # type: ignore[arg-type]


def test_header_has_the_name_the_title_and_every_cap(ask_docs: Diagram) -> None:
    """The header names the workflow, says what it is for, and lists each cap in words."""
    assert (ask_docs.name, ask_docs.title) == ("ask_docs", "Answer a question from the documentation.")
    assert ask_docs.budget == ("$0.20", "2 min", "32 steps", "8 tool calls", "12,000 tokens")


def test_legend_lists_what_is_present(ask_docs: Diagram) -> None:
    """The legend explains each look that is drawn, and no other."""
    assert ask_docs.legend == ("success", "loop", "fallback", "budget")


def test_retry_and_re_ask_are_policy(ask_docs: Diagram) -> None:
    """Further attempts are words in their state, with caps and pauses, and no edges."""
    assert node(ask_docs, "draft").policy == ("retry ≤2", "1–2 s", "re-ask ≤2")
    assert not [e for e in ask_docs.edges if e.source == e.target]


def test_facts_say_what_an_attempt_may_take(ask_docs: Diagram) -> None:
    """A step tells its function if that has another name, its time and its cost."""
    assert node(ask_docs, "draft").facts == ("write", "20 s", "$0.018", "1,500 tokens")
    assert node(ask_docs, "retrieve").facts == ("5 s", "1 tool call")


def test_reserved_states_are_marked(ask_docs: Diagram) -> None:
    """A state whose cost is set aside says so."""
    assert node(ask_docs, "quote").policy == ("reserved",)


def test_spine_is_the_path_of_success(ask_docs: Diagram) -> None:
    """The spine leads over first-listed successes to an end of success."""
    assert [n.name for n in ask_docs.nodes if n.lane == "spine"] == ["retrieve", "draft", "check", "done"]


def test_spine_avoids_loops_that_are_listed_first() -> None:
    """A loop that stands before the way on does not lead the spine astray."""
    drawn = extract(
        machine(
            [work("plan"), work("tool"), end("done")],
            [to("plan", "tool", label="act"), to("plan", "done", label="stop"), to("tool", "plan")],
        )
    )
    assert [(n.name, n.lane) for n in drawn.nodes] == [("plan", "spine"), ("tool", "loop"), ("done", "spine")]


def test_loop_back_has_its_bound(ask_docs: Diagram) -> None:
    """A way back is a loop, and says how often it may be taken."""
    assert edge(ask_docs, "check", "retrieve") == Edge(
        "check", "retrieve", "loop", (Reason("ungrounded", "≤2"),)
    )


def test_way_out_of_a_cap_is_a_fallback(ask_docs: Diagram) -> None:
    """Where a capped edge ends is drawn as a fallback, joined with the failure that leads there too."""
    found = edge(ask_docs, "check", "quote")
    assert found.look == "fallback"
    assert found.reasons == (Reason("cap reached"), Reason("failed"))


def test_used_up_retries_are_told_where_they_lead_elsewhere() -> None:
    """A way out of `retry` or re-ask that is not the state's fallback says what was used up."""
    drawn = extract(
        compiled(
            ASK_DOCS.replace("backoff: 1s}", "backoff: 1s, else: apologise}").replace(
                "invalid: {times: 2}", "invalid: {times: 2, else: plain}"
            )
        )
    )
    assert edge(drawn, "draft", "apologise").reasons == (Reason("retries used up"),)
    assert edge(drawn, "draft", "plain").reasons == (Reason("still invalid"),)
    assert edge(drawn, "draft", "quote").reasons == (Reason("failed"),)


def test_exceeded_is_told_once(ask_docs: Diagram) -> None:
    """The ways of a used-up budget are one way from any step; no end that none can reach is drawn."""
    assert ask_docs.exceeded == "quote"
    assert not [e for e in ask_docs.edges if e.look == "budget"]
    assert "exceeded" not in {n.name for n in ask_docs.nodes}


def test_without_caps_nothing_is_exceeded() -> None:
    """A machine without caps has no way from any step."""
    assert extract(machine([work("a"), end("done")], [to("a", "done")])).exceeded is None


def test_ways_to_a_failed_end_are_errors() -> None:
    """What leads to a failed end, or leaves a result unknown, looks like an error."""
    drawn = extract(
        machine(
            [work("a"), end("done"), end("no", "failed"), end("who", "handoff")],
            [to("a", "done"), to("a", "no", label="bad"), to("a", "who", "unknown")],
        )
    )
    assert edge(drawn, "a", "no").look == "error"
    assert edge(drawn, "a", "who") == Edge("a", "who", "error", (Reason("result unknown"),))


def test_arms_of_a_choice_show_their_guards() -> None:
    """The arms of a choice are labelled by what they ask; the last by `otherwise`."""
    drawn = extract(
        machine(
            [Choice(name="which", title="", reserve=False), end("a"), end("b")],
            [
                to("which", "a", label="arm_1", when=parse_guard("not (x.y == 1 or len(z) > 2)")),
                to("which", "b", label="arm_2"),
            ],
        )
    )
    assert edge(drawn, "which", "a").reasons == (Reason("not (x.y == 1 or len(z) > 2)"),)
    assert edge(drawn, "which", "b").reasons == (Reason("otherwise"),)


def test_arm_to_itself_is_policy() -> None:
    """An arm from a state to itself stands in the state, with its bound."""
    drawn = extract(
        machine(
            [work("a"), end("done")],
            [to("a", "a", label="again", below=("c",)), to("a", "done", label="ok")],
            {"c": 3},
        )
    )
    assert node(drawn, "a").policy == ("↑ again ≤3",)


def test_what_happens_on_any_outcome_needs_no_reason() -> None:
    """Success and failure that lead the same way back are one loop without a label."""
    drawn = extract(
        machine(
            [work("plan"), work("tool"), end("done")],
            [
                to("plan", "done", label="stop"),
                to("plan", "tool", label="act"),
                to("tool", "plan"),
                to("tool", "plan", "fallback"),
            ],
        )
    )
    assert edge(drawn, "tool", "plan").reasons == ()


@pytest.mark.parametrize(
    ("cost", "role"),
    [
        (Resources(), "fn"),
        (Resources(tool_calls=1), "tool"),
        (Resources(tool_calls=1, micro_usd=5), "tool"),
        (Resources(tokens=1), "llm"),
        (Resources(tokens=1, tool_calls=1), "llm"),
        (Resources(micro_usd=1), "llm"),
    ],
)
def test_role_follows_cost(cost: Resources, role: str) -> None:
    """Tokens make a model call, tool calls a tool, money alone a model call, and nothing a function."""
    assert extract(machine([work("a", cost=cost), end("done")], [to("a", "done")])).nodes[0].role == role


def test_hostile_title_is_one_visible_line() -> None:
    """Control, direction-turning and excess characters of a title do not reach the diagram."""
    title = "a\0b\u202ec\n\td " + "x" * 20_000
    drawn = extract(machine([work("a", title=title), end("done")], [to("a", "done")]))
    assert drawn.nodes[0].title.startswith("a bc d xxx")
    assert len(drawn.nodes[0].title) == 200


def test_ten_thousand_states_are_no_trouble() -> None:
    """A chain of ten thousand states has a spine of as many, found without recursion."""
    names = [f"s{number}" for number in range(10_000)]
    chain = machine(
        [*(work(name) for name in names), end("done")],
        [to(a, b) for a, b in zip(names, [*names[1:], "done"], strict=True)]
        + [to(names[-1], names[0], "fallback")],
    )
    drawn = extract(chain)
    assert all(n.lane == "spine" for n in drawn.nodes)
    assert edge(drawn, names[-1], names[0]).look == "loop"


@given(machines())
@settings(max_examples=150)
def test_every_transition_is_drawn(drawn: Machine) -> None:
    """The edges are the pairs of states that transitions join; what stays in a state is its policy."""
    diagram = extract(drawn)
    between = {(t.source, t.target) for t in drawn.transitions if t.source != t.target}
    assert {(e.source, e.target) for e in diagram.edges} == between
    within = {t.source for t in drawn.transitions if t.source == t.target}
    assert within <= {n.name for n in diagram.nodes if n.policy}
    assert {n.name for n in diagram.nodes} == set(drawn.states)


@given(machines())
@settings(max_examples=150)
def test_without_loops_nothing_leads_back(drawn: Machine) -> None:
    """The edges that are no loops have no cycle, so that the drawing can run down the page."""
    diagram = extract(drawn)
    left = {n.name: 0 for n in diagram.nodes}
    onward = [e for e in diagram.edges if e.look != "loop"]
    for e in onward:
        left[e.target] += 1
    ready = [name for name, count in left.items() if not count]
    for name in ready:
        for e in onward:
            if e.source == name:
                left[e.target] -= 1
                if not left[e.target]:
                    ready.append(e.target)
    assert len(ready) == len(left)


@given(machines())
@settings(max_examples=100)
def test_loops_lie_on_cycles(drawn: Machine) -> None:
    """A loop's target can reach its source again: nothing else is called a loop."""
    diagram = extract(drawn)
    for loop in (e for e in diagram.edges if e.look == "loop"):
        met, queue = {loop.target}, [loop.target]
        for name in queue:
            for e in diagram.edges:
                if e.source == name and e.target not in met:
                    met.add(e.target)
                    queue.append(e.target)
        assert loop.source in met
