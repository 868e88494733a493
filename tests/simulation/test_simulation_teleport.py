"""Moving is never free: with ten times the bandwidth, a scheduler that shuffles its jobs loses by it."""

import numpy as np

from odc_gym.simulation.simulator import Simulator
from odc_gym.simulation.work import L

SEEDS = range(20_000, 20_006)
SHIFT = 8  # decisions, longer than the minimum stay


def play(scenario):
    """Scores and moves of schedulers whose bids favour one half of the fleet, then the other."""
    sim = Simulator(scenario, len(SEEDS), episode_hours=8)
    sim.reset(SEEDS)
    score, layout = np.zeros(len(SEEDS)), sim.view.layout
    for k in range(sim.decisions):
        action = layout.zeros(len(SEEDS))
        layout.bids(action)[..., k // SHIFT % 2 :: 2] = 1.0
        layout.bids(action)[..., (k // SHIFT + 1) % 2 :: 2] = -0.4
        sim.step(action)
        score += sim.reward
    return score, sim.ledger[:, L.moved].sum(1)


def test_teleport_does_not_pay(starter12):
    """The same bids score less where jobs may follow them than where they may not; catches moves that cost nothing."""
    fast = starter12.replace({"network.backbone.rate_gbps": 10 * starter12.network.backbone.rate_gbps})
    moving, moves = play(fast)
    staying, none = play(fast.replace({f"workload.classes.{name}.movable": False for name in ("finetuning", "batch")}))
    assert moves.min() > 20.0 and none.max() == 0.0
    gain = moving - staying
    assert gain.mean() + 2.0 * gain.std(ddof=1) / np.sqrt(len(SEEDS)) < 0.0
