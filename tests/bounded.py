"""Random workflows without choices on values, most of which end: capped loops, retries, re-asks, budgets."""

from __future__ import annotations

from random import Random

from fsmflow import spec
from fsmflow.lowering import lower
from fsmflow.machine import Callee, Caps, Machine

_LABELS = ("yes", "no", "more")


def bounded_machine(random: Random, *, tiny: bool = False, budget: bool = True) -> Machine:
    """Draw a workflow, as `bounded` does, and give the machine that it means."""
    return lower(bounded(random, tiny=tiny, budget=budget), callees(tiny=tiny))


def callees(*, tiny: bool) -> dict[str, Callee]:
    """Give the workflows that the drawn ones run."""
    times = (1, 2) if tiny else (1_000_000, 5_000_000)
    most = {
        "short": Caps(steps=1, tool_calls=0, tokens=1, micro_usd=0, time_us=times[0]),
        "long": Caps(steps=2 if tiny else 6, tool_calls=1, tokens=0, micro_usd=1, time_us=times[1]),
    }
    return {name: Callee(name=name, digest="", most=caps) for name, caps in most.items()}


def bounded(random: Random, *, tiny: bool = False, budget: bool = True) -> spec.Workflow:
    """Draw a workflow.

    Args:
        random: Where chance comes from.
        tiny: Whether amounts are so small that all of them can be tried.
        budget: Whether there may be a budget.
    """
    count = random.randint(1, 3 if tiny else 7)
    names = [f"s{number}" for number in range(count)]
    reserve = ["keep"] if budget and random.random() < 0.4 else []
    states: dict[str, spec.State] = {name: _state(random, names, name, tiny) for name in names}
    for name in reserve:
        few = random.random() < 0.3
        states[name] = (
            _children(random, names, name, tiny, reserve=True) if few else _last(random, name, tiny)
        )
    states |= {"done": spec.End(end="success"), "failed": spec.End(end="failed")}
    return spec.Workflow(
        workflow="sample",
        budget=_budget(random, reserve, tiny) if budget else spec.Budget(),
        states=states,
    )


def _budget(random: Random, reserve: list[str], tiny: bool) -> spec.Budget:
    scale = 1 if tiny else 20
    usd = random.choice((None, None, 4 * scale))
    time = random.choice((None, None, None, 9 if tiny else 90_000_000))
    return spec.Budget(
        steps=random.choice((None, 3, 5, 8 * scale)),
        tool_calls=random.choice((None, None, 3, 2 * scale)),
        tokens=random.choice((None, None, 4, 3 * scale)),
        usd=None if usd is None else spec.Money(usd),
        time=None if time is None else spec.Duration(time),
        exceeded=random.choice((*reserve, None, "failed")),
    )


def _to(random: Random, names: list[str], name: str) -> str:
    """Draw where an edge without a cap leads: onward, or seldom back."""
    if random.random() < 0.04:
        return random.choice(names)
    return random.choice([*names[names.index(name) + 1 :], "done", "failed"])


def _arm(random: Random, names: list[str], name: str) -> spec.Arm:
    if random.random() < 0.55:
        return _to(random, names, name)
    return spec.Target(
        to=random.choice(names),
        times=random.choice((0, 1, 1, 2, 3)),
        else_=_to(random, names, name),
        per=random.choice((None, None, "run", random.choice(names))),
    )


def _state(random: Random, names: list[str], name: str, tiny: bool) -> spec.State:
    chance = random.random()
    if chance < 0.12:
        return _wait(random, names, name, tiny)
    if chance < 0.2:
        return _ask(random, names, name)
    if chance < 0.35:
        return _children(random, names, name, tiny)
    return _run(random, names, name, tiny)


def _ask(random: Random, names: list[str], name: str) -> spec.Ask:
    labels = random.sample(_LABELS, random.choice((0, 2, 3)))
    return spec.Ask(
        ask="Which?",
        timeout=spec.Duration(60_000_000),
        success={label: _arm(random, names, name) for label in labels} or _arm(random, names, name),
        fallback=_to(random, names, name),
    )


def _children(
    random: Random, names: list[str], name: str, tiny: bool, *, reserve: bool = False
) -> spec.Call | spec.Map | spec.Parallel:
    children = [random.choice(list(callees(tiny=tiny))) for _ in range(2)]
    success: spec.Arm = "done" if reserve else _arm(random, names, name)
    fallback = "failed" if reserve else _to(random, names, name)
    match random.choice(("call", "call", "map", "parallel")):
        case "map":
            most = random.randint(1, 2 if tiny else 5)
            return spec.Map(
                map=children[0],
                over="$input",
                at_most=most,
                width=random.randint(1, most),
                reserve=reserve,
                success=success,
                fallback=fallback,
            )
        case "parallel":
            branches = {f"k{n}": spec.Branch(call=child) for n, child in enumerate(children)}
            return spec.Parallel(parallel=branches, reserve=reserve, success=success, fallback=fallback)
    return spec.Call(call=children[0], reserve=reserve, success=success, fallback=fallback)


def _wait(random: Random, names: list[str], name: str, tiny: bool) -> spec.Wait:
    return spec.Wait(wait=spec.Duration(2 if tiny else 2_000_000), success=_to(random, names, name))


def _last(random: Random, name: str, tiny: bool) -> spec.Run:
    return spec.Run(
        run="m:f",
        effect="none",
        reserve=True,
        timeout=spec.Duration(1 if tiny else 1_000_000),
        cost=spec.Cost(tokens=random.choice((0, 1)), usd=spec.Money(0)),
        invalid=random.choice((None, spec.Invalid(times=1))),
        success="done",
        fallback="failed",
    )


def _run(random: Random, names: list[str], name: str, tiny: bool) -> spec.Run:
    times = (1, 2) if tiny else (1_000_000, 5_000_000)
    labels = random.sample(_LABELS, random.choice((0, 0, 2, 3)))
    success = {label: _arm(random, names, name) for label in labels} or _arm(random, names, name)
    return spec.Run(
        run="m:f",
        effect=random.choice(("none", "once")),
        cost=spec.Cost(
            tool_calls=random.choice((0, 0, 1)),
            tokens=random.choice((0, 1, 2)),
            usd=spec.Money(random.choice((0, 0, 1))),
        ),
        timeout=spec.Duration(random.choice(times)),
        retry=_retry(random, names, name, tiny) if random.random() < 0.4 else None,
        invalid=_invalid(random, names, name) if random.random() < 0.4 else None,
        success=success,
        fallback=_arm(random, names, name) if random.random() < 0.2 else _to(random, names, name),
    )


def _retry(random: Random, names: list[str], name: str, tiny: bool) -> spec.Retry:
    scale = 1 if tiny else 1_000_000
    return spec.Retry(
        times=random.randint(0, 3),
        backoff=spec.Duration(scale),
        factor=2,
        cap=spec.Duration(3 * scale),
        jitter=random.choice(("full", "none")),
        retry_after=random.choice((True, False)),
        per=random.choice((None, None, "run", random.choice(names))),
        else_=random.choice((None, _to(random, names, name))),
    )


def _invalid(random: Random, names: list[str], name: str) -> spec.Invalid:
    return spec.Invalid(
        times=random.choice((0, 1, 2)),
        to=random.choice((None, None, random.choice(names))),
        per=random.choice((None, None, random.choice(names))),
        else_=random.choice((None, _to(random, names, name))),
    )
