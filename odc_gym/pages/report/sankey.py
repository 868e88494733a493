"""Sankey diagram of a fleet's energy: electricity from Sun and batteries to its uses, and heat from them to space.

`energy_graph` makes nodes and links of the parts of `simulator.energy_flow`. What flows into a node flows out of it.
`diagram` computes where they lie in a static picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from odc_gym.pages.report.numbers import decimals_of, figure

WIDTH, HEIGHT = 440.0, 300.0
COLUMNS = (0.0, 108.0, 222.0, 428.0)  # left ends of the nodes of each column
NODE_WIDTH, GAP = 10.0, 12.0
SHOWN = 0.4  # height below which a node or a link is not drawn
TWO_LINES, LINE = 30.0, 13.0  # height from which a label has two lines, and distance of two lines
USES = (
    ("compute", "compute", "accent"),
    ("bus", "bus, terminals", "class-3"),
    ("conversion", "conversion", "ink3"),
    ("battery_loss", "battery loss", "ink3"),
    ("heaters", "heaters", "ink3"),
)
"""Uses of electricity that become heat: part, label, and colour of the theme."""


class Node(NamedTuple):
    """Node of the graph."""

    name: str
    label: str
    column: int
    value: float
    colour: str


class Link(NamedTuple):
    """Flow from one node to another."""

    source: str
    target: str
    value: float


class Graph(NamedTuple):
    """Nodes in the order of their columns, and links."""

    nodes: tuple[Node, ...]
    links: tuple[Link, ...]


def energy_graph(parts: Mapping[str, float]) -> Graph:
    """Return the graph of an energy flow.

    Batteries that were drawn down and nodes that cooled are sources, otherwise sinks. Each source of heat goes to the
    sinks of heat in proportion.

    Args:
        parts: parts of the fleet by the names of `simulator.energy_flow.EnergyFlow`, in one unit.
    """
    drained, charged = max(-parts["stored"], 0.0), max(parts["stored"], 0.0)
    supply = parts["used"] + drained
    uses = [Node(name, label, 2, parts[name], colour) for name, label, colour in USES]
    kept = [
        Node("charged", "batteries filled", 2, charged, "night"),
        Node("faded", "capacity fade", 2, parts["faded"], "ink3"),
    ]
    outside = [
        Node("absorbed", "Sun and Earth", 2, parts["absorbed"], "sun"),
        Node("cooled", "nodes cooled", 2, max(-parts["warmed"], 0.0), "ink3"),
        Node("surplus", "error of integration", 2, max(-parts["residual"], 0.0), "ink3"),
    ]
    sinks = [
        Node("radiated", "radiated", 3, parts["radiated"], "alarm"),
        Node("warmed", "nodes warmed", 3, max(parts["warmed"], 0.0), "ink3"),
        Node("deficit", "error of integration", 3, max(parts["residual"], 0.0), "ink3"),
    ]
    heat = sum(sink.value for sink in sinks)
    links = [
        Link("array", "supply", parts["used"]),
        Link("array", "curtailed", parts["curtailed"]),
        Link("batteries", "supply", drained),
        *(Link("supply", node.name, node.value) for node in (*uses, *kept)),
        *(
            Link(source.name, sink.name, source.value * sink.value / heat if heat > 0.0 else 0.0)
            for source in (*uses, *outside)
            for sink in sinks
        ),
    ]
    nodes = [
        Node("array", "sunlight", 0, parts["available"], "sun"),
        Node("batteries", "batteries", 0, drained, "night"),
        Node("supply", "used", 1, supply, "sun"),
        Node("curtailed", "unused", 1, parts["curtailed"], "alarm"),
        *uses,
        *kept,
        *outside,
        *sinks,
    ]
    return Graph(tuple(nodes), tuple(links))


class Box(NamedTuple):
    """Drawn node."""

    x: float
    y: float
    width: float
    height: float
    colour: str


class Ribbon(NamedTuple):
    """Drawn link: the outline of its area as a path of SVG."""

    path: str
    colour: str


class Label(NamedTuple):
    """Text of a node, in one or two lines."""

    x: float
    y: float
    anchor: str  # start or end
    lines: tuple[str, ...]


class Diagram(NamedTuple):
    """Picture of a graph."""

    boxes: tuple[Box, ...]
    ribbons: tuple[Ribbon, ...]
    labels: tuple[Label, ...]
    width: float = WIDTH
    height: float = HEIGHT


def diagram(graph: Graph, scale_of: Sequence[Graph] = ()) -> Diagram:
    """Return the picture of a graph. Nodes that are too thin to see are left out, with their labels.

    Args:
        graph: graph to draw.
        scale_of: graphs that are drawn beside it, at the same scale.
    """
    scale = min(_scale(each) for each in (graph, *scale_of))
    shown = [node for node in graph.nodes if node.value * scale >= SHOWN]
    tops = _tops(shown, scale)
    boxes = {n.name: Box(COLUMNS[n.column], tops[n.name], NODE_WIDTH, n.value * scale, n.colour) for n in shown}
    leaves, enters = dict(tops), dict(tops)
    ribbons = []
    for link in graph.links:
        if link.source in boxes and link.target in boxes:
            source, target, size = boxes[link.source], boxes[link.target], link.value * scale
            colour = target.colour if link.target == "curtailed" or link.source == "supply" else source.colour
            outline = _outline(source.x, leaves[link.source], target.x, enters[link.target], size)
            ribbons += [Ribbon(outline, colour)] if size >= SHOWN else []
            leaves[link.source] += size
            enters[link.target] += size
    return Diagram(tuple(boxes.values()), tuple(ribbons), tuple(_labels(shown, boxes)))


def _scale(graph: Graph) -> float:
    """Return the height of a unit at which the fullest column fills the picture."""
    scales = []
    for column in range(len(COLUMNS)):
        values = [node.value for node in graph.nodes if node.column == column and node.value > 0.0]
        if values:
            scales.append((HEIGHT - GAP * (len(values) - 1) - 2.0) / sum(values))
    return min(scales, default=0.0)


def _tops(nodes: Sequence[Node], scale: float) -> dict[str, float]:
    """Return the upper ends of nodes, those of a column below each other."""
    tops, free = {}, [1.0] * len(COLUMNS)
    for node in nodes:
        tops[node.name] = free[node.column]
        free[node.column] += node.value * scale + GAP
    return tops


def _outline(x0: float, y0: float, x1: float, y1: float, size: float) -> str:
    left, right = x0 + NODE_WIDTH, x1
    middle = (left + right) / 2
    return (
        f"M{left:.1f} {y0:.1f}C{middle:.1f} {y0:.1f} {middle:.1f} {y1:.1f} {right:.1f} {y1:.1f}V{y1 + size:.1f}"
        f"C{middle:.1f} {y1 + size:.1f} {middle:.1f} {y0 + size:.1f} {left:.1f} {y0 + size:.1f}Z"
    )


def _labels(nodes: Sequence[Node], boxes: Mapping[str, Box]) -> list[Label]:
    """Return the labels, right of their nodes or left of those of the last column, without overlaps in a column.

    Thin nodes of the last column have none.
    """
    decimals = decimals_of([node.value for node in nodes])
    lowest = [-LINE] * len(COLUMNS)
    labels = []
    for node in nodes:
        if node.column == len(COLUMNS) - 1 and boxes[node.name].height < LINE / 2:
            continue  # its label would lie on those of the column before
        box, last = boxes[node.name], node.column == len(COLUMNS) - 1
        value = figure(node.value, decimals)
        lines = (node.label, value) if box.height >= TWO_LINES else (f"{node.label} {value}",)
        first = box.y + box.height / 2 - (len(lines) - 1) * LINE / 2
        y = max(first, lowest[node.column] + LINE, LINE / 2)
        lowest[node.column] = y + (len(lines) - 1) * LINE
        x = box.x - 5 if last else box.x + box.width + 5
        labels.append(Label(round(x, 1), round(y, 1), "end" if last else "start", lines))
    return labels
