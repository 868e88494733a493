"""A day of the fleet as a picture: charge and clock of every satellite, and the work that waits.

You see the charge of each satellite fall in its eclipses, the clocks that follow, and a queue that grows: the fleet is
offered more than it can carry. The picture is saved as day.png.

    python examples/plot_a_day.py [--quick] [--scheduler NAME]
"""

import argparse

import gymnasium as gym
import matplotlib
import numpy as np

matplotlib.use("Agg")

import matplotlib.pyplot as plt

from odc_gym.agents import make_scheduler


def main() -> None:
    """Play a day, or two hours of it, and save the picture."""
    parser = argparse.ArgumentParser(description="Plot a day of the fleet.")
    parser.add_argument("--quick", action="store_true", help="two hours instead of a day")
    parser.add_argument("--scheduler", default="sun-aware", help="name of the scheduler, sun-aware if not given")
    given = parser.parse_args()

    env = gym.make("odc_gym:ODCSat-v0", episode_hours=2 if given.quick else None)
    env.reset(seed=20_000)
    view = env.unwrapped.view
    scheduler = make_scheduler(given.scheduler, env)
    charge, clock, waiting, score, over = [], [], [], 0.0, False
    while not over:
        _, reward, _, over, _ = env.step(scheduler.act(view)[0])
        charge.append(view.observation["charge_frac"][0].copy())
        clock.append(view.observation["clock_granted"][0].copy())
        waiting.append(view.observation["waiting_work_s"][0] / 3600)
        score += float(reward)

    hours = len(charge) * view.decision_period_s / 3600
    figure, axes = plt.subplots(3, 1, figsize=(9, 5.6), sharex=True, layout="constrained")
    panels = (("charge [share]", charge, "viridis"), ("clock [share of full]", clock, "magma"))
    for panel, (name, values, colours) in zip(axes, panels, strict=False):
        extent = (0, hours, view.satellites - 0.5, -0.5)
        image = panel.imshow(np.array(values).T, aspect="auto", extent=extent, cmap=colours, interpolation="none")
        figure.colorbar(image, ax=panel, label=name)
        panel.set(ylabel="satellite", yticks=range(0, view.satellites, max(view.satellites // 4, 1)))
    axes[0].set_title(f"A day of {view.scenario.name} under {given.scheduler}: score {score:.1f}")
    axes[2].plot(np.linspace(0, hours, len(waiting)), np.array(waiting), label=view.class_names)
    axes[2].set(xlabel="time [h]", ylabel="waiting work\n[accelerator-h]", xlim=(0, hours))
    axes[2].legend(loc="upper left")
    figure.savefig("day.png", dpi=120)
    print(f"day.png: {hours:.0f} h under {given.scheduler}, score {score:.2f}")


if __name__ == "__main__":
    main()
