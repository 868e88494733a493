"""Moving is never free: with ten times the bandwidth, a scheduler that shuffles its jobs loses by it."""

import numpy as np

from odc_gym.scenario import Scenario
from odc_gym.simulator.simulator import Simulator

SEEDS = range(20_000, 20_024)
QUIET = 18  # decisions at the end, so that both have as much work since the last checkpoint


def narrow(starter12, movable):
    """Only finetuning on one accelerator: moves cannot make room for wide jobs, which would be worth something."""
    dump = starter12.replace({"network.backbone.rate_gbps": 10 * starter12.network.backbone.rate_gbps}).model_dump()
    finetuning = dump["workload"]["classes"]["finetuning"]
    finetuning |= {"width": {1: 1.0}, "jobs_per_h": 45.0, "movable": movable}
    dump["workload"]["classes"] = {"finetuning": finetuning}
    dump["dispatch"]["min_stay_min"] = 1.0
    return Scenario.model_validate(dump)


def play(scenario):
    """Scores and moves of a scheduler whose bids favour one half of the fleet, then the other."""
    sim = Simulator(scenario, len(SEEDS), episode_hours=8)
    sim.reset(SEEDS)
    score, layout = np.zeros(len(SEEDS)), sim.view.layout
    for k in range(sim.decisions):
        action = layout.zeros(len(SEEDS))
        if k < sim.decisions - QUIET:
            layout.bids(action)[..., k % 2 :: 2] = 1.0
            layout.bids(action)[..., (k + 1) % 2 :: 2] = -0.4
        sim.step(action)
        score += sim.reward
    return score, sim.ledger.moved[:].sum(1)


def test_teleport_does_not_pay(starter12):
    """The same bids score less where jobs follow them than where they may not: catches moves that cost nothing."""
    moving, moves = play(narrow(starter12, True))
    staying, none = play(narrow(starter12, False))
    assert moves.min() > 10.0 and moves.mean() > 300.0 and none.max() == 0.0
    gain = moving - staying
    assert gain.mean() + 2.0 * gain.std(ddof=1) / np.sqrt(len(SEEDS)) < 0.0
