"""Random specs in the language, as text: small, with every kind of edge, and often at fault."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

from fsmflow.analysis import Analysis
from fsmflow.loading.structure import structure
from fsmflow.loading.yaml import read_document
from fsmflow.lowering import lower

_MAX_STATES = 6


@st.composite
def specs(draw: st.DrawFn, *, budget: bool | None = None, guards: bool = True) -> str:
    """Draw a spec whose targets are all there; its loops need not be bounded, nor its values set."""
    count = draw(st.integers(1, _MAX_STATES))
    names = [f"s{i}" for i in range(count)]
    ends = ["good", "bad"]
    target = st.sampled_from([*names, *names, *ends])

    def capped() -> str:
        if not draw(st.booleans()):
            return draw(target)
        times, otherwise = draw(st.integers(1, 2)), draw(target)
        per = draw(st.sampled_from(["", ", per: run", *(f", per: {name}" for name in names)]))
        return f"{{to: {draw(target)}, times: {times}, else: {otherwise}{per}}}"

    def reference() -> str:
        value = draw(st.sampled_from([*names, "input", "error"]))
        return f"${value}" + draw(st.sampled_from(["", ".or_null"]))

    lines = ["fsmflow: 1", "workflow: drawn"]
    with_budget = draw(st.booleans()) if budget is None else budget
    if with_budget:
        lines.append(f"budget: {{steps: {draw(st.integers(1, 30))}, time: 1h, exceeded: bad}}")
    lines.append("states:")
    for name in names:
        kind = draw(st.sampled_from(["run", "run", "run", "labelled", "choose", "wait", "ask", "call"]))
        lines.append(f"  {name}:")
        if kind == "wait":
            lines += ["    wait: 1s", f"    success: {capped()}"]
            continue
        if kind == "choose":
            lines.append("    choose:")
            for _ in range(draw(st.integers(0, 2))):
                other = draw(st.sampled_from([*names, "error"]))
                guard = draw(st.sampled_from([f"{other} is None", f"{other} is not None", "input == 1"]))
                to, otherwise = draw(target), draw(target)
                cap = draw(st.sampled_from(["", f", times: 1, else: {otherwise}"]))
                if guards:
                    lines.append(f"      - {{when: {guard}, to: {to}{cap}}}")
            lines.append(f"      - {{to: {draw(target)}}}")
            continue
        labelled = kind == "labelled"
        if kind == "ask":
            labelled = draw(st.booleans())
            lines += ["    ask: Which?", "    timeout: 7d", *([] if labelled else ["    gives: str"])]
        elif kind == "call":
            lines += ["    call: other"]
        else:
            lines += ["    run: m:f", "    timeout: 1s", "    effect: none"]
        if draw(st.booleans()):
            lines.append(f"    {'show' if kind == 'ask' else 'with'}: {{a: {reference()}}}")
        if labelled:
            lines += ["    success:", f"      a: {capped()}", f"      b: {capped()}"]
        else:
            lines.append(f"    success: {capped()}")
        if kind in ("ask", "call"):
            lines.append(f"    fallback: {capped()}")
            continue
        if draw(st.booleans()):
            per = draw(st.sampled_from(["", ", per: run", f", per: {draw(st.sampled_from(names))}"]))
            lines.append(f"    retry: {{times: {draw(st.integers(1, 2))}, backoff: 1ms{per}}}")
        if draw(st.booleans()):
            again = draw(st.sampled_from(["{times: 1}", f"{{to: {draw(target)}}}", "{times: 2, per: run}"]))
            lines.append(f"    invalid: {again}")
        lines.append(f"    fallback: {capped()}")
    lines += ["  good: {end: success}", "  bad: {end: failed}", ""]
    return "\n".join(lines)


def analysed(text: str, folder: Path | None = None) -> Analysis:
    """Take a spec as far as its machine."""
    document = read_document(text, "spec.yaml")
    structured = structure(document)
    assert structured.workflow is not None
    return Analysis(document, structured.workflow, lower(structured.workflow), folder, structured.damaged)
