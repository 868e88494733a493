"""Golden rollouts: scores and KPIs of `starter12` that change only when the model does.

A failure means that the dynamics, the default scenario or the reward are no longer what they were. If that is intended,
say it in the changelog and write the figures anew with

    python tests/simulation/test_simulation_golden.py
"""

import json
from pathlib import Path

import numpy as np
import pytest

FILE = Path(__file__).with_name("golden.json")
SEEDS = (20_000, 20_001)
KPIS = (
    "value", "work_accelerator_h", "lost_accelerator_h", "energy_wh_per_accelerator_h", "curtailed_solar_frac",
    "charge_least_frac", "equivalent_cycles", "fatigue", "junction_most_c", "degree_h", "shed_h", "trips", "governed_h",
    "moves", "link_gb", "slo_finetuning", "slo_interactive", "wait_p95_h",
)  # fmt: skip


def rollouts(starter12):
    """Policy and seed to figures, of a day each: the zero action, and actions drawn anew every half hour."""
    from odc_gym.simulation.simulator import Simulator

    sim = Simulator(starter12, 4)
    sim.reset(SEEDS * 2)
    rngs = [np.random.default_rng(seed) for seed in SEEDS]
    actions, terms = np.zeros((4, sim.action_size)), {name: np.zeros(4) for name in sim.terms}
    for k in range(sim.decisions):
        if k % 6 == 0:
            actions[2:] = [rng.uniform(-1.0, 1.0, sim.action_size) for rng in rngs]
        sim.step(actions)
        for name, values in sim.terms.items():
            terms[name] += values
    found = {}
    for row, name in enumerate(f"{policy} {seed}" for policy in ("zero", "random") for seed in SEEDS):
        metrics = sim.episode_metrics(row)
        figures = {f"reward/{t}": values[row] for t, values in terms.items()} | {kpi: metrics[kpi] for kpi in KPIS}
        figures["observation"] = float(np.abs(sim.observation[row].astype(float)).sum())
        found[name] = {key: float(f"{value:.10g}") for key, value in figures.items()}
    return found


@pytest.fixture(scope="module")
def found(starter12):
    return rollouts(starter12)


@pytest.mark.parametrize("name", [f"{policy} {seed}" for policy in ("zero", "random") for seed in SEEDS])
def test_rollout_is_the_golden_one(found, name):
    golden = json.loads(FILE.read_text(encoding="utf-8"))[name]
    assert found[name] == pytest.approx(golden, rel=1e-9, abs=1e-12)


if __name__ == "__main__":
    from odc_gym.scenario import Scenario

    FILE.write_text(json.dumps(rollouts(Scenario.load("starter12")), indent=1) + "\n", encoding="utf-8")
