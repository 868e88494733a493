"""Sankey diagram of energy: what flows into a node flows out, and the picture shows it in proportion."""

from itertools import pairwise

import numpy as np
import pytest
from report_rig import energy

from odc_gym.pages.report.sankey import HEIGHT, LINE, WIDTH, diagram, energy_graph

CASES = range(8)


def parts(case):
    """Means of one episode's parts; batteries are filled in some cases and drawn down in others."""
    return {name: float(values[case]) for name, values in energy(np.random.default_rng(3), len(CASES)).items()}


@pytest.mark.parametrize("case", CASES)
def test_what_flows_into_a_node_flows_out(case):
    """Catches a link that is missing, or leads to the wrong node."""
    graph = energy_graph(parts(case))
    into = {node.name: sum(link.value for link in graph.links if link.target == node.name) for node in graph.nodes}
    out = {node.name: sum(link.value for link in graph.links if link.source == node.name) for node in graph.nodes}
    for node in graph.nodes:
        if any(link.target == node.name for link in graph.links):
            assert into[node.name] == pytest.approx(node.value, rel=1e-9, abs=1e-9), node.name
        if any(link.source == node.name for link in graph.links):
            assert out[node.name] == pytest.approx(node.value, rel=1e-9, abs=1e-9), node.name


def test_batteries_are_a_source_or_a_use():
    """Catches a swapped sign of the energy that the batteries keep."""
    filled = next(parts(k) for k in CASES if parts(k)["stored"] > 0)
    drained = next(parts(k) for k in CASES if parts(k)["stored"] < 0)
    values = [{node.name: node.value for node in energy_graph(case).nodes} for case in (filled, drained)]
    assert values[0]["charged"] > 0 and values[0]["batteries"] == 0
    assert values[1]["batteries"] == -drained["stored"] and values[1]["charged"] == 0


@pytest.mark.parametrize("case", CASES)
def test_the_picture_holds_all_nodes_and_labels_do_not_overlap(case):
    """Catches nodes that lie outside, and labels on top of each other."""
    picture = diagram(energy_graph(parts(case)))
    for box in picture.boxes:
        assert box.x >= 0 and box.x + box.width <= WIDTH and box.y >= 0 and box.y + box.height <= HEIGHT
    for x in {label.x for label in picture.labels}:
        column = sorted((label.y, len(label.lines)) for label in picture.labels if label.x == x)
        for (y, lines), (below, _) in pairwise(column):
            assert below - (y + (lines - 1) * LINE) >= LINE - 0.2


def test_two_pictures_have_one_scale():
    """Catches pictures beside each other in which equal heights are different energies."""
    graphs = [energy_graph(parts(0)), energy_graph({name: value / 2 for name, value in parts(0).items()})]
    whole, half = (diagram(graph, graphs) for graph in graphs)
    assert half.boxes[0].height == pytest.approx(whole.boxes[0].height / 2, rel=1e-9)


def test_a_fleet_without_energy_has_an_empty_picture():
    """Catches a division by zero."""
    assert diagram(energy_graph(dict.fromkeys(parts(0), 0.0))).boxes == ()
