"""Two designs of a satellite, compared in absolute figures: is a larger battery worth its mass?

You see the work and the battery life of `starter12` with 6 and with 14 kWh, and the mean difference in the same
episodes. Scores are relative to the fleet's own output, so they cannot compare designs; work and years can.

    python examples/compare_designs.py [--quick]
"""

import sys

from odc_gym.agents import scheduler_factory
from odc_gym.evaluation import evaluate_all
from odc_gym.scenario import Scenario

FIGURES = {  # KPI: what it says, and the factor to the printed unit
    "work_accelerator_h": "work [accelerator-h]",
    "energy_wh_per_accelerator_h": "energy [Wh per accelerator-h]",
    "years_to_80_percent": "battery life [years]",
    "charge_least_frac": "least charge [share]",
}


def main() -> None:
    """Play the same episodes with both designs and print the differences."""
    quick = "--quick" in sys.argv
    designs = [
        Scenario.load("starter12").replace(
            {
                "name": f"battery-{kwh}-kwh",
                "hardware.odcsat.battery.capacity_wh": 1000.0 * kwh,
                "episode.hours": 2 if quick else 24,
            }
        )
        for kwh in (6, 14)
    ]
    episodes = range(20_000, 20_002 if quick else 20_010)
    small, large = evaluate_all(designs, {"sun-aware": scheduler_factory("sun-aware")}, episodes, workers=1)
    print(f"{large.scenario.name} beside {small.scenario.name}, means over {len(episodes)} episodes")
    for name, text in FIGURES.items():
        before, after = small.metrics("sun-aware")[name], large.metrics("sun-aware")[name]
        print(f"{text:32s} {before.mean():9.2f} -> {after.mean():9.2f}, {(after - before).mean():+.2f}")


if __name__ == "__main__":
    main()
