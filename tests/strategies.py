"""Random workflows: every construct of the language, in any arrangement that is well-formed.

A workflow is drawn from a plain source of random numbers. Hypothesis hands in one that it can shrink;
a campaign hands in `random.Random(seed)`, which is much quicker, and a failure names its seed.

Choices, waits and questions lead onward only, or through a capped arm, so that no run goes round without
a step.
"""

from __future__ import annotations

from random import Random
from typing import Any

import attrs
from attrs import evolve
from hypothesis import strategies as st

from fsmflow import spec
from fsmflow.lowering import lower
from fsmflow.machine import Callee, Caps, Machine
from fsmflow.source import Real

LARGEST = 40
# Names that generated code could mistake for its own are as good as any.
_NAMES = ("digest", "limits", "reserve", "runner", "run", "values", "event", "pause", "end", "stage")
_LABELS = ("yes", "no", "again", "read", "write", "other")
_FIELDS = ("n", "ok", "items", "text")
_OF_ERROR = ("state", "outcome", "message", "complaints", "value")
_LITERALS = ("0", "1", "2", "-1", "1.5", "'a'", "''", "'failure'", "True", "False", "None")
_SIGNS = ("==", "!=", "<", "<=", ">", ">=")
_SIZES = (1, 2, 3, 3, 4, 4, 5, 6, 7, 8, 12, 20, LARGEST - 7)
_TIMES = (1, 1, 1, 2, 3)
_KINDS = ("run", "run", "run", "run", "run", "choose", "wait")
_WIDE = (*_KINDS, *_KINDS, "ask", "ask", "call", "map", "parallel")
_STEPS = ("run", "call", "map", "parallel")

CALLEES = {
    name: Callee(name=name, digest=name * 8, most=most)
    for name, most in {
        "light": Caps(steps=1, tool_calls=0, tokens=0, micro_usd=0, time_us=5_000),
        "heavy": Caps(steps=5, tool_calls=1, tokens=400, micro_usd=1_500, time_us=1_000_000),
        "timeless": Caps(steps=2, tool_calls=1, tokens=0, micro_usd=0),
    }.items()
}
"""The workflows that drawn ones run."""


def workflow(random: Random, *, wide: bool = False) -> spec.Workflow:
    """Draw a workflow of up to 40 states.

    Args:
        random: Where chance comes from.
        wide: Whether some states may ask people, or run other workflows.
    """
    return _Draft(random, wide=wide).workflow()


def wide_machine(random: Random) -> Machine:
    """Draw a workflow in which states may do anything, and give the machine that it means."""
    return lower(workflow(random, wide=True), CALLEES)


def ending_machine(random: Random) -> Machine:
    """Draw a machine whose runs all end, and whose budget has room for what is set aside."""
    while True:
        drawn = lower(ending(workflow(random, wide=True)), CALLEES)
        amounts = zip(drawn.reserve.amounts(), drawn.caps.amounts(), strict=True)
        if all(cap is None or aside <= cap for aside, cap in amounts):
            return drawn


workflows = st.randoms(use_true_random=False).map(workflow)
wide_workflows = st.randoms(use_true_random=False).map(lambda random: workflow(random, wide=True))


def ending(flow: spec.Workflow) -> spec.Workflow:
    """Make `flow` one whose runs all end: each takes 30 steps at the most."""
    return evolve(flow, budget=evolve(flow.budget, steps=min(flow.budget.steps or 30, 30)))


class _Draft:
    """The drawing of one workflow."""

    def __init__(self, random: Random, *, wide: bool) -> None:
        self.random = random
        self.all_kinds = _WIDE if wide else _KINDS
        count = random.choice(_SIZES)
        special = random.sample(_NAMES, min(count, random.randint(0, 3)))
        names = [*special, *(f"s{number}" for number in range(count - len(special)))]
        self.kinds = {name: self._kind() for name in names}
        self.reserved = {f"r{n}": self._kind() for n in range(random.choice((0, 0, 1, 1, 2, 3)))}
        self.ends = [f"end_{number}" for number in range(random.randint(1, 4))]
        self.work = [name for name, kind in self.kinds.items() if kind in _STEPS]
        shared = random.choice(((), ("answer",), ("answer", "notes")))
        self.value_of = {
            name: random.choice((name, *shared))
            for name, kind in {**self.kinds, **self.reserved}.items()
            if kind not in ("choose", "wait")
        }
        self.roots = ["input", "error", *dict.fromkeys(self.value_of.values())]

    def workflow(self) -> spec.Workflow:
        random = self.random
        budget = self._budget()
        states: dict[str, spec.State] = {name: self._state(name, kind) for name, kind in self.kinds.items()}
        states |= {name: self._state(name, kind, reserve=True) for name, kind in self.reserved.items()}
        for name in self.ends:
            kind = random.choice(("success", "degraded", "handoff", "failed"))
            states[name] = spec.End(end=kind, title=self._title(), output=self._template(2))
        runs = [name for name in self.work if self.kinds[name] == "run"]
        return spec.Workflow(
            workflow="sample",
            title=self._title(),
            budget=budget,
            start=random.choice((None, None, random.choice(list(self.kinds)))),
            states=states,
            policies=[spec.Policy(never=random.choice(self.ends))] if random.random() < 0.2 else [],
            profiles={"offline": dict.fromkeys(runs[:1], "m:g")} if random.random() < 0.2 else {},
            prices={"m": spec.Price(input=spec.Money(150_000), output=spec.Money(600_000))}
            if random.random() < 0.2
            else {},
        )

    def _kind(self) -> str:
        return self.random.choice(self.all_kinds)

    def _title(self) -> str | None:
        return self.random.choice((None, "What it is for."))

    def _budget(self) -> spec.Budget:
        random = self.random
        if random.random() < 0.2:
            return spec.Budget()
        ways = [None, random.choice(self.ends), *list(self.reserved)[:2]]
        usd = random.choice((None, None, 3_000, 200_000))
        time = random.choice((None, None, None, 20_000, 5_000_000, 200_000_000))
        return spec.Budget(
            steps=random.choice((None, None, 3, 8, 30, 90)),
            tool_calls=random.choice((None, None, None, 4, 12)),
            tokens=random.choice((None, None, None, 500, 6_000)),
            usd=None if usd is None else spec.Money(usd),
            time=None if time is None else spec.Duration(time),
            exceeded=random.choice(ways),
        )

    def _onward(self, name: str) -> list[str]:
        """Give the states that `name` may lead to by an edge without a cap."""
        if name in self.reserved:
            later = list(self.reserved)
            return later[later.index(name) + 1 :] + self.ends
        if name in self.work:
            return [*self.kinds, *self.kinds, *self.reserved, self.random.choice(self.ends)]
        names = list(self.kinds)
        later = [n for n in names[names.index(name) + 1 :] if n not in self.work]
        return [*self.work, *self.work, *later, *self.reserved, *self.ends]

    def _to(self, name: str) -> str:
        return self.random.choice(self._onward(name))

    def _per(self, name: str) -> str | None:
        # A counter of the reserve counts per run or visit, or its worst case could not be told.
        if name in self.reserved:
            return self.random.choice((None, "run"))
        return self.random.choice((None, None, "run", self.random.choice(list(self.kinds))))

    def _arm(self, name: str, *, else_: bool = False) -> spec.Arm:
        random = self.random
        if random.random() < 0.55:
            return self._to(name)
        if random.random() < 0.1:
            return spec.Target(to=self._to(name))
        otherwise = self._to(name) if else_ or random.random() < 0.6 else None
        return spec.Target(
            to=self._to(name), times=random.choice(_TIMES), else_=otherwise, per=self._per(name)
        )

    def _state(self, name: str, kind: str, *, reserve: bool = False) -> spec.State:
        match kind:
            case "choose":
                return self._choose(name, reserve)
            case "wait":
                length = spec.Duration(self.random.choice((1, 7_000, 1_000_000)))
                return spec.Wait(wait=length, title=self._title(), success=self._to(name), reserve=reserve)
            case "ask":
                return self._ask(name, reserve)
            case "call" | "map" | "parallel":
                return self._children(name, kind, reserve)
        step = self._run(name, reserve)
        return _asking(step) if len(step.with_) == 3 else step

    def _run(self, name: str, reserve: bool) -> spec.Run:
        random = self.random
        effect = random.choice((None, "none", "none", "idempotent", "once"))
        labels = random.sample(_LABELS, random.randint(1, 4)) if random.random() < 0.4 else []
        value = self.value_of[name]
        return spec.Run(
            run="m:f",
            title=self._title(),
            with_={key: self._template(3) for key in random.sample(("a", "b", "c"), random.randint(0, 3))},
            as_=None if value == name else value,
            cost=self._cost(),
            timeout=spec.Duration(random.choice((1, 5_000, 1_000_000, 60_000_000))),
            effect=effect,
            key=random.choice((None, None, "$input.n", "$input")),
            inline=random.random() < 0.1,
            reserve=reserve,
            success={label: self._arm(name) for label in labels} if labels else self._arm(name),
            retry=self._retry(name) if effect != "once" and random.random() < 0.6 else None,
            invalid=self._invalid(name) if random.random() < 0.6 else None,
            fallback=self._arm(name, else_=True),
            unknown=self._arm(name, else_=True) if effect == "once" else None,
        )

    def _ask(self, name: str, reserve: bool) -> spec.Ask:
        random = self.random
        labels = random.sample(_LABELS, random.choice((0, 2, 3)))
        value = self.value_of[name]
        return spec.Ask(
            ask="Which is it?",
            title=self._title(),
            show={key: self._template(2) for key in random.sample(("a", "b"), random.randint(0, 2))},
            role=random.choice((None, "finance")),
            as_=None if value == name else value,
            gives=random.choice((None, "Any")) if labels else "Any",
            timeout=spec.Duration(random.choice((1, 5_000, 600_000_000))),
            reserve=reserve,
            success={label: self._arm(name) for label in labels} if labels else self._arm(name),
            fallback=self._arm(name, else_=True),
        )

    def _children(self, name: str, kind: str, reserve: bool) -> spec.Call | spec.Map | spec.Parallel:
        random = self.random
        value = self.value_of[name]
        most = random.choice((1, 2, 2, 3))
        rest: dict[str, Any] = {
            "title": self._title(),
            "as_": None if value == name else value,
            "reserve": reserve,
            "success": self._arm(name),
            "fallback": self._arm(name, else_=True),
        }
        match kind:
            case "map":
                items = [
                    None,
                    {},
                    {"a": "$item", "b": "$item.n.or_null"},
                    {"a": [self._template(1), "$item"]},
                ]
                return spec.Map(
                    map=random.choice(list(CALLEES)),
                    over=random.choice(("$input.items", "$input.items", f"${self._path()}.or_null")),
                    at_most=most,
                    width=random.randint(1, most),
                    tolerate=random.randint(0, most - 1),
                    with_=random.choice(items),
                    **rest,
                )
            case "parallel":
                keys = random.sample(("web", "wiki", "digest"), most)
                return spec.Parallel(parallel={key: self._branch() for key in keys}, **rest)
        branch = self._branch()
        return spec.Call(call=branch.call, with_=branch.with_, **rest)

    def _branch(self) -> spec.Branch:
        random = self.random
        keys = random.sample(("a", "b"), random.randint(0, 2))
        with_ = {key: self._template(2) for key in keys}
        return spec.Branch(call=random.choice(list(CALLEES)), with_=with_)

    def _cost(self) -> spec.Cost:
        random = self.random
        if random.random() < 0.4:
            return spec.Cost()
        usd = spec.Money(random.choice((0, 0, 1, 1_500)))
        return spec.Cost(tool_calls=random.choice((0, 1, 2)), tokens=random.choice((0, 1, 400)), usd=usd)

    def _retry(self, name: str) -> spec.Retry:
        random = self.random
        return spec.Retry(
            times=random.choice(_TIMES),
            backoff=spec.Duration(random.choice((1, 3_000, 200_000, 90_000_000))),
            factor=random.choice((1, 2, 3, Real("1.5"), 1_000)),
            cap=spec.Duration(random.choice((2, 10_000, 1_000_000, 60_000_000))),
            jitter=random.choice(("full", "full", "none")),
            retry_after=random.random() < 0.7,
            else_=self._to(name) if random.random() < 0.4 else None,
            per=self._per(name),
        )

    def _invalid(self, name: str) -> spec.Invalid:
        random = self.random
        to = self._to(name) if random.random() < 0.4 else None
        times = None if to is not None and random.random() < 0.3 else random.choice(_TIMES)
        otherwise = self._to(name) if times is not None and random.random() < 0.4 else None
        return spec.Invalid(
            to=to, times=times, else_=otherwise, per=None if times is None else self._per(name)
        )

    def _choose(self, name: str, reserve: bool) -> spec.Choose:
        random = self.random
        arms = []
        for when in [*(self._guard(2) for _ in range(random.randint(0, 3))), None]:
            if random.random() < 0.6:
                arms.append(spec.ChooseArm(when=when, to=self._to(name)))
                continue
            anywhere = self._to(name) if reserve else random.choice([*self.kinds, *self.ends])
            per = random.choice((None, "run"))
            times = random.choice(_TIMES)
            arms.append(spec.ChooseArm(when=when, to=anywhere, times=times, else_=self._to(name), per=per))
        return spec.Choose(choose=arms, title=self._title(), reserve=reserve)

    def _path(self) -> str:
        random = self.random
        root = random.choice(self.roots)
        if root == "error":
            return f"error.{random.choice(_OF_ERROR)}"
        return ".".join((root, *random.sample(_FIELDS, random.choice((0, 1, 1, 1, 2)))))

    def _operand(self) -> str:
        random = self.random
        return random.choice((self._path(), f"len({self._path()})", random.choice(_LITERALS)))

    def _guard(self, depth: int) -> str:
        random = self.random
        form = random.randint(0, 9) if depth else random.randint(0, 5)
        match form:
            case 0:
                return self._path()
            case 1:
                items = ", ".join(random.sample(_LITERALS, random.randint(0, 3)))
                return f"{self._operand()} {random.choice(('in', 'not in'))} [{items}]"
            case 2:
                return f"{self._path()} is {random.choice(('', 'not '))}None"
            case 3 if random.random() < 0.3:
                return random.choice(("True", "False"))
            case 6:
                return f"not ({self._guard(depth - 1)})"
            case 7 | 8:
                word = random.choice(("and", "or"))
                return f"({self._guard(depth - 1)}) {word} ({self._guard(depth - 1)})"
            case 9:
                signs = [random.choice(_SIGNS[2:]) for _ in range(2)]
                return f"{random.choice(_LITERALS)} {signs[0]} {self._path()} {signs[1]} {self._operand()}"
        return f"{self._operand()} {random.choice(_SIGNS)} {self._operand()}"

    def _template(self, depth: int) -> Any:
        random = self.random
        form = random.randint(0, 9) if depth else random.randint(0, 6)
        match form:
            case 0 | 1:
                return f"${self._path()}.or_null"
            case 2:
                return f"${self._path()}"
            case 3:
                return f"${random.choice(self.roots)}"
            case 4:
                return random.choice(("$$5", "plain", "it's", '"', "{x}", "\\n", "", "é"))
            case 5:
                return random.choice((None, True, 0, -7, 10**15, Real("2.5")))
            case 7 | 8:
                keys = random.sample(("a", "b b", "ключ", "$c"), random.randint(0, 3))
                return {key: self._template(depth - 1) for key in keys}
            case 9:
                return [self._template(depth - 1) for _ in range(random.randint(0, 3))]
        return f"$input.{random.choice(_FIELDS)}"


def _asking(step: spec.Run) -> spec.Llm:
    """Make a state that asks a model, with all the ways out of `step`."""
    # Drawn apart, so that the machines of a seed are otherwise those that they were.
    random = Random(f"{step.cost} {step.timeout}")
    asked = spec.Model(
        model=random.choice(("m", "other")),
        prompt="prompts/m.md",
        system=random.choice((None, "prompts/system.md")),
        max_tokens=random.choice((1, 100)),
        temperature=random.choice((None, 0, Real("0.70"))),
        format=random.choice((None, "object", "schema")),
        options=random.choice(({}, {"seed": 7, "stop": ["\n"], "top_p": Real("0.90")})),
    )
    kept = attrs.asdict(step, recurse=False, filter=lambda a, _: a.name not in ("run", "inline", "gives"))
    return spec.Llm(llm=asked, gives="Any", **kept)


def plain(random: Random) -> Any:
    """Draw plain data of the kinds that templates read and guards ask about."""
    scalar = random.choice((None, True, False, 0, 1, 2, -1, 1.5, "a", "", "b"))
    if random.random() < 0.4:
        return scalar
    if random.random() < 0.2:
        return [scalar] * random.randint(0, 3)
    found: dict[str, Any] = {"text": random.choice(("", "a", "b")), "items": ["x"] * random.randint(0, 3)}
    found |= {"n": random.choice((0, 1, 2, -1, 1.5, None)), "ok": random.choice((True, False))}
    if random.random() < 0.3:
        found["n"] = dict(found)
    return {key: found[key] for key in random.sample(sorted(found), random.randint(1, len(found)))}
