"""The longest walk through a finite graph, where one without end is found as a circle."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)
#: Where a step leads, and whether it counts.
Edges = dict[Node, list[tuple[Node, bool]]]


def explore(starts: Iterable[Node], steps: Callable[[Node], Iterable[tuple[Node, bool]]]) -> Edges[Node]:
    """All that can be reached."""
    edges: Edges[Node] = {}
    todo = list(starts)
    while todo:
        here = todo.pop()
        if here not in edges:
            edges[here] = list(steps(here))
            todo += [there for there, _ in edges[here]]
    return edges


def longest(edges: Edges[Node], starts: Iterable[Node]) -> int | None:
    """The steps that count, up to the last of them and with those between, of the longest walk; None without end."""
    number = components(edges)
    if any(counts and number[here] == number[there] for here in edges for there, counts in edges[here]):
        return None
    best: dict[Node, int] = {}
    # Successors have lower numbers; inside a component no step counts.
    for here in sorted(edges, key=number.__getitem__):
        ahead = ((best.get(there, 0), counts) for there, counts in edges[here])
        best[here] = max((value + 1 if counts or value else 0 for value, counts in ahead), default=0)
    return max(best[start] for start in starts)


def components(edges: Edges[Node]) -> dict[Node, int]:
    """Tarjan's, without recursion: nodes on a common circle have one number, and successors no higher one."""
    index: dict[Node, int] = {}
    low: dict[Node, int] = {}
    number: dict[Node, int] = {}
    stack: list[Node] = []
    count = 0
    for root in edges:
        if root in index:
            continue
        work = [(root, iter(edges[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        while work:
            node, rest = work[-1]
            for there, _ in rest:
                if there not in index:
                    index[there] = low[there] = len(index)
                    stack.append(there)
                    work.append((there, iter(edges[there])))
                    break
                if there not in number:
                    low[node] = min(low[node], index[there])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    while node not in number:
                        number[stack.pop()] = count
                    count += 1
    return number
