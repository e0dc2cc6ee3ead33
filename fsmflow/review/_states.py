"""Each state: what it promises, where it leads, where its code is, and its share of the worst case."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from fsmflow.analysis import Analysis
from fsmflow.analysis.kinds.symbols import Symbol, resolve
from fsmflow.analysis.proof import Proof
from fsmflow.analysis.proving.counter_machine import METRICS, Metric
from fsmflow.analysis.terms import written_guard
from fsmflow.backends._wording import duration, money, pause
from fsmflow.machine import Ask, Children, Choice, End, Machine, Model, State, Transition, Wait, Work
from fsmflow.reporting.amounts import NAMES, worded
from fsmflow.review._files import called
from fsmflow.review._ways import BUDGET, Ways

_EFFECTS = {
    "none": "none",
    "idempotent": "idempotent: repeating it changes nothing more",
    "once": "once: never repeated",
}
_FORMS = {
    "schema": "JSON by its schema",
    "object": "a JSON object",
    "text": "words",
    "tools": "a call of one of its tools",
}
_ON = {
    "retry": "transient failure",
    "invalid": "rejected output",
    "fallback": "failure",
    "unknown": "result unknown",
    "exceeded": "budget used up",
}

Rows = list[list[str]]
"""Names, each with what is said of it."""


def states(analysis: Analysis, proof: Proof | None, ways: Ways) -> list[dict[str, Any]]:
    """Tell of each state that is drawn, in the order of the drawing."""
    worst = {} if proof is None else _shares(proof)
    return [
        _state(analysis, ways, node.name, node.role) | {"worst": worst.get(node.name, [])}
        for node in ways.diagram.nodes
    ]


def _state(analysis: Analysis, ways: Ways, name: str, role: str) -> dict[str, Any]:
    state = analysis.machine.states[name]
    return {
        "name": name,
        "role": role,
        "title": state.title,
        "contract": _contract(analysis, state),
        "limits": list(_limits(analysis.machine, state)),
        "ways": _out(analysis, ways, name),
        "places": _places(analysis, state),
    }


def _contract(analysis: Analysis, state: State) -> Rows:
    """Tell what a state takes and gives, in the words of the spec where it has any."""
    match state:
        case Work():
            rows = [
                ["call", state.call],
                *_asked(state.model),
                *_run(state.children),
                *(["over", text] for _, text in _written(analysis, state.name, "over")),
                *(["with", f"{name} = {text}"] for name, text in _written(analysis, state.name, "with")),
                ["gives", "" if state.gives is None else str(state.gives)],
                ["as", "" if state.value == state.name else f"${state.value}"],
                *(["accept", check] for check in state.accept),
                ["effect", _EFFECTS.get(state.effect or "", "")],
                *(["key", text] for _, text in _written(analysis, state.name, "key")),
                *(["profile", f"{profile}: {step}"] for profile, step in _swapped(analysis, state.name)),
            ]
            return [row for row in rows if row[1]]
        case End():
            return [
                ["end", state.kind],
                *(["output", text] for _, text in _written(analysis, state.name, "output")),
            ]
        case Ask():
            rows = [
                ["ask", state.question],
                *(["show", f"{name} = {text}"] for name, text in _written(analysis, state.name, "show")),
                ["role", state.role],
                ["gives", "" if state.gives is None else str(state.gives)],
                ["as", "" if state.value == state.name else f"${state.value}"],
            ]
            return [row for row in rows if row[1]]
        case Choice() | Wait():
            return []


def _asked(model: Model | None) -> Rows:
    """Tell what is asked of a model."""
    if model is None:
        return []
    return [
        ["model", model.model],
        ["prompt", model.prompt],
        ["system", model.system or ""],
        ["answer", f"{_FORMS[model.format]}, at most {model.max_tokens:,} tokens"],
        *(["tool", name if takes is None else f"{name}: {takes}"] for name, takes in model.tools),
        ["temperature", model.temperature or ""],
        *(["option", f"{name}: {said}"] for name, said in model.options),
    ]


def _run(children: Children | None) -> Rows:
    """Tell which workflows are run, those that run side by side by what they are called there."""
    if children is None:
        return []
    keyed = children.kind == "parallel"
    return [
        [children.kind, f"{key}: {callee.name}" if keyed else callee.name]
        for key, callee in children.callees.items()
    ]


def _swapped(analysis: Analysis, name: str) -> Iterator[tuple[str, str]]:
    for profile, steps in analysis.machine.profiles.items():
        if name in steps:
            yield profile, steps[name]


def _written(analysis: Analysis, name: str, key: str) -> Iterator[tuple[str, str]]:
    """Give what the spec says at a key of a state: each part of a mapping, or the whole."""
    tree = analysis.document.tree
    for step in ("states", name, key):
        tree = tree.get(step) if isinstance(tree, dict) else None
    if isinstance(tree, dict):
        yield from ((str(part), _text(value)) for part, value in tree.items())
    elif tree is not None:
        yield "", _text(tree)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _limits(machine: Machine, state: State) -> Iterator[list[str]]:
    """Tell what one attempt may use, how often it is made again, and what is set aside for it."""
    if isinstance(state, Wait):
        yield ["waits", duration(state.duration_us)]
    if isinstance(state, Ask) and state.timeout_us is not None:
        yield ["waits", f"at most {duration(state.timeout_us)} for an answer; on no budget"]
    if isinstance(state, Work):
        yield from _fan(state.children)
        time = "timeout" if state.children is None else "time"
        yield [time, "none" if state.timeout_us is None else duration(state.timeout_us)]
        cost = state.cost
        yield from (
            [name, said]
            for name, amount, said in (
                ("steps", cost.steps, f"{state.steps:,} an attempt"),
                ("tool calls", cost.tool_calls, f"{cost.tool_calls:,} an attempt"),
                ("tokens", cost.tokens, f"{cost.tokens:,} an attempt"),
                ("money", cost.micro_usd, f"{money(cost.micro_usd)} an attempt"),
            )
            if amount
        )
    for way in machine.outgoing[state.name]:
        if way.same_visit and way.kind != "exceeded":
            cap = min((machine.counters[name].cap for name in way.below), default=1)
            again = f"at most {cap:,}{_per(machine, way)}"
            if way.kind == "retry" and way.pause is not None:
                jitter = ", drawn at random below" if way.pause.jitter == "full" else ""
                again += f", after {pause(way.pause, cap)}{jitter}"
            yield ["retry" if way.kind == "retry" else "re-ask", again]
    if not isinstance(state, End) and state.reserve:
        yield ["reserve", "its cost is set aside from the start"]


def _fan(children: Children | None) -> Iterator[list[str]]:
    """Tell of how many children there are at most, how many run at a time, and how many may fail."""
    if children is not None and children.kind == "map":
        yield ["items", f"at most {children.at_most:,}, {children.width:,} at a time"]
        yield ["failures", f"at most {children.tolerate:,}" if children.tolerate else "none"]


def _per(machine: Machine, way: Transition) -> str:
    """Say what the caps of a way count per, where that is not the visit."""
    scopes = {machine.counters[name].per for name in way.below} - {way.source}
    return "".join(f" per {scope or 'run'}" for scope in sorted(scopes, key=str))


def _out(analysis: Analysis, ways: Ways, name: str) -> list[dict[str, Any]]:
    """Tell the ways out of a state: why, where to, how often at most, and where the spec says so."""
    machine = analysis.machine
    found: dict[tuple[str, int, str], dict[str, Any]] = {}
    for way in machine.outgoing[name]:
        if way.target not in ways.states or way.same_visit or ways.number(way) == BUDGET:
            continue
        on, target = _reason(machine, way), ways.states[way.target]
        caps = " · ".join(_cap(machine, each) for each in way.below)
        line = analysis.document.locate(analysis.route(way)).line
        # A step fails in several ways, and most lead to one place.
        found.setdefault(
            (on, target, caps),
            {"on": on, "target": target, "caps": caps, "line": line, "edge": ways.number(way)},
        )
    return list(found.values())


def _cap(machine: Machine, counter: str) -> str:
    found = machine.counters[counter]
    return f"≤{found.cap:,} per {found.per or 'run'}"


def _reason(machine: Machine, way: Transition) -> str:
    if way.kind != "success":
        asked = isinstance(machine.states[way.source], Ask)
        said = "no answer" if asked and way.kind == "fallback" else _ON[way.kind]
    elif not isinstance(machine.states[way.source], Choice):
        said = way.label or "success"
    else:
        said = "otherwise" if way.when is None else written_guard(way.when)
    return f"{said}, cap reached" if way.used_up is not None else said


def _places(analysis: Analysis, state: State) -> Rows:
    """Tell where a state stands in the spec, and where the code of its step does."""
    document = analysis.document
    rows = [["spec", f"{called(document.path)}:{document.locate(('states', state.name), key=True).line}"]]
    if isinstance(state, Work) and state.model is not None:
        rows.append(["prompt", f"{called(state.model.prompt)}:1"])
    elif isinstance(state, Work) and state.children is not None:
        names = dict.fromkeys(callee.name for callee in state.children.callees.values())
        found = (analysis.callees[name].path for name in names if name in analysis.callees)
        rows += [["workflow", called(str(path))] for path in found]
    elif isinstance(state, Work):
        module, _, function = state.call.partition(":")
        symbol = resolve(analysis.modules, module, function)
        if isinstance(symbol, Symbol):
            rows.append(["code", _place(analysis, symbol)])
    return rows


def _place(analysis: Analysis, symbol: Symbol) -> str:
    """Give the file of a symbol as it is called beside the spec; elsewhere, by the module's name alone."""
    folder, path = analysis.folder, symbol.module.path
    beside = folder is not None and path.is_relative_to(folder)
    return f"{called(path.as_posix()) if beside else symbol.module.name}:{symbol.node.lineno}"


def _shares(proof: Proof) -> dict[str, list[dict[str, Any]]]:
    """Tell how much of the worst case in each metric is whose."""
    found: dict[str, list[dict[str, Any]]] = {}
    for metric in NAMES:
        if metric == "transitions" or metric not in proof.bounds:
            continue
        used = used_by(proof, metric)
        total = sum(used.values())
        for name, amount in used.items():
            if amount:
                share = {"name": NAMES[metric], "amount": worded(metric, amount), "share": amount / total}
                found.setdefault(name, []).append(share)
    return found


def used_by(proof: Proof, metric: Metric) -> dict[str, int]:
    """Give how much of a metric each state uses in the worst run that is known; time to the millisecond."""
    witness = proof.bounds[metric].witness
    found: Counter[str] = Counter()
    for entry in () if witness is None else witness.entries:
        found[entry.state] += entry.use.amounts()[METRICS.index(metric) - 1]
    return {name: round(used, -3) if metric == "microseconds" else used for name, used in found.items()}
