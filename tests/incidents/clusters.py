"""The kinds of budget overrun, and the specs of this folder that are of each.

The clusters are those of Khan, "Token Budgets: An Empirical Catalog of 63 LLM-Agent Budget-Overrun
Incidents" (arXiv 2606.04056), by what drives the cost. The issues that comments in the specs name are
in its catalogue.
"""

from __future__ import annotations

from pathlib import Path

from fsmflow.analysis import Analysis
from fsmflow.compiler import Compilation, compile_file

HERE = Path(__file__).parent

CLUSTERS = (
    "retry loop",
    "delegation fan-out",
    "context amplification",
    "storage amplification",
    "multimodal cost amplification",
    "provider options silently dropped",
    "cost observability",
    "budget primitive missing",
)

CHILDREN = {"research", "specialist"}
"""The specs of this folder that are no incidents: others delegate to them."""


def compilation(name: str) -> Compilation:
    """Compile the spec of an incident."""
    return compile_file(HERE / f"{name}.fsm.yaml")


def analysis(name: str) -> Analysis:
    """Compile the spec of an incident that nothing is wrong with but what its steps do."""
    found = compilation(name)
    assert not found.diagnostics
    assert found.analysis is not None
    return found.analysis
