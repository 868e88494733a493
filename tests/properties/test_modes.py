"""The mode `assign` on every scenario: rows do not know of each other, and accounts close under random choices."""

import numpy as np
import pytest
from fields import LEDGER
from regimes import FLEETS

from odc_gym.scenario import Scenario
from odc_gym.simulator.simulator import Simulator

SEEDS = (20_003, 20_001)
DECISIONS = 36


def play(name, seeds):
    """Three hours under random choices that depend on the seed alone; the simulator, and what each decision showed."""
    sim = Simulator(Scenario.load(name), len(seeds), episode_hours=3, action_mode="assign")
    sim.reset(seeds)
    shown = []
    for k in range(DECISIONS):
        rngs = [np.random.default_rng([seed, k]) for seed in seeds]
        sim.step(np.stack([rng.integers(0, sim.assignment.choices) for rng in rngs]))
        shown.append([*sim.buffers.blocks.values(), sim.view.action_masks, sim.reward])
    return sim, shown


@pytest.mark.parametrize("name", [*FLEETS, "storm"])
def test_assign_holds_on_every_scenario(name):
    """Catches visible jobs of another row, accelerators given twice, and work that is neither credited nor lost."""
    sim, together = play(name, SEEDS)
    _, alone = play(name, SEEDS[1:])
    for both, one in zip(together, alone, strict=True):
        assert all(np.array_equal(a[1:], b) for a, b in zip(both, one, strict=True))
    n = sim.satellites
    held = sim.classes.held[:, :, :n].sum(1)
    assert np.array_equal(held + sim.sat.free[:, :n], sim.design.accelerators[:, :n])
    charge = sim.sat.charge_frac[:, :n]
    assert ((charge >= 0.0) & (charge <= 1.0)).all() and np.isfinite(sim.observation).all()
    done = sim.run["checkpointed_s"] + sim.run["uncheckpointed_s"]
    unsaved = np.maximum(done - np.maximum(sim.run["before_s"], sim.run["checkpointed_s"]), 0.0)
    kinds = sim.jobs["class_id"][..., None] == np.arange(len(sim.class_names))
    executed, credited, lost = (sim.mutable.ledger[:, k] for k in (LEDGER.executed_s, LEDGER.credited_s, LEDGER.lost_s))
    closing = executed - credited - lost - (unsaved[..., None] * kinds).sum(1)
    assert np.abs(closing).max() <= 1e-6 * executed.max()
