"""Fifty children, each of which spends all that it is let: together they keep to the budget, every time.

Beside it stands what one writes without a machine: a counter that all children look at before they
spend ("Token Budgets", arXiv 2606.04056, saw such runs overshoot 30 times of 30).
"""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from fsmflow.runtime import Runner, StepContext
from tests.runtime.families import family

CHILDREN, COST, BUDGET = 50, 100, 20_000

GREEDY = f"""
budget: {{tokens: {BUDGET // CHILDREN}}}
states:
  spend:
    run: nowhere:spend
    cost: {{tokens: {COST}}}
    effect: none
    success: {{more: {{to: spend, times: 1000, else: enough}}}}
    fallback: enough
  enough: {{end: success}}
"""
PARENT = f"""
budget: {{tokens: {BUDGET}}}
states:
  all:
    map: greedy
    over: $input
    with: {{}}
    at_most: {CHILDREN}
    width: {CHILDREN}
    tolerate: {CHILDREN}
    success: done
    fallback: done
  done: {{end: success}}
"""


async def a_while(chance: random.Random) -> None:
    """Let others run for a while."""
    for _ in range(chance.randrange(4)):
        await asyncio.sleep(0)


@pytest.fixture(scope="module")
def runner() -> Runner[Any, Any]:
    """The runner of the parent, which its runs have in common."""
    return family(greedy=GREEDY, parent=PARENT)


@pytest.mark.parametrize("seed", range(30))
def test_children_never_overspend_together(seed: int, runner: Runner[Any, Any]) -> None:
    """Each child spends all that it may, and all together spend the budget to the token, never more."""
    chance = random.Random(seed)
    spent: list[int] = []

    async def spend(ctx: StepContext) -> str:
        await a_while(chance)
        ctx.charge(tokens=COST)
        spent.append(COST)
        return "more"

    result = asyncio.run(runner.run([None] * CHILDREN, steps={"all.spend": spend}))

    assert (sum(spent), result.spent.tokens) == (BUDGET, BUDGET)


@pytest.mark.parametrize("seed", range(30))
def test_a_counter_that_all_look_at_is_overspent(seed: int) -> None:
    """Fifty tasks that look at one counter before they spend pass its cap: what the carving is for."""
    chance = random.Random(seed)
    spent = 0

    async def child() -> None:
        nonlocal spent
        while spent + COST <= BUDGET:
            await a_while(chance)
            spent += COST

    async def main() -> None:
        await asyncio.gather(*(child() for _ in range(CHILDREN)))

    asyncio.run(main())

    assert spent > BUDGET
