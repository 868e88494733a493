"""Golden rollouts: scores and KPIs of every scenario that change only when the model does.

A failure means that the dynamics, a scenario or the reward are no longer what they were. If that is intended,
say it in the changelog and write the figures anew with

    python tests/properties/test_golden.py
"""

import json
from pathlib import Path

import numpy as np
import pytest

from odc_gym.scenario import Scenario
from odc_gym.scenario.files import names
from odc_gym.simulator.metrics import episode_metrics

FILE = Path(__file__).with_name("golden.json")
SEEDS = (20_000, 20_001)
KPIS = (
    "value", "work_accelerator_h", "lost_accelerator_h", "energy_wh_per_accelerator_h", "curtailed_solar_frac",
    "charge_least_frac", "equivalent_cycles", "fatigue", "junction_most_c", "degree_h", "shed_h", "trips", "governed_h",
    "moves", "link_gb", "slo_finetuning", "slo_interactive", "wait_p95_h",
)  # fmt: skip


def rollouts(name):
    """Policy and seed to figures: the zero action, and actions drawn anew every half hour.

    Days of the default scenario, four hours of the others.
    """
    from odc_gym.simulator.simulator import Simulator

    sim = Simulator(Scenario.load(name), 4, episode_hours=None if name == "starter12" else 4)
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
    for row, run in enumerate(f"{policy} {seed}" for policy in ("zero", "random") for seed in SEEDS):
        metrics = episode_metrics(sim, row)
        figures = {f"reward/{t}": values[row] for t, values in terms.items()} | {
            kpi: metrics[kpi] for kpi in KPIS if kpi in metrics
        }
        figures["observation"] = float(np.abs(sim.observation[row].astype(float)).sum())
        found[run] = {key: float(f"{value:.10g}") for key, value in figures.items()}
    return found


@pytest.mark.parametrize("name", names(large=False))
def test_rollouts_are_the_golden_ones(name):
    golden = json.loads(FILE.read_text(encoding="utf-8"))[name]
    found = rollouts(name)
    assert found.keys() == golden.keys() and len(found) == 4
    for run, figures in found.items():
        assert figures == pytest.approx(golden[run], rel=1e-9, abs=1e-12), run


if __name__ == "__main__":
    FILE.write_text(
        json.dumps({name: rollouts(name) for name in names(large=False)}, indent=1) + "\n", encoding="utf-8"
    )
