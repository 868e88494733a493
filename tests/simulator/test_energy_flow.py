"""Energy flow of fleets: each balance closes, and the parts have the meaning that their names say."""

import numpy as np
import pytest

from odc_gym.scenario import Scenario
from odc_gym.simulator.energy_flow import SIDES, energy_flow, ledger
from odc_gym.simulator.simulator import Simulator

USES = ("compute", "bus", "heaters", "conversion", "battery_loss")


def fields(sim, row):
    return {name: rows[row, : sim.satellites].copy() for name, rows in sim.sat._asdict().items()}


@pytest.fixture(scope="module", params=["starter12", "storm"])
def flow(request):
    sim = Simulator(Scenario.load(request.param), 2, episode_hours=6)
    sim.reset([20_000, 20_001])
    start = fields(sim, 1)
    actions = np.random.default_rng(0).uniform(-1.0, 1.0, (sim.decisions, 2, sim.action_size))
    for action in actions:
        sim.step(action)
    design = {name: rows[1, : sim.satellites] for name, rows in sim.design._asdict().items()}
    return energy_flow(start, fields(sim, 1), design)


def test_each_joule_of_the_arrays_is_used_stored_or_lost(flow):
    """Catches a part that is counted twice or left out: batteries are read from their charge, not from the accounts."""
    spent = sum(getattr(flow, part) for part in USES)
    assert flow.used == pytest.approx(flow.available - flow.curtailed, rel=1e-12)
    assert spent + flow.faded + flow.stored == pytest.approx(flow.used, rel=1e-9)
    assert spent == pytest.approx(flow.heat, rel=1e-9)


def test_heat_leaves_by_the_radiators_or_stays_in_the_nodes(flow):
    """Catches a wrong heat capacity: the rest is the error of the step's integral, less than 1e-4."""
    assert flow.heat + flow.absorbed == pytest.approx(flow.radiated + flow.warmed + flow.residual, rel=1e-12)
    assert (np.abs(flow.residual) < 1e-4 * (flow.heat + flow.absorbed)).all()


def test_every_part_but_changes_of_content_is_positive(flow):
    """Catches a swapped sign, and conversion losses taken from the wrong side of the bus."""
    for part in ("available", "used", "compute", "bus", "conversion", "battery_loss", "heat", "absorbed", "radiated"):
        assert (getattr(flow, part) > 0.0).all(), part
    for part in ("curtailed", "heaters", "faded"):
        assert (getattr(flow, part) >= -1e-9 * flow.used).all(), part


def test_both_sides_of_the_ledger_have_the_same_total(flow):
    """Catches a part on the wrong side, and one that is missing from both."""
    entries = ledger(flow)
    totals = {side: sum(entry.joules for entry in entries if entry.side == side) for side in SIDES}
    assert totals["electricity from"] == pytest.approx(totals["electricity to"], rel=1e-9)
    assert totals["heat from"] == pytest.approx(totals["heat to"], rel=1e-9)
    for side in SIDES:
        assert sum(entry.share for entry in entries if entry.side == side) == pytest.approx(1.0, rel=1e-12)
    assert min(entry.joules for entry in entries) > 0.0


def test_the_sum_over_satellites_has_the_same_ledger(flow):
    """Catches a ledger that only holds for a fleet, or only for a sum."""
    assert [entry.part for entry in ledger(flow.total())] == [entry.part for entry in ledger(flow)]
