"""Random workflows without choices on values, most of which end: capped loops, retries, re-asks, budgets."""

from __future__ import annotations

from random import Random

from fsmflow import spec

_LABELS = ("yes", "no", "more")


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
    states: dict[str, spec.State] = {
        name: _wait(random, names, name, tiny) if random.random() < 0.12 else _run(random, names, name, tiny)
        for name in names
    }
    for name in reserve:
        states[name] = _last(random, name, tiny)
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
