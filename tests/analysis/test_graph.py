"""Searches of graphs, against plain definitions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fsmflow.analysis.graph import components, reverse_postorder

_NODES = [str(number) for number in range(7)]
_GRAPHS = st.dictionaries(st.sampled_from(_NODES), st.lists(st.sampled_from(_NODES), max_size=4))


def closure(edges: dict[str, list[str]], start: str) -> set[str]:
    """Give what `start` leads to."""
    found, queue = {start}, [start]
    for node in queue:
        for following in edges.get(node, ()):
            if following not in found:
                found.add(following)
                queue.append(following)
    return found


@given(_GRAPHS)
def test_a_component_is_what_leads_to_and_fro(edges):
    """Two nodes are in one component exactly if each leads to the other."""
    groups = components(_NODES, edges)
    number = {node: index for index, group in enumerate(groups) for node in group}

    assert sorted(number) == _NODES
    for a in _NODES:
        for b in _NODES:
            both = b in closure(edges, a) and a in closure(edges, b)
            assert both == (number[a] == number[b])


@given(_GRAPHS)
def test_components_come_after_those_they_lead_to(edges):
    """A component is given once all that it leads to was."""
    number = {node: index for index, group in enumerate(components(_NODES, edges)) for node in group}

    assert all(number[b] <= number[a] for a, following in edges.items() for b in following)


@given(_GRAPHS)
def test_predecessors_come_first(edges):
    """Reverse postorder gives what the start leads to, and an edge against it closes a cycle."""
    order = reverse_postorder("0", edges)

    assert set(order) == closure(edges, "0")
    assert len(order) == len(set(order))
    for a in order:
        for b in edges.get(a, ()):
            assert order.index(a) < order.index(b) or a in closure(edges, b)
