"""The five resources: their keys in a spec, and how an amount of each is written in a message."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

from fsmflow.spec import Duration, Money


@frozen
class Resource:
    """One resource; `key` names it in a `budget`, and in a `cost` if it is declared there."""

    key: Literal["steps", "tool_calls", "tokens", "usd", "time"]

    def written(self, amount: int) -> str:
        """Write `amount`, which is in the units of the machine."""
        match self.key:
            case "usd":
                return f"${Money(amount)}"
            case "time" if amount % 1_000:
                return f"{amount / 1_000_000:.6f}s"
            case "time":
                return str(Duration(amount))
        counted = self.key.replace("_", " ")
        return f"{amount:,} {counted.removesuffix('s') if amount == 1 else counted}"


RESOURCES = tuple(Resource(key) for key in ("steps", "tool_calls", "tokens", "usd", "time"))
"""The resources in the order of `Resources.amounts` and `Caps.amounts`."""
